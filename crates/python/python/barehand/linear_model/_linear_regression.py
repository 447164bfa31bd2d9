"""Ordinary least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._sparse import canonical
from barehand.base import BaseEstimator, Interval
from barehand.linear_model._linear import LinearRegressorMixin, targets
from barehand.validation import check_sample_weight, in_scikit_learns_words, validate_data


class LinearRegression(LinearRegressorMixin, BaseEstimator):
    """Least squares: minimises ``sum_i w_i |y_i - x_i coef_ - intercept_|^2``; of several minima the one of smallest norm.

    Args:
        fit_intercept: whether to fit an intercept.
        copy_X: a permission to write to ``X``, which is never used.
        tol: singular values of ``X`` below this part of the largest count as 0; LSQR's tolerance for sparse ``X``.
        n_jobs: a permission to use more processes, which is not used: threads are those of `barehand.set_num_threads`.
        positive: whether coefficients may not be negative.

    >>> X = [[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 3.0]]
    >>> LinearRegression().fit(X, [6.0, 8.0, 9.0, 11.0]).predict([[3.0, 5.0]]).round(10)
    array([16.])
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "fit_intercept": [bool],
        "copy_X": [bool],
        "n_jobs": [None, int],
        "positive": [bool],
        "tol": [Interval(float, 0, None)],
    }

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearRegression:
        self._validate_params()
        accept_sparse = False if self.positive else "csr"
        options = {"accept_sparse": accept_sparse, "y_numeric": True, "multi_output": True}
        given = X, y
        X, y = validate_data(self, X, y, seen_by_engine=True, **options)
        X = canonical(X)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        with in_scikit_learns_words(self, *given, **options):
            engine = _learn.linear_regression(
                X, targets(y, X), sample_weight, self.fit_intercept, self.tol, self.positive
            )
        self._keep(engine, y.ndim == 1)
        if not self.positive and not hasattr(X, "indptr"):
            self.rank_ = engine.field("rank")
            self.singular_ = engine.field("singular")
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.positive
        return tags
