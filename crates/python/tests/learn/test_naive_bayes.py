"""Naive Bayes beside scikit-learn's: every attribute and prediction, weights, batches, sparse matrices."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn import naive_bayes as theirs
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import cross_val_predict

from barehand import naive_bayes as ours

CASES = [
    ("GaussianNB", {}),
    ("GaussianNB", {"priors": [0.2, 0.5, 0.3], "var_smoothing": 1e-3}),
    ("MultinomialNB", {}),
    ("MultinomialNB", {"alpha": 0.1, "fit_prior": False}),
    ("ComplementNB", {}),
    ("ComplementNB", {"norm": True, "alpha": 0.5}),
    ("BernoulliNB", {}),
    ("BernoulliNB", {"binarize": 1.0, "class_prior": [0.2, 0.5, 0.3]}),
    ("CategoricalNB", {}),
    ("CategoricalNB", {"min_categories": 9, "alpha": 0.3}),
]


def same(mine, other, X):
    names = [name for name in vars(other) if name.endswith("_") and not name.startswith("_")]
    for name in names:
        a, b = getattr(mine, name), getattr(other, name)
        if isinstance(b, list):
            for one, another in zip(a, b, strict=True):
                np.testing.assert_allclose(one, another, rtol=1e-9, atol=1e-12)
        elif np.asarray(b).dtype.kind in "US":
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    for method in ("predict_joint_log_proba", "predict_log_proba", "predict_proba"):
        np.testing.assert_allclose(getattr(mine, method)(X), getattr(other, method)(X), rtol=1e-7, atol=1e-9)
    # Which of two classes it is that are as probable as each other, rounding decides.
    best = np.sort(other.predict_joint_log_proba(X), axis=1)
    clear = best[:, -1] - best[:, -2] > 1e-9 * (1 + np.abs(best[:, -1]))
    np.testing.assert_array_equal(mine.predict(X)[clear], other.predict(X)[clear])


@pytest.mark.parametrize(("name", "options"), CASES)
@given(seed=st.integers(0, 10_000), weighted=st.booleans(), batches=st.booleans())
def test_they_are_scikit_learns(name, options, seed, weighted, batches):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(6, 60)), int(rng.integers(2, 9))
    X = rng.normal(size=(n, d)) * 2 if name == "GaussianNB" else rng.integers(0, 5, size=(n, d)).astype(float)
    y = np.array(["ant", "bee", "cat"])[np.r_[0, 1, 2, rng.integers(0, 3, n - 3)]]
    weight = rng.random(n) + 0.1 if weighted else None
    mine, other = getattr(ours, name)(**options), getattr(theirs, name)(**options)
    for model in (mine, other):
        if batches:
            for part in (slice(0, n // 2), slice(n // 2, n)):
                of_part = None if weight is None else weight[part]
                model.partial_fit(X[part], y[part], classes=["ant", "bee", "cat"], sample_weight=of_part)
        else:
            model.fit(X, y, sample_weight=weight)
    if name == "CategoricalNB" and batches:
        # scikit-learn's says how many categories the last batch had.
        mine.n_categories_ = other.n_categories_
    if name == "GaussianNB" and batches:
        # scikit-learn takes the new smoothing out of variances that hold the old one; a class without samples is its own affair.
        np.testing.assert_allclose(mine.theta_, other.theta_, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(mine.var_, other.var_, rtol=1e-2, atol=1e-2)
        return
    same(mine, other, X)


@pytest.mark.parametrize(
    ("name", "options"), [case for case in CASES if case[0] not in ("GaussianNB", "CategoricalNB")]
)
@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_matrices(name, options, kind):
    rng = np.random.default_rng(0)
    X, y = rng.poisson(0.5, size=(80, 12)).astype(float), np.arange(80) % 3
    dense = getattr(ours, name)(**options).fit(X, y)
    sparse = getattr(ours, name)(**options).fit(kind(X), y)
    np.testing.assert_allclose(sparse.feature_log_prob_, dense.feature_log_prob_, rtol=1e-13)
    np.testing.assert_allclose(sparse.predict_proba(kind(X)), dense.predict_proba(X), rtol=1e-10)


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_data_sets(load):
    X, y = load(return_X_y=True)
    for name in ("GaussianNB", "MultinomialNB", "ComplementNB", "BernoulliNB"):
        mine = cross_val_predict(getattr(ours, name)(), X, y)
        np.testing.assert_array_equal(mine, cross_val_predict(getattr(theirs, name)(), X, y))


def test_float32_stays_float32():
    X, y = load_iris(return_X_y=True)
    model = ours.GaussianNB().fit(X.astype(np.float32), y)
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(model.predict(X.astype(np.float32)), theirs.GaussianNB().fit(X, y).predict(X))
