"""The estimators of `barehand.linear_model`."""

from barehand.linear_model import (
    ElasticNet,
    ElasticNetCV,
    GradientDescentClassifier,
    GradientDescentRegressor,
    Lasso,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
)
from checks import Checked

NO_ITERATIONS = {"check_non_transformer_estimators_n_iter": "as scikit-learn's: no iterations, n_iter_ is None"}

REPEATED = "as scikit-learn's: a sample of weight 2 makes one step that is twice as long, not two"
STEPS = {
    "check_sample_weight_equivalence_on_dense_data": REPEATED,
    "check_sample_weight_equivalence_on_sparse_data": REPEATED,
}

CHECKED = [
    Checked(ElasticNet()),
    Checked(ElasticNetCV(alphas=10, cv=3)),
    Checked(GradientDescentClassifier(n_steps=100)),
    # Columns around 100 need short steps, and many.
    Checked(GradientDescentRegressor(3e-5, n_epochs=30_000)),
    Checked(Lasso()),
    Checked(LassoCV(alphas=10, cv=3)),
    Checked(LinearRegression()),
    Checked(LinearRegression(positive=True)),
    Checked(LogisticRegression()),
    Checked(LogisticRegressionCV(Cs=3, cv=3, l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False)),
    Checked(Ridge(), NO_ITERATIONS),
    Checked(RidgeCV()),
    Checked(RidgeClassifier(), NO_ITERATIONS),
    Checked(RidgeClassifierCV()),
    Checked(SGDClassifier(), STEPS),
    Checked(SGDRegressor(), STEPS),
]
