"""Linear models: what is assigned to their coefficients, and who watches their fits."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn.linear_model as theirs
from barehand.base import load_model
from barehand.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from barehand.pipeline import make_pipeline
from barehand.preprocessing import StandardScaler
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

RNG = np.random.RandomState(0)
X = RNG.normal(size=(90, 4))
TWO = (X @ [1.0, -2.0, 0.5, 0.0] + RNG.normal(size=90) > 0).astype(int)
THREE = TWO + (X[:, 2] > 0.5)
VALUES = X @ [1.0, -2.0, 0.5, 0.0]
SEVERAL = np.column_stack([VALUES, X[:, 3]])


@pytest.mark.parametrize(
    ("model", "y"),
    [
        (LinearRegression(), VALUES),
        (LinearRegression(), SEVERAL),
        (LinearRegression(fit_intercept=False), SEVERAL),
        (Ridge(), VALUES[:, None]),
        (Lasso(alpha=0.01), VALUES),
        (LogisticRegression(), TWO),
        (LogisticRegression(), THREE),
        (RidgeClassifier(), TWO),
        (SGDClassifier(random_state=0), THREE),
        (SGDRegressor(random_state=0), VALUES),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_assigned_is_predicted_with(model, y):
    scores = getattr(model, "decision_function", model.predict)
    model.fit(X, y)
    before, shape = scores(X), np.shape(model.coef_)
    coef, intercept = 2 * model.coef_ + 1, model.intercept_ - 3
    model.coef_ = coef
    model.intercept_ = intercept
    expected = X @ coef.T + intercept
    assert_allclose(scores(X).ravel(), expected.ravel(), atol=1e-12)
    copied = pickle.loads(pickle.dumps(model))
    assert_array_equal(getattr(copied, scores.__name__)(X), scores(X))
    assert_array_equal(copied.coef_, coef)
    with pytest.raises(ValueError, match="coef_ has shape"):
        model.coef_ = np.ones((3, 7))
    assert_array_equal(model.coef_, coef)
    model.intercept_ = 0.0
    assert_allclose(scores(X).ravel(), (X @ coef.T).ravel(), atol=1e-12)
    model.fit(X, y)
    assert np.shape(model.coef_) == shape
    assert_array_equal(scores(X), before)


def test_sparse_coefficients_are_the_same_model():
    model = LogisticRegression().fit(X, THREE)
    before = model.predict_proba(X)
    model.sparsify()
    assert_array_equal(model.predict_proba(X), before)
    model.coef_ = model.coef_ * 2.0
    assert_allclose(model.decision_function(X), X @ model.coef_.toarray().T + model.intercept_)


def test_what_is_assigned_is_in_pipelines_and_files(tmp_path):
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, TWO)
    pipeline[-1].coef_ = -pipeline[-1].coef_
    pipeline[-1].intercept_ = np.array([1.0])
    scores = pipeline.decision_function(X)
    assert_allclose(scores, pipeline[0].transform(X) @ pipeline[-1].coef_[0] + 1)
    pipeline.save(tmp_path / "model")
    assert_array_equal(load_model(tmp_path / "model").decision_function(X), scores)


@pytest.mark.parametrize("average", [False, True])
def test_stochastic_gradient_descent_goes_on_from_what_is_assigned(average):
    coefficients = []
    for kind in (SGDClassifier, theirs.SGDClassifier):
        model = kind(random_state=0, average=average).partial_fit(X, TWO, classes=[0, 1])
        if not average:
            model.coef_ = np.full((1, 4), 0.5)
            model.intercept_ = np.array([0.25])
        coefficients.append(model.partial_fit(X, TWO).coef_)
    assert_allclose(*coefficients)


def test_there_are_no_coefficients_before_a_fit():
    model = LogisticRegression()
    assert not hasattr(model, "coef_")
    with pytest.raises(AttributeError, match="'LogisticRegression' object has no attribute 'intercept_'"):
        model.intercept_  # noqa: B018
    with pytest.raises(AttributeError):
        del model.coef_
    model.fit(X, TWO)
    del model.coef_
    assert not hasattr(model, "coef_")


class Watch:
    """Keeps what it is told; may end a fit, or fail."""

    def __init__(self, last=None, fails=None):
        self.told, self.losses, self.last, self.fails = [], [], last, fails

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.told.append(f"end {context.task_name} {context.task_id}")
        if context.task_name == self.fails:
            raise ZeroDivisionError("a callback's own")
        if fitted_estimator is not None and hasattr(fitted_estimator, "predict_proba"):
            p = fitted_estimator.predict_proba(X)
            self.losses.append(-np.log(p[np.arange(len(y)), y]).mean())
        return context.task_id == self.last


sklearn_callback = pytest.importorskip("sklearn.callback")


@pytest.mark.parametrize("y", [TWO, THREE])
def test_callbacks_are_told_of_every_iteration(y):
    watch = Watch()
    model = LogisticRegression(C=10).set_callbacks(watch).fit(X, y)
    n = int(model.n_iter_[0])
    iterations = [f"{what} lbfgs-iter {i}" for i in range(n + 1) for what in ("begin", "end")]
    assert watch.told == ["setup", "begin fit 0", *iterations, "end fit 0", "teardown"]
    # The last one is told twice: as an iteration, and as the fit.
    assert len(watch.losses) == n + 1
    assert watch.losses[0] < np.log(y.max() + 1)
    assert watch.losses[-1] == watch.losses[-2]
    alone = LogisticRegression(C=10).fit(X, y)
    assert_array_equal(model.coef_, alone.coef_)
    assert_array_equal(model.intercept_, alone.intercept_)


def test_a_callback_ends_a_fit_without_a_warning(recwarn):
    model = LogisticRegression().set_callbacks(Watch(last=1)).fit(X, TWO)
    assert model.n_iter_ == 2
    assert not [warning for warning in recwarn if issubclass(warning.category, ConvergenceWarning)]
    limited = LogisticRegression(max_iter=2)
    with pytest.warns(ConvergenceWarning):
        limited.fit(X, TWO)
    assert_array_equal(model.coef_, limited.coef_)


@pytest.mark.parametrize("fails", ["lbfgs-iter", "fit"])
def test_a_callbacks_exception_ends_the_fit(fails):
    watch = Watch(fails=fails)
    with pytest.raises(ZeroDivisionError, match="a callback's own"):
        LogisticRegression().set_callbacks(watch).fit(X, TWO)
    assert watch.told[-1] == "teardown"


def test_callbacks_of_other_fits_are_told_of_the_whole(tmp_path):
    whole = ["setup", "begin fit 0", "end fit 0", "teardown"]
    with pytest.warns(UserWarning, match="only supported in LogisticRegression for solver='lbfgs'"):
        model = LogisticRegression(solver="newton-cholesky").set_callbacks(watch := Watch())
    model.fit(X, TWO)
    assert watch.told == whole
    watch = Watch()
    search = LogisticRegressionCV(l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False).set_callbacks(watch)
    search.fit(X, TWO)
    assert watch.told == whole
    scaler = StandardScaler().set_callbacks(watch := Watch()).fit(X)
    assert watch.told == whole
    # A file holds the model and no code.
    scaler.save(tmp_path / "scaler")
    assert_array_equal(load_model(tmp_path / "scaler").transform(X), scaler.transform(X))


def test_scikit_learns_own_monitor_scores_every_iteration():
    monitor = sklearn_callback.ScoringMonitor(scoring="neg_log_loss")
    pipeline = make_pipeline(StandardScaler(), LogisticRegression().set_callbacks(monitor)).fit(X, TWO)
    scores = [row["neg_log_loss"] for row in monitor.get_logs().data]
    assert len(scores) >= pipeline[-1].n_iter_
    assert max(scores) > scores[0]
