"""A tree as a picture, by matplotlib."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from barehand.tree._export_graphviz import export_graphviz
from barehand.tree._tree import TREE_LEAF
from barehand.validation import check_is_fitted

NODE = re.compile(r'^(\d+) \[label="(.*?)"(?:, fillcolor="(#\w+)")?\] ;$')


def layout(tree: Any, max_depth: int | None = None) -> dict[int, tuple[float, int]]:
    """Where nodes stand: leaves side by side, a parent above the middle of its children, down to ``max_depth + 1``.

    >>> from barehand.tree import DecisionTreeClassifier
    >>> layout(DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]).tree_)
    {1: (0.0, 1), 2: (1.0, 1), 0: (0.5, 0)}
    """
    places: dict[int, tuple[float, int]] = {}
    stack, leaves = [(0, 0, False)], 0
    while stack:
        node, depth, seen = stack.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == TREE_LEAF or (max_depth is not None and depth > max_depth):
            places[node] = (float(leaves), depth)
            leaves += 1
        elif seen:
            places[node] = ((places[left][0] + places[right][0]) / 2, depth)
        else:
            stack += [(node, depth, True), (right, depth + 1, False), (left, depth + 1, False)]
    return places


def plot_tree(
    decision_tree: Any,
    *,
    max_depth: int | None = None,
    feature_names: Any = None,
    class_names: Any = None,
    label: str = "all",
    filled: bool = False,
    impurity: bool = True,
    node_ids: bool = False,
    proportion: bool = False,
    rounded: bool = False,
    precision: int = 3,
    ax: Any = None,
    fontsize: int | None = None,
) -> list[Any]:
    """Draws a fitted tree on ``ax`` (matplotlib's current axes where there are none); returns the annotations.

    The options are those of `export_graphviz`; ``fontsize`` is by default as large as there is room for.
    """
    import matplotlib.pyplot as plt

    check_is_fitted(decision_tree)
    dot = export_graphviz(
        decision_tree,
        max_depth=max_depth,
        feature_names=feature_names,
        class_names=class_names,
        label=label,
        filled=filled,
        impurity=impurity,
        node_ids=node_ids,
        proportion=proportion,
        rounded=rounded,
        precision=precision,
    )
    nodes = {int(found[1]): found for line in str(dot).splitlines() if (found := NODE.match(line))}
    tree = decision_tree.tree_
    places = layout(tree, max_depth)
    widest, deepest = max(x for x, _ in places.values()) + 1, max(depth for _, depth in places.values()) + 1
    parent = {
        int(child): node
        for node in places
        for child in (tree.children_left[node], tree.children_right[node])
        if child in places
    }
    ax = plt.gca() if ax is None else ax
    ax.clear()
    ax.set_axis_off()

    def position(node: int) -> tuple[float, float]:
        x, depth = places[node]
        return (x + 0.5) / widest, 1 - (depth + 0.5) / deepest

    size = {} if fontsize is None else {"fontsize": fontsize}
    annotations = []
    for node in sorted(places, key=lambda node: places[node][1]):
        box = {"fc": nodes[node][3] or ax.get_facecolor(), "ec": plt.rcParams["text.color"]}
        if rounded:
            box["boxstyle"] = "round"
        text = nodes[node][2].replace("\\n", "\n").replace('\\"', '"')
        common = {"xycoords": "axes fraction", "ha": "center", "va": "center", "bbox": box, **size}
        depth = places[node][1]
        if node not in parent:
            annotations.append(ax.annotate(text, position(node), zorder=100, **common))
            continue
        above = position(parent[node])
        arrow = {"arrowstyle": "<-", "edgecolor": plt.rcParams["text.color"]}
        annotations.append(
            ax.annotate(text, above, position(node), arrowprops=arrow, zorder=100 - 10 * depth, **common)
        )
        if parent[node] == 0:
            left = node == tree.children_left[0]
            middle = np.mean([above, position(node)], axis=0)
            said, side = ("True  ", "right") if left else ("  False", "left")
            annotations.append(
                ax.annotate(said, tuple(middle), xycoords="axes fraction", ha=side, zorder=100 - 10 * depth, **size)
            )
    if fontsize is None:
        _fit(ax, annotations, widest, deepest)
    return annotations


def _fit(ax: Any, annotations: list[Any], widest: float, deepest: int) -> None:
    """Makes the text as large as neighbouring boxes leave room for."""
    renderer = ax.figure.canvas.get_renderer()
    boxes = []
    for annotation in annotations:
        annotation.update_bbox_position_size(renderer)
        if annotation.get_bbox_patch() is not None:
            boxes.append(annotation.get_bbox_patch().get_window_extent())
    extent = ax.get_window_extent()
    room = min(
        extent.width / widest / max(box.width for box in boxes),
        extent.height / deepest / max(box.height for box in boxes),
    )
    for annotation in annotations:
        annotation.set_fontsize(annotation.get_fontsize() * room)
