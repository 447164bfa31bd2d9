"""Linear models: predictions are ``X @ coef_.T + intercept_``."""

from barehand.linear_model._elastic_net import ElasticNet
from barehand.linear_model._elastic_net_cv import ElasticNetCV, LassoCV
from barehand.linear_model._elastic_net_path import enet_path, lasso_path
from barehand.linear_model._gradient_descent import GradientDescentClassifier, GradientDescentRegressor
from barehand.linear_model._lasso import Lasso
from barehand.linear_model._linear_regression import LinearRegression
from barehand.linear_model._logistic_regression import LogisticRegression
from barehand.linear_model._logistic_regression_cv import LogisticRegressionCV
from barehand.linear_model._ridge import Ridge
from barehand.linear_model._ridge_classifier import RidgeClassifier
from barehand.linear_model._ridge_classifier_cv import RidgeClassifierCV
from barehand.linear_model._ridge_cv import RidgeCV
from barehand.linear_model._ridge_regression import ridge_regression
from barehand.linear_model._sgd import SGDClassifier, SGDRegressor

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "GradientDescentClassifier",
    "GradientDescentRegressor",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "LogisticRegression",
    "LogisticRegressionCV",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
    "SGDRegressor",
    "enet_path",
    "lasso_path",
    "ridge_regression",
]
