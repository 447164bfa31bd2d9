"""`sklearn.utils` without scikit-learn: rows of whatever holds samples, random states, kinds of targets."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from barehand._check_array import check_consistent_length, is_sparse


def num_samples(X: Any) -> int:
    """How many samples there are."""
    if hasattr(X, "fit") and callable(X.fit):
        raise TypeError(f"Expected sequence or array-like, got estimator {X}")
    shape = getattr(X, "shape", None)
    if shape is not None:
        if len(shape) == 0:
            raise TypeError(
                f"Input should have at least 1 dimension i.e. satisfy `len(x.shape) > 0`, got scalar {X!r}."
            )
        if isinstance(shape[0], numbers.Integral):
            return int(shape[0])
    if not hasattr(X, "__len__"):
        if not hasattr(X, "__array__"):
            raise TypeError(f"Expected sequence or array-like, got {type(X)}")
        X = np.asarray(X)
    return len(X)


def indexable(*iterables: Any) -> list[Any]:
    """What can be indexed as it is, sparse rows as CSR, all else as arrays; all of one length."""
    result = []
    for each in iterables:
        if is_sparse(each):
            result.append(each.tocsr())
        elif each is None or hasattr(each, "__getitem__") or hasattr(each, "iloc"):
            result.append(each)
        else:
            result.append(np.array(each))
    check_consistent_length(*result)
    return result


def take_rows(X: Any, indices: Any) -> Any:
    """The rows at ``indices``, in the container that they came in."""
    if X is None:
        return None
    if hasattr(X, "iloc"):
        return X.take(np.asarray(indices), axis=0)
    if hasattr(X, "__arrow_c_stream__") and hasattr(X, "take"):
        return X.take(indices)
    if hasattr(X, "shape") or hasattr(X, "__dataframe__"):
        return X[np.asarray(indices)]
    return [X[i] for i in indices]


def split_samples(estimator: Any, X: Any, y: Any, indices: Any, train_indices: Any = None) -> tuple[Any, Any]:
    """The rows of ``X`` and ``y`` at ``indices``."""
    return take_rows(X, indices), take_rows(y, indices)


def type_of_target(y: Any, input_name: str = "") -> str:
    """``binary``, ``multiclass``, ``continuous``, either with ``-multioutput``, ``multilabel-indicator`` or ``unknown``."""
    y = np.asarray(y.toarray() if is_sparse(y) else y)
    if y.ndim > 2 or (y.dtype == object and y.size and not isinstance(y.flat[0], str)):
        return "unknown"
    suffix = "-multioutput" if y.ndim == 2 and y.shape[1] > 1 else ""
    if y.dtype.kind == "f" and bool((y != np.trunc(y)).any()):
        return "continuous" + suffix
    if suffix and y.dtype.kind in "biuf" and len(np.unique(y)) <= 2:
        return "multilabel-indicator"
    return ("multiclass" if suffix or len(np.unique(y)) > 2 else "binary") + suffix


def check_method_params(X: Any, params: Any, indices: Any = None) -> dict[str, Any]:
    """Parameters of ``fit``; of those with an item for each sample, the items at ``indices``."""
    n, chosen = num_samples(X), {}
    for name, value in (params or {}).items():
        by_sample = hasattr(value, "__len__") and not isinstance(value, (str, bytes, dict)) or is_sparse(value)
        if by_sample and num_samples(value) == n and indices is not None:
            chosen[name] = take_rows(value, indices)
        else:
            chosen[name] = value
    return chosen


def is_classifier(estimator: Any) -> bool:
    """Whether an estimator says that it tells classes apart."""
    return getattr(estimator, "_estimator_type", None) == "classifier"


def as_labels(y: Any, name: str) -> np.ndarray:
    """An array of labels of any type, of one or two dimensions, without NaN."""
    if isinstance(y, Iterable) and not hasattr(y, "shape"):
        y = list(y)
    array = np.asarray(y)
    if array.ndim == 0:
        raise ValueError(f"Expected an array of {name}, got a scalar: {y!r}")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ValueError(f"Input {name} contains NaN.")
    return array
