"""Clusters beside scikit-learn's: by every metric, weighed, of sparse rows."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from sklearn import cluster as theirs
from sklearn.metrics import pairwise_distances

from barehand import cluster as ours

RNG = np.random.RandomState(1)
X = np.round(RNG.normal(size=(70, 4)) * 2) * (RNG.uniform(size=(70, 4)) < 0.7)
X = X[(X != X.mean(axis=1, keepdims=True)).any(axis=1)]
WEIGHTS = RNG.randint(-1, 3, len(X)).astype(float)
EPS = {"cosine": 0.2, "correlation": 0.2, "canberra": 1.2, "braycurtis": 0.3, "hamming": 0.4, "jaccard": 0.3}


def same(mine, other):
    np.testing.assert_array_equal(mine.labels_, other.labels_)
    np.testing.assert_array_equal(mine.core_sample_indices_, other.core_sample_indices_)
    np.testing.assert_array_equal(
        *(found.toarray() if scipy.sparse.issparse(found) else found for found in (mine.components_, other.components_))
    )


@pytest.mark.parametrize(
    ("metric", "params"),
    [
        ("euclidean", {}),
        ("l1", {}),
        ("chebyshev", {}),
        ("minkowski", {"p": 3}),
        ("minkowski", {"p": 2, "metric_params": {"w": [1.0, 2.0, 0.5, 1.0]}}),
        ("seuclidean", {"metric_params": {"V": [1.0, 2.0, 4.0, 3.0]}}),
        *((metric, {}) for metric in EPS if metric != "jaccard"),
    ],
)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_dbscan_by_every_metric(metric, params, weights):
    options = {"metric": metric, "eps": EPS.get(metric, 2.05), "min_samples": 4, **params}
    other = theirs.DBSCAN(algorithm="brute", **options).fit(X, sample_weight=weights)
    algorithms = ["auto", "brute"] if metric in ("cosine", "correlation") else ["auto", "brute", "ball_tree"]
    for algorithm in algorithms:
        same(ours.DBSCAN(algorithm=algorithm, leaf_size=5, **options).fit(X, sample_weight=weights), other)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine", "precomputed", "callable"])
def test_dbscan_of_sparse_rows_and_distances(metric):
    options = {"eps": 0.2 if metric == "cosine" else 2.05, "min_samples": 4}
    if metric == "precomputed":
        rows = pairwise_distances(X)
        rows = scipy.sparse.csr_matrix(np.where(rows < 3, rows, 0))
    else:
        rows = scipy.sparse.csr_matrix(X)
    if metric == "callable":
        mine = ours.DBSCAN(metric=lambda a, b: np.abs(a - b).max(), **options).fit(X)
        same(mine, theirs.DBSCAN(metric="chebyshev", **options).fit(X))
        return
    same(ours.DBSCAN(metric=metric, **options).fit(rows), theirs.DBSCAN(metric=metric, **options).fit(rows))


def test_so_many_passes_are_no_overflow():
    model = ours.MiniBatchKMeans(2, max_iter=2**62, random_state=0).fit(X)
    assert model.n_steps_ < 1000
