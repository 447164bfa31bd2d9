"""The class of most of the nearest."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import ClassifierMixin, Interval
from barehand.neighbors._base import KNeighborsMixin, NeighborsBase, check_some_weight
from barehand.neighbors._targets import keep_classes, outputs_of


class KNeighborsClassifier(KNeighborsMixin, ClassifierMixin, NeighborsBase):
    """Says that a point is of the class of most of its neighbours; of equally many, of the smallest class.

    Args:
        n_neighbors: how many have a say.
        weights: ``"uniform"``, ``"distance"`` (the inverse of the distance), or a function from distances to weights.
        algorithm: ``"auto"``, ``"brute"``, ``"kd_tree"`` or ``"ball_tree"``; what they find is the same.
        leaf_size: how many points a leaf of a tree holds.
        p: the power of ``"minkowski"``.
        metric: as of `NearestNeighbors`.
        metric_params: as of `NearestNeighbors`.
        n_jobs: on how many threads queries are answered; all of them by default.

    >>> model = KNeighborsClassifier(n_neighbors=3).fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> print(model.predict([[1.1]]))
    ['a']
    """

    _parameter_constraints = {
        **NeighborsBase._parameter_constraints,
        "n_neighbors": [Interval(int, 1, None), None],
        "weights": [{"uniform", "distance"}, callable, None],
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Any = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: Any = "minkowski",
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> KNeighborsClassifier:
        """``y`` is ``(n_samples,)`` or ``(n_samples, n_outputs)``."""
        keep_classes(self, self._fit(X, y))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row; without ``X``, of each fitted point by the others."""
        shares = self._shares(X)
        outputs = outputs_of(self)
        found = [classes[np.argmax(share, axis=1)] for share, (classes, _) in zip(shares, outputs, strict=True)]
        return np.stack(found, axis=1) if self.outputs_2d_ else found[0]

    def predict_proba(self, X: Any) -> Any:
        """The share of each class, ``(n_queries, n_classes)``; a list of them for several outputs."""
        shares = self._shares(X)
        return shares if self.outputs_2d_ else shares[0]

    def _shares(self, X: Any) -> list[np.ndarray]:
        indices, weights = self._neighbors_and_weights(X)
        check_some_weight(weights)
        return [
            _learn.neighbor_votes(codes, len(classes), indices, weights, None) for classes, codes in outputs_of(self)
        ]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
