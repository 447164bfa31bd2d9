"""The estimators of neighbours."""

from barehand.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    NearestNeighbors,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
    RadiusNeighborsTransformer,
)
from checks import Checked

CHECKED = [
    Checked(KNeighborsClassifier(n_neighbors=2)),
    Checked(KNeighborsClassifier(metric="precomputed")),
    Checked(KNeighborsRegressor(n_neighbors=2)),
    Checked(KNeighborsRegressor(metric="precomputed")),
    Checked(KNeighborsTransformer(n_neighbors=2)),
    Checked(NearestNeighbors()),
    Checked(NearestNeighbors(metric="nan_euclidean")),
    Checked(RadiusNeighborsClassifier()),
    Checked(RadiusNeighborsRegressor()),
    Checked(RadiusNeighborsTransformer()),
]
