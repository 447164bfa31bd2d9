"""A tree that predicts numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import RegressorMixin
from barehand.tree._base import GROWING, BaseDecisionTree


def check_criterion(criterion: Any) -> Any:
    """The criterion under the name that remains."""
    if isinstance(criterion, str) and criterion == "friedman_mse":
        warnings.warn(
            'Value `"friedman_mse"` for `criterion` is deprecated and will be removed in 1.11. It maps to '
            '`"squared_error"` as both were always equivalent. Use `criterion="squared_error"` to remove this warning.',
            FutureWarning,
            stacklevel=3,
        )
        return "squared_error"
    return criterion


class DecisionTreeRegressor(RegressorMixin, BaseDecisionTree):
    """A decision tree for numbers.

    A node is cut where the error that is left is least; a leaf predicts the mean of its targets (their median, for the
    absolute error). Features may be missing (NaN).

    Args:
        criterion: ``"squared_error"``, ``"absolute_error"`` or ``"poisson"``.
        splitter: ``"best"``: every cut; ``"random"``: one random cut of each feature; ``"hist"``: cuts between 255 bins.
        max_depth: the depth at which nodes are leaves.
        min_samples_split: samples of a node that is cut, or their share of all.
        min_samples_leaf: samples of a leaf, or their share of all.
        min_weight_fraction_leaf: share of all weight in a leaf.
        max_features: how many features a node looks at; a share, ``"sqrt"``, ``"log2"``, or None for all.
        random_state: where the order of the features comes from.
        max_leaf_nodes: grows the best nodes first, until there are so many leaves.
        min_impurity_decrease: by how much a cut must lower the impurity.
        ccp_alpha: price of a leaf in the pruning that follows.
        monotonic_cst: for each feature whether predictions go up (1) or down (-1) with it, or 0.
        categorical_features: numbers (or a mask) of features whose values are codes of categories, from 0 to 255.

    >>> model = DecisionTreeRegressor(max_depth=1).fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 1.0, 4.0, 6.0])
    >>> model.predict([[0.0], [3.0]])
    array([1., 5.])
    """

    _parameter_constraints = {
        **GROWING,
        "criterion": [{"squared_error", "absolute_error", "poisson"}],
        "splitter": [{"best", "random", "hist"}],
    }

    def __init__(
        self,
        *,
        criterion: str = "squared_error",
        splitter: str = "best",
        max_depth: int | None = None,
        min_samples_split: float = 2,
        min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None,
        random_state: Any = None,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        ccp_alpha: float = 0.0,
        monotonic_cst: Any = None,
        categorical_features: Any = None,
    ) -> None:
        self.criterion = check_criterion(criterion)
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst
        self.categorical_features = categorical_features

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> DecisionTreeRegressor:
        X, y, weight = self._check_fit(X, y, sample_weight, check_input)
        y = np.ascontiguousarray(y, dtype=np.float64)
        self._engine = _learn.decision_tree_regressor(X, y, weight, self._growing(None))
        return self

    def predict(self, X: Any, check_input: bool = True) -> np.ndarray:
        X = self._check_predict(X, check_input)
        return _learn.tree_predict(self._engine, X)

    def _compute_partial_dependence_recursion(self, grid: Any, target_features: Any) -> np.ndarray:
        grid = np.asarray(grid, dtype=np.float32, order="C")
        return _learn.tree_partial_dependence(self._engine, grid, [int(j) for j in target_features])
