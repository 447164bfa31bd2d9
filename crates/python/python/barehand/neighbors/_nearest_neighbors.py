"""The nearest points, and those within a radius."""

from __future__ import annotations

from typing import Any

from barehand.base import Interval
from barehand.neighbors._base import KNeighborsMixin, NeighborsBase, RadiusNeighborsMixin


class NearestNeighbors(KNeighborsMixin, RadiusNeighborsMixin, NeighborsBase):
    """Finds the points that are nearest to others; of equally near ones the lower index comes first.

    Args:
        n_neighbors: how many `kneighbors` finds.
        radius: within which `radius_neighbors` looks.
        algorithm: ``"auto"``, ``"brute"``, ``"kd_tree"`` or ``"ball_tree"``; what they find is the same.
        leaf_size: how many points a leaf of a tree holds.
        metric: ``"minkowski"``, ``"euclidean"``, ``"manhattan"``, ``"chebyshev"``, ``"cosine"``, ``"precomputed"``, or a
            function of two points.
        p: the power of ``"minkowski"``.
        metric_params: more arguments of a function, or ``{"p": ...}``.
        n_jobs: on how many threads queries are answered; all of them by default.

    >>> model = NearestNeighbors(n_neighbors=2).fit([[0.0, 0.0], [0.0, 0.5], [1.0, 1.0]])
    >>> model.kneighbors([[1.0, 0.0]])
    (array([[1., 1.]]), array([[0, 2]]))
    """

    _parameter_constraints = {
        **NeighborsBase._parameter_constraints,
        "n_neighbors": [Interval(int, 1, None), None],
        "radius": [Interval(float, 0, None, closed="both"), None],
    }

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: Any = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> NearestNeighbors:
        self._fit(X)
        return self
