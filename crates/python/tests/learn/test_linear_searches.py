"""Linear models beside scikit-learn's, where its own tests do not look: weights, shapes and sparse rows of searches."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model as theirs

from barehand import linear_model as ours

RNG = np.random.RandomState(3)
X = RNG.normal(size=(40, 5))
LABELS = np.array(["ant", "bee", "cat"])[np.argmax(X[:, :3] + RNG.gumbel(size=(40, 3)), axis=1)]
WEIGHTS = RNG.uniform(size=40) * (RNG.uniform(size=40) < 0.8)


@pytest.mark.parametrize("name", ["RidgeClassifier", "RidgeClassifierCV"])
@pytest.mark.parametrize("labels", [LABELS, LABELS == "ant"])
@pytest.mark.parametrize("sparse", [False, True])
def test_ridge_classifiers_balance_classes_by_their_numbers(name, labels, sparse):
    x = scipy.sparse.csr_matrix(X * (X > -0.5)) if sparse else X
    options = {"solver": "sparse_cg", "tol": 1e-12} if name == "RidgeClassifier" and sparse else {}
    mine, other = (
        getattr(module, name)(class_weight="balanced", **options).fit(x, labels, sample_weight=WEIGHTS)
        for module in (ours, theirs)
    )
    assert mine.coef_.shape == other.coef_.shape
    np.testing.assert_allclose(mine.coef_, other.coef_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(mine.intercept_, other.intercept_, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(mine.predict(x), other.predict(x))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LinearRegression", {}),
        ("Ridge", {}),
        ("Ridge", {"fit_intercept": False}),
        ("RidgeCV", {}),
        ("RidgeCV", {"cv": 3}),
        ("RidgeCV", {"alpha_per_target": True, "fit_intercept": False}),
        ("Lasso", {}),
        ("ElasticNet", {}),
    ],
)
@pytest.mark.parametrize("outputs", [None, 1, 2])
def test_shapes_are_scikit_learns(name, options, outputs):
    y = X @ RNG.normal(size=5) if outputs is None else X @ RNG.normal(size=(5, outputs))
    mine, other = (getattr(module, name)(**options).fit(X, y) for module in (ours, theirs))
    for found, expected in (
        (mine.coef_, other.coef_),
        (mine.intercept_, other.intercept_),
        (mine.predict(X), other.predict(X)),
    ):
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    sparse=st.booleans(),
    weighted=st.booleans(),
    options=st.fixed_dictionaries(
        {
            "fit_intercept": st.booleans(),
            "alpha_per_target": st.booleans(),
            "store_cv_results": st.booleans(),
            "gcv_mode": st.sampled_from(["auto", "eigen", "svd"]),
            "scoring": st.sampled_from([None, "r2", "neg_mean_absolute_error"]),
        }
    ),
)
def test_ridge_search_is_scikit_learns(seed, sparse, weighted, options):
    rng = np.random.default_rng(seed)
    n, d, outputs = rng.integers(3, 30), rng.integers(1, 8), rng.integers(1, 4)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, outputs))
    weights = rng.uniform(0.1, 1, n) if weighted else None
    if sparse:
        x = scipy.sparse.csr_matrix(x * (x > 0))
        options = {**options, "gcv_mode": "eigen"}
    mine, other = (
        getattr(module, "RidgeCV")(alphas=[0.1, 1.0, 10.0], **options).fit(x, y, sample_weight=weights)
        for module in (ours, theirs)
    )
    for name in ("alpha_", "best_score_", "coef_", "intercept_"):
        np.testing.assert_allclose(getattr(mine, name), getattr(other, name), rtol=1e-6, atol=1e-8)
    if options["store_cv_results"]:
        np.testing.assert_allclose(mine.cv_results_, other.cv_results_, rtol=1e-6, atol=1e-8)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    l1_ratio=st.sampled_from([0.2, 0.5, 1.0]),
    alphas=st.sampled_from([7, [0.1, 1.0, 0.01]]),
    selection=st.sampled_from(["cyclic", "random"]),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_paths_of_several_targets_are_scikit_learns(seed, l1_ratio, alphas, selection, dtype):
    rng = np.random.default_rng(seed)
    # More samples than features: one answer.
    n, d, outputs = rng.integers(13, 30), rng.integers(1, 12), rng.integers(1, 4)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, outputs)) + 1
    x[:, rng.integers(0, d)] = 0
    options = {"l1_ratio": l1_ratio, "alphas": alphas, "selection": selection, "random_state": 0}
    options.update(tol=1e-10, max_iter=20_000)
    x, y = x.astype(dtype), y.astype(dtype)
    found = ours.enet_path(x, y, **options)
    exact = theirs.enet_path(x.astype(np.float64), y.astype(np.float64), **options)
    for mine, other in zip(found[:2], exact[:2], strict=True):
        assert np.shape(mine) == np.shape(other)
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)
    assert found[1].dtype == dtype


def test_paths_of_several_targets_refuse_what_they_cannot():
    y = X[:, :2]
    with pytest.raises(ValueError, match="positive=True is not allowed"):
        ours.lasso_path(X, y, positive=True)
    with pytest.raises(ValueError, match="starts from 3 coefficients"):
        ours.lasso_path(X, y, coef_init=np.zeros(3))
    warm = ours.lasso_path(
        X, y, alphas=[0.1], coef_init=ours.lasso_path(X, y, alphas=[0.1])[1][:, :, 0], return_n_iter=True
    )
    assert warm[3] == [0]
