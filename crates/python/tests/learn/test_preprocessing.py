"""Scalers and encoders beside scikit-learn's: values, missing ones, large offsets, more samples later, memory."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn import preprocessing as theirs

import barehand
from barehand import preprocessing as ours

SCALERS = [
    ("StandardScaler", {}),
    ("StandardScaler", {"with_mean": False}),
    ("StandardScaler", {"with_std": False}),
    ("MinMaxScaler", {"feature_range": (-2, 3)}),
    ("MinMaxScaler", {"clip": True}),
    ("MaxAbsScaler", {}),
    ("MaxAbsScaler", {"clip": True}),
]


def pair(name, options):
    return getattr(ours, name)(**options), getattr(theirs, name)(**options)


@pytest.mark.parametrize(("name", "options"), SCALERS)
@given(seed=st.integers(0, 10_000), dtype=st.sampled_from([np.float64, np.float32]), missing=st.booleans())
def test_scalers_are_scikit_learns(name, options, seed, dtype, missing):
    rng = np.random.default_rng(seed)
    n, d = rng.integers(1, 40, 2)
    X = (rng.normal(size=(n, d)) * 10.0 ** rng.integers(-2, 4, d) + rng.normal(size=d) * 10).astype(dtype)
    X[:, rng.random(d) < 0.2] = 0.1
    if missing and n > 2:
        # A value is left in every column.
        X[1:][rng.random((n - 1, d)) < 0.2] = np.nan
    mine, other = pair(name, options)
    # Where a batch has no value in a column, scikit-learn's extremes become NaN for good.
    at = 0 if missing else int(rng.integers(0, n))
    for scaler in (mine, other):
        if at:
            scaler.partial_fit(X[:at]).partial_fit(X[at:])
        else:
            scaler.fit(X)
    tolerance = 1e-9 if dtype is np.float64 else 1e-3
    scale = np.nan_to_num(np.abs(other.transform(X))).max() + 1
    Z = mine.transform(X)
    assert Z.dtype == dtype
    np.testing.assert_allclose(Z, other.transform(X), rtol=tolerance, atol=tolerance * scale)
    np.testing.assert_array_equal(mine.n_samples_seen_, other.n_samples_seen_)
    size = np.nan_to_num(np.abs(X)).max() + 1
    np.testing.assert_allclose(
        mine.inverse_transform(Z), other.inverse_transform(Z), rtol=tolerance, atol=tolerance * size
    )


def test_a_large_offset_swallows_nothing():
    X = np.random.default_rng(0).normal(size=(3000, 3)) + [0.0, 1e8, -1e12]
    Z = ours.StandardScaler().fit_transform(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-6)


def test_a_scaler_of_float32_scales_float64_in_float64():
    X = np.random.default_rng(0).normal(size=(50, 2)) + 1000
    for name, options in SCALERS:
        mine, other = pair(name, options)
        mine.fit(X.astype(np.float32)), other.fit(X.astype(np.float32))
        np.testing.assert_allclose(mine.transform(X), other.transform(X), rtol=1e-5, atol=1e-4)
        assert mine.transform(X).dtype == np.float64


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csc_matrix])
@pytest.mark.parametrize("name", ["StandardScaler", "MaxAbsScaler", "Normalizer"])
def test_sparse_matrices(name, kind):
    X = scipy.sparse.random(60, 8, density=0.3, random_state=0).toarray()
    X[3, 2] = np.nan if name != "Normalizer" else 1.0
    options = {"with_mean": False} if name == "StandardScaler" else {}
    mine, other = pair(name, options)
    sparse = mine.fit(kind(X)).transform(kind(X))
    assert scipy.sparse.issparse(sparse)
    np.testing.assert_allclose(sparse.toarray(), other.fit(X).transform(X), rtol=1e-12)
    np.testing.assert_allclose(mine.fit(X).transform(X), sparse.toarray(), rtol=1e-12)
    with pytest.raises(ValueError, match="Cannot center sparse"):
        ours.StandardScaler().fit(kind(X))


def test_without_a_copy_the_given_memory_is_written():
    X = np.random.default_rng(0).normal(size=(20, 3))
    for scaler in (ours.StandardScaler(copy=False), ours.MinMaxScaler(copy=False), ours.Normalizer(copy=False)):
        Y = X.copy()
        expected = type(scaler)().fit(X).transform(X)
        assert scaler.fit(Y).transform(Y) is Y
        np.testing.assert_array_equal(Y, expected)
        Y = X.copy()
        Y.setflags(write=False)
        assert scaler.transform(Y) is not Y


def test_what_comes_out_may_be_written_to():
    for rows in (2, 5000):
        Z = ours.StandardScaler().fit_transform(np.arange(2.0 * rows).reshape(rows, 2))
        Z += 1
        assert Z.flags.writeable and Z.flags.c_contiguous
        np.testing.assert_allclose(Z.mean(axis=0), 1)


@pytest.mark.parametrize("threads", [1, 3])
def test_results_do_not_depend_on_the_number_of_threads(threads):
    X = np.random.default_rng(0).normal(size=(60_000, 7)) ** 3
    before = barehand.get_num_threads()
    one = ours.StandardScaler().fit(X)
    try:
        barehand.set_num_threads(threads)
        other = ours.StandardScaler().fit(X)
        np.testing.assert_array_equal(one.mean_, other.mean_)
        np.testing.assert_array_equal(one.transform(X), other.transform(X))
    finally:
        barehand.set_num_threads(before)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinity_is_refused_with_scikit_learns_words(bad):
    X = np.zeros((4, 2))
    scalers = [ours.StandardScaler(), ours.MinMaxScaler(), ours.MaxAbsScaler()]
    for scaler in scalers:
        scaler.fit(X)
        Y = X.copy()
        Y[2, 1] = bad
        for call in (scaler.transform, scaler.inverse_transform, scaler.partial_fit, scaler.fit):
            with pytest.raises(ValueError, match="Input X contains infinity or a value too large for dtype"):
                call(Y)


@pytest.mark.parametrize(
    "y",
    [
        [3, 1, 3, -2],
        ["b", "a", "b"],
        np.array(["b", None, "a"], dtype=object),
        [1.5, float("nan"), 0.5, float("nan")],
        [True, False],
    ],
)
def test_label_encoders_are_scikit_learns(y):
    mine, other = ours.LabelEncoder(), theirs.LabelEncoder()
    np.testing.assert_array_equal(mine.fit_transform(y), other.fit_transform(y))
    np.testing.assert_array_equal(mine.classes_, other.classes_)
    np.testing.assert_array_equal(mine.transform(y), other.transform(y))
    np.testing.assert_array_equal(mine.inverse_transform([0, 1]), other.inverse_transform([0, 1]))
    with pytest.raises(ValueError, match="y contains previously unseen labels"):
        mine.inverse_transform([99])
