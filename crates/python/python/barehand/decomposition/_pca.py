"""Principal components."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import check_array, is_sparse
from barehand._param_validation import Interval
from barehand._random_state import RANDOM_STATE, seed_of
from barehand._sparse import canonical
from barehand.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from barehand.validation import check_is_fitted, in_scikit_learns_words, validate_data


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The directions in which samples vary most: ``components_``, and how much: ``explained_variance_``.

    Args:
        n_components: how many are kept: a count, a share of the variance between 0 and 1, ``"mle"`` (the most likely number),
            or None for all of them.
        copy: samples are never written to, whichever it is.
        whiten: whether the new features have variance 1.
        svd_solver: ``"full"`` (singular values of the centered samples), ``"covariance_eigh"`` (eigenvalues of the covariance),
            ``"arpack"`` (the largest by Lanczos), ``"randomized"`` (the largest by random projections), or ``"auto"``: by the
            shape, as scikit-learn chooses.
        tol: relative accuracy of singular values by Lanczos; 0: that of rounding.
        iterated_power: power iterations of the randomized solver; ``"auto"``: 7 for less than a tenth of the components, else 4.
        n_oversamples: columns that the randomized solver projects on besides the components.
        power_iteration_normalizer: what keeps these columns apart: ``"QR"``, ``"LU"``, ``"none"`` or ``"auto"``.
        random_state: seed of the draws. A whole number draws what scikit-learn draws.

    >>> X = [[-1.0, -1.0], [-2.0, -1.0], [-3.0, -2.0], [1.0, 1.0], [2.0, 1.0], [3.0, 2.0]]
    >>> pca = PCA(n_components=2).fit(X)
    >>> print(pca.explained_variance_ratio_.round(4))
    [0.9924 0.0076]
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "n_components": [Interval(int, 0, None), Interval(float, 0, 1, closed="neither"), {"mle"}, None],
        "copy": [bool],
        "whiten": [bool],
        "svd_solver": [{"auto", "full", "covariance_eigh", "arpack", "randomized"}],
        "tol": [Interval(float, 0, None)],
        "iterated_power": [{"auto"}, Interval(int, 0, None)],
        "n_oversamples": [Interval(int, 1, None)],
        "power_iteration_normalizer": [{"auto", "QR", "LU", "none"}],
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        n_components: Any = None,
        *,
        copy: bool = True,
        whiten: bool = False,
        svd_solver: str = "auto",
        tol: float = 0.0,
        iterated_power: Any = "auto",
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.copy = copy
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.tol = tol
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.svd_solver in ("auto", "arpack", "covariance_eigh")
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0]

    def fit(self, X: Any, y: Any = None) -> PCA:
        self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        X = self._fit(X)
        return self._engine.transform(X)

    def _fit(self, X: Any) -> Any:
        self._validate_params()
        if is_sparse(X) and self.svd_solver in ("full", "randomized"):
            raise TypeError(
                'PCA only support sparse inputs with the "arpack" and "covariance_eigh" solvers, while '
                f'"{self.svd_solver}" was passed. See TruncatedSVD for a possible alternative.'
            )
        given, sparse = X, ("csr", "csc")
        X = canonical(validate_data(self, X, accept_sparse=sparse, seen_by_engine=True))
        count, share = None, None
        mle = isinstance(self.n_components, str)
        if not mle and self.n_components is not None:
            if isinstance(self.n_components, (int, np.integer)):
                count = int(self.n_components)
            else:
                share = float(self.n_components)
        truncated = self.svd_solver in ("arpack", "randomized") or (self.svd_solver == "auto" and is_sparse(X))
        if truncated and mle:
            raise ValueError(f"n_components='mle' cannot be a string with svd_solver='{self.svd_solver}'")
        if truncated and share is not None:
            raise ValueError(
                f"n_components={share!r} must be between 1 and min(n_samples, n_features)={min(X.shape)!r} with "
                f"svd_solver='{self.svd_solver}'"
            )
        with in_scikit_learns_words(self, given, accept_sparse=sparse):
            self._engine = _learn.pca(
                X,
                count,
                share,
                mle,
                self.whiten,
                self.svd_solver,
                self.tol,
                None if self.iterated_power == "auto" else self.iterated_power,
                self.n_oversamples,
                self.power_iteration_normalizer,
                seed_of(self.random_state),
            )
        for name in (
            "components",
            "mean",
            "explained_variance",
            "explained_variance_ratio",
            "singular_values",
            "noise_variance",
            "n_samples",
        ):
            setattr(self, f"{name}_", self._engine.field(name))
        self.n_components_ = self.components_.shape[0]
        self._fit_svd_solver = self._engine.field("solver")
        return X

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.transform(canonical(validate_data(self, X, accept_sparse=("csr", "csc"), reset=False)))

    def inverse_transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.inverse_transform(check_array(X, dtype=[np.float64, np.float32], order="C", input_name="X"))

    def get_covariance(self) -> np.ndarray:
        """The covariance of the model: that of the components, and ``noise_variance_`` in every other direction."""
        check_is_fitted(self)
        return _learn.pca_covariance(self._engine)

    def get_precision(self) -> np.ndarray:
        """The inverse of the covariance."""
        check_is_fitted(self)
        return _learn.pca_precision(self._engine)

    def score_samples(self, X: Any) -> np.ndarray:
        """The logarithm of the density of each sample, of the normal distribution with the model's covariance."""
        check_is_fitted(self)
        return _learn.pca_score_samples(self._engine, validate_data(self, X, reset=False))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of ``score_samples``."""
        return float(self.score_samples(X).mean())
