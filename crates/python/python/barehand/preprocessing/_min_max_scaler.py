"""Columns within a range."""

from __future__ import annotations

from typing import Any

from barehand._barehand import _learn
from barehand._sparse import is_sparse
from barehand.preprocessing._scaler import Scaler


class MinMaxScaler(Scaler):
    """Shifts and scales every column so that its smallest and largest values become the ends of a range.

    ``z = x * scale_ + min_`` with ``scale_ = (high - low) / data_range_`` and ``min_ = low - data_min_ * scale_``; a column of
    one value is divided by 1. NaN is passed over in ``fit`` and stays NaN.

    Args:
        feature_range: the ends of the range.
        copy: False lets ``transform`` write into the array that it is given, where that holds floats.
        clip: whether values beyond those of ``fit`` are kept within the range.

    >>> scaler = MinMaxScaler().fit([[1.0], [3.0]])
    >>> scaler.transform([[2.0], [4.0]])
    array([[0.5],
           [1.5]])
    """

    _parameter_constraints = {"feature_range": [tuple], "copy": [bool], "clip": [bool]}

    def __init__(self, feature_range: tuple[float, float] = (0, 1), *, copy: bool = True, clip: bool = False) -> None:
        self.feature_range = feature_range
        self.copy = copy
        self.clip = clip

    def fit(self, X: Any, y: Any = None) -> MinMaxScaler:
        """Learns the smallest and the largest value of every column."""
        self._begin()
        return self.partial_fit(X, y)

    def partial_fit(self, X: Any, y: Any = None) -> MinMaxScaler:
        """Learns from more samples, as if they had been among the first."""
        self._validate_params()
        low, high = self.feature_range
        if low >= high:
            raise ValueError(
                f"Minimum of desired feature range must be smaller than maximum. Got {self.feature_range}."
            )
        if is_sparse(X):
            raise TypeError("MinMaxScaler does not support sparse input. Consider using MaxAbsScaler instead.")
        known = self._known()
        X = self._check(X, reset=known is None)
        rows = self._rows(X)
        with self._in_scikit_learns_words(X):
            self._engine = _learn.min_max_scaler(rows, (float(low), float(high)), self.clip, known)
        self.n_samples_seen_ = self._engine.field("seen")
        self.data_min_, self.data_max_ = self._engine.field("data_min"), self._engine.field("data_max")
        self.data_range_ = self.data_max_ - self.data_min_
        self.scale_, self.min_ = self._engine.field("scale"), self._engine.field("min")
        return self

    def transform(self, X: Any) -> Any:
        """``X * scale_ + min_``"""
        return self._apply(X, self.copy)

    def inverse_transform(self, X: Any) -> Any:
        """``(X - min_) / scale_``"""
        return self._apply_inverse(X, self.copy)
