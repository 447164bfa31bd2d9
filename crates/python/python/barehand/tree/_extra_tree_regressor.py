"""A tree of random cuts."""

from __future__ import annotations

from typing import Any

from barehand.tree._decision_tree_regressor import DecisionTreeRegressor


class ExtraTreeRegressor(DecisionTreeRegressor):
    """An extremely randomised tree (Geurts, Ernst and Wehenkel, 2006): the best of one random cut of each feature.

    Its parameters are those of `DecisionTreeRegressor`; with its own defaults it is of use in a forest of them only.

    >>> model = ExtraTreeRegressor(random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.score([[0.0], [3.0]], [0, 1])
    1.0
    """

    def __init__(
        self,
        *,
        criterion: str = "squared_error",
        splitter: str = "random",
        max_depth: int | None = None,
        min_samples_split: float = 2,
        min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = 1.0,
        random_state: Any = None,
        min_impurity_decrease: float = 0.0,
        max_leaf_nodes: int | None = None,
        ccp_alpha: float = 0.0,
        monotonic_cst: Any = None,
        categorical_features: Any = None,
    ) -> None:
        super().__init__(
            criterion=criterion,
            splitter=splitter,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            random_state=random_state,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            ccp_alpha=ccp_alpha,
            monotonic_cst=monotonic_cst,
            categorical_features=categorical_features,
        )
