"""The estimators of neighbours."""

from barehand.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestNeighbors,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from checks import Checked

CHECKED = [
    Checked(KNeighborsClassifier(n_neighbors=2)),
    Checked(KNeighborsClassifier(metric="precomputed")),
    Checked(KNeighborsRegressor(n_neighbors=2)),
    Checked(KNeighborsRegressor(metric="precomputed")),
    Checked(NearestNeighbors()),
    Checked(RadiusNeighborsClassifier()),
    Checked(RadiusNeighborsRegressor()),
]
