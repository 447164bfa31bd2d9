"""The estimators of `barehand.tree`, and the forests of `barehand.ensemble`."""

from barehand.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from barehand.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from checks import Checked

DRAWN = "a weight is how probable the drawing of a sample is, which is not the sample that often"
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": DRAWN,
    "check_sample_weight_equivalence_on_sparse_data": DRAWN,
}

CHECKED = [
    Checked(DecisionTreeClassifier()),
    Checked(DecisionTreeRegressor()),
    Checked(ExtraTreeClassifier()),
    Checked(ExtraTreeRegressor()),
    Checked(ExtraTreesClassifier(5)),
    Checked(ExtraTreesRegressor(5)),
    Checked(RandomForestClassifier(5), EXPECTED),
    Checked(RandomForestRegressor(5), EXPECTED),
]
