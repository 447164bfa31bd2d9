"""Rows of length 1."""

from __future__ import annotations

from typing import Any

from barehand._barehand import _learn
from barehand._sparse import canonical, in_place, of_parts
from barehand.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from barehand.validation import validate_data


class Normalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Divides every row by its norm; a row of zeros stays. There is nothing to learn, so ``fit`` need not be called.

    Args:
        norm: ``"l1"``, ``"l2"`` or ``"max"``.
        copy: False lets ``transform`` write into the array that it is given, where that holds floats.

    >>> Normalizer().transform([[3.0, -4.0], [0.0, 0.0]])
    array([[ 0.6, -0.8],
           [ 0. ,  0. ]])
    """

    _engine_type = _learn.Model
    _parameter_constraints = {"norm": [{"l1", "l2", "max"}], "copy": [bool]}

    def __init__(self, norm: str = "l2", *, copy: bool = True) -> None:
        self.norm = norm
        self.copy = copy

    def fit(self, X: Any, y: Any = None) -> Normalizer:
        """Takes note of the number of features."""
        self._validate_params()
        X = validate_data(self, X, accept_sparse="csr")
        self._engine = _learn.normalizer(canonical(X), self.norm)
        return self

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """Rows of length 1."""
        checked = validate_data(self, X, accept_sparse="csr", reset=False)
        rows = canonical(checked)
        engine = vars(self).get("_engine")
        if engine is None or engine.dtype != checked.dtype or engine.field("norm") != self.norm:
            engine = _learn.normalizer(rows, self.norm)
        result = of_parts(checked, engine.transform(rows))
        copy = self.copy if copy is None else copy
        return result if copy else in_place(X, checked, result)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.requires_fit = False
        return tags
