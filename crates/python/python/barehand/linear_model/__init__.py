"""Linear models: predictions are ``X @ coef_.T + intercept_``."""

from barehand.linear_model._elastic_net import ElasticNet
from barehand.linear_model._gradient_descent import GradientDescentClassifier, GradientDescentRegressor
from barehand.linear_model._lasso import Lasso
from barehand.linear_model._linear_regression import LinearRegression
from barehand.linear_model._logistic_regression import LogisticRegression
from barehand.linear_model._ridge import Ridge
from barehand.linear_model._ridge_classifier import RidgeClassifier
from barehand.linear_model._sgd import SGDClassifier, SGDRegressor

__all__ = [
    "ElasticNet",
    "GradientDescentClassifier",
    "GradientDescentRegressor",
    "Lasso",
    "LinearRegression",
    "LogisticRegression",
    "Ridge",
    "RidgeClassifier",
    "SGDClassifier",
    "SGDRegressor",
]
