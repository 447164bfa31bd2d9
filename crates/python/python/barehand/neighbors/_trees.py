"""Trees over space, to be asked themselves."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from barehand._barehand import _learn
from barehand.neighbors._base import SearchedTree
from barehand.neighbors._metrics import VALID_METRICS
from barehand.neighbors._nearest_neighbors import NearestNeighbors

KERNELS = ("gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine")


class _Tree(SearchedTree):
    """Searches by an estimator of one algorithm; arrays of queries may have any shape whose last axis is the features'."""

    _algorithm: ClassVar[str]
    valid_metrics: ClassVar[list[str]]

    def __init__(self, X: Any, leaf_size: int = 40, metric: Any = "minkowski", **kwargs: Any) -> None:
        X = np.asarray(X, dtype=np.float64)
        p = kwargs.pop("p", 2) if isinstance(metric, str) else None
        self._search = NearestNeighbors(
            algorithm=self._algorithm, leaf_size=leaf_size, metric=metric, p=p, metric_params=kwargs or None
        ).fit(X)

    @property
    def data(self) -> np.ndarray:
        """The points, ``(n_samples, n_features)``."""
        return self._search._fit_X

    def query(
        self,
        X: Any,
        k: int = 1,
        return_distance: bool = True,
        dualtree: bool = False,
        breadth_first: bool = False,
        sort_results: bool = True,
    ) -> Any:
        """Distances to the nearest points and their indices, ``(..., k)``, always sorted.

        ``dualtree``, ``breadth_first`` and ``sort_results`` choose scikit-learn's way through the tree; there is one here, and
        what is found is the same.
        """
        rows, shape = self._rows(X)
        if k > len(self.data):
            raise ValueError("k must be less than or equal to the number of training points")
        distances, indices = (found.reshape(*shape, k) for found in self._search.kneighbors(rows, k))
        return (distances, indices) if return_distance else indices

    def query_radius(
        self,
        X: Any,
        r: Any,
        return_distance: bool = False,
        count_only: bool = False,
        sort_results: bool = False,
    ) -> Any:
        """For each query the indices of the points within ``r``, one number or one a query, and with ``return_distance`` their
        distances; or only how many there are."""
        if count_only and return_distance:
            raise ValueError("count_only and return_distance cannot both be true")
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True")
        rows, shape = self._rows(X)
        r = np.broadcast_to(r, shape).ravel() if np.ndim(r) else float(r)
        distances, indices = self._search.radius_neighbors(rows, r, sort_results=sort_results)
        if count_only:
            return np.array([len(near) for near in indices], dtype=np.int64).reshape(shape)
        indices, distances = indices.reshape(shape), distances.reshape(shape)
        return (indices, distances) if return_distance else indices

    def kernel_density(
        self,
        X: Any,
        h: float,
        kernel: str = "gaussian",
        atol: float = 0,
        rtol: float = 1e-8,
        breadth_first: bool = True,
        return_log: bool = False,
    ) -> np.ndarray:
        """The density of the points at each query, as many times 1 as there are points, or its logarithm.

        Args:
            X: queries ``(..., n_features)``.
            h: the bandwidth: how far the mass of a point reaches.
            kernel: ``"gaussian"``, ``"tophat"``, ``"epanechnikov"``, ``"exponential"``, ``"linear"`` or ``"cosine"``.
            atol: by how much a density may be off, where that saves work.
            rtol: by what share of it.
            breadth_first: scikit-learn's way through the tree; there is one here.
            return_log: whether logarithms are returned, which are exact where densities are too small for numbers.
        """
        if kernel not in KERNELS:
            raise ValueError(f"kernel = '{kernel}' not recognized")
        rows, shape = self._rows(X)
        engine = self._engine("kernel_density")
        densities = _learn.log_density(engine, rows, kernel, float(h), float(atol), float(rtol), None).reshape(shape)
        return densities if return_log else np.exp(densities)

    def two_point_correlation(self, X: Any, r: Any, dualtree: bool = False) -> np.ndarray:
        """How many pairs of a query and a point are within each of the radii ``r``; ``dualtree`` changes nothing of it."""
        radii = np.asarray(r, dtype=np.float64)
        engine = self._engine("two_point_correlation")
        counts = _learn.pairs_within(engine, self._rows(X)[0], np.atleast_1d(radii).ravel(), None)
        return np.array(counts, dtype=np.int64).reshape(np.atleast_1d(radii).shape)

    def _rows(self, X: Any) -> tuple[np.ndarray, tuple[int, ...]]:
        """Queries as a matrix, and the shape of answers to them."""
        X = np.asarray(X, dtype=np.float64)
        if X.ndim == 0 or X.shape[-1] != self.data.shape[1]:
            raise ValueError("query data dimension must match training data dimension")
        return np.ascontiguousarray(X.reshape(-1, X.shape[-1])), X.shape[:-1]

    def _engine(self, operation: str) -> Any:
        if not self._search._has_engine():
            raise ValueError(f"{operation} takes no function of the user's as a metric")
        return self._search._engine


class KDTree(_Tree):
    """Boxes within boxes: finds near points without a look at the others.

    Args:
        X: points ``(n_samples, n_features)``.
        leaf_size: how many points a leaf holds.
        metric: one of ``KDTree.valid_metrics``.
        kwargs: parameters of the metric: ``p``.

    >>> tree = KDTree([[0.0], [1.0], [3.0]])
    >>> tree.query([[0.9]], k=2)
    (array([[0.1, 0.9]]), array([[1, 0]]))
    >>> print(tree.query_radius([[0.9]], r=1.0)[0], tree.two_point_correlation([[0.9]], [0.5, 3.0]))
    [0 1] [1 3]
    """

    _algorithm = "kd_tree"
    valid_metrics = VALID_METRICS["kd_tree"]


class BallTree(_Tree):
    """Balls within balls: finds near points without a look at the others, by any metric of which no detour is shorter.

    Args:
        X: points ``(n_samples, n_features)``.
        leaf_size: how many points a leaf holds.
        metric: one of ``BallTree.valid_metrics``, or a function of two points, which is asked about each of them.
        kwargs: parameters of the metric: ``p``, ``w``, ``V``, ``VI``, or those of the function.

    >>> places = np.radians([[52.52, 13.40], [48.86, 2.35], [51.51, -0.13]])
    >>> distances, indices = BallTree(places, metric="haversine").query(places[:1], k=2)
    >>> print(np.round(6371 * distances), indices)
    [[  0. 877.]] [[0 1]]
    """

    _algorithm = "ball_tree"
    valid_metrics = VALID_METRICS["ball_tree"]
