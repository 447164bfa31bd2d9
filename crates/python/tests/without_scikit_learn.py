"""Run by test_estimators.py in a process of its own, in which scikit-learn cannot be imported."""

from __future__ import annotations

import copy
import importlib.abc
import pickle
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse


class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sklearn":
            raise ImportError(f"{name} is blocked")
        return None


def raises(kind, text, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error!s}"
        return
    raise AssertionError(f"{kind.__name__} {text!r} was not raised")


def main():
    sys.meta_path.insert(0, Blocker())
    import estimators
    from barehand.base import clone
    from barehand.exceptions import InconsistentVersionWarning, InvalidParameterError, NotFittedError

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    X[:30] += 4
    numbers = X @ [1.0, -2.0, 0.5] + 3
    labels = np.where(np.arange(60) < 30, "near", "far")
    TARGETS = {"CentroidClassifier": labels, "RidgeRegressor": numbers}

    for estimator in estimators.ALL:
        name = type(estimator).__name__
        y = TARGETS.get(name)
        method = "predict" if hasattr(estimator, "predict") else "transform"
        raises(NotFittedError, f"This {name} instance is not fitted yet", getattr(estimator, method), X)
        raises(ValueError, "not fitted", getattr(estimator, method), X)
        raises(AttributeError, "not fitted", getattr(estimator, method), X)

        fitted = clone(estimator).fit(X, y)
        out = getattr(fitted, method)(X)
        assert fitted.n_features_in_ == 3 and not hasattr(fitted, "feature_names_in_")

        # Every container, memory order and number type gives the same.
        frozen = X.copy()
        frozen.setflags(write=False)
        columns = list("abc")
        table = dict(zip(columns, X.T, strict=True))
        for same in (
            X.tolist(),
            np.asfortranarray(X),
            frozen,
            pd.DataFrame(table),
            pl.DataFrame(table),
            pa.table(table),
        ):
            again = clone(estimator).fit(same, y)
            np.testing.assert_array_equal(getattr(again, method)(same), out)
            if not isinstance(same, (list, np.ndarray)):
                assert list(again.feature_names_in_) == columns
        nullable = pd.DataFrame(table).convert_dtypes(dtype_backend="numpy_nullable")
        np.testing.assert_array_equal(getattr(clone(estimator).fit(nullable, y), method)(nullable), out)

        # Pickles and copies.
        for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
            np.testing.assert_array_equal(getattr(twin, method)(X), out)
        if method == "transform":
            assert fitted.transform(X.astype(np.float32)).dtype == np.float32
            np.testing.assert_array_equal(clone(estimator).fit_transform(X, y), out)

        # Refusals.
        raises(ValueError, f"X has 2 features, but {name} is expecting 3 features", getattr(fitted, method), X[:, :2])
        raises(ValueError, "Expected 2D array, got 1D array instead", clone(estimator).fit, X[0], y)
        raises(ValueError, "dim 3", clone(estimator).fit, X[None], y)
        raises(ValueError, "Complex data not supported", clone(estimator).fit, X + 1j, y)
        raises(ValueError, "0 sample(s)", clone(estimator).fit, X[:0], y)
        for bad, text in ((np.nan, "Input X contains NaN"), (np.inf, "Input X contains infinity")):
            spoilt = X.copy()
            spoilt[3, 1] = bad
            raises(ValueError, text, clone(estimator).fit, spoilt, y)
        for kind in (scipy.sparse.csr_array, scipy.sparse.coo_matrix):
            if name == "NonZeroCounter":
                np.testing.assert_array_equal(clone(estimator).fit_transform(kind(X)), out)
            else:
                raises(TypeError, "Sparse data was passed", clone(estimator).fit, kind(X), y)
        if y is not None:
            raises(ValueError, "requires y to be passed", clone(estimator).fit, X, None)
            raises(ValueError, "inconsistent numbers of samples: [60, 59]", clone(estimator).fit, X, y[:-1])

        # Names seen in fit are compared afterwards.
        named = clone(estimator).fit(pd.DataFrame(table), y)
        renamed = pd.DataFrame(table).rename(columns={"a": "z"})
        raises(ValueError, "Feature names unseen at fit time:\n- z\n", getattr(named, method), renamed)
        raises(ValueError, "same order", getattr(named, method), pd.DataFrame(table)[["b", "a", "c"]])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(named, method)(X)
            getattr(fitted, method)(pd.DataFrame(table))
        assert ["valid feature names" in str(w.message) for w in caught] == [True, False]

    # Parameters.
    ridge = estimators.RidgeRegressor(alpha=2)
    assert repr(ridge) == "RidgeRegressor(alpha=2)" and repr(estimators.Scaler()) == "Scaler()"
    assert ridge.get_params() == {"alpha": 2, "fit_intercept": True}
    assert ridge.set_params(alpha=0.5).alpha == 0.5
    raises(ValueError, "Invalid parameter 'beta'", ridge.set_params, beta=1)
    raises(
        InvalidParameterError,
        "must be a float in the range [0.0, inf). Got -1",
        ridge.set_params(alpha=-1).fit,
        X,
        numbers,
    )

    # Scores.
    classifier = estimators.CentroidClassifier().fit(X, labels)
    assert classifier.score(X, labels) == 1 and list(classifier.classes_) == ["far", "near"]
    raises(ValueError, "Unknown label type: continuous", estimators.CentroidClassifier().fit, X, numbers)
    ridge = estimators.RidgeRegressor(alpha=0.0).fit(X, numbers)
    assert abs(ridge.score(X, numbers) - 1) < 1e-12
    weights = np.r_[np.ones(30), np.zeros(30)]
    half = estimators.RidgeRegressor(alpha=10).fit(X, numbers)
    assert abs(half.score(X, numbers, weights) - half.score(X[:30], numbers[:30])) < 1e-12
    assert estimators.Clusterer(2).fit_predict(X).tolist() in ([0] * 30 + [1] * 30, [1] * 30 + [0] * 30)
    assert estimators.Projection(2).fit(X).get_feature_names_out().tolist() == ["projection0", "projection1"]
    assert estimators.Scaler().fit(X).get_feature_names_out().tolist() == ["x0", "x1", "x2"]

    # A pickle of another version.
    state = ridge.__getstate__()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimators.RidgeRegressor.__new__(estimators.RidgeRegressor).__setstate__(
            {**state, "_barehand_version": "0.0.1"}
        )
    assert [w.category for w in caught] == [InconsistentVersionWarning]

    assert not any(name.partition(".")[0] == "sklearn" for name in sys.modules)
    print("all of it works without scikit-learn")


if __name__ == "__main__":
    main()
