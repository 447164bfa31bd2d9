"""Clusters of density."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import is_sparse
from barehand._param_validation import Interval
from barehand._sparse_rows import canonical
from barehand.base import BaseEstimator, ClusterMixin
from barehand.validation import check_sample_weight, validate_data

_METRICS = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "cityblock": "manhattan",
    "l1": "manhattan",
    "chebyshev": "chebyshev",
    "minkowski": "minkowski",
    "precomputed": "precomputed",
}


class DBSCAN(ClusterMixin, BaseEstimator):
    """Clusters are what is densely connected; what lies alone is noise, with label -1.

    A sample with ``min_samples`` neighbours within ``eps``, itself included, is a core sample. Core samples within ``eps`` of
    each other share a cluster, and take their neighbours with them.

    Args:
        eps: how near neighbours are, at most.
        min_samples: neighbours (or their weight) that make a core sample.
        metric: ``"euclidean"``, ``"manhattan"``, ``"chebyshev"``, ``"minkowski"``, ``"precomputed"`` (``X`` holds the distances;
            of sparse ones those that are not stored are infinite), or a callable of two samples.
        metric_params: ``{"p": 3}`` for ``"minkowski"``, or keywords of the callable.
        algorithm: ``"brute"`` compares every pair; ``"kd_tree"`` and ``"ball_tree"`` search a tree of boxes; ``"auto"`` takes the
            tree for few features. They find the same.
        leaf_size: samples of a leaf of the tree, at most.
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
        "metric": [set(_METRICS), callable],
        "metric_params": [dict, None],
        "algorithm": [{"auto", "ball_tree", "kd_tree", "brute"}],
        "leaf_size": [Interval(int, 1, None)],
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
        samples, metric, p = canonical(X), "precomputed", 2.0
        algorithm = "kd_tree" if self.algorithm == "ball_tree" else self.algorithm
        if callable(self.metric):
            samples, algorithm = self._distances(X), "brute"
        else:
            metric, p = _METRICS[self.metric], self._p()
        if metric == "precomputed" or is_sparse(X):
            algorithm = "brute"
        threads = self.n_jobs
        if threads is not None and threads < 0:
            threads = max(1, (os.cpu_count() or 1) + 1 + threads)
        self._engine = _learn.dbscan(
            samples, weights, self.eps, self.min_samples, metric, p, algorithm, self.leaf_size, threads or None
        )
        self.labels_ = self._engine.field("labels")
        self.core_sample_indices_ = self._engine.field("core_samples")
        self.components_ = X[self.core_sample_indices_] if len(self.core_sample_indices_) else np.empty((0, X.shape[1]))
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        return self.fit(X, sample_weight=sample_weight).labels_

    def _p(self) -> float:
        p = 2.0 if self.p is None else self.p
        if self.metric_params and "p" in self.metric_params:
            if self.p is not None and self.p != self.metric_params["p"]:
                warnings.warn(
                    "Parameter p is found in metric_params. The corresponding parameter from __init__ is ignored.",
                    SyntaxWarning,
                    stacklevel=3,
                )
            p = self.metric_params["p"]
        if self.metric == "minkowski" and not p > 0:
            raise ValueError(f"p must be greater than 0 for the minkowski metric, got {p}.")
        return float(p)

    def _distances(self, X: Any) -> np.ndarray:
        """The distances of all pairs, by the callable."""
        rows = X.toarray() if is_sparse(X) else X
        keywords = self.metric_params or {}
        found = np.zeros((len(rows), len(rows)))
        for i, a in enumerate(rows):
            for j in range(i):
                found[i, j] = found[j, i] = self.metric(a, rows[j], **keywords)
        return found


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
