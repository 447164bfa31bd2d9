"""Searches, trees and graphs of neighbours beside scikit-learn's."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn.neighbors as theirs
from barehand import neighbors as ours
from barehand.base import load_model

RNG = np.random.RandomState(5)
X = np.round(RNG.normal(size=(60, 4)) * 2) * (RNG.uniform(size=(60, 4)) < 0.6)
Q = np.round(RNG.normal(size=(7, 4)) * 2)
ROOT = RNG.normal(size=(4, 4))
PARAMS = {
    "seuclidean": {"V": RNG.uniform(1, 2, 4)},
    "mahalanobis": {"VI": ROOT @ ROOT.T},
    "minkowski": {"p": 3, "w": RNG.uniform(1, 2, 4)},
}
WITHOUT_ORIGIN = X[(X != X.mean(axis=1, keepdims=True)).any(axis=1)]


@pytest.mark.parametrize("metric", sorted(set(ours.VALID_METRICS["brute"]) - {"precomputed", "haversine"}))
def test_metrics_are_scikit_learns(metric):
    params = dict(PARAMS.get(metric, {}))
    options = {"metric": metric, "p": params.pop("p", 2), "metric_params": params or None, "n_neighbors": 5}
    with warnings.catch_warnings():
        # Numbers taken for sets.
        warnings.simplefilter("ignore")
        expected = theirs.NearestNeighbors(algorithm="brute", **options).fit(WITHOUT_ORIGIN).kneighbors(Q)[0]
        for algorithm in ("brute", "auto"):
            found = ours.NearestNeighbors(algorithm=algorithm, **options).fit(WITHOUT_ORIGIN)
            # scikit-learn's cosines and Euclidean distances are differences of what is nearly equal.
            np.testing.assert_allclose(found.kneighbors(Q)[0], expected, rtol=1e-6, atol=1e-7)
        again = pickle.loads(pickle.dumps(found))
        np.testing.assert_array_equal(again.kneighbors(Q)[1], found.kneighbors(Q)[1])
        if metric in ours.VALID_METRICS_SPARSE["brute"] and not params:
            sparse = ours.NearestNeighbors(**options).fit(scipy.sparse.csr_array(WITHOUT_ORIGIN))
            for queries in (Q, scipy.sparse.csr_matrix(Q)):
                np.testing.assert_allclose(sparse.kneighbors(queries)[0], found.kneighbors(Q)[0], atol=1e-12)


@pytest.mark.parametrize("name", ["KDTree", "BallTree"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_trees(name, metric):
    tree = getattr(ours, name)(X, leaf_size=3, metric=metric)
    other = getattr(theirs, name)(X, leaf_size=3, metric=metric)
    np.testing.assert_allclose(tree.query(Q, 4)[0], other.query(Q, 4)[0])
    assert tree.query(Q[0], 4, return_distance=False).shape == (4,)
    radii = np.linspace(0.5, 4, len(Q))
    np.testing.assert_array_equal(
        tree.query_radius(Q, radii, count_only=True), other.query_radius(Q, radii, count_only=True)
    )
    indices, distances = tree.query_radius(Q, 3.0, return_distance=True, sort_results=True)
    for near, far, expected in zip(indices, distances, other.query_radius(Q, 3.0), strict=True):
        assert set(near) == set(expected) and (np.diff(far) >= 0).all()
    np.testing.assert_array_equal(tree.two_point_correlation(Q, [0, 1, 9]), other.two_point_correlation(Q, [0, 1, 9]))
    # Its cosine has another mass than 1 where the features are even.
    for kernel in ("gaussian", "tophat", "epanechnikov", "exponential", "linear"):
        options = {"h": 1.3, "kernel": kernel}
        # Where nothing is, scikit-learn's logarithm is that of what its tolerance leaves.
        np.testing.assert_allclose(tree.kernel_density(Q, **options), other.kernel_density(Q, **options), atol=1e-12)
        logarithms = tree.kernel_density(Q, return_log=True, **options)
        np.testing.assert_allclose(np.exp(logarithms), tree.kernel_density(Q, **options))
    again = pickle.loads(pickle.dumps(tree))
    np.testing.assert_array_equal(again.query(Q, 4)[1], tree.query(Q, 4)[1])
    for wrong in ({"k": 61}, {"X": Q[:, :2]}):
        with pytest.raises(ValueError, match="must"):
            tree.query(**{"X": Q, "k": 1, **wrong})
    with pytest.raises(ValueError, match="not recognized"):
        tree.kernel_density(Q, 1.0, kernel="flat")


def test_a_function_is_asked_by_a_ball_tree():
    def farthest(a, b, scale):
        return scale * np.abs(a - b).max()

    tree = ours.BallTree(X, metric=farthest, scale=2.0)
    np.testing.assert_allclose(tree.query(Q, 3)[0], 2 * theirs.KDTree(X, metric="chebyshev").query(Q, 3)[0])
    with pytest.raises(ValueError, match="kernel_density takes no function"):
        tree.kernel_density(Q, 1.0)
    with pytest.raises(ValueError, match="kd_tree does not support callable"):
        ours.KDTree(X, metric=farthest, scale=2.0)


def test_sparse_points_and_graphs_come_back_from_files(tmp_path):
    y = np.arange(len(X)) % 3
    sparse = scipy.sparse.csr_matrix(X)
    model = ours.KNeighborsClassifier(n_neighbors=3).fit(sparse, y)
    dense = ours.KNeighborsClassifier(n_neighbors=3, algorithm="brute").fit(X, y)
    np.testing.assert_array_equal(model.predict(sparse), dense.predict(X))
    graph = ours.KNeighborsTransformer(n_neighbors=6).fit(X)
    given = ours.KNeighborsRegressor(n_neighbors=3, metric="precomputed").fit(graph.transform(X), y)
    for fitted, queries in ((model, Q), (given, graph.transform(Q))):
        fitted.save(tmp_path / "model")
        read = load_model(tmp_path / "model")
        np.testing.assert_array_equal(read.predict(queries), fitted.predict(queries))
        np.testing.assert_array_equal(read.predict(None), fitted.predict(None))


def test_graphs_are_scikit_learns():
    for include_self in (True, False, "auto"):
        for mode in ("connectivity", "distance"):
            options = {"mode": mode, "include_self": include_self}
            points = RNG.normal(size=(20, 3))
            for graph, other, size in (
                (ours.kneighbors_graph, theirs.kneighbors_graph, 3),
                (ours.radius_neighbors_graph, theirs.radius_neighbors_graph, 1.5),
            ):
                found, expected = graph(points, size, **options), other(points, size, **options)
                np.testing.assert_allclose(found.toarray(), expected.toarray())
    with pytest.raises(ValueError, match="'n_neighbors' parameter of kneighbors_graph must be"):
        ours.kneighbors_graph(X, 0)
    search = ours.NearestNeighbors(metric="manhattan").fit(X)
    with pytest.raises(ValueError, match="while the estimator has manhattan"):
        ours.kneighbors_graph(search, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "seuclidean"}, "needs V"),
        ({"metric": "mahalanobis"}, "needs VI"),
        ({"metric": "seuclidean", "metric_params": {"V": [1.0]}}, "V holds 1 numbers: 4 expected"),
        ({"metric": "mahalanobis", "metric_params": {"VI": -np.eye(4)}}, "negative eigenvalue"),
        ({"metric": "minkowski", "metric_params": {"w": [-1.0, 1, 1, 1]}}, "w holds 4 numbers"),
        ({"metric": "canberra", "metric_params": {"V": 1}}, "may hold"),
        ({"metric": "cosine", "algorithm": "ball_tree"}, "Metric 'cosine' not valid"),
        ({"metric": "hamming", "algorithm": "kd_tree"}, "Metric 'hamming' not valid"),
        ({"metric": "haversine"}, "only valid in 2 dimensions"),
        ({"metric": "nearest"}, "'metric' parameter of NearestNeighbors must be"),
    ],
)
def test_parameters_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        ours.NearestNeighbors(**options).fit(X)


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda distances: 1 / (1 + distances)])
@pytest.mark.parametrize("outputs", [1, 2])
def test_radius_votes_and_means(weights, outputs):
    labels = np.array(["ant", "bee", "cat"])[RNG.randint(0, 3, (60, outputs))]
    values = RNG.normal(size=(60, outputs))
    far = np.vstack([Q, np.full(4, 99.0)])
    if outputs == 1:
        labels, values = labels.ravel(), values.ravel()
    mine, other = (
        module.RadiusNeighborsClassifier(3.0, weights=weights, outlier_label="bee").fit(X, labels)
        for module in (ours, theirs)
    )
    np.testing.assert_array_equal(mine.predict(far), other.predict(far))
    np.testing.assert_allclose(mine.predict_proba(far), other.predict_proba(far))
    mine, other = (module.RadiusNeighborsRegressor(3.0, weights=weights).fit(X, values) for module in (ours, theirs))
    with warnings.catch_warnings():
        # One query has no neighbours.
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(mine.predict(far), other.predict(far))
