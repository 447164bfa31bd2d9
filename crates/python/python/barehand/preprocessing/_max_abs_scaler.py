"""Columns whose largest absolute value is 1."""

from __future__ import annotations

from typing import Any

from barehand._barehand import _learn
from barehand.preprocessing._scaler import Scaler


class MaxAbsScaler(Scaler):
    """Divides every column by its largest absolute value; zeros stay zeros, so sparse matrices stay sparse.

    NaN is passed over in ``fit`` and stays NaN. A column of zeros is divided by 1.

    Args:
        copy: False lets ``transform`` write into the array that it is given, where that holds floats.
        clip: whether values beyond those of ``fit`` are kept between -1 and 1.

    >>> MaxAbsScaler().fit_transform([[1.0, 0.0], [-4.0, 0.0]])
    array([[ 0.25,  0.  ],
           [-1.  ,  0.  ]])
    """

    _parameter_constraints = {"copy": [bool], "clip": [bool]}
    _sparse = ("csr", "csc")

    def __init__(self, *, copy: bool = True, clip: bool = False) -> None:
        self.copy = copy
        self.clip = clip

    def fit(self, X: Any, y: Any = None) -> MaxAbsScaler:
        """Learns the largest absolute value of every column."""
        self._begin()
        return self.partial_fit(X, y)

    def partial_fit(self, X: Any, y: Any = None) -> MaxAbsScaler:
        """Learns from more samples, as if they had been among the first."""
        self._validate_params()
        known = self._known()
        X = self._check(X, reset=known is None)
        rows = self._rows(X)
        with self._in_scikit_learns_words(X):
            self._engine = _learn.max_abs_scaler(rows, self.clip, known)
        self.n_samples_seen_ = self._engine.field("seen")
        self.max_abs_, self.scale_ = self._engine.field("max_abs"), self._engine.field("scale")
        return self

    def transform(self, X: Any) -> Any:
        """``X / scale_``"""
        return self._apply(X, self.copy)

    def inverse_transform(self, X: Any) -> Any:
        """``X * scale_``"""
        return self._apply_inverse(X, self.copy)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
