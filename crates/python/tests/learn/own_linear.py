"""scikit-learn's tests of its linear models."""

from own import Own

OWN = [
    Own(
        tests="sklearn.linear_model.tests.test_base",
        replaced={"sklearn.linear_model": ["LinearRegression"]},
        chosen="linear_regression or fit_intercept or pandas",
        at_least=25,
    ),
]
