"""What is near says what it is."""

from barehand.neighbors._base import KNeighborsMixin  # noqa: F401
from barehand.neighbors._graph import kneighbors_graph, radius_neighbors_graph
from barehand.neighbors._k_neighbors_classifier import KNeighborsClassifier
from barehand.neighbors._k_neighbors_regressor import KNeighborsRegressor
from barehand.neighbors._metrics import VALID_METRICS, VALID_METRICS_SPARSE
from barehand.neighbors._nearest_neighbors import NearestNeighbors
from barehand.neighbors._radius_neighbors_classifier import RadiusNeighborsClassifier
from barehand.neighbors._radius_neighbors_regressor import RadiusNeighborsRegressor
from barehand.neighbors._sorted_graph import sort_graph_by_row_values
from barehand.neighbors._transformers import KNeighborsTransformer, RadiusNeighborsTransformer
from barehand.neighbors._trees import BallTree, KDTree

__all__ = [
    "VALID_METRICS",
    "VALID_METRICS_SPARSE",
    "BallTree",
    "KDTree",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "KNeighborsTransformer",
    "NearestNeighbors",
    "RadiusNeighborsClassifier",
    "RadiusNeighborsRegressor",
    "RadiusNeighborsTransformer",
    "kneighbors_graph",
    "radius_neighbors_graph",
    "sort_graph_by_row_values",
]
