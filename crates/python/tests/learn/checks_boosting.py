"""The estimators of histogram gradient boosting."""

from barehand.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from checks import Checked

# As of scikit-learn's own classes.
COUNTS = {
    "check_sample_weight_equivalence_on_dense_data": "min_samples_leaf counts samples, not their weights",
}

CHECKED = [
    Checked(HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5), expected=COUNTS),
    Checked(HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=5), expected=COUNTS),
]
