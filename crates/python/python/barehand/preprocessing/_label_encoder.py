"""Labels as numbers from 0 on."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._check_array import column_or_1d
from barehand.base import BaseEstimator, TransformerMixin
from barehand.validation import check_is_fitted


class LabelEncoder(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Numbers the distinct labels (numbers, strings, None) in ascending order.

    >>> encoder = LabelEncoder().fit(["paris", "tokyo", "amsterdam", "tokyo"])
    >>> print(encoder.classes_, encoder.transform(["tokyo", "paris"]))
    ['amsterdam' 'paris' 'tokyo'] [2 1]
    >>> print(encoder.inverse_transform([0, 1]))
    ['amsterdam' 'paris']
    """

    def fit(self, y: Any) -> LabelEncoder:
        """Learns which labels there are."""
        self.classes_ = _distinct(column_or_1d(y, warn=True))
        return self

    def fit_transform(self, y: Any) -> np.ndarray:
        """Learns which labels there are, and the number of each."""
        y = column_or_1d(y, warn=True)
        self.classes_ = _distinct(y)
        return _positions(y, self.classes_)

    def transform(self, y: Any) -> np.ndarray:
        """The number of each label; ValueError for one that was not in ``fit``."""
        check_is_fitted(self)
        y = column_or_1d(y, warn=True)
        if len(y) == 0:
            return np.asarray([])
        if self.classes_.dtype.kind == "U":
            # Strings keep their length: cut short, an unknown label might be a known one.
            y = y.astype(str)
        elif self.classes_.dtype != y.dtype:
            y = y.astype(self.classes_.dtype)
        return _positions(y, self.classes_)

    def inverse_transform(self, y: Any) -> np.ndarray:
        """The label of each number."""
        check_is_fitted(self)
        y = column_or_1d(y, warn=True)
        if len(y) == 0:
            return np.asarray([])
        unseen = np.setdiff1d(y, np.arange(len(self.classes_)))
        if len(unseen):
            raise ValueError(f"y contains previously unseen labels: {unseen}")
        return self.classes_[y]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.one_d_labels = True
        return tags


def _distinct(y: np.ndarray) -> np.ndarray:
    if y.dtype != object:
        return np.unique(y)
    labels = set(y)
    missing = [label for label in labels if label is None or label != label]
    try:
        ordered: list[Any] = sorted(labels - set(missing))
    except TypeError:
        kinds = sorted({type(label).__qualname__ for label in y})
        raise TypeError(
            f"Encoders require their input argument must be uniformly strings or numbers. Got {kinds}"
        ) from None
    ordered += [None] * (None in missing) + [np.nan] * any(label is not None for label in missing)
    classes = np.empty(len(ordered), dtype=object)
    classes[:] = ordered
    return classes


def _positions(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    if y.dtype == object or classes.dtype == object:
        table = {_key(label): i for i, label in enumerate(classes)}
        unseen = [label for label in dict.fromkeys(y) if _key(label) not in table]
        if unseen:
            raise ValueError(f"y contains previously unseen labels: {', '.join(map(repr, unseen))}")
        return np.array([table[_key(label)] for label in y], dtype=np.int64)
    positions = np.searchsorted(classes, y)
    found = classes[np.minimum(positions, len(classes) - 1)]
    wrong = (found != y) & ~((found != found) & (y != y))
    if wrong.any():
        raise ValueError(f"y contains previously unseen labels: {list(np.unique(y[wrong]))}")
    return positions


def _key(label: Any) -> Any:
    """NaN is itself here, though it equals nothing."""
    return "NaN of no label" if isinstance(label, float) and label != label else label
