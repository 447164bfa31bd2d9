"""Clusters of samples that nobody has labelled."""

from barehand.cluster._dbscan import DBSCAN, dbscan
from barehand.cluster._k_means import KMeans, k_means
from barehand.cluster._k_means_plus_plus import kmeans_plusplus
from barehand.cluster._mini_batch_k_means import MiniBatchKMeans

__all__ = ["DBSCAN", "KMeans", "MiniBatchKMeans", "dbscan", "k_means", "kmeans_plusplus"]
