"""The largest singular values of features that are not centered."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import check_array
from barehand._param_validation import Interval
from barehand._random_state import RANDOM_STATE, seed_of
from barehand._sparse import canonical
from barehand.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from barehand.validation import check_is_fitted, validate_data


class TruncatedSVD(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The largest singular values of the features and their right vectors, ``components_``: sparse features stay sparse.

    Args:
        n_components: how many.
        algorithm: ``"randomized"`` (random projections) or ``"arpack"`` (Lanczos).
        n_iter: power iterations of the random projections.
        n_oversamples: columns that are projected on besides the components.
        power_iteration_normalizer: what keeps these columns apart: ``"QR"``, ``"LU"``, ``"none"`` or ``"auto"``.
        random_state: seed of the draws. A whole number draws what scikit-learn draws.
        tol: relative accuracy of singular values by Lanczos; 0: that of rounding.

    >>> svd = TruncatedSVD(n_components=2, random_state=0).fit(np.diag([3.0, 2.0, 1.0]))
    >>> print(svd.singular_values_.round(6))
    [3. 2.]
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "n_components": [Interval(int, 1, None)],
        "algorithm": [{"arpack", "randomized"}],
        "n_iter": [Interval(int, 0, None)],
        "n_oversamples": [Interval(int, 1, None)],
        "power_iteration_normalizer": [{"auto", "QR", "LU", "none"}],
        "random_state": RANDOM_STATE,
        "tol": [Interval(float, 0, None)],
    }

    def __init__(
        self,
        n_components: int = 2,
        *,
        algorithm: str = "randomized",
        n_iter: int = 5,
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
        tol: float = 0.0,
    ) -> None:
        self.algorithm = algorithm
        self.n_components = n_components
        self.n_iter = n_iter
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.tol = tol

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0]

    def fit(self, X: Any, y: Any = None) -> TruncatedSVD:
        self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        X = self._fit(X)
        return self._engine.transform(X)

    def _fit(self, X: Any) -> Any:
        self._validate_params()
        X = canonical(validate_data(self, X, accept_sparse=["csr", "csc"], ensure_min_features=2))
        self._engine = _learn.truncated_svd(
            X,
            self.n_components,
            self.algorithm == "arpack",
            self.n_iter,
            self.n_oversamples,
            self.power_iteration_normalizer,
            self.tol,
            seed_of(self.random_state),
        )
        for name in ("components", "explained_variance", "explained_variance_ratio", "singular_values"):
            setattr(self, f"{name}_", self._engine.field(name))
        return X

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.transform(canonical(validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)))

    def inverse_transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.inverse_transform(check_array(X, dtype=[np.float64, np.float32], order="C"))
