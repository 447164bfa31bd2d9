"""A tree of random cuts."""

from __future__ import annotations

from barehand._other_defaults import other_defaults
from barehand.tree._decision_tree_classifier import DecisionTreeClassifier


class ExtraTreeClassifier(DecisionTreeClassifier):
    """An extremely randomised tree (Geurts, Ernst and Wehenkel, 2006): the best of one random cut of each feature.

    Its parameters are those of `DecisionTreeClassifier`; with its own defaults it is of use in a forest of them only.

    >>> model = ExtraTreeClassifier(random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.score([[0.0], [3.0]], [0, 1])
    1.0
    """

    __init__ = other_defaults(DecisionTreeClassifier.__init__, splitter="random", max_features="sqrt")
