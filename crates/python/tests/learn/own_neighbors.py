"""scikit-learn's own tests of neighbours."""

from own import Own

CLASSES = {
    "sklearn.neighbors": [
        "KNeighborsClassifier",
        "KNeighborsRegressor",
        "NearestNeighbors",
        "RadiusNeighborsClassifier",
        "RadiusNeighborsRegressor",
    ]
}

METRIC = "metrics other than Euclidean, Manhattan, Chebyshev, Minkowski (without weights) and cosine are not there"
SPARSE = "sparse matrices of distances are not taken"

OWN = [
    Own(
        tests="sklearn.neighbors.tests.test_neighbors",
        replaced=CLASSES,
        at_least=454,
        different={
            "test_auto_algorithm": METRIC,
            "test_kneighbors_brute_backend": METRIC,
            "test_kneighbors_regressor_sparse": SPARSE,
            "test_nan_euclidean_support": METRIC,
            "test_neighbors_metrics": METRIC,
            "test_neighbors_validate_parameters": METRIC,
            "test_pairwise_boolean_distance": METRIC,
            "test_pipeline_with_nearest_neighbors_transformer": SPARSE,
            "test_precomputed_sparse_invalid": SPARSE,
            "test_precomputed_sparse_knn": SPARSE,
            "test_precomputed_sparse_radius": SPARSE,
            "test_radius_neighbors_brute_backend": METRIC,
            "test_radius_neighbors_returns_array_of_objects": SPARSE,
            "test_radius_neighbors_sort_results": SPARSE,
            "test_sparse_metric_callable": "a function is given rows of numbers, not sparse ones",
            "test_unsupervised_inputs": "trees of scikit-learn are not taken in the place of points",
            "test_unsupervised_kneighbors": "distance objects of scikit-learn are not taken as a metric",
            "test_valid_brute_metric_for_auto_algorithm": METRIC,
        },
        private={"test_neigh_predictions_algorithm_agnosticity": "asks for scikit-learn's KNeighborsMixin"},
    )
]
