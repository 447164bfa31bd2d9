"""`sklearn.utils.validation` without scikit-learn: arrays, targets, feature names, fitted or not."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand.exceptions import DataConversionWarning, NotFittedError


def check_is_fitted(estimator: Any, attributes: str | list[str] | None = None) -> None:
    """Raises `NotFittedError` where the estimator lacks its fitted attributes (names that end with an underscore)."""
    if isinstance(estimator, type):
        raise TypeError(f"{estimator} is a class, not an instance.")
    if attributes is not None:
        fitted = all(hasattr(estimator, name) for name in np.atleast_1d(attributes))
    elif hasattr(estimator, "__sklearn_is_fitted__"):
        fitted = estimator.__sklearn_is_fitted__()
    else:
        fitted = any(name.endswith("_") and not name.startswith("__") for name in vars(estimator))
    if not fitted:
        raise NotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
            "using this estimator."
        )


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


def is_sparse(data: Any) -> bool:
    """Whether this is one of SciPy's sparse matrices or arrays."""
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def check_array(
    array: Any,
    *,
    accept_sparse: bool | str | list[str] | tuple[str, ...] = False,
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

    Sparse matrices pass where their format is accepted (``True``: any), in the first accepted format otherwise.
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
                DataConversionWarning,
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


def validate_data(
    estimator: Any,
    X: Any = "no_validation",
    y: Any = "no_validation",
    *,
    reset: bool = True,
    multi_output: bool = False,
    y_numeric: bool = False,
    **check_params: Any,
) -> Any:
    """Checks ``X`` and ``y``; sets ``n_features_in_`` and ``feature_names_in_`` or, unless ``reset``, compares with them."""
    if isinstance(X, str):
        return _check_y(y, multi_output, y_numeric)
    if y is None and isinstance(estimator, _needs_target()):
        raise ValueError(f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None.")
    _check_feature_names(estimator, X, reset)
    X = check_array(X, estimator=estimator, input_name="X", **check_params)
    if reset:
        estimator.n_features_in_ = X.shape[1]
    elif X.shape[1] != getattr(estimator, "n_features_in_", X.shape[1]):
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} features "
            "as input."
        )
    if y is None or isinstance(y, str):
        return X
    y = _check_y(y, multi_output, y_numeric)
    check_consistent_length(X, y)
    return X, y


def _needs_target() -> tuple[type, ...]:
    from barehand._standalone.base import ClassifierMixin, RegressorMixin

    return ClassifierMixin, RegressorMixin


def _check_y(y: Any, multi_output: bool, y_numeric: bool) -> np.ndarray:
    y = check_array(y, dtype=None, ensure_2d=False, input_name="y") if multi_output else column_or_1d(y, warn=True)
    assert_all_finite(y, "y")
    if y.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{y}\n")
    return y.astype(np.float64) if y_numeric and y.dtype == object else y


def feature_names(X: Any) -> np.ndarray | None:
    """The column names of a data frame (pandas, polars, Arrow), if they are all strings."""
    names = getattr(X, "column_names", None) if hasattr(X, "column_names") else getattr(X, "columns", None)
    if names is None or callable(names) or len(names) == 0:
        return None
    types = {type(name) for name in names}
    if str in types and len(types) > 1:
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{sorted(kind.__qualname__ for kind in types)} as feature name / column name types."
        )
    return np.asarray(list(names), dtype=object) if types == {str} else None


def _check_feature_names(estimator: Any, X: Any, reset: bool) -> None:
    names, name = feature_names(X), type(estimator).__name__
    if reset:
        if names is not None:
            estimator.feature_names_in_ = names
        elif hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        return
    fitted = getattr(estimator, "feature_names_in_", None)
    if names is not None and fitted is None:
        warnings.warn(f"X has feature names, but {name} was fitted without feature names", stacklevel=4)
    elif names is None and fitted is not None:
        warnings.warn(f"X does not have valid feature names, but {name} was fitted with feature names", stacklevel=4)
    elif names is not None and not np.array_equal(names, fitted):
        unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
        message = "The feature names should match those that were passed during fit.\n"
        if unseen:
            message += f"Feature names unseen at fit time: {unseen}\n"
        if missing:
            message += f"Feature names seen at fit time, yet now missing: {missing}\n"
        if not unseen and not missing:
            message += "Feature names must be in the same order as they were in fit.\n"
        raise ValueError(message)


def check_classification_targets(y: np.ndarray) -> None:
    """Raises where ``y`` holds real numbers that are not whole, or objects that are not strings."""
    y = np.asarray(y)
    continuous = y.dtype.kind == "f" and bool((y != np.trunc(y)).any())
    if continuous or (y.dtype == object and y.size and not isinstance(y.flat[0], str)):
        raise ValueError(
            f"Unknown label type: {'continuous' if continuous else 'unknown'}. Maybe you are trying to fit a classifier, "
            "which expects discrete classes on a regression target with continuous values."
        )
