"""What estimators of neighbours share: points, metrics, and searches."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import is_sparse
from barehand._sparse import canonical
from barehand.base import BaseEstimator, ClassifierMixin, Interval, RegressorMixin
from barehand.neighbors import _metrics, _sorted_graph
from barehand.validation import check_is_fitted, validate_data


class SearchedTree:
    """Whatever is searched by an estimator of its own, ``_search``: `KDTree`, `BallTree`."""

    _search: NeighborsBase


class NeighborsBase(BaseEstimator):
    """Points to search, in Rust; with ``metric="precomputed"`` or a callable the distances come from outside."""

    _engine_type = _learn.Model
    _parameter_constraints = {
        "algorithm": [{"auto", "ball_tree", "kd_tree", "brute"}],
        "leaf_size": [Interval(int, 1, None)],
        "p": [Interval(float, 0, None, closed="right"), None],
        "metric": [_metrics.NAMES, callable, _metrics.DistanceMetric],
        "metric_params": [dict, None],
        "n_jobs": [int, None],
    }

    def __sklearn_is_fitted__(self) -> bool:
        return "_fit_method" in vars(self)

    def _fit(self, X: Any, y: Any = None) -> Any:
        self._validate_params()
        vars(self).pop("_engine", None)
        vars(self).pop("_fit_method", None)
        if isinstance(X, (NeighborsBase, SearchedTree)):
            self._fit_on(X if isinstance(X, NeighborsBase) else X._search)
            return y if y is None else np.asarray(y)
        given = self.metric == "precomputed"
        if given:
            _sorted_graph.check_explicit_zeros(X)
        if y is None and not isinstance(self, (ClassifierMixin, RegressorMixin)):
            X = validate_data(self, X, **self._rules())
        else:
            X, y = validate_data(self, X, y, multi_output=True, **self._rules())
        method = self._check_metric(X)
        if given:
            X = _check_distances(X)
            if X.shape[0] != X.shape[1]:
                raise ValueError(f"Precomputed matrix must be square. Input is a {X.shape[0]}x{X.shape[1]} matrix.")
        self.n_samples_fit_ = X.shape[0]
        self._fit_X = X if given else canonical(X)
        if self._has_engine():
            params = self.effective_metric_params_
            self._engine = _learn.nearest_neighbors(
                self._fit_X,
                getattr(self, "n_neighbors", None) or 1,
                method,
                self.leaf_size,
                self.effective_metric_,
                params.get("p"),
                _metrics.numbers_of(self.effective_metric_, params),
            )
            method = self._engine.field("algorithm") if method == "auto" else method
        self._fit_method = "brute" if method == "auto" else method
        return y

    def _fit_on(self, other: NeighborsBase) -> None:
        """Takes over the points of another estimator."""
        names = ("_engine", "_fit_X", "_fit_method", "n_samples_fit_", "effective_metric_", "effective_metric_params_")
        for name in (*names, "n_features_in_", "feature_names_in_"):
            if name in vars(other):
                setattr(self, name, vars(other)[name])

    def _rules(self) -> dict[str, Any]:
        """What `validate_data` is told of points and queries."""
        missing = {"ensure_all_finite": "allow-nan"} if self.metric == "nan_euclidean" else {}
        return {"accept_sparse": "csr", **missing}

    def _check_metric(self, X: Any) -> str:
        """The algorithm, after a look at whether it knows the metric."""
        method = self.algorithm
        _metrics.check_algorithm(self.metric, "brute" if self.metric == "precomputed" and method == "auto" else method)
        self.effective_metric_, self.effective_metric_params_ = _metrics.effective_metric(
            self.metric, self.p, self.metric_params
        )
        method = _metrics.check_power(self.effective_metric_params_, method) if self._has_engine() else "brute"
        if is_sparse(X):
            if self.algorithm not in ("auto", "brute"):
                warnings.warn("cannot use tree with sparse input: using brute force", stacklevel=4)
            known = _metrics.VALID_METRICS_SPARSE["brute"]
            if isinstance(self.effective_metric_, str) and self.effective_metric_ not in known:
                raise ValueError(
                    f"Metric '{self.effective_metric_}' not valid for sparse input. Use "
                    "sorted(sklearn.neighbors.VALID_METRICS_SPARSE['brute']) to get valid options. Metric can also be a "
                    "callable function."
                )
            method = "brute"
        return method

    def measure(self, X: Any) -> tuple[str, dict[str, Any], str, Any]:
        """The metric, its parameters, the algorithm, and points ``X`` as Rust takes them; where their distances come from
        outside these take their place, and the metric is ``"precomputed"``."""
        method = self._check_metric(X)
        if self._has_engine():
            return self.effective_metric_, self.effective_metric_params_, method, canonical(X)
        self._fit_X = X
        return "precomputed", {}, "brute", canonical(self._distances(X))

    def _has_engine(self) -> bool:
        return isinstance(self.effective_metric_, str) and self.effective_metric_ != "precomputed"

    def _threads(self) -> int | None:
        return self.n_jobs if self.n_jobs is not None and self.n_jobs > 0 else None

    def _queries(self, X: Any) -> Any:
        if X is None:
            return self._fit_X
        if self.metric == "precomputed":
            _sorted_graph.check_explicit_zeros(X)
            return _check_distances(validate_data(self, X, reset=False, **self._rules()))
        X = validate_data(self, X, reset=False, **self._rules())
        if is_sparse(X) and self._fit_method != "brute":
            raise ValueError(
                f"{self._fit_method} does not work with sparse matrices. Densify the data, or set algorithm='brute'"
            )
        return canonical(X)

    def _distances(self, X: Any) -> np.ndarray:
        """Distances that do not come from Rust: given, or by a function or an object of the user's."""
        metric, params = self.effective_metric_, self.effective_metric_params_
        if metric == "precomputed":
            return X
        if not callable(metric):
            return metric.pairwise(X, self._fit_X)
        points = _rows(self._fit_X)
        return np.array([[metric(a, b, **params) for b in points] for a in _rows(X)], dtype=np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = (
            not isinstance(self.metric, str) or self.metric in _metrics.VALID_METRICS_SPARSE["brute"]
        )
        tags.input_tags.allow_nan = self.metric == "nan_euclidean"
        tags.target_tags.multi_output = True
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.positive_only = tags.input_tags.pairwise
        return tags


class KNeighborsMixin:
    """Searches for a number of neighbours."""

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Distances to the nearest points and their indices, ``(n_queries, n_neighbors)``; without ``X``, those of the
        fitted points, none of which is its own neighbour."""
        check_is_fitted(self)
        if n_neighbors is None:
            n_neighbors = self.n_neighbors
        elif not isinstance(n_neighbors, numbers.Integral):
            raise TypeError(f"n_neighbors does not take {type(n_neighbors)} value, enter integer value")
        elif n_neighbors <= 0:
            raise ValueError(f"Expected n_neighbors > 0. Got {n_neighbors}")
        queries = self._queries(X)
        wanted = n_neighbors + (X is None)
        if wanted > self.n_samples_fit_:
            relation = "<" if X is None else "<="
            raise ValueError(
                f"Expected n_neighbors {relation} n_samples_fit, but n_neighbors = {n_neighbors}, n_samples_fit = "
                f"{self.n_samples_fit_}, n_samples = {queries.shape[0]}"
            )
        if self._has_engine():
            distances, indices = _learn.kneighbors(self._engine, queries, wanted, self._threads())
        elif self.metric == "precomputed" and is_sparse(queries):
            distances, indices = _sorted_graph.first_of_rows(queries, wanted)
        else:
            distances, indices = _learn.smallest_distances(self._distances(queries), wanted)
        if X is None:
            others = indices != np.arange(len(indices))[:, None]
            # Where a point has more doubles than neighbours it is not among them: the first double goes instead.
            others[:, 0][others.all(axis=1)] = False
            distances, indices = (array[others].reshape(-1, n_neighbors) for array in (distances, indices))
        return (distances, indices) if return_distance else indices

    def kneighbors_graph(self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity") -> Any:
        """The neighbours of each query as sparse rows: ones, or distances."""
        from scipy.sparse import csr_matrix

        check_is_fitted(self)
        n_neighbors = self.n_neighbors if n_neighbors is None else n_neighbors
        if mode not in ("connectivity", "distance"):
            raise ValueError(f'Unsupported mode, must be one of "connectivity", or "distance" but got "{mode}" instead')
        distances, indices = self.kneighbors(X, n_neighbors)
        n_queries = len(indices)
        data = np.ones(n_queries * n_neighbors) if mode == "connectivity" else np.ravel(distances)
        starts = np.arange(0, n_queries * n_neighbors + 1, n_neighbors)
        return csr_matrix((data, indices.ravel(), starts), shape=(n_queries, self.n_samples_fit_))

    def _neighbors_and_weights(self, X: Any) -> tuple[np.ndarray, np.ndarray | None]:
        distances, indices = self.kneighbors(X)
        return indices, weights_of(distances, self.weights)


class RadiusNeighborsMixin:
    """Searches for all neighbours within a radius."""

    def radius_neighbors(
        self, X: Any = None, radius: float | None = None, return_distance: bool = True, sort_results: bool = False
    ) -> Any:
        """For each query an array of the distances to all points within ``radius``, and one of their indices; without
        ``X``, those of the fitted points, none of which is its own neighbour."""
        check_is_fitted(self)
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True.")
        queries = self._queries(X)
        radius = self.radius if radius is None else radius
        if np.ndim(radius) > 0:
            pairs = [self.radius_neighbors(row[None], one) for row, one in zip(queries, radius, strict=True)]
            distances, indices = [pair[0][0] for pair in pairs], [pair[1][0] for pair in pairs]
        elif self._has_engine():
            distances, indices, counts = _learn.radius_neighbors(self._engine, queries, radius, self._threads())
            ends = np.cumsum(counts)[:-1]
            distances, indices = np.split(distances, ends), np.split(indices, ends)
        elif self.metric == "precomputed" and is_sparse(queries):
            distances, indices = _sorted_graph.near_of_rows(queries, radius)
        else:
            rows = self._distances(queries)
            indices = [np.flatnonzero(row <= radius) for row in rows]
            distances = [row[near] for row, near in zip(rows, indices, strict=True)]
        if X is None:
            others = [near != i for i, near in enumerate(indices)]
            distances = [row[keep] for row, keep in zip(distances, others, strict=True)]
            indices = [near[keep] for near, keep in zip(indices, others, strict=True)]
        if sort_results:
            orders = [np.argsort(row, kind="mergesort") for row in distances]
            distances = [row[order] for row, order in zip(distances, orders, strict=True)]
            indices = [near[order] for near, order in zip(indices, orders, strict=True)]
        return (_ragged(distances), _ragged(indices)) if return_distance else _ragged(indices)

    def radius_neighbors_graph(
        self, X: Any = None, radius: float | None = None, mode: str = "connectivity", sort_results: bool = False
    ) -> Any:
        """The neighbours of each query as sparse rows: ones, or distances."""
        from scipy.sparse import csr_matrix

        check_is_fitted(self)
        if mode not in ("connectivity", "distance"):
            raise ValueError(f'Unsupported mode, must be one of "connectivity", or "distance" but got "{mode}" instead')
        distances, indices = self.radius_neighbors(X, radius, sort_results=sort_results)
        starts = np.concatenate([[0], np.cumsum([len(near) for near in indices])])
        flat = np.concatenate(list(indices))
        data = np.ones(len(flat)) if mode == "connectivity" else np.concatenate(list(distances))
        return csr_matrix((data, flat, starts), shape=(len(indices), self.n_samples_fit_))

    def _near_and_weights(self, X: Any) -> tuple[np.ndarray, np.ndarray | None, list[int]]:
        """The neighbours of one query after another, their weights (None: all alike), and how many each query has."""
        distances, indices = self.radius_neighbors(X)
        counts = [len(near) for near in indices]
        weights = [weights_of(near[None], self.weights) for near in distances if len(near)]
        flat = np.concatenate([*indices, np.empty(0, dtype=np.int64)])
        if not weights or weights[0] is None:
            return flat, None, counts
        return flat, np.concatenate([np.ravel(row) for row in weights]), counts


def weights_of(distances: np.ndarray, weights: Any) -> np.ndarray | None:
    """What neighbours at these distances count; None: all alike."""
    if weights in (None, "uniform"):
        return None
    if weights == "distance":
        return _learn.distance_weights(distances)
    return weights(distances)


def check_some_weight(weights: np.ndarray | None) -> None:
    if weights is not None and (np.asarray(weights) == 0).all(axis=1).any():
        raise ValueError(
            "All neighbors of some sample is getting zero weights. Please modify 'weights' to avoid this case if you are "
            "using a user-defined function."
        )


def _check_distances(X: Any) -> Any:
    """Given distances, of sparse rows in ascending order."""
    values = X.data if is_sparse(X) else X
    if values.size and values.min() < 0:
        raise ValueError("Negative values in data passed to precomputed distance matrix.")
    return _sorted_graph.sort_graph_by_row_values(X, copy=True) if is_sparse(X) else X


def _rows(X: Any) -> Any:
    return [X[[row]] for row in range(X.shape[0])] if is_sparse(X) else X


def _ragged(rows: list[np.ndarray]) -> np.ndarray:
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array
