"""A tree's rules as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._param_validation import check_parameters
from barehand.base import Interval
from barehand.tree._decision_tree_classifier import DecisionTreeClassifier
from barehand.tree._decision_tree_regressor import DecisionTreeRegressor
from barehand.validation import check_is_fitted

NAMES = [list, tuple, np.ndarray, None]


def export_text(
    decision_tree: Any,
    *,
    feature_names: Any = None,
    class_names: Any = None,
    max_depth: int = 10,
    spacing: int = 3,
    decimals: int = 2,
    show_weights: bool = False,
) -> str:
    """The rules of a tree, a line for each branch.

    Args:
        decision_tree: a fitted tree.
        feature_names: names of the features; ``feature_0``, ... where there are none.
        class_names: names of the classes; ``classes_`` where there are none.
        max_depth: deeper branches are cut off.
        spacing: spaces between edges.
        decimals: digits after the point.
        show_weights: whether leaves show the weight of each class.

    >>> model = DecisionTreeClassifier().fit([[0.0], [1.0], [2.0]], ["no", "no", "yes"])
    >>> print(export_text(model, feature_names=["width"]), end="")
    |--- width <= 1.50
    |   |--- class: no
    |--- width >  1.50
    |   |--- class: yes
    """
    check_parameters(
        {
            "decision_tree": [DecisionTreeClassifier, DecisionTreeRegressor],
            "feature_names": NAMES,
            "class_names": NAMES,
            "max_depth": [Interval(int, 0, None), None],
            "spacing": [Interval(int, 1, None), None],
            "decimals": [Interval(int, 0, None), None],
            "show_weights": [bool],
        },
        locals(),
        "export_text",
    )
    check_is_fitted(decision_tree)
    names: list[str] = []
    if hasattr(decision_tree, "classes_") and decision_tree.n_outputs_ == 1:
        classes = decision_tree.classes_
        if class_names is None:
            class_names = classes
        elif len(class_names) != len(classes):
            raise ValueError(
                "When `class_names` is an array, it should contain as many items as `decision_tree.classes_`. Got "
                f"{len(class_names)} while the tree was fitted with {len(classes)} classes."
            )
        names = [str(name) for name in class_names]
    n_features = decision_tree.n_features_in_
    if feature_names is not None and len(feature_names) != n_features:
        raise ValueError(f"feature_names must contain {n_features} elements, got {len(feature_names)}")
    features = [] if feature_names is None else [str(name) for name in feature_names]
    return _learn.tree_export_text(decision_tree._engine, features, names, max_depth, spacing, decimals, show_weights)
