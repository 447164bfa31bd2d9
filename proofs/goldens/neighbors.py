#!/usr/bin/env python3
"""Distances by SciPy and scikit-learn, and densities by scikit-learn, for the tests of crates/learn.

    python3 proofs/goldens/neighbors.py

Writes crates/learn/tests/goldens/neighbors.json: points with zeros and duplicates, what missing makes of them, and how far
queries are from them.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.spatial.distance import cdist
from sklearn.metrics import DistanceMetric
from sklearn.metrics.pairwise import haversine_distances, nan_euclidean_distances
from sklearn.neighbors import KDTree

OUT = Path(__file__).resolve().parents[2] / "crates/learn/tests/goldens/neighbors.json"
BOOLEAN = ["dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath", "yule"]


def plain(array):
    return np.where(np.isnan(array), None, array).tolist()


def main():
    rng = np.random.RandomState(11)
    points = np.round(rng.normal(size=(24, 5)) * 2) + 100.0 * (rng.uniform(size=(24, 5)) < 0.1)
    points[7] = points[3]
    points[9] = 0.0
    queries = np.round(rng.normal(size=(6, 5)) * 2)
    queries[2] = points[3]
    variances, weights = rng.uniform(0.5, 3.0, size=5), rng.uniform(0.0, 2.0, size=5)
    root = rng.normal(size=(5, 5))
    inverse = root @ root.T
    missing = [np.where(rng.uniform(size=x.shape) < 0.3, np.nan, x) for x in (queries, points)]
    missing[1][5] = np.nan
    places = [np.radians(rng.uniform(-90, 90, size=(len(x), 2)) * [1, 2]) for x in (queries, points)]
    given = {
        "euclidean": {},
        "sqeuclidean": {},
        "cityblock": {},
        "chebyshev": {},
        "minkowski": {"p": 3.0},
        "cosine": {},
        "correlation": {},
        "hamming": {},
        "canberra": {},
        "seuclidean": {"V": variances},
        "mahalanobis": {"VI": inverse},
    }
    metrics = []

    def add(name, distances, p=None, numbers=None):
        # A point at the origin has no direction: SciPy divides 0 by 0, the engine says that it is at right angles.
        metrics.append(
            {
                "name": name,
                "p": p,
                "numbers": None if numbers is None else numbers.ravel().tolist(),
                "distances": plain(distances),
            }
        )

    with np.errstate(all="ignore"):
        for name, params in given.items():
            numbers = params.get("V", params.get("VI"))
            add(name, cdist(queries, points, name, **params), params.get("p"), numbers)
        add("minkowski", cdist(queries, points, "minkowski", p=1.5, w=weights), 1.5, weights)
        # SciPy's sum |a + b| in the denominator is another one.
        add("braycurtis", DistanceMetric.get_metric("braycurtis").pairwise(queries, points))
        for name in BOOLEAN:
            add(name, cdist(queries != 0, points != 0, name))
    golden = {
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "points": points.tolist(),
        "queries": queries.tolist(),
        "metrics": metrics,
        "missing": [plain(x) for x in missing],
        "nan_euclidean": plain(nan_euclidean_distances(*missing)),
        "places": [x.tolist() for x in places],
        "haversine": haversine_distances(*places).tolist(),
        "densities": [
            {
                "kernel": kernel,
                "h": h,
                "log": [
                    None if np.isinf(x) else float(x)
                    for x in KDTree(points).kernel_density(queries, h, kernel=kernel, atol=0, rtol=0, return_log=True)
                ],
            }
            for kernel in ("gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine")
            for h in (0.1, 3.7)
        ],
    }
    OUT.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
