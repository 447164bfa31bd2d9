"""Decompositions beside NumPy's, of matrices of every shape."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from barehand.decomposition import PCA, TruncatedSVD


@settings(deadline=None)
@given(n=st.integers(2, 14), d=st.integers(2, 14), seed=st.integers(0, 1000), sparse=st.booleans())
def test_arpack_finds_the_largest_singular_values(n, d, seed, sparse):
    rng = np.random.default_rng(seed)
    X, k = rng.normal(size=(n, d)), int(rng.integers(1, min(n, d)))
    given = scipy.sparse.csr_matrix(X) if sparse else X
    model = TruncatedSVD(k, algorithm="arpack", random_state=seed).fit(given)
    np.testing.assert_allclose(model.singular_values_, np.linalg.svd(X)[1][:k], rtol=1e-8)
    np.testing.assert_allclose(np.linalg.norm(model.transform(given), axis=0), model.singular_values_, rtol=1e-6)
    model = PCA(k, svd_solver="arpack", random_state=seed).fit(given)
    expected = np.linalg.svd(X - X.mean(axis=0))[1][:k]
    np.testing.assert_allclose(model.singular_values_, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
def test_random_projections_of_any_number(shape):
    X = np.random.default_rng(0).normal(size=shape)
    model = TruncatedSVD(3, n_oversamples=10**12).fit(X)
    np.testing.assert_allclose(model.singular_values_, np.linalg.svd(X)[1][:3], rtol=1e-8)
