"""Whatever is given to an estimator: a result, or an exception that says why not; never a panic of the library.

Every estimator of the lists ``checks_AREA.py`` is given what users give by mistake: wrong types, shapes, lengths, numbers.
"""

from __future__ import annotations

import datetime
import importlib
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier, is_regressor

from barehand.cluster import KMeans
from barehand.linear_model import Ridge
from barehand.neighbors import KNeighborsRegressor
from barehand.tree import DecisionTreeRegressor

HERE = Path(__file__).parent
ESTIMATORS = {
    repr(checked.estimator): checked.estimator
    for path in sorted(HERE.glob("checks_*.py"))
    for checked in importlib.import_module(path.stem).CHECKED
}
METHODS = [
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "inverse_transform",
    "score_samples",
    "apply",
    "kneighbors",
]
EDGES = [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 5e-324, 0.0, -0.0, float(np.finfo(np.float32).max)]


class Opaque:
    """Something that is no number."""

    def __repr__(self):
        return "Opaque()"


def numbers(rows, columns):
    """A plain matrix, perhaps with numbers at the edge, constant, equal or scaled columns."""

    def build(seed, kind, edge, place):
        X = np.random.RandomState(seed).normal(size=(rows, columns))
        if X.size == 0:
            return X
        at = np.unravel_index(place % X.size, X.shape)
        if kind == "edge":
            X[at] = edge
        elif kind == "constant":
            X[:, at[1]] = 1.5
        elif kind == "duplicate":
            X[:, at[1]] = X[:, 0]
        elif kind == "scaled":
            with np.errstate(over="ignore"):
                X *= 1e300
        elif kind == "counts":
            X = np.floor(np.abs(X) * 3)
        return X

    kinds = st.sampled_from(["plain", "plain", "edge", "constant", "duplicate", "scaled", "counts"])
    return st.builds(build, st.integers(0, 99), kinds, st.sampled_from(EDGES), st.integers(0, 10_000))


def disguised(X, kind):
    """The same matrix in another type, container or shape."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if kind in ("float16", "float32", "int64", "uint8", "bool", "complex128", "longdouble"):
            return X.astype(kind)
        if kind == "big-endian":
            return X.astype(">f8")
        if kind == "list":
            return X.tolist()
        if kind == "fortran":
            return np.asfortranarray(X)
        if kind == "strided":
            return np.repeat(X, 2, axis=0)[::-2]
        if kind == "read-only":
            X.setflags(write=False)
            return X
        if kind == "strings":
            return X.astype(str)
        if kind == "bytes":
            return X.astype("S")
        if kind == "objects":
            X = X.astype(object)
            if X.size:
                X.flat[0] = Opaque()
            return X
        if kind == "none":
            X = X.astype(object)
            if X.size:
                X.flat[-1] = None
            return X
        if kind == "dates":
            return np.full(X.shape, np.datetime64("2020-01-01"))
        if kind == "structured":
            return np.zeros(len(X), dtype=[("a", float), ("b", int)])
        if kind == "ragged":
            return [row[: 1 + i % 2].tolist() for i, row in enumerate(X)]
        if kind == "flat":
            return X.ravel()
        if kind == "cube":
            return X[None]
        if kind == "scalar":
            return 3.0
        if kind == "nothing":
            return None
        if kind == "text":
            return "features"
        if kind == "dict":
            return {"a": X}
        if kind == "masked":
            return np.ma.masked_invalid(X)
        if kind in ("csr", "csc", "coo"):
            return getattr(scipy.sparse, f"{kind}_array")(X)
        if kind == "csr, lying":
            found = scipy.sparse.csr_array(X)
            if found.nnz:
                found.indices[0] = 2**30
            return found
        if kind == "csr, unsorted":
            found = scipy.sparse.csr_array(X)
            for start, end in zip(found.indptr, found.indptr[1:], strict=False):
                found.indices[start:end] = found.indices[start:end][::-1].copy()
            return found
    return X


DISGUISES = st.sampled_from(
    ["none of these"] * 6
    + ["float16", "float32", "int64", "uint8", "bool", "complex128", "longdouble", "big-endian", "list", "fortran"]
    + ["strided", "read-only", "strings", "bytes", "objects", "none", "dates", "structured", "ragged", "flat", "cube"]
    + ["scalar", "nothing", "text", "dict", "masked", "csr", "csc", "coo", "csr, lying", "csr, unsorted"]
)


def targets(n, kind):
    """Labels or values, some of them wrong."""
    y = np.arange(n) % 3
    return {
        "labels": y,
        "values": np.linspace(-1, 1, n),
        "counts": np.arange(n, dtype=float),
        "one class": np.zeros(n, dtype=int),
        "each its own": np.arange(n),
        "strings": np.array(["a", "b", "c"])[y],
        "bools": y > 1,
        "short": y[:-1],
        "long": np.append(y, 1),
        "nan": np.where(y > 1, np.nan, y),
        "inf": np.where(y > 1, np.inf, y),
        "huge": np.where(y > 1, 1e300, y * 1.0),
        "large labels": np.where(y > 1, np.iinfo(np.int64).max, np.iinfo(np.int64).min),
        "column": y[:, None],
        "two columns": np.stack([y, y], axis=1) * 1.0,
        "objects": np.array([Opaque() for _ in range(n)], dtype=object),
        "mixed": np.array([0, "a", None] * n, dtype=object)[:n],
        "dates": np.full(n, datetime.date(2020, 1, 1), dtype=object),
        "complex": y + 1j,
        "list": y.tolist(),
        "nothing": None,
        "scalar": 1,
    }[kind]


TARGETS = st.sampled_from(
    ["labels"] * 6
    + ["values"] * 4
    + ["counts", "one class", "each its own", "strings", "bools", "short", "long", "nan", "inf", "huge", "large labels"]
    + ["column", "two columns", "objects", "mixed", "dates", "complex", "list", "nothing", "scalar"]
)
WEIGHTS = st.sampled_from(
    ["no"] * 6 + ["ones", "zeros", "one", "negative", "nan", "inf", "short", "strings", "matrix", "scalar", "huge"]
)


def weights(n, kind):
    """Weights, some of them wrong."""
    ones = np.ones(n)
    return {
        "ones": ones,
        "zeros": ones * 0,
        "one": (np.arange(n) == 0) * 1.0,
        "negative": -ones,
        "nan": ones * np.nan,
        "inf": ones * np.inf,
        "short": ones[:-1],
        "strings": np.array(["heavy"] * n),
        "matrix": np.ones((n, 2)),
        "scalar": 2.0,
        "huge": ones * 1e300,
    }[kind]


def attempt(call, *args, **kwargs):
    """The result, or None where an ordinary exception says why there is none; a panic is no ordinary exception."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return call(*args, **kwargs)
        except Exception as error:
            assert str(error).strip() or isinstance(error, (AssertionError, NotImplementedError)), repr(error)
            return None


def examples():
    """How many inputs each estimator is given."""
    import os

    return max(10, int(os.environ.get("BAREHAND_HOSTILE_INPUTS", "4000")) // (25 * max(1, len(ESTIMATORS))))


@pytest.mark.parametrize("name", list(ESTIMATORS))
@given(data=st.data())
@settings(max_examples=examples(), deadline=None, suppress_health_check=list(HealthCheck))
def test_no_input_makes_an_estimator_panic(name, data):
    estimator = clone(ESTIMATORS[name])
    rows, columns = data.draw(st.sampled_from([0, 1, 2, 6, 12, 30])), data.draw(st.sampled_from([0, 1, 2, 4]))
    X = disguised(data.draw(numbers(rows, columns)), data.draw(DISGUISES))
    arguments = [X]
    if is_classifier(estimator) or is_regressor(estimator) or data.draw(st.booleans()):
        arguments.append(targets(rows, data.draw(TARGETS)))
    kind = data.draw(WEIGHTS)
    options = {} if kind == "no" else {"sample_weight": weights(rows, kind)}
    if attempt(estimator.fit, *arguments, **options) is None:
        return
    again = pickle.loads(pickle.dumps(estimator))
    n_features = getattr(estimator, "n_features_in_", columns)
    width = n_features + data.draw(st.sampled_from([0, 0, 0, 1, -1]))
    other = disguised(data.draw(numbers(data.draw(st.sampled_from([0, 1, 3])), max(0, width))), data.draw(DISGUISES))
    for method in METHODS:
        if attempt(getattr, estimator, method) is None:
            continue
        attempt(getattr(estimator, method), other)
        first, second = attempt(getattr(estimator, method), X), attempt(getattr(again, method), X)
        assert (first is None) == (second is None)
        if isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("part, place, value", [("indices", 2, 10**6), ("indices", 0, -1), ("indptr", 3, -5)])
def test_sparse_rows_whose_lists_lead_elsewhere_are_refused(part, place, value):
    """SciPy itself would read there."""
    for estimator in (KNeighborsRegressor(), Ridge(), KMeans(2), DecisionTreeRegressor()):
        X = scipy.sparse.csr_matrix(np.eye(6))
        getattr(X, part)[place] = value
        with pytest.raises(ValueError, match="must be|should be"):
            estimator.fit(X, np.arange(6.0))
