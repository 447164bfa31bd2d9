"""What ``fit`` and ``predict`` do with their arguments before they call Rust.

Inputs may be NumPy arrays of any number type and memory order, read-only ones included, lists, and data frames of pandas,
polars or Arrow. They leave as C-contiguous float64 or float32 arrays (float32 stays float32), without a copy where they
already are; feature names and numbers of features are recorded in ``fit`` and compared afterwards.

With scikit-learn installed, `validate_data` and `check_is_fitted` are its own; without it, the same rules and messages hold.
What plainly needs no more than a look, an array that Rust reads in place and a fitted model, goes past them: they take a
hundred times as long as the prediction of a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

try:
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted as _check_is_fitted
    from sklearn.utils.validation import validate_data as _validate_data
except ImportError:
    from barehand._standalone.validation import check_classification_targets
    from barehand._standalone.validation import check_is_fitted as _check_is_fitted
    from barehand._standalone.validation import validate_data as _validate_data

from barehand._barehand import _learn
from barehand._check_array import check_sample_weight

__all__ = [
    "check_classification_targets",
    "check_is_fitted",
    "check_sample_weight",
    "encode_classes",
    "in_scikit_learns_words",
    "validate_data",
]

_LOOKED_AT = frozenset(("accept_sparse", "ensure_all_finite", "multi_output", "y_numeric"))
"""Options of `validate_data` that ask nothing else of arrays that are plain; of any other one, scikit-learn knows more."""

_FEW_CLASSES = 1 << 16
"""Whole numbers in a range no wider than this are classes that are counted, not sorted."""


def check_is_fitted(estimator: Any, attributes: Any = None, **options: Any) -> None:
    """Raises `NotFittedError` where ``fit`` has not left a model."""
    if (
        attributes is None
        and not options
        and not isinstance(estimator, type)
        and "_engine" in estimator.__dict__
        and hasattr(estimator, "fit")
    ):
        return
    _check_is_fitted(estimator, attributes, **options)


def validate_data(
    estimator: Any,
    X: Any = "no_validation",
    y: Any = "no_validation",
    *,
    reset: bool = True,
    dtype: Any = (np.float64, np.float32),
    order: str | None = "C",
    seen_by_engine: bool = False,
    **check_params: Any,
) -> Any:
    """``X``, or ``X`` and ``y``, checked and as arrays that Rust reads in place.

    ``reset=True`` belongs in ``fit``: it sets ``n_features_in_`` and, for data frames with string names,
    ``feature_names_in_``. Everywhere else ``reset=False`` compares with them. Other options are those of scikit-learn's
    ``check_array`` (``ensure_all_finite``, ``ensure_min_samples``, ``accept_sparse``, ...) and, where ``y`` is given, of
    ``check_X_y`` (``multi_output``, ``y_numeric``). ``seen_by_engine`` leaves it to Rust to find numbers that are not finite in
    arrays that need nothing else; where it does, `in_scikit_learns_words` says so.

    Raises:
        ValueError: ``X`` is not 2-D, empty, not finite, sparse with indices that are out of range, has another number of features or other names than in ``fit``, ``y``
            is missing or of another length.
        TypeError: ``X`` is sparse and ``accept_sparse`` was not set.
    """
    alone = isinstance(y, str)
    if (alone or _are_targets(y, X, check_params)) and _is_plain(
        estimator, X, reset, dtype, order, seen_by_engine, check_params
    ):
        if reset:
            vars(estimator).pop("feature_names_in_", None)
            estimator.n_features_in_ = X.shape[1]
        return X if alone else (X, y)
    X, y = _from_arrow(X), _from_arrow(y)
    if hasattr(X, "check_format"):
        # SciPy reads and writes wherever the lists of sparse rows say. A view is checked: what is checked is also pruned.
        type(X)((X.data, X.indices, X.indptr), shape=X.shape).check_format(full_check=True)
    return _validate_data(estimator, X, y, reset=reset, dtype=dtype, order=order, **check_params)


@contextmanager
def in_scikit_learns_words(estimator: Any, X: Any, y: Any = "no_validation", **options: Any) -> Iterator[None]:
    """Where Rust refuses numbers that `validate_data` had left to it (``seen_by_engine``), says why as it would have."""
    try:
        yield
    except ValueError:
        validate_data(estimator, X, y, reset=False, **options)
        raise


def _are_targets(y: Any, X: Any, check_params: dict[str, Any]) -> bool:
    """Whether ``y`` is a number for each row of ``X``, or some where ``multi_output`` allows them, and nothing has to be
    done to it."""
    if type(y) is not np.ndarray or type(X) is not np.ndarray or len(X.shape) != 2 or not y.dtype.isnative:
        return False
    if y.ndim != 1 and not (y.ndim == 2 and check_params.get("multi_output")):
        return False
    if y.shape[0] != X.shape[0] or y.size == 0:
        return False
    return y.dtype.kind in "iub" or (y.dtype.kind == "f" and bool(np.isfinite(y).all()))


def _is_plain(
    estimator: Any, X: Any, reset: bool, dtype: Any, order: str | None, seen: bool, check_params: dict[str, Any]
) -> bool:
    """Whether ``X`` is what Rust takes, and nothing else than that has to be known of it."""
    if type(X) is not np.ndarray or order != "C" or not _LOOKED_AT.issuperset(check_params):
        return False
    types = dtype if isinstance(dtype, (tuple, list)) else (dtype,)
    if X.ndim != 2 or X.dtype.type not in types or not X.dtype.isnative or not X.flags.c_contiguous or X.size == 0:
        return False
    if not reset:
        known = estimator.__dict__
        if "feature_names_in_" in known or known.get("n_features_in_") != X.shape[1]:
            return False
    finite = check_params.get("ensure_all_finite", True)
    return X.dtype.kind == "f" and (seen or finite is False or _learn.is_finite(X, finite == "allow-nan"))


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
    if y.ndim == 1 and y.size > 0 and y.dtype.kind in "iu":
        lowest = y.min()
        if int(y.max()) - int(lowest) < _FEW_CLASSES:
            offsets = (y - lowest).astype(np.int64)
            there = np.flatnonzero(np.bincount(offsets))
            codes = np.zeros(there[-1] + 1, dtype=np.int64)
            codes[there] = np.arange(len(there))
            return (there.astype(y.dtype) + lowest).astype(y.dtype), codes[offsets]
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    return classes, codes.astype(np.int64, copy=False)
