"""The mean of those within a radius."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import Interval, RegressorMixin
from barehand.neighbors._base import NeighborsBase, RadiusNeighborsMixin


class RadiusNeighborsRegressor(RadiusNeighborsMixin, RegressorMixin, NeighborsBase):
    """Predicts the mean of the targets of all points within a radius; NaN where there are none.

    Args:
        radius: how far neighbours may be away.
        weights: ``"uniform"``, ``"distance"`` (the inverse of the distance), or a function from distances to weights.
        algorithm: ``"auto"``, ``"brute"``, ``"kd_tree"`` or ``"ball_tree"``; what they find is the same.
        leaf_size: how many points a leaf of a tree holds.
        p: the power of ``"minkowski"``.
        metric: as of `NearestNeighbors`.
        metric_params: as of `NearestNeighbors`.
        n_jobs: on how many threads queries are answered; all of them by default.

    >>> model = RadiusNeighborsRegressor(radius=1.0).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 0.0, 1.0, 1.0])
    >>> model.predict([[1.5]])
    array([0.5])
    """

    _parameter_constraints = {
        **NeighborsBase._parameter_constraints,
        "radius": [Interval(float, 0, None, closed="both"), None],
        "weights": [{"uniform", "distance"}, callable, None],
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
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> RadiusNeighborsRegressor:
        """``y`` is ``(n_samples,)`` or ``(n_samples, n_outputs)``."""
        self._y = self._fit(X, y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The prediction for each row; without ``X``, for each fitted point by the others."""
        near = self._near_and_weights(X)
        values = np.ascontiguousarray(self._y, dtype=np.float64)
        means = _learn.neighbor_means(values, *near)
        if np.isnan(means).any():
            warnings.warn(
                "One or more samples have no neighbors within specified radius; predicting NaN.", stacklevel=2
            )
        return means.ravel() if values.ndim == 1 else means
