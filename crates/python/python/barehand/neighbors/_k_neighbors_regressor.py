"""The mean of the nearest."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import Interval, RegressorMixin
from barehand.neighbors._base import KNeighborsMixin, NeighborsBase


class KNeighborsRegressor(KNeighborsMixin, RegressorMixin, NeighborsBase):
    """Predicts the mean of the targets of a point's neighbours.

    Args:
        n_neighbors: how many have a say.
        weights: ``"uniform"``, ``"distance"`` (the inverse of the distance), or a function from distances to weights.
        algorithm: ``"auto"``, ``"brute"``, ``"kd_tree"`` or ``"ball_tree"``; what they find is the same.
        leaf_size: how many points a leaf of a tree holds.
        p: the power of ``"minkowski"``.
        metric: as of `NearestNeighbors`.
        metric_params: as of `NearestNeighbors`.
        n_jobs: on how many threads queries are answered; all of them by default.

    >>> model = KNeighborsRegressor(n_neighbors=2).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 0.0, 1.0, 1.0])
    >>> model.predict([[1.5]])
    array([0.5])
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

    def fit(self, X: Any, y: Any) -> KNeighborsRegressor:
        """``y`` is ``(n_samples,)`` or ``(n_samples, n_outputs)``."""
        self._y = self._fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The prediction for each row; without ``X``, for each fitted point by the others."""
        indices, weights = self._neighbors_and_weights(X)
        means = _learn.neighbor_means(np.ascontiguousarray(self._y, dtype=np.float64), indices, weights, None)
        return means.ravel() if self._y.ndim == 1 else means
