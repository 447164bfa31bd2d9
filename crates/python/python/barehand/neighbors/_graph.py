"""Graphs of neighbours: sparse matrices of their distances."""

from __future__ import annotations

from typing import Any

from barehand._param_validation import check_parameters
from barehand.base import Interval
from barehand.neighbors._base import KNeighborsMixin, NeighborsBase, RadiusNeighborsMixin
from barehand.neighbors._nearest_neighbors import NearestNeighbors

_COMMON = {
    "mode": [{"connectivity", "distance"}],
    "metric": NeighborsBase._parameter_constraints["metric"],
    "p": NeighborsBase._parameter_constraints["p"],
    "metric_params": [dict, None],
    "include_self": [bool, {"auto"}],
    "n_jobs": [int, None],
}


def kneighbors_graph(
    X: Any,
    n_neighbors: int,
    *,
    mode: str = "connectivity",
    metric: Any = "minkowski",
    p: float = 2,
    metric_params: dict[str, Any] | None = None,
    include_self: bool | str = False,
    n_jobs: int | None = None,
) -> Any:
    """The nearest points of each point as sparse rows: ones, or distances.

    Args:
        X: points ``(n_samples, n_features)``, or an estimator of neighbours fitted on them.
        n_neighbors: how many neighbours each has.
        mode: ``"connectivity"`` or ``"distance"``.
        metric: as of `NearestNeighbors`.
        p: the power of ``"minkowski"``.
        metric_params: as of `NearestNeighbors`.
        include_self: whether a point may be its own neighbour; ``"auto"``: where ``mode`` is ``"connectivity"``.
        n_jobs: on how many threads; all of them by default.

    >>> kneighbors_graph([[0.0], [3.0], [1.0]], 1, mode="distance").toarray()
    array([[0., 0., 1.],
           [0., 0., 2.],
           [1., 0., 0.]])
    """
    check_parameters({"n_neighbors": [Interval(int, 1, None)], **_COMMON}, locals(), "kneighbors_graph")
    search = _search(X, KNeighborsMixin, metric, p, metric_params, n_jobs, n_neighbors=n_neighbors)
    return search.kneighbors_graph(_asked(search, include_self, mode), n_neighbors, mode=mode)


def radius_neighbors_graph(
    X: Any,
    radius: float,
    *,
    mode: str = "connectivity",
    metric: Any = "minkowski",
    p: float = 2,
    metric_params: dict[str, Any] | None = None,
    include_self: bool | str = False,
    n_jobs: int | None = None,
) -> Any:
    """The points within a radius of each point as sparse rows: ones, or distances.

    Args:
        X: points ``(n_samples, n_features)``, or an estimator of neighbours fitted on them.
        radius: how far neighbours may be away.
        mode: ``"connectivity"`` or ``"distance"``.
        metric: as of `NearestNeighbors`.
        p: the power of ``"minkowski"``.
        metric_params: as of `NearestNeighbors`.
        include_self: whether a point may be its own neighbour; ``"auto"``: where ``mode`` is ``"connectivity"``.
        n_jobs: on how many threads; all of them by default.

    >>> radius_neighbors_graph([[0.0], [3.0], [1.0]], 1.5, mode="distance").toarray()
    array([[0., 0., 1.],
           [0., 0., 0.],
           [1., 0., 0.]])
    """
    check_parameters(
        {"radius": [Interval(float, 0, None, closed="both")], **_COMMON}, locals(), "radius_neighbors_graph"
    )
    search = _search(X, RadiusNeighborsMixin, metric, p, metric_params, n_jobs, radius=radius)
    return search.radius_neighbors_graph(_asked(search, include_self, mode), radius, mode=mode)


def _search(
    X: Any, kind: type, metric: Any, p: float, metric_params: dict[str, Any] | None, n_jobs: int | None, **wanted: Any
) -> Any:
    """An estimator that is fitted on ``X``, or ``X`` itself where it is one."""
    given = {"metric": metric, "p": p, "metric_params": metric_params}
    if not isinstance(X, kind):
        return NearestNeighbors(**wanted, **given, n_jobs=n_jobs).fit(X)
    for name, value in given.items():
        if getattr(X, name) != value:
            raise ValueError(
                f"Got {value} for {name}, while the estimator has {getattr(X, name)} for the same parameter."
            )
    return X


def _asked(search: Any, include_self: bool | str, mode: str) -> Any:
    if include_self == "auto":
        include_self = mode == "connectivity"
    return search._fit_X if include_self else None
