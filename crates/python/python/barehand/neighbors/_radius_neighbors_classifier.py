"""The class of most of those within a radius."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import ClassifierMixin, Interval
from barehand.neighbors._base import NeighborsBase, RadiusNeighborsMixin
from barehand.neighbors._targets import keep_classes, outputs_of


class RadiusNeighborsClassifier(RadiusNeighborsMixin, ClassifierMixin, NeighborsBase):
    """Says that a point is of the class of most of the points within a radius.

    Args:
        radius: how far neighbours may be away.
        weights: ``"uniform"``, ``"distance"`` (the inverse of the distance), or a function from distances to weights.
        algorithm: ``"auto"``, ``"brute"``, ``"kd_tree"`` or ``"ball_tree"``; what they find is the same.
        leaf_size: how many points a leaf of a tree holds.
        p: the power of ``"minkowski"``.
        metric: as of `NearestNeighbors`.
        outlier_label: the class of points without neighbours (a list of them for several outputs), ``"most_frequent"``,
            or None: an error.
        metric_params: as of `NearestNeighbors`.
        n_jobs: on how many threads queries are answered; all of them by default.

    >>> model = RadiusNeighborsClassifier(radius=1.0).fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> print(model.predict([[0.5]]))
    ['a']
    """

    _parameter_constraints = {
        **NeighborsBase._parameter_constraints,
        "radius": [Interval(float, 0, None, closed="both"), None],
        "weights": [{"uniform", "distance"}, callable, None],
        "outlier_label": [int, str, list, tuple, np.ndarray, None],
    }

    def __init__(
        self,
        radius: float = 1.0,
        *,
        weights: Any = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: Any = "minkowski",
        outlier_label: Any = None,
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.outlier_label = outlier_label
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> RadiusNeighborsClassifier:
        """``y`` is ``(n_samples,)`` or ``(n_samples, n_outputs)``."""
        keep_classes(self, self._fit(X, y))
        outputs = outputs_of(self)
        if self.outlier_label is None:
            labels = None
        elif isinstance(self.outlier_label, str) and self.outlier_label == "most_frequent":
            labels = [classes[np.bincount(codes).argmax()] for classes, codes in outputs]
        elif isinstance(self.outlier_label, (list, tuple, np.ndarray)):
            if len(self.outlier_label) != len(outputs):
                raise ValueError(
                    f"The length of outlier_label: {self.outlier_label} is inconsistent with the output length: "
                    f"{len(outputs)}"
                )
            labels = list(self.outlier_label)
        else:
            labels = [self.outlier_label] * len(outputs)
        for label, (classes, _) in zip(labels or (), outputs, strict=False):
            if np.ndim(label) or isinstance(label, str) != (classes.dtype.kind in "UO"):
                raise TypeError(
                    f"The outlier_label of classes {classes} is inconsistent with y: {label!r} is of another type."
                )
        self.outlier_label_ = labels if labels is None or self.outputs_2d_ else labels[:1]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row; without ``X``, of each fitted point by the others."""
        shares, outliers = self._shares(X)
        found = []
        for output, (share, (classes, _)) in enumerate(zip(shares, outputs_of(self), strict=True)):
            labels = classes[np.argmax(share, axis=1)]
            if outliers.any():
                label = self.outlier_label_[output]
                labels = labels.astype(np.result_type(labels, np.asarray(label))) if labels.dtype != object else labels
                labels[outliers] = label
            found.append(labels)
        return np.stack(found, axis=1) if self.outputs_2d_ else found[0]

    def predict_proba(self, X: Any) -> Any:
        """The share of each class, ``(n_queries, n_classes)``; a list of them for several outputs."""
        shares, _ = self._shares(X)
        return shares if self.outputs_2d_ else shares[0]

    def _shares(self, X: Any) -> tuple[list[np.ndarray], np.ndarray]:
        """For each output the shares of its classes, and which queries have no neighbours."""
        indices, weights, counts = self._near_and_weights(X)
        outliers = np.array(counts, dtype=np.int64) == 0
        if outliers.any() and self.outlier_label_ is None:
            raise ValueError(
                f"No neighbors found for test samples {np.flatnonzero(outliers)}, you can try using larger radius, giving a "
                "label for outliers, or considering removing them from your dataset."
            )
        outputs = outputs_of(self)
        shares = [_learn.neighbor_votes(codes, len(classes), indices, weights, counts) for classes, codes in outputs]
        for output, (share, (classes, _)) in enumerate(zip(shares, outputs, strict=True)):
            if not outliers.any():
                break
            place = np.flatnonzero(classes == self.outlier_label_[output])
            if len(place) == 1:
                share[outliers, place[0]] = 1.0
            else:
                warnings.warn(
                    f"Outlier label {self.outlier_label_[output]} is not in training classes. All class probabilities of "
                    "outliers will be assigned with 0.",
                    stacklevel=3,
                )
        return shares, outliers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
