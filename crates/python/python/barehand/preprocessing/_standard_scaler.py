"""Columns of mean 0 and standard deviation 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from barehand.validation import check_is_fitted, check_sample_weight, validate_data


class StandardScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Takes the mean out of every column and divides by its standard deviation.

    ``z = (x - mean_) / scale_``, where ``scale_ = sqrt(var_)``, and 1 for a column that does not vary.

    Args:
        with_mean: whether to take the mean out.
        with_std: whether to divide by the deviation.

    >>> scaler = StandardScaler().fit([[0.0, 5.0], [2.0, 5.0]])
    >>> scaler.transform([[3.0, 5.0]])
    array([[2., 0.]])
    """

    _engine_type = _learn.Model
    _parameter_constraints = {"with_mean": [bool], "with_std": [bool]}

    def __init__(self, *, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean = with_mean
        self.with_std = with_std

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> StandardScaler:
        self._validate_params()
        X = validate_data(self, X)
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self._engine = _learn.standard_scaler(X, weight, self.with_mean, self.with_std)
        self.mean_ = self._engine.field("mean") if self.with_mean else None
        self.var_ = self._engine.field("var") if self.with_std else None
        self.scale_ = np.where(self.var_ > 0, np.sqrt(self.var_), 1) if self.with_std else None
        return self

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.transform(validate_data(self, X, reset=False))

    def inverse_transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.inverse_transform(validate_data(self, X, reset=False))
