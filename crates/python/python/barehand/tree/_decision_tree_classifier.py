"""A tree that tells classes apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import ClassifierMixin
from barehand.tree._base import GROWING, BaseDecisionTree, log
from barehand.tree._class_weight import expand_class_weight
from barehand.validation import encode_classes


def encode_outputs(y: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The classes of each output, and the codes ``(N, outputs)``."""
    classes, codes = [], np.empty(y.shape, dtype=np.int64)
    for k in range(y.shape[1]):
        own, codes[:, k] = encode_classes(y[:, k])
        classes.append(own)
    return classes, codes


def decode(classes: Any, codes: np.ndarray) -> np.ndarray:
    """The classes that codes ``(N)`` or ``(N, outputs)`` stand for."""
    if codes.ndim == 1:
        return classes.take(codes, axis=0)
    return np.stack([own.take(codes[:, k]) for k, own in enumerate(classes)], axis=1).astype(classes[0].dtype)


def by_output(values: np.ndarray, n_classes: Any) -> Any:
    """Probabilities ``(N, classes)``, or a list of them for several outputs."""
    if values.ndim == 2:
        return values
    return [np.ascontiguousarray(values[:, k, :count]) for k, count in enumerate(n_classes)]


class DecisionTreeClassifier(ClassifierMixin, BaseDecisionTree):
    """A decision tree for classes.

    A node is cut where the weighted impurity of its two sides is least; a leaf predicts the shares of the classes in it.
    Features may be missing (NaN). The same ``random_state`` gives scikit-learn's tree.

    Args:
        criterion: ``"gini"``, or ``"entropy"`` (``"log_loss"``).
        splitter: ``"best"``: every cut; ``"random"``: one random cut of each feature; ``"hist"``: cuts between 255 bins.
        max_depth: the depth at which nodes are leaves.
        min_samples_split: samples of a node that is cut, or their share of all.
        min_samples_leaf: samples of a leaf, or their share of all.
        min_weight_fraction_leaf: share of all weight in a leaf.
        max_features: how many features a node looks at; a share, ``"sqrt"``, ``"log2"``, or None for all.
        random_state: where the order of the features comes from.
        max_leaf_nodes: grows the best nodes first, until there are so many leaves.
        min_impurity_decrease: by how much a cut must lower the impurity.
        class_weight: weights of classes: a dict (a list of them for several outputs), or ``"balanced"``.
        ccp_alpha: price of a leaf in the pruning that follows.
        monotonic_cst: for each feature whether the second class's probability goes up (1) or down (-1) with it, or 0.
        categorical_features: numbers (or a mask) of features whose values are codes of categories, from 0 to 255.

    >>> model = DecisionTreeClassifier(max_depth=2).fit([[0.0], [1.0], [2.0]], ["no", "no", "yes"])
    >>> print(model.predict([[1.4], [1.6]]), model.predict_proba([[1.6]]))
    ['no' 'yes'] [[0. 1.]]
    """

    _parameter_constraints = {
        **GROWING,
        "criterion": [{"gini", "entropy", "log_loss"}],
        "splitter": [{"best", "random", "hist"}],
        "class_weight": [dict, list, {"balanced"}, None],
    }

    def __init__(
        self,
        *,
        criterion: str = "gini",
        splitter: str = "best",
        max_depth: int | None = None,
        min_samples_split: float = 2,
        min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None,
        random_state: Any = None,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        class_weight: Any = None,
        ccp_alpha: float = 0.0,
        monotonic_cst: Any = None,
        categorical_features: Any = None,
    ) -> None:
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst
        self.categorical_features = categorical_features

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> DecisionTreeClassifier:
        X, y, weight = self._check_fit(X, y, sample_weight, check_input)
        classes, codes = encode_outputs(y)
        if self.class_weight is not None:
            expanded = expand_class_weight(self.class_weight, classes, codes)
            weight = expanded if weight is None else weight * expanded
        n_classes = [len(own) for own in classes]
        self._engine = _learn.decision_tree_classifier(X, codes, weight, self._growing(n_classes))
        several = self.n_outputs_ > 1
        self.classes_ = classes if several else classes[0]
        self.n_classes_ = np.array(n_classes, dtype=np.intp) if several else np.intp(n_classes[0])
        return self

    def predict(self, X: Any, check_input: bool = True) -> np.ndarray:
        X = self._check_predict(X, check_input)
        return decode(self.classes_, _learn.tree_predict(self._engine, X))

    def predict_proba(self, X: Any, check_input: bool = True) -> Any:
        X = self._check_predict(X, check_input)
        return by_output(_learn.tree_values(self._engine, X), self.n_classes_)

    def predict_log_proba(self, X: Any) -> Any:
        return log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
