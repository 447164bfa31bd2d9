"""A tree as a drawing, in Graphviz's DOT language."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._param_validation import check_parameters
from barehand.base import Interval
from barehand.tree._export_text import NAMES
from barehand.validation import check_is_fitted


def export_graphviz(
    decision_tree: Any,
    out_file: Any = None,
    *,
    max_depth: int | None = None,
    feature_names: Any = None,
    class_names: Any = None,
    label: str = "all",
    filled: bool = False,
    leaves_parallel: bool = False,
    impurity: bool = True,
    node_ids: bool = False,
    proportion: bool = False,
    rotate: bool = False,
    rounded: bool = False,
    special_characters: bool = False,
    precision: int = 3,
    fontname: str = "helvetica",
) -> str | None:
    """The tree in DOT, which ``dot -Tsvg`` draws; written to ``out_file`` (a name or a stream) where there is one.

    Args:
        decision_tree: a fitted tree.
        out_file: where to write; None returns the text.
        max_depth: nodes below are drawn as ``(...)``.
        feature_names: names of the features; ``x[0]``, ... where there are none.
        class_names: names of the classes, or True for ``y[0]``, ...
        label: where numbers have their names beside them: ``"all"`` nodes, the ``"root"``, or ``"none"``.
        filled: colours nodes by their largest class, or their value.
        leaves_parallel: draws all leaves at the bottom.
        impurity: shows the impurity.
        node_ids: shows the number of each node.
        proportion: shows shares in place of counts.
        rotate: draws from left to right.
        rounded: rounds the corners.
        special_characters: uses special characters, as HTML.
        precision: digits after the point.
        fontname: name of the font.

    >>> from barehand.tree import DecisionTreeClassifier
    >>> model = DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1])
    >>> print(export_graphviz(model).splitlines()[3])
    0 [label="x[0] <= 0.5\\ngini = 0.5\\nsamples = 2\\nvalue = [1, 1]"] ;
    """
    check_parameters(
        {
            "max_depth": [Interval(int, 0, None), None],
            "feature_names": NAMES,
            "class_names": [*NAMES, bool],
            "label": [{"all", "root", "none"}],
            "filled": [bool],
            "leaves_parallel": [bool],
            "impurity": [bool],
            "node_ids": [bool],
            "proportion": [bool],
            "rotate": [bool],
            "rounded": [bool],
            "special_characters": [bool],
            "precision": [Interval(int, 0, None)],
            "fontname": [str],
        },
        locals(),
        "export_graphviz",
    )
    if feature_names is not None:
        if any(not isinstance(name, str) for name in feature_names):
            raise ValueError("All feature names must be strings.")
        feature_names = _flat(feature_names)
    if class_names is not None and not isinstance(class_names, (bool, np.bool_)):
        class_names = _flat(class_names)
    check_is_fitted(decision_tree)
    n_features = decision_tree.n_features_in_
    if feature_names is not None and len(feature_names) != n_features:
        raise ValueError(
            f"Length of feature_names, {len(feature_names)} does not match number of features, {n_features}"
        )
    n_classes = np.atleast_1d(getattr(decision_tree, "n_classes_", 1))
    if isinstance(class_names, np.ndarray) and len(n_classes) == 1 and len(class_names) < n_classes[0]:
        raise IndexError(f"class_names has {len(class_names)} names for {n_classes[0]} classes")
    symbolic = isinstance(class_names, (bool, np.bool_))
    dot = _learn.tree_export_graphviz(
        decision_tree._engine,
        {
            "criterion": getattr(decision_tree, "criterion", "impurity"),
            "max_depth": max_depth,
            "feature_names": [] if feature_names is None else list(feature_names),
            "class_names": [] if class_names is None or symbolic else [str(name) for name in class_names],
            "symbolic_class_names": bool(class_names) if symbolic else False,
            "label": label,
            "filled": filled,
            "leaves_parallel": leaves_parallel,
            "impurity": impurity,
            "node_ids": node_ids,
            "proportion": proportion,
            "rotate": rotate,
            "rounded": rounded,
            "special_characters": special_characters,
            "precision": precision,
            "fontname": fontname,
        },
    )
    if out_file is None:
        return dot
    if isinstance(out_file, str):
        with open(out_file, "w", encoding="utf-8") as file:
            file.write(dot)
    else:
        out_file.write(dot)
    return None


def _flat(names: Any) -> np.ndarray:
    names = np.asarray(names)
    if names.ndim != 1:
        raise ValueError(f"Names should be a 1-dimensional array, got {names.ndim} dimensions.")
    return names
