"""Clusters of density."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._param_validation import Interval
from barehand.base import BaseEstimator, ClusterMixin
from barehand.neighbors._base import NeighborsBase
from barehand.neighbors._metrics import numbers_of
from barehand.neighbors._nearest_neighbors import NearestNeighbors
from barehand.validation import check_sample_weight, validate_data


class DBSCAN(ClusterMixin, BaseEstimator):
    """Clusters are what is densely connected; what lies alone is noise, with label -1.

    A sample with ``min_samples`` neighbours within ``eps``, itself included, is a core sample. Core samples within ``eps`` of
    each other share a cluster, and take their neighbours with them.

    Args:
        eps: how near neighbours are, at most.
        min_samples: neighbours (or their weight) that make a core sample.
        metric, metric_params, algorithm, leaf_size: as of `NearestNeighbors`; with ``"precomputed"`` ``X`` holds the distances, of
            which those that sparse ones do not store are infinite.
        p: of the Minkowski metric, 2 by default.
        n_jobs: threads; -1 for all processors, None for as many as everywhere.

    >>> X = [[1.0, 2.0], [2.0, 2.0], [2.0, 3.0], [8.0, 7.0], [8.0, 8.0], [25.0, 80.0]]
    >>> DBSCAN(eps=3, min_samples=2).fit(X).labels_
    array([ 0,  0,  0,  1,  1, -1])
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "eps": [Interval(float, 0, None, closed="neither")],
        "min_samples": [Interval(int, 1, None)],
        **{
            name: NeighborsBase._parameter_constraints[name]
            for name in ("metric", "metric_params", "algorithm", "leaf_size")
        },
        "p": [Interval(float, 0, None), None],
        "n_jobs": [int, None],
    }

    def __init__(
        self,
        eps: float = 0.5,
        *,
        min_samples: int = 5,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.metric = metric
        self.metric_params = metric_params
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> DBSCAN:
        self._validate_params()
        X = validate_data(self, X, accept_sparse="csr")
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64)
        metric, params, method, samples = self._search().measure(X)
        threads = self.n_jobs
        if threads is not None and threads < 0:
            threads = max(1, (os.cpu_count() or 1) + 1 + threads)
        self._engine = _learn.dbscan(
            samples,
            weights,
            self.eps,
            self.min_samples,
            method,
            self.leaf_size,
            metric,
            params.get("p"),
            numbers_of(metric, params),
            threads or None,
        )
        self.labels_ = self._engine.field("labels")
        self.core_sample_indices_ = self._engine.field("core_samples")
        self.components_ = X[self.core_sample_indices_] if len(self.core_sample_indices_) else np.empty((0, X.shape[1]))
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        return self.fit(X, sample_weight=sample_weight).labels_

    def _search(self) -> NearestNeighbors:
        names = ("algorithm", "leaf_size", "metric", "metric_params", "p")
        return NearestNeighbors(**{name: getattr(self, name) for name in names})


def dbscan(
    X: Any,
    eps: float = 0.5,
    *,
    min_samples: int = 5,
    metric: Any = "minkowski",
    metric_params: dict[str, Any] | None = None,
    algorithm: str = "auto",
    leaf_size: int = 30,
    p: float | None = 2,
    sample_weight: Any = None,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The core samples and the labels that `DBSCAN` finds.

    >>> core, labels = dbscan([[0.0], [0.1], [5.0]], eps=1, min_samples=2)
    >>> labels
    array([ 0,  0, -1])
    """
    model = DBSCAN(
        eps=eps,
        min_samples=min_samples,
        metric=metric,
        metric_params=metric_params,
        algorithm=algorithm,
        leaf_size=leaf_size,
        p=p,
        n_jobs=n_jobs,
    ).fit(X, sample_weight=sample_weight)
    return model.core_sample_indices_, model.labels_
