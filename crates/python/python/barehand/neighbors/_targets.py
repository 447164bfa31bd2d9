"""Class labels of one output or of several."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand import exceptions
from barehand.validation import encode_classes


def keep_classes(estimator: Any, y: np.ndarray) -> None:
    """Sets ``classes_``, ``outputs_2d_`` and the codes ``_y``: ``(n,)``, or ``(n, outputs)``."""
    if y.ndim == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples,), for "
            "example using ravel().",
            exceptions.DataConversionWarning,
            stacklevel=3,
        )
        y = y.ravel()
    estimator.outputs_2d_ = y.ndim == 2
    if not estimator.outputs_2d_:
        estimator.classes_, estimator._y = encode_classes(y)
        return
    encode_classes(y.ravel())
    pairs = [np.unique(column, return_inverse=True) for column in y.T]
    estimator.classes_ = [classes for classes, _ in pairs]
    estimator._y = np.stack([codes for _, codes in pairs], axis=1).astype(np.int64)


def outputs_of(estimator: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each output its classes and codes."""
    if not estimator.outputs_2d_:
        return [(estimator.classes_, estimator._y)]
    return [
        (classes, np.ascontiguousarray(codes))
        for classes, codes in zip(estimator.classes_, estimator._y.T, strict=True)
    ]
