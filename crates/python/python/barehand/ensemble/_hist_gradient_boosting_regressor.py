"""Gradient boosting of values, on histograms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import Interval, RegressorMixin
from barehand.ensemble._hist_gradient_boosting import BaseHistGradientBoosting


class HistGradientBoostingRegressor(RegressorMixin, BaseHistGradientBoosting):
    """Predicts values by a sum of trees, each of which corrects those before it; missing values and categories are taken.

    Args:
        loss: ``"squared_error"``, ``"absolute_error"``, ``"poisson"``, ``"gamma"`` or ``"quantile"``.
        quantile: which one, for ``"quantile"``.
        learning_rate: what each tree's leaves are multiplied by.
        max_iter: how many rounds.
        max_leaf_nodes: the most leaves of a tree.
        max_depth: the most edges from the root to a leaf.
        min_samples_leaf: the fewest samples of a leaf.
        l2_regularization: what is added to the hessians in a leaf's value.
        max_features: the share of features among which each split is chosen.
        max_bins: the most bins of a feature, beside the one for missing values.
        categorical_features: a mask, indices or names of columns of categories; ``"from_dtype"``: those of that type in a
            data frame.
        monotonic_cst: for each feature 1 (the prediction may only rise with it), -1 (only fall) or 0; or a dict by name.
        interaction_cst: sets of features that may stand in one branch, ``"pairwise"`` or ``"no_interactions"``.
        warm_start: whether ``fit`` goes on from the trees of the last one.
        early_stopping: whether to stop when nothing gets better; ``"auto"``: with more than 10,000 samples.
        scoring: what judges a round: ``"loss"``, a scorer or its name, None for the estimator's own score.
        validation_fraction: the share (or number) of samples that are set aside for it; None judges by training samples.
        n_iter_no_change: how many rounds nothing may get better.
        tol: what counts as better.
        verbose: 1 for a summary, 2 for a line a round.
        random_state: seed of the samples set aside and of the features drawn.

    >>> X = [[0.0], [1.0], [2.0], [float("nan")]]
    >>> model = HistGradientBoostingRegressor(min_samples_leaf=1).fit(X, [1.0, 1.0, 5.0, 7.0])
    >>> model.predict(X).round(3)
    array([1., 1., 5., 7.])
    """

    _parameter_constraints = {
        **BaseHistGradientBoosting._parameter_constraints,
        "loss": [{"squared_error", "absolute_error", "poisson", "gamma", "quantile"}],
        "quantile": [Interval(float, 0, 1, closed="both"), None],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        quantile: float | None = None,
        learning_rate: float = 0.1,
        max_iter: int = 100,
        max_leaf_nodes: int | None = 31,
        max_depth: int | None = None,
        min_samples_leaf: int = 20,
        l2_regularization: float = 0.0,
        max_features: float = 1.0,
        max_bins: int = 255,
        categorical_features: Any = "from_dtype",
        monotonic_cst: Any = None,
        interaction_cst: Any = None,
        warm_start: bool = False,
        early_stopping: str | bool = "auto",
        scoring: Any = "loss",
        validation_fraction: float | int | None = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-7,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.loss = loss
        self.quantile = quantile
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state

    def predict(self, X: Any) -> np.ndarray:
        return self._predictions(self._raw_predict(X))

    def staged_predict(self, X: Any) -> Iterator[np.ndarray]:
        """What is predicted after each round."""
        for raw in self._staged_raw_predict(X):
            yield self._predictions(raw)

    def _predictions(self, raw: np.ndarray) -> np.ndarray:
        return _learn.boosted_values(self._engine, raw)

    def _targets(self, y: np.ndarray, *, reset: bool) -> np.ndarray:
        self.n_trees_per_iteration_ = 1
        y = y.astype(np.float64, copy=False)
        if self.loss == "gamma" and not np.all(y > 0):
            raise ValueError("loss='gamma' requires strictly positive y.")
        if self.loss == "poisson" and not (np.all(y >= 0) and np.sum(y) > 0):
            raise ValueError("loss='poisson' requires non-negative y and sum(y) > 0.")
        return y

    def _weights(self, sample_weight: np.ndarray | None, y: np.ndarray) -> np.ndarray | None:
        return sample_weight

    def _labels(self, y: np.ndarray) -> np.ndarray:
        return y

    def _loss_options(self) -> dict[str, Any]:
        return {"loss": self.loss, "quantile": self.quantile, "classes": None}
