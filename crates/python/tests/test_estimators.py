"""Estimators hang on `barehand.base`: scikit-learn's checks, its tools around them, every kind of input, pickles.

The estimators are the small ones of `estimators.py`; without scikit-learn they are run by `without_scikit_learn.py`.
"""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import cloudpickle
import estimators
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import sklearn
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator as SklearnBaseEstimator
from sklearn.base import clone, is_classifier, is_clusterer, is_regressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import parametrize_with_checks

import barehand
from barehand import base, exceptions
from barehand._check_array import column_or_1d
from barehand._standalone import base as standalone
from barehand.base import Interval
from barehand.validation import check_sample_weight, encode_classes

HERE = Path(__file__).parent
PACKAGE = Path(barehand.__file__).parent.parent


@parametrize_with_checks(estimators.ALL)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def run(*arguments: str) -> str:
    path = os.pathsep.join([str(PACKAGE), str(HERE)])
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_of_it_works_without_scikit_learn():
    assert run(str(HERE / "without_scikit_learn.py")).strip() == "all of it works without scikit-learn"


def test_import_barehand_leaves_scikit_learn_alone():
    code = (
        "import sys, barehand, barehand.metrics; print([m for m in ('sklearn', 'scipy', 'pandas') if m in sys.modules])"
    )
    assert run("-c", code).strip() == "[]"


def test_they_are_scikit_learns():
    assert issubclass(base.BaseEstimator, SklearnBaseEstimator)
    assert base.clone is clone
    assert is_classifier(estimators.CentroidClassifier())
    assert is_regressor(estimators.RidgeRegressor())
    assert is_clusterer(estimators.Clusterer())
    assert exceptions.NotFittedError is sklearn.exceptions.NotFittedError
    assert exceptions.UndefinedMetricWarning is sklearn.exceptions.UndefinedMetricWarning
    assert issubclass(exceptions.InconsistentVersionWarning, sklearn.exceptions.InconsistentVersionWarning)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


X3 = np.random.default_rng(0).normal(size=(40, 3)) + np.repeat([[0.0], [5.0]], 20, axis=0)
Y3 = {"CentroidClassifier": np.repeat(["no", "yes"], 20), "RidgeRegressor": X3 @ [1.0, -1.0, 2.0]}


def out_of(estimator, X):
    return estimator.predict(X) if hasattr(estimator, "predict") else estimator.transform(X)


def duckdb_like(table: pa.Table):
    """A table that speaks Arrow's protocol and nothing else."""

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    return Stream()


CONTAINERS = {
    "list": lambda X: X.tolist(),
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "pandas": lambda X: pd.DataFrame(X, columns=list("abc")),
    "pandas nullable": lambda X: pd.DataFrame(X, columns=list("abc")).convert_dtypes(dtype_backend="numpy_nullable"),
    "pandas arrow": lambda X: pd.DataFrame(X, columns=list("abc")).convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda X: pl.DataFrame(X, schema=list("abc")),
    "arrow": lambda X: pa.table(dict(zip("abc", X.T, strict=True))),
    "arrow stream": lambda X: duckdb_like(pa.table(dict(zip("abc", X.T, strict=True)))),
}


@pytest.mark.parametrize("estimator", estimators.ALL, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(container, estimator):
    y = Y3.get(type(estimator).__name__)
    given_as = CONTAINERS[container]
    fitted = clone(estimator).fit(given_as(X3), y)
    np.testing.assert_array_equal(out_of(fitted, given_as(X3)), out_of(clone(estimator).fit(X3, y), X3))
    if container not in ("list", "fortran", "strided"):
        assert list(fitted.feature_names_in_) == list("abc")


@pytest.mark.parametrize("estimator", estimators.ALL, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f8", "i8", "u1", "i4", "?"])
def test_number_types(dtype, estimator):
    X, y = (X3 * 3 + 30).astype(dtype), Y3.get(type(estimator).__name__)
    if dtype == "?":
        X = X3 > 0.3
    fitted = clone(estimator).fit(X, y)
    expected = clone(estimator).fit(X.astype(np.float32 if dtype == "f4" else np.float64), y)
    np.testing.assert_array_equal(out_of(fitted, X), out_of(expected, X))
    if hasattr(estimator, "transform"):
        assert fitted.transform(X).dtype == (np.float32 if dtype == "f4" else np.float64)


def test_an_array_that_fits_is_not_copied():
    class Keeper(base.BaseEstimator):
        def fit(self, X, y=None):
            self.seen_ = barehand.validation.validate_data(self, X)
            return self

    for dtype in (np.float32, np.float64):
        X = X3.astype(dtype)
        X.setflags(write=False)
        assert np.shares_memory(Keeper().fit(X).seen_, X)


def test_sparse_rows_only_where_they_are_accepted():
    for kind in (scipy.sparse.csr_array, scipy.sparse.csc_matrix):
        with pytest.raises(TypeError, match="Sparse data was passed for X, but dense data is required"):
            estimators.Scaler().fit(kind(X3))
        counter = estimators.NonZeroCounter()
        np.testing.assert_array_equal(counter.fit_transform(kind(X3)), counter.fit_transform(X3))


@pytest.mark.parametrize("estimator", estimators.ALL, ids=lambda e: type(e).__name__)
def test_copies(estimator):
    fitted = clone(estimator).fit(X3, Y3.get(type(estimator).__name__))
    before = vars(fitted).copy()
    for twin in (copy.copy(fitted), copy.deepcopy(fitted), cloudpickle.loads(cloudpickle.dumps(fitted))):
        np.testing.assert_array_equal(out_of(twin, X3), out_of(fitted, X3))
    assert vars(fitted).keys() == before.keys() and all(vars(fitted)[key] is before[key] for key in before)
    assert joblib.hash(fitted) == joblib.hash(copy.deepcopy(fitted))
    unfitted = pickle.loads(pickle.dumps(clone(estimator)))
    with pytest.raises(exceptions.NotFittedError):
        out_of(unfitted, X3)


def test_pickles_cross_processes(tmp_path):
    fitted = estimators.CentroidClassifier().fit(X3, Y3["CentroidClassifier"])
    joblib.dump((fitted, X3), tmp_path / "model.joblib")
    code = f"import joblib; model, X = joblib.load({str(tmp_path / 'model.joblib')!r}, mmap_mode='r'); print(list(model.predict(X)))"
    assert run("-c", code).strip() == str(list(fitted.predict(X3)))


def test_joblib_hands_out_read_only_memory():
    X = np.random.default_rng(1).normal(size=(400, 4))
    jobs = (joblib.delayed(_fit_on_read_only)(estimators.Scaler(with_mean=flag), X) for flag in (True, False))
    centred, scaled = joblib.Parallel(n_jobs=2, max_nbytes=1000)(jobs)
    np.testing.assert_array_equal(centred, estimators.Scaler().fit(X).mean_)
    np.testing.assert_array_equal(scaled, centred)


def _fit_on_read_only(estimator, X):
    assert isinstance(X, np.memmap) and not X.flags.writeable
    return estimator.fit(X).mean_


def test_other_versions_of_a_pickle():
    fitted = estimators.RidgeRegressor().fit(X3, Y3["RidgeRegressor"])
    state = fitted.__getstate__()
    assert isinstance(state["_engine"], bytes) and state["_barehand_version"] == barehand.__version__

    def load(**changed):
        twin = estimators.RidgeRegressor.__new__(estimators.RidgeRegressor)
        twin.__setstate__({**state, **changed})
        return twin

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(load().predict(X3), fitted.predict(X3))
    with pytest.warns(exceptions.InconsistentVersionWarning, match="pickled by barehand 0.0.9") as caught:
        np.testing.assert_array_equal(load(_barehand_version="0.0.9").predict(X3), fitted.predict(X3))
    assert caught[0].message.original_version == "0.0.9"
    with pytest.raises(ValueError, match="pickled by barehand 9.1 in format 2, .* load it with barehand 9.1 or later"):
        load(_barehand_version="9.1", _barehand_format=2)
    with pytest.raises(ValueError, match="pickled with a model in Rust, but this Scaler has none"):
        estimators.Scaler().__setstate__(state)
    warning = exceptions.InconsistentVersionWarning(estimator_name="E", current_version="2", original_version="1")
    assert str(pickle.loads(pickle.dumps(warning))) == str(warning)


def test_a_refused_fit_leaves_no_model():
    with pytest.raises(ValueError, match="number of classes"):
        (model := estimators.CentroidClassifier()).fit(X3, np.zeros(40))
    assert model.n_features_in_ == 3
    with pytest.raises(exceptions.NotFittedError):
        model.predict(X3)


def test_cross_validation_pipelines_and_search(iris):
    X, y = iris
    pipeline = make_pipeline(estimators.Scaler(), estimators.Projection(2), estimators.CentroidClassifier())
    assert cross_val_score(pipeline, X, y, cv=5, error_score="raise").mean() > 0.8
    grid = {"centroidclassifier__shrinkage": [0.0, 0.3], "projection__n_components": [1, 2, 3]}
    search = GridSearchCV(pipeline, grid, n_jobs=2, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.85 and set(search.best_params_) == set(grid)
    X, y = load_diabetes(return_X_y=True)
    assert cross_val_score(make_pipeline(estimators.Scaler(), estimators.RidgeRegressor()), X, y).mean() > 0.45


def test_sample_weights_are_routed(iris):
    X, y = iris
    weight = np.where(y == 2, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = estimators.CentroidClassifier().set_fit_request(sample_weight=True)
        scaler = estimators.Scaler().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(scaler, classifier).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(pipeline[0].mean_, X[y < 2].mean(axis=0))


def test_set_output():
    frame = pd.DataFrame(X3, columns=list("abc"))
    scaler = estimators.Scaler().set_output(transform="pandas").fit(frame)
    assert list(scaler.transform(frame).columns) == list("abc")
    projection = estimators.Projection(2).set_output(transform="polars").fit(frame)
    assert projection.transform(frame).columns == ["projection0", "projection1"]
    assert list(estimators.Projection(2).fit(X3).get_feature_names_out()) == ["projection0", "projection1"]


def test_text_and_html():
    ridge = estimators.RidgeRegressor(alpha=2.0)
    assert repr(ridge) == "RidgeRegressor(alpha=2.0)"
    assert "RidgeRegressor" in estimator_html_repr(ridge) and "alpha" in ridge._repr_html_()


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            estimators.RidgeRegressor(alpha=-1),
            r"'alpha' parameter of RidgeRegressor must be a float in the range \[0.0, inf\). Got -1",
        ),
        (estimators.RidgeRegressor(alpha="big"), "must be a float in the range .* Got 'big' instead"),
        (estimators.RidgeRegressor(alpha=float("nan")), "Got nan instead"),
        (
            estimators.RidgeRegressor(fit_intercept=1),
            "'fit_intercept' parameter of RidgeRegressor must be a bool. Got 1",
        ),
        (estimators.Projection(0), r"must be an int in the range \[1, inf\) or None. Got 0"),
        (estimators.Projection(1.5), r"must be an int in the range \[1, inf\) or None. Got 1.5"),
        (estimators.CentroidClassifier(shrinkage=1.01), r"must be a float in the range \[0.0, 1.0\]. Got 1.01"),
    ],
)
def test_parameters_are_checked_in_fit(estimator, message):
    y = X3[:, 0] > 2
    for kind in (ValueError, TypeError, exceptions.InvalidParameterError):
        with pytest.raises(kind, match=message):
            estimator.fit(X3, y)


def test_every_kind_of_constraint():
    from barehand._param_validation import check_parameters

    constraints = {"p": [{"l1", "l2"}, None, callable, Interval(int, 2, 5, closed="neither"), np.ndarray]}
    for value in ("l1", None, len, 3, np.int32(4), np.zeros(1)):
        check_parameters(constraints, {"p": value}, "f")
    for value in ("l3", 2, 5, 3.0, [1], "l1 "):
        with pytest.raises(
            exceptions.InvalidParameterError, match="p' parameter of f must be a str among {'l1', 'l2'}, None"
        ):
            check_parameters(constraints, {"p": value}, "f")


@given(
    kind=st.sampled_from([int, float]),
    low=st.none() | st.integers(-3, 0),
    high=st.none() | st.integers(0, 3),
    closed=st.sampled_from(["left", "right", "both", "neither"]),
    value=st.integers(-4, 4) | st.floats(-4, 4) | st.sampled_from([np.nan, np.inf, -np.inf, None, "1"]),
)
def test_intervals_are_scikit_learns(kind, low, high, closed, value):
    from numbers import Integral, Real

    from sklearn.utils._param_validation import Interval as Theirs

    # scikit-learn refuses to state an interval of ints that is closed at infinity.
    assume(low is None or high is None or low < high)
    assume(kind is float or not (low is None and closed in ("left", "both")))
    assume(kind is float or not (high is None and closed in ("right", "both")))
    theirs = Theirs(Integral if kind is int else Real, low, high, closed=closed)
    assert (value in Interval(kind, low, high, closed)) == theirs.is_satisfied_by(value)
    assert str(Interval(kind, low, high, closed)).split("range ")[1] == str(theirs).split("range ")[1]


def test_sample_weights_are_checked():
    X = np.zeros((3, 2))
    np.testing.assert_array_equal(check_sample_weight(None, X), np.ones(3))
    np.testing.assert_array_equal(check_sample_weight(2, X, dtype=np.float32), np.full(3, 2, dtype=np.float32))
    np.testing.assert_array_equal(check_sample_weight(pd.Series([1, 0, 2]), X), [1.0, 0.0, 2.0])
    for weight, message in [
        ([1, 2], r"sample_weight.shape == \(2,\), expected \(3,\)"),
        (np.ones((3, 1)), "must be 1D array or scalar, got 2D"),
        ([1, np.nan, 1], "Input sample_weight contains NaN"),
        ([0, 0, 0], "at least one non-zero"),
        ([1, -1, 1], "Negative values"),
    ]:
        with pytest.raises(ValueError, match=message):
            check_sample_weight(weight, X, ensure_non_negative=True)


def test_classes_are_sorted_and_coded():
    for y, expected in [
        (["b", "a", "b"], ["a", "b"]),
        ([2.0, -1.0, 2.0], [-1, 2]),
        ([True, False, True], [False, True]),
    ]:
        classes, codes = encode_classes(np.asarray(y))
        assert classes.tolist() == expected and codes.tolist() == [1, 0, 1] and codes.dtype == np.int64
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        encode_classes(np.array([0.5, 1.0]))


class Standalone(standalone.BaseEstimator):
    def __init__(self, inner=None, depth=3):
        self.inner = inner
        self.depth = depth


class Theirs(SklearnBaseEstimator):
    def __init__(self, inner=None, depth=3):
        self.inner = inner
        self.depth = depth


def test_the_foundation_without_scikit_learn_behaves_like_it():
    for kind in (Standalone, Theirs):
        nested = kind(kind(depth=5))
        assert set(nested.get_params()) == {"inner", "depth", "inner__inner", "inner__depth"}
        nested.set_params(inner__depth=7, depth=4)
        assert (nested.inner.depth, nested.depth) == (7, 4)
        assert repr(nested) == f"{kind.__name__}(depth=4, inner={kind.__name__}(depth=7))"
        with pytest.raises(ValueError, match=r"Valid parameters are: \['depth', 'inner'\]"):
            nested.set_params(width=1)
        copied = (standalone.clone if kind is Standalone else clone)([nested])[0]
        assert copied.inner is not nested.inner and copied.inner.depth == 7
    with pytest.raises(TypeError, match="Cannot clone"):
        standalone.clone(3)

    class Meddler(standalone.BaseEstimator):
        def __init__(self, p=(1,)):
            self.p = list(p)

    with pytest.raises(RuntimeError, match="either does not set or modifies parameter p"):
        standalone.clone(Meddler())


@given(
    y=st.lists(st.integers(-3, 3), min_size=1, max_size=8),
    noise=st.floats(0, 2),
    weighted=st.booleans(),
    outputs=st.integers(1, 2),
)
def test_r2_is_scikit_learns(y, noise, weighted, outputs):
    from sklearn.metrics import r2_score

    y = np.array(y, dtype=float)
    p = y + noise * np.cos(np.arange(len(y)))
    weight = np.arange(1.0, len(y) + 1) if weighted else None
    if outputs == 2:
        y, p = np.c_[y, y[::-1] ** 2], np.c_[p, p]

    class Oracle(standalone.RegressorMixin):
        def predict(self, X):
            return p

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(
            Oracle().score(None, y, weight), r2_score(y, p, sample_weight=weight), rtol=1e-9, atol=1e-9
        )


def test_a_column_of_targets_warns_without_scikit_learn_too():
    with pytest.warns(exceptions.DataConversionWarning, match="column-vector y"):
        assert column_or_1d([[1], [2]], warn=True).tolist() == [1, 2]
    with pytest.raises(ValueError, match="y should be a 1d array"):
        column_or_1d(np.zeros((2, 2)))
