"""scikit-learn's own tests of clusters, mixtures and decompositions."""

from own import Own

WHITENED = "wants a whitened model to fit worse: scikit-learn's covariance of one is not that of the samples, ours is"
RANDOM_U = (
    "fit_transform is transform after fit, to the bit; scikit-learn's differ by what the random projections leave out"
)

OWN = [
    Own(
        "sklearn.cluster.tests.test_k_means",
        {"sklearn.cluster": ["KMeans", "MiniBatchKMeans", "k_means", "kmeans_plusplus"]},
        at_least=255,
        private={
            "test_sample_weight_init": "calls KMeans._init_centroids",
            "test_sample_weight_zero": "calls KMeans._init_centroids",
        },
    ),
    Own("sklearn.cluster.tests.test_dbscan", {"sklearn.cluster": ["DBSCAN", "dbscan"]}, at_least=32),
    Own(
        "sklearn.mixture.tests.test_gaussian_mixture",
        {"sklearn.mixture": ["GaussianMixture"]},
        at_least=50,
        private={
            "test_gaussian_mixture_precisions_init": "calls GaussianMixture._set_parameters",
            "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": (
                "counts calls of the module's _estimate_gaussian_parameters"
            ),
        },
    ),
    Own("sklearn.mixture.tests.test_mixture", {"sklearn.mixture": ["GaussianMixture"]}, at_least=4),
    Own(
        "sklearn.decomposition.tests.test_pca",
        {"sklearn.decomposition": ["PCA"]},
        at_least=360,
        different={
            "test_pca_score": WHITENED,
            "test_pca_explained_variance_empirical[randomized-random-tall]": RANDOM_U,
            "test_pca_singular_values[randomized]": RANDOM_U,
            "test_pca_zero_noise_variance_edge_cases": "the likelihood under a singular covariance is an error here; there it is made of rounding",
        },
    ),
    Own(
        "sklearn.decomposition.tests.test_truncated_svd",
        {"sklearn.decomposition": ["PCA", "TruncatedSVD"]},
        at_least=46,
    ),
]
