"""The estimators of `barehand.linear_model`."""

from barehand.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from checks import Checked

NO_ITERATIONS = {"check_non_transformer_estimators_n_iter": "as scikit-learn's: no iterations, n_iter_ is None"}

CHECKED = [
    Checked(LinearRegression()),
    Checked(LinearRegression(positive=True)),
    Checked(LogisticRegression()),
    Checked(Ridge(), NO_ITERATIONS),
    Checked(RidgeClassifier(), NO_ITERATIONS),
]
