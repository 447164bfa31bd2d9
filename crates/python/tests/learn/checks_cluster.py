"""The estimators of `barehand.cluster`, `barehand.mixture` and `barehand.decomposition`."""

from barehand.cluster import DBSCAN, KMeans, MiniBatchKMeans
from barehand.decomposition import PCA, TruncatedSVD
from barehand.mixture import GaussianMixture
from checks import Checked

# Those that scikit-learn's own classes fail: what is drawn depends on how many samples there are.
DRAWN = {
    "check_sample_weight_equivalence_on_dense_data": "sample_weight is not equivalent to removing/repeating samples",
    "check_sample_weight_equivalence_on_sparse_data": "sample_weight is not equivalent to removing/repeating samples",
}

CHECKED = [
    Checked(DBSCAN()),
    Checked(GaussianMixture(max_iter=5, n_init=2)),
    Checked(KMeans(max_iter=5, n_clusters=3, n_init=2), DRAWN),
    Checked(KMeans(max_iter=5, n_clusters=3, n_init=2, algorithm="elkan"), DRAWN),
    Checked(MiniBatchKMeans(batch_size=10, max_iter=5, n_clusters=3, n_init=2), DRAWN),
    Checked(PCA()),
    Checked(PCA(n_components=1, svd_solver="randomized")),
    Checked(TruncatedSVD(n_components=1)),
]
