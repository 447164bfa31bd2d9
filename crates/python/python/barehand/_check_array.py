"""Whatever looks like an array, as a checked NumPy array, without importing scikit-learn.

Scores always go through here; estimators do where scikit-learn, whose rules and messages these are, is not installed.
"""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np

from barehand import exceptions


def is_sparse(data: Any) -> bool:
    """Whether this is one of SciPy's sparse matrices or arrays."""
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def to_numpy(data: Any) -> np.ndarray:
    """Anything that looks like an array as one: sequences, ``__array__``, and data frames with missing values.

    Sparse matrices are refused with scikit-learn's words; complex numbers and strings are left to the caller.
    """
    if is_sparse(data):
        raise TypeError(
            "Sparse data was passed, but dense data is required. Use '.toarray()' to convert to a dense numpy array."
        )
    if isinstance(data, np.matrix):
        raise TypeError("np.matrix is not supported. Please convert to a numpy array with np.asarray.")
    array = np.asarray(data)
    # pandas turns its nullable numbers into objects where some are missing.
    if array.dtype == object and hasattr(data, "to_numpy") and hasattr(data, "iloc"):
        kinds = {getattr(dtype, "kind", "O") for dtype in np.atleast_1d(np.asarray(data.dtypes, dtype=object))}
        if kinds <= set("iufb"):
            array = data.to_numpy(dtype=np.float64, na_value=np.nan)
    return array


def check_array(
    array: Any,
    *,
    accept_sparse: bool | str | list[str] | tuple[str, ...] = False,
    accept_large_sparse: bool = True,
    dtype: Any = "numeric",
    order: str | None = None,
    ensure_all_finite: bool | str = True,
    ensure_2d: bool = True,
    allow_nd: bool = False,
    ensure_min_samples: int = 1,
    ensure_min_features: int = 1,
    estimator: Any = None,
    input_name: str = "",
) -> Any:
    """A checked array of finite numbers, 2-D unless asked otherwise; no copy where none is needed.

    Sparse matrices pass where their format is accepted (``True``: any), in the first accepted format otherwise; those with
    indices of 64 bits unless ``accept_large_sparse`` is false.
    """
    context = f" by {type(estimator).__name__}" if estimator is not None else ""
    sparse = bool(accept_sparse) and is_sparse(array)
    array = array if sparse else to_numpy(array)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{array}\n")
    if dtype == "numeric":
        dtype = np.float64 if array.dtype == object else None
    elif isinstance(dtype, (list, tuple)):
        dtype = None if array.dtype in dtype else dtype[0]
    if sparse:
        formats = [accept_sparse] if isinstance(accept_sparse, str) else accept_sparse
        if isinstance(formats, (list, tuple)) and array.format not in formats:
            array = array.asformat(formats[0])
        if not accept_large_sparse and array.format in ("csr", "csc") and array.indices.dtype == np.int64:
            raise ValueError("Only sparse matrices with 32-bit integer indices are accepted. Got int64 indices.")
        array = array if dtype is None else array.astype(dtype, copy=False)
    else:
        array = np.asarray(array, dtype=dtype, order=order)  # type: ignore[call-overload]
    if ensure_2d and array.ndim < 2:
        raise ValueError(
            f"Expected 2D array, got {'scalar' if array.ndim == 0 else '1D'} array instead:\narray={array}.\n"
            "Reshape your data either using array.reshape(-1, 1) if your data has a single feature or "
            "array.reshape(1, -1) if it contains a single sample."
        )
    if not allow_nd and array.ndim > 2:
        raise ValueError(f"Found array with dim {array.ndim}, while dim <= 2 is required{context}.")
    if ensure_all_finite:
        assert_all_finite(array.data if sparse else array, input_name, allow_nan=ensure_all_finite == "allow-nan")
    if array.ndim and array.shape[0] < ensure_min_samples:
        raise ValueError(
            f"Found array with {array.shape[0]} sample(s) (shape={array.shape}) while a minimum of {ensure_min_samples} is "
            f"required{context}."
        )
    if array.ndim == 2 and array.shape[1] < ensure_min_features:
        raise ValueError(
            f"Found array with {array.shape[1]} feature(s) (shape={array.shape}) while a minimum of "
            f"{ensure_min_features} is required{context}."
        )
    return array


def assert_all_finite(array: np.ndarray, input_name: str, *, allow_nan: bool = False) -> None:
    """Raises where an array of floats or objects has NaN (unless allowed) or infinity."""
    name = f"{input_name} " if input_name else ""
    if array.dtype == object:
        if not allow_nan and any(value != value for value in array.flat):
            raise ValueError(f"Input {name}contains NaN")
    elif array.dtype.kind == "f" and not np.isfinite(array).all():
        if not allow_nan and np.isnan(array).any():
            raise ValueError(f"Input {name}contains NaN.")
        if np.isinf(array).any():
            raise ValueError(f"Input {name}contains infinity or a value too large for {array.dtype!r}.")


def column_or_1d(y: Any, *, warn: bool = False, input_name: str = "y") -> np.ndarray:
    """A flat, C-contiguous array; a column is flattened, with a warning if asked; anything else is refused."""
    y = to_numpy(y)
    if y.ndim == 2 and y.shape[1] == 1:
        if warn:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
                "(n_samples, ), for example using ravel().",
                exceptions.DataConversionWarning,
                stacklevel=3,
            )
    elif y.ndim != 1:
        raise ValueError(f"{input_name} should be a 1d array, got an array of shape {y.shape} instead.")
    return np.ascontiguousarray(y.reshape(-1))


def check_consistent_length(*arrays: Any) -> None:
    """Raises where arrays (those that are not None) have different first dimensions."""
    lengths = [array.shape[0] if hasattr(array, "shape") else len(array) for array in arrays if array is not None]
    if len(set(lengths)) > 1:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {lengths}")


def check_sample_weight(
    sample_weight: Any, X: Any, *, dtype: Any = np.float64, ensure_non_negative: bool = False
) -> np.ndarray:
    """Weights ``(N,)`` for the ``N`` rows of ``X``, C-contiguous, of this dtype; ``None`` stands for ones, a number for itself.

    Raises:
        ValueError: the weights have another shape, are not finite, all 0, or negative where that was ruled out.
    """
    n = X.shape[0]
    if sample_weight is None:
        return np.ones(n, dtype=dtype)
    if isinstance(sample_weight, numbers.Number):
        sample_weight = np.full(n, sample_weight)
    weight = check_array(sample_weight, dtype=dtype, order="C", ensure_2d=False, input_name="sample_weight")
    if weight.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weight.ndim}D array.")
    if weight.shape != (n,):
        raise ValueError(f"sample_weight.shape == {weight.shape}, expected {(n,)}!")
    if ensure_non_negative and (weight < 0).any():
        raise ValueError("Negative values in data passed to `sample_weight`")
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
