"""`sklearn.utils.validation` without scikit-learn: features and their names, targets, fitted or not."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand import exceptions
from barehand._check_array import assert_all_finite, check_array, check_consistent_length, column_or_1d


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
        raise exceptions.NotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
            "using this estimator."
        )


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
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
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
    elif names is not None and fitted is not None and not np.array_equal(names, fitted):
        unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
        message = "The feature names should match those that were passed during fit.\n"
        for title, some in (("unseen at fit time", unseen), ("seen at fit time, yet now missing", missing)):
            if some:
                shown = [f"- {name}\n" for name in some[:5]] + ["- ...\n"] * (len(some) > 5)
                message += f"Feature names {title}:\n{''.join(shown)}"
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
