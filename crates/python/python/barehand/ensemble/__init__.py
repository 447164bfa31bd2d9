"""Many models that speak as one."""

from barehand.ensemble._extra_trees_classifier import ExtraTreesClassifier
from barehand.ensemble._extra_trees_regressor import ExtraTreesRegressor
from barehand.ensemble._hist_gradient_boosting_classifier import HistGradientBoostingClassifier
from barehand.ensemble._hist_gradient_boosting_regressor import HistGradientBoostingRegressor
from barehand.ensemble._random_forest_classifier import RandomForestClassifier
from barehand.ensemble._random_forest_regressor import RandomForestRegressor

__all__ = [
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor",
    "RandomForestClassifier",
    "RandomForestRegressor",
]
