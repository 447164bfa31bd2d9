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
        metric: a name of ``VALID_METRICS[algorithm]`` (of ``VALID_METRICS_SPARSE`` for sparse rows, which are searched as they
            are), a function of two points, or an object with a method ``pairwise``, as scikit-learn's ``DistanceMetric``. With
            ``"precomputed"`` features are distances to the fitted points; what sparse rows do not store is no neighbour. With
            ``"nan_euclidean"`` NaN is what is missing.
        p: the power of ``"minkowski"``.
        metric_params: more arguments of a function; ``w`` (and ``p``) of ``"minkowski"``, ``V`` of ``"seuclidean"``, ``VI`` (or
            ``V``) of ``"mahalanobis"``.
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
