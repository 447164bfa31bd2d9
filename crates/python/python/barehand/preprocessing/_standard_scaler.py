"""Columns of mean 0 and standard deviation 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._callbacks import CallbackSupportMixin, fit_task
from barehand._sparse import is_sparse
from barehand.preprocessing._scaler import Scaler
from barehand.validation import check_sample_weight


class StandardScaler(CallbackSupportMixin, Scaler):
    """Takes the mean out of every column and divides by its standard deviation.

    ``z = (x - mean_) / scale_``, where ``scale_ = sqrt(var_)``, and 1 for a column that does not vary. NaN is passed over in
    ``fit`` and stays NaN. Sparse matrices want ``with_mean=False``.

    Args:
        copy: False lets ``transform`` write into the array that it is given, where that holds floats.
        with_mean: whether to take the mean out.
        with_std: whether to divide by the deviation.

    >>> scaler = StandardScaler().fit([[0.0, 5.0], [2.0, 5.0]])
    >>> scaler.transform([[3.0, 5.0]])
    array([[2., 0.]])
    """

    _parameter_constraints = {"copy": [bool], "with_mean": [bool], "with_std": [bool]}
    _sparse = ("csr", "csc")

    def __init__(self, *, copy: bool = True, with_mean: bool = True, with_std: bool = True) -> None:
        self.copy = copy
        self.with_mean = with_mean
        self.with_std = with_std

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> StandardScaler:
        """Learns mean and deviation of every column."""
        self._begin()
        return self.partial_fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> StandardScaler:
        """Learns from more samples, as if they had been among the first."""
        self._validate_params()
        known = self._known()
        X = self._check(X, reset=known is None)
        self._refuse_centering(X, "center")
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        rows = self._rows(X)
        with fit_task(self, X, y, {"sample_weight": sample_weight}):
            self._learn_from(X, rows, weight, known)
        return self

    def _learn_from(self, X: Any, rows: Any, weight: Any, known: Any) -> None:
        with self._in_scikit_learns_words(X):
            self._engine = _learn.standard_scaler(rows, weight, self.with_mean, self.with_std, known)
        seen = self._engine.field("seen").astype(np.int64 if weight is None else X.dtype)
        self.n_samples_seen_ = seen[0] if seen.min() == seen.max() else seen
        centred = self.with_mean or self.with_std
        if is_sparse(X):
            centred = self.with_std
        self.mean_ = self._engine.field("mean") if centred else None
        self.var_ = self._engine.field("var") if self.with_std else None
        self.scale_ = self._engine.field("scale") if self.with_std else None

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """``(X - mean_) / scale_``"""
        return self._apply(X, self.copy if copy is None else copy)

    def inverse_transform(self, X: Any, copy: bool | None = None) -> Any:
        """``X * scale_ + mean_``"""
        return self._apply_inverse(X, self.copy if copy is None else copy)

    def _engine_for(self, X: Any) -> Any:
        self._refuse_centering(X, "center")
        return super()._engine_for(X)

    def _refuse_centering(self, X: Any, verb: str) -> None:
        if self.with_mean and is_sparse(X):
            raise ValueError(
                f"Cannot {verb} sparse matrices: pass `with_mean=False` instead. See docstring for motivation and "
                "alternatives."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not self.with_mean
        return tags
