"""Extra trees that predict numbers."""

from __future__ import annotations

from typing import Any

from barehand.ensemble._forest import PLANTING, ForestRegressor
from barehand.tree._decision_tree_regressor import check_criterion
from barehand.tree._extra_tree_regressor import ExtraTreeRegressor


class ExtraTreesRegressor(ForestRegressor):
    """Extra trees for numbers: every tree sees every sample, and cuts features at random.

    The same ``random_state`` gives scikit-learn's forest, on any number of threads.

    Args:
        n_estimators: how many trees.
        criterion: ``"squared_error"``, ``"absolute_error"`` or ``"poisson"``.
        max_depth: the depth at which nodes are leaves.
        min_samples_split: samples of a node that is cut, or their share of all.
        min_samples_leaf: samples of a leaf, or their share of all.
        min_weight_fraction_leaf: share of all weight in a leaf.
        max_features: how many features a node looks at; a share, ``"sqrt"``, ``"log2"``, or None for all.
        max_leaf_nodes: grows the best nodes first, until there are so many leaves.
        min_impurity_decrease: by how much a cut must lower the impurity.
        bootstrap: whether each tree grows on samples drawn with replacement.
        oob_score: whether to score what trees say of samples that they did not see; or a function of targets and predictions.
        n_jobs: threads; None for as many as barehand uses, -1 for one on each processor.
        random_state: where the random numbers begin.
        verbose: whether to say how long growing took.
        warm_start: whether `fit` keeps the trees that are there and adds to them.
        ccp_alpha: price of a leaf in the pruning that follows.
        max_samples: how many samples are drawn for a tree, or their share.
        monotonic_cst: for each feature whether predictions go up (1) or down (-1) with it, or 0.

    >>> model = ExtraTreesRegressor(20, random_state=0).fit([[0.0], [1.0], [4.0], [5.0]], [1.0, 1.0, 3.0, 3.0])
    >>> bool(model.predict([[0.0]])[0] < model.predict([[5.0]])[0])
    True
    """

    _tree_type = ExtraTreeRegressor
    _parameter_constraints = {
        **PLANTING,
        "criterion": [{"squared_error", "absolute_error", "poisson"}],
    }

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        criterion: str = "squared_error",
        max_depth: int | None = None,
        min_samples_split: float = 2,
        min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = 1.0,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        bootstrap: bool = False,
        oob_score: Any = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        warm_start: bool = False,
        ccp_alpha: float = 0.0,
        max_samples: Any = None,
        monotonic_cst: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.criterion = check_criterion(criterion)
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.bootstrap = bootstrap
        self.oob_score = oob_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.ccp_alpha = ccp_alpha
        self.max_samples = max_samples
        self.monotonic_cst = monotonic_cst
