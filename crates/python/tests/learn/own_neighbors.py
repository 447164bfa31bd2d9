"""scikit-learn's own tests of neighbours."""

from own import Own

CLASSES = {
    "sklearn.neighbors": [
        "BallTree",
        "KDTree",
        "KNeighborsClassifier",
        "KNeighborsRegressor",
        "KNeighborsTransformer",
        "NearestNeighbors",
        "RadiusNeighborsClassifier",
        "RadiusNeighborsRegressor",
        "RadiusNeighborsTransformer",
        "VALID_METRICS",
        "VALID_METRICS_SPARSE",
        "kneighbors_graph",
        "radius_neighbors_graph",
        "sort_graph_by_row_values",
    ],
    "sklearn.neighbors._base": ["KNeighborsMixin", "sort_graph_by_row_values"],
}

INDEFINITE = "an inverse covariance with negative eigenvalues, of which a distance may be the root of a negative number, is refused"

# Of the modules beside these, two are about scikit-learn's private trees (BallTree64, KDTree32), the others about what is not
# here: KernelDensity, LocalOutlierFactor, NearestCentroid, NeighborhoodComponentsAnalysis and its quad tree.
OWN = [
    Own(
        tests="sklearn.neighbors.tests.test_neighbors",
        replaced=CLASSES,
        at_least=594,
        different={
            "test_kneighbors_brute_backend[42-float64-mahalanobis]": INDEFINITE,
            "test_radius_neighbors_brute_backend[42-float64-mahalanobis]": INDEFINITE,
        },
    ),
    Own(tests="sklearn.neighbors.tests.test_graph", replaced=CLASSES, at_least=4),
    Own(tests="sklearn.neighbors.tests.test_neighbors_pipeline", replaced=CLASSES, at_least=8),
    Own(
        tests="sklearn.neighbors.tests.test_neighbors_tree",
        replaced={"sklearn.neighbors._ball_tree": ["BallTree"], "sklearn.neighbors._kd_tree": ["KDTree"]},
        at_least=433,
    ),
]
