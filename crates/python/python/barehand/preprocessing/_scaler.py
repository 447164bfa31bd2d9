"""What the scalers share: one model in Rust that is applied to columns and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import check_array
from barehand._sparse import canonical, in_place, of_parts
from barehand.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from barehand.validation import check_is_fitted, validate_data

_TYPES = (np.float64, np.float32, np.float16)


class Scaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Statistics of columns; NaN stands for a value that is not there."""

    _engine_type = _learn.Model
    _sparse: Any = False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _begin(self) -> None:
        """Forgets what was learned before."""
        vars(self).pop("_engine", None)

    def _known(self) -> Any:
        """The model to go on with; None at first."""
        return vars(self).get("_engine")

    def _check(self, X: Any, reset: bool, seen_by_engine: bool = True) -> Any:
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=self._sparse,
            dtype=_TYPES,
            ensure_all_finite="allow-nan",
            seen_by_engine=seen_by_engine,
        )

    @contextmanager
    def _in_scikit_learns_words(self, X: Any) -> Iterator[None]:
        """Where Rust refuses ``X``, says why as `validate_data` does."""
        try:
            yield
        except ValueError:
            self._check(X, reset=False, seen_by_engine=False)
            raise

    def _apply(self, X: Any, copy: bool) -> Any:
        check_is_fitted(self)
        checked = self._check(X, reset=False)
        engine, rows = self._engine_for(checked), self._rows(checked)
        try:
            result = engine.transform(rows)
        except ValueError:
            self._check(X, reset=False, seen_by_engine=False)
            raise
        return self._given_back(X, checked, result, copy)

    def _apply_inverse(self, X: Any, copy: bool) -> Any:
        check_is_fitted(self)
        checked = check_array(
            X,
            accept_sparse=self._sparse,
            dtype=_TYPES,
            order="C",
            ensure_all_finite="allow-nan",
            estimator=self,
            input_name="X",
        )
        rows = self._rows(checked)
        return self._given_back(X, checked, self._engine_for(checked).inverse_transform(rows), copy)

    def _given_back(self, X: Any, checked: Any, result: Any, copy: bool) -> Any:
        result = of_parts(checked, result)
        if result.dtype != checked.dtype:
            result = result.astype(checked.dtype)
        return result if copy else in_place(X, checked, result)

    def _rows(self, X: Any) -> Any:
        """As Rust takes them: half precision as single."""
        return canonical(X.astype(np.float32) if X.dtype == np.float16 else X)

    def _engine_for(self, X: Any) -> Any:
        """The model in the float type of ``X``, which is that of the result."""
        dtype = "float64" if X.dtype == np.float64 else "float32"
        return self._engine if self._engine.dtype == dtype else _learn.scaler_for(self._engine, dtype)
