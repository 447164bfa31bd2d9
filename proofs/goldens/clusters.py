#!/usr/bin/env python3
"""Clusters, mixtures and components by scikit-learn, for the tests of crates/learn.

    python3 proofs/goldens/clusters.py

Writes crates/learn/tests/goldens/clusters.json: iris and a sparse matrix, and what scikit-learn makes of them with whole-number
seeds.
"""

import json
import platform
import warnings
from pathlib import Path

import numpy as np
import scipy
import scipy.sparse
import sklearn
from sklearn.cluster import DBSCAN, KMeans, MiniBatchKMeans, kmeans_plusplus
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.mixture import GaussianMixture

OUT = Path(__file__).resolve().parents[2] / "crates/learn/tests/goldens/clusters.json"


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    return value.item() if isinstance(value, np.generic) else value


def attributes(model, *names):
    return {name: getattr(model, f"{name}_") for name in names}


def main():
    warnings.simplefilter("ignore")
    X = load_iris().data
    weights = 1.0 + np.arange(len(X)) % 3
    dense = np.random.RandomState(7).poisson(0.4, size=(40, 25)).astype(float)
    sparse = scipy.sparse.csr_array(dense)
    golden = {
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "iris": X,
        "weights": weights,
        "counts": dense,
    }
    golden["k_means_plus_plus"] = [
        {"k": k, "seed": seed, "weighted": weighted, "picked": kmeans_plusplus(
            X, k, random_state=seed, sample_weight=weights if weighted else None)[1]}
        for k in (1, 3, 8) for seed in (0, 5) for weighted in (False, True)
    ]
    golden["k_means"] = []
    for init in ("k-means++", "random"):
        for algorithm in ("lloyd", "elkan"):
            for seed, weighted in ((0, False), (3, True)):
                model = KMeans(4, init=init, algorithm=algorithm, random_state=seed, n_init=3)
                model.fit(X, sample_weight=weights if weighted else None)
                golden["k_means"].append({
                    "init": init, "algorithm": algorithm, "seed": seed, "weighted": weighted,
                    **attributes(model, "cluster_centers", "labels", "inertia", "n_iter"),
                })
    golden["mini_batch_k_means"] = []
    for init, seed, weighted in (("k-means++", 0, False), ("random", 1, True)):
        model = MiniBatchKMeans(3, init=init, random_state=seed, batch_size=40)
        model.fit(X, sample_weight=weights if weighted else None)
        golden["mini_batch_k_means"].append({
            "init": init, "seed": seed, "weighted": weighted,
            **attributes(model, "cluster_centers", "labels", "inertia", "n_iter", "n_steps"),
        })
    model = MiniBatchKMeans(3, random_state=2)
    for start in range(0, 150, 30):
        model.partial_fit(X[start : start + 30])
    golden["partial_fit"] = attributes(model, "cluster_centers", "n_steps")
    golden["dbscan"] = []
    for eps, min_samples, weighted, metric in ((0.5, 5, False, "euclidean"), (0.6, 9, True, "manhattan"),
                                               (0.3, 4, False, "chebyshev")):
        model = DBSCAN(eps=eps, min_samples=min_samples, metric=metric)
        model.fit(X, sample_weight=weights if weighted else None)
        golden["dbscan"].append({
            "eps": eps, "min_samples": min_samples, "weighted": weighted, "metric": metric,
            **attributes(model, "labels", "core_sample_indices"),
        })
    golden["gaussian_mixture"] = []
    for kind in ("full", "tied", "diag", "spherical"):
        for init in ("kmeans", "k-means++", "random", "random_from_data"):
            model = GaussianMixture(3, covariance_type=kind, init_params=init, random_state=4, max_iter=200).fit(X)
            golden["gaussian_mixture"].append({
                "kind": kind, "init": init,
                **attributes(model, "weights", "means", "lower_bound", "n_iter", "converged"),
                "covariances": np.ravel(model.covariances_),
                "score": model.score(X), "aic": model.aic(X), "bic": model.bic(X),
                "proba": model.predict_proba(X[::30]),
            })
    golden["pca"] = []
    for data, n_components, solver, whiten in (
        ("iris", None, "full", False), ("iris", 2, "covariance_eigh", True), ("iris", 0.95, "full", False),
        ("iris", "mle", "full", False), ("iris", 2, "randomized", False), ("counts", 3, "randomized", False),
        ("counts", 4, "arpack", True), ("counts", 6, "full", False),
    ):
        values = golden[data]
        model = PCA(n_components, svd_solver=solver, whiten=whiten, random_state=0).fit(values)
        golden["pca"].append({
            "data": data, "n_components": n_components, "solver": solver, "whiten": whiten,
            **attributes(model, "components", "mean", "explained_variance", "explained_variance_ratio",
                         "singular_values", "noise_variance"),
            "transformed": model.transform(values[:3]), "score": model.score(values),
        })
    golden["truncated_svd"] = []
    for algorithm, iterations, normalizer in (("randomized", 5, "auto"), ("randomized", 2, "auto"),
                                              ("randomized", 4, "QR"), ("arpack", 5, "auto")):
        model = TruncatedSVD(4, algorithm=algorithm, n_iter=iterations, power_iteration_normalizer=normalizer,
                             random_state=3).fit(sparse)
        golden["truncated_svd"].append({
            "algorithm": algorithm, "n_iter": iterations, "normalizer": normalizer,
            **attributes(model, "components", "explained_variance", "explained_variance_ratio", "singular_values"),
        })
    OUT.write_text(json.dumps(plain(golden), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
