"""Scores of clusters by the distances of their samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    column_or_1d,
    is_sparse,
)
from barehand._param_validation import Interval, check_parameters

_METRICS = {"euclidean", "l2", "manhattan", "l1", "cityblock", "cosine", "precomputed"}


def silhouette_samples(X: Any, labels: Any, *, metric: Any = "euclidean") -> np.ndarray:
    """Whether each sample lies closer to its own cluster than to the next, from -1 to 1.

    ``(b - a) / max(a, b)``, with ``a`` the mean distance to the others of its cluster and ``b`` the smallest of the mean
    distances to the other clusters; 0 for a cluster of one.

    Args:
        X: ``(N, D)`` samples, or ``(N, N)`` distances.
        labels: ``(N,)`` clusters, 2 to ``N - 1`` of them.
        metric: ``"euclidean"`` (``"l2"``), ``"manhattan"`` (``"l1"``, ``"cityblock"``), ``"cosine"``, ``"precomputed"`` for
            distances, or a function of two samples.

    >>> silhouette_samples([[0.0], [1.0], [10.0], [12.0]], [0, 0, 1, 1]).round(2)
    array([0.91, 0.9 , 0.79, 0.83])
    """
    return _samples("silhouette_samples", X, labels, metric)


def silhouette_score(
    X: Any,
    labels: Any,
    *,
    metric: Any = "euclidean",
    sample_size: int | None = None,
    random_state: Any = None,
) -> float:
    """The mean of `silhouette_samples`.

    Args:
        X: ``(N, D)`` samples, or ``(N, N)`` distances.
        labels: ``(N,)`` clusters, 2 to ``N - 1`` of them.
        metric: as in `silhouette_samples`.
        sample_size: how many samples to draw at random instead of taking all.
        random_state: a seed or a generator of NumPy's for them.

    >>> round(silhouette_score([[0.0], [1.0], [10.0], [12.0]], [0, 0, 1, 1]), 2)
    0.86
    """
    caller = "silhouette_score"
    check_parameters({"sample_size": [Interval(int, 1, None), None]}, {"sample_size": sample_size}, caller)
    if sample_size is not None:
        X, labels = (X if is_sparse(X) else np.asarray(X)), np.asarray(labels)
        if hasattr(random_state, "permutation"):
            generator = random_state
        else:
            generator = np.random.mtrand._rand if random_state is None else np.random.RandomState(random_state)
        chosen = generator.permutation(X.shape[0])[:sample_size]
        X = X[chosen][:, chosen] if metric == "precomputed" else X[chosen]
        labels = labels[chosen]
    return float(np.mean(_samples(caller, X, labels, metric)))


def calinski_harabasz_score(X: Any, labels: Any) -> float:
    """The ratio of the dispersion between clusters to that within; higher is better.

    ``sum_k n_k |c_k - c|^2 / (K - 1)`` divided by ``sum_i |x_i - c_k(i)|^2 / (N - K)``

    Args:
        X: ``(N, D)`` samples.
        labels: ``(N,)`` clusters, 2 to ``N - 1`` of them.

    >>> round(calinski_harabasz_score([[0.0], [1.0], [10.0], [12.0]], [0, 0, 1, 1]), 1)
    88.2
    """
    X, codes = _clustered(X, labels)
    return _metrics.calinski_harabasz(X, codes)


def davies_bouldin_score(X: Any, labels: Any) -> float:
    """The mean similarity of each cluster to the one most like it; lower is better, 0 the least.

    ``1/K sum_i max over j of (s_i + s_j) / |c_i - c_j|``, with ``s`` the mean distance of a cluster's samples from its centre.

    Args:
        X: ``(N, D)`` samples.
        labels: ``(N,)`` clusters, 2 to ``N - 1`` of them.

    >>> round(davies_bouldin_score([[0, 1], [1, 1], [3, 4]], [0, 0, 1]), 2)
    0.13
    """
    X, codes = _clustered(X, labels)
    return _metrics.davies_bouldin(X, codes)


def _clustered(X: Any, labels: Any, *, accept_sparse: bool = False) -> tuple[np.ndarray, np.ndarray]:
    if accept_sparse and is_sparse(X):
        X = X.toarray()
    X = check_array(X, dtype=(np.float64, np.float32), order="C", input_name="X")
    labels = column_or_1d(labels, warn=True)
    assert_all_finite(labels, "labels")
    check_consistent_length(X, labels)
    codes = np.unique(labels, return_inverse=True)[1].astype(np.int64, copy=False)
    clusters = int(codes.max()) + 1
    if not 1 < clusters < len(X):
        raise ValueError(f"Number of labels is {clusters}. Valid values are 2 to n_samples - 1 (inclusive)")
    return X, codes


def _samples(caller: str, X: Any, labels: Any, metric: Any) -> np.ndarray:
    check_parameters({"metric": [_METRICS, callable]}, {"metric": metric}, caller)
    if callable(metric):
        rows = X.toarray() if is_sparse(X) else np.asarray(X)
        X, metric = np.array([[0.0 if a is b else metric(a, b) for b in rows] for a in rows]), "precomputed"
    kind = getattr(X, "dtype", np.dtype(object)).kind
    X, codes = _clustered(X, labels, accept_sparse=True)
    if metric == "precomputed":
        most = np.finfo(X.dtype).eps * 100 if kind != "i" else 0
        if (abs(X.diagonal()) > most).any():
            raise ValueError(
                "The precomputed distance matrix contains non-zero elements on the diagonal. Use np.fill_diagonal(X, 0)."
            )
    name = {"l2": "euclidean", "l1": "manhattan", "cityblock": "manhattan"}.get(metric, metric)
    silhouettes = _metrics.silhouette_samples(X, codes, name)
    return silhouettes.astype(X.dtype, copy=False)
