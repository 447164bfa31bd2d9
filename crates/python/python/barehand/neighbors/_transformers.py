"""Graphs of neighbours as steps of a pipeline."""

from __future__ import annotations

from typing import Any

from barehand.base import ClassNamePrefixFeaturesOutMixin, Interval, TransformerMixin
from barehand.neighbors._base import KNeighborsMixin, NeighborsBase, RadiusNeighborsMixin
from barehand.validation import check_is_fitted


class _GraphTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeighborsBase):
    """Fits on points, and gives the graph that leads from others to them."""

    _parameter_constraints = {**NeighborsBase._parameter_constraints, "mode": [{"distance", "connectivity"}]}

    def fit(self, X: Any, y: Any = None) -> Any:
        """``X`` are points ``(n_samples, n_features)``; ``y`` is not looked at."""
        self._fit(X)
        self._n_features_out = self.n_samples_fit_
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """The graph among the points themselves, each its own first neighbour."""
        return self.fit(X).transform(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags


class KNeighborsTransformer(KNeighborsMixin, _GraphTransformer):
    """Makes of points the sparse matrix of the distances to their nearest fitted points, for estimators that take
    ``metric="precomputed"``.

    Args:
        mode: ``"distance"``, of one neighbour more than asked for, since each point is its own; or ``"connectivity"``.
        n_neighbors: how many.
        algorithm: ``"auto"``, ``"brute"``, ``"kd_tree"`` or ``"ball_tree"``; what they find is the same.
        leaf_size: how many points a leaf of a tree holds.
        metric: as of `NearestNeighbors`.
        p: the power of ``"minkowski"``.
        metric_params: as of `NearestNeighbors`.
        n_jobs: on how many threads queries are answered; all of them by default.

    >>> KNeighborsTransformer(n_neighbors=1).fit_transform([[0.0], [3.0], [1.0]]).toarray()
    array([[0., 0., 1.],
           [0., 0., 2.],
           [1., 0., 0.]])
    """

    _parameter_constraints = {
        **_GraphTransformer._parameter_constraints,
        "n_neighbors": [Interval(int, 1, None), None],
    }

    def __init__(
        self,
        *,
        mode: str = "distance",
        n_neighbors: int = 5,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: Any = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def transform(self, X: Any) -> Any:
        """The neighbours of each query among the fitted points, ``(n_queries, n_samples_fit)``."""
        check_is_fitted(self)
        return self.kneighbors_graph(X, self.n_neighbors + (self.mode == "distance"), mode=self.mode)


class RadiusNeighborsTransformer(RadiusNeighborsMixin, _GraphTransformer):
    """Makes of points the sparse matrix of the distances to all fitted points within a radius, for estimators that take
    ``metric="precomputed"``.

    Args:
        mode: ``"distance"`` or ``"connectivity"``.
        radius: how far neighbours may be away.
        algorithm: ``"auto"``, ``"brute"``, ``"kd_tree"`` or ``"ball_tree"``; what they find is the same.
        leaf_size: how many points a leaf of a tree holds.
        metric: as of `NearestNeighbors`.
        p: the power of ``"minkowski"``.
        metric_params: as of `NearestNeighbors`.
        n_jobs: on how many threads queries are answered; all of them by default.

    >>> RadiusNeighborsTransformer(radius=1.5).fit_transform([[0.0], [3.0], [1.0]]).toarray()
    array([[0., 0., 1.],
           [0., 0., 0.],
           [1., 0., 0.]])
    """

    _parameter_constraints = {
        **_GraphTransformer._parameter_constraints,
        "radius": [Interval(float, 0, None, closed="both"), None],
    }

    def __init__(
        self,
        *,
        mode: str = "distance",
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: Any = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.mode = mode
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def transform(self, X: Any) -> Any:
        """The neighbours of each query among the fitted points, nearest first, ``(n_queries, n_samples_fit)``."""
        check_is_fitted(self)
        return self.radius_neighbors_graph(X, self.radius, mode=self.mode, sort_results=True)
