"""Linear models: predictions are ``X @ coef_.T + intercept_``."""

from barehand.linear_model._linear_regression import LinearRegression
from barehand.linear_model._logistic_regression import LogisticRegression
from barehand.linear_model._ridge import Ridge
from barehand.linear_model._ridge_classifier import RidgeClassifier

__all__ = ["LinearRegression", "LogisticRegression", "Ridge", "RidgeClassifier"]
