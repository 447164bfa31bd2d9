"""Many models that speak as one."""

from barehand.ensemble._hist_gradient_boosting_classifier import HistGradientBoostingClassifier
from barehand.ensemble._hist_gradient_boosting_regressor import HistGradientBoostingRegressor

__all__ = ["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"]
