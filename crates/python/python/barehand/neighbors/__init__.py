"""What is near says what it is."""

from barehand.neighbors._k_neighbors_classifier import KNeighborsClassifier
from barehand.neighbors._k_neighbors_regressor import KNeighborsRegressor
from barehand.neighbors._nearest_neighbors import NearestNeighbors
from barehand.neighbors._radius_neighbors_classifier import RadiusNeighborsClassifier
from barehand.neighbors._radius_neighbors_regressor import RadiusNeighborsRegressor

__all__ = [
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "NearestNeighbors",
    "RadiusNeighborsClassifier",
    "RadiusNeighborsRegressor",
]
