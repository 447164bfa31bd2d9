"""What ``fit`` and ``predict`` do with their arguments before they call Rust.

Inputs may be NumPy arrays of any number type and memory order, read-only ones included, lists, and data frames of pandas,
polars or Arrow. They leave as C-contiguous float64 or float32 arrays (float32 stays float32), without a copy where they
already are; feature names and numbers of features are recorded in ``fit`` and compared afterwards.

With scikit-learn installed, `validate_data` and `check_is_fitted` are its own; without it, the same rules and messages hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted
    from sklearn.utils.validation import validate_data as _validate_data
except ImportError:
    from barehand._standalone.validation import check_classification_targets, check_is_fitted
    from barehand._standalone.validation import validate_data as _validate_data

from barehand._check_array import check_sample_weight

__all__ = ["check_is_fitted", "check_sample_weight", "encode_classes", "validate_data"]


def validate_data(
    estimator: Any,
    X: Any = "no_validation",
    y: Any = "no_validation",
    *,
    reset: bool = True,
    dtype: Any = (np.float64, np.float32),
    order: str | None = "C",
    **check_params: Any,
) -> Any:
    """``X``, or ``X`` and ``y``, checked and as arrays that Rust reads in place.

    ``reset=True`` belongs in ``fit``: it sets ``n_features_in_`` and, for data frames with string names,
    ``feature_names_in_``. Everywhere else ``reset=False`` compares with them. Other options are those of scikit-learn's
    ``check_array`` (``ensure_all_finite``, ``ensure_min_samples``, ``accept_sparse``, ...) and, where ``y`` is given, of
    ``check_X_y`` (``multi_output``, ``y_numeric``).

    Raises:
        ValueError: ``X`` is not 2-D, empty, not finite, has another number of features or other names than in ``fit``, ``y``
            is missing or of another length.
        TypeError: ``X`` is sparse and ``accept_sparse`` was not set.
    """
    return _validate_data(
        estimator, _from_arrow(X), _from_arrow(y), reset=reset, dtype=dtype, order=order, **check_params
    )


def _from_arrow(data: Any) -> Any:
    """Tables that speak Arrow only (no ``__array__``) become pyarrow's."""
    if not hasattr(data, "__arrow_c_stream__") or hasattr(data, "__array__"):
        return data
    try:
        import pyarrow
    except ImportError as error:
        raise TypeError(
            f"{type(data).__name__} can be read through Arrow only, which needs pyarrow installed."
        ) from error
    return pyarrow.table(data)


def encode_classes(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sorted classes of ``y`` (numbers or strings), and for each sample the position of its class as int64.

    >>> classes, codes = encode_classes(np.array(["owl", "cat", "owl"]))
    >>> print(classes, codes)
    ['cat' 'owl'] [1 0 1]

    Raises:
        ValueError: ``y`` holds real numbers that are not whole: those are targets of a regression.
    """
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    return classes, codes.astype(np.int64, copy=False)
