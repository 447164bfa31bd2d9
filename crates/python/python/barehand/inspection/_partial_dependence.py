"""What a model predicts on average where features have given values."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from barehand._bunch import Bunch
from barehand._param_validation import check_parameters
from barehand.base import Interval
from barehand.validation import check_is_fitted, check_sample_weight

__all__ = ["partial_dependence"]


def partial_dependence(
    estimator: Any,
    X: Any,
    features: Any,
    *,
    sample_weight: Any = None,
    categorical_features: Any = None,
    feature_names: Any = None,
    response_method: str = "auto",
    percentiles: tuple[float, float] = (0.05, 0.95),
    grid_resolution: int = 100,
    custom_values: dict[Any, Any] | None = None,
    method: str = "auto",
    kind: str = "average",
) -> Bunch:
    """The mean answer of an estimator where some features are set to each point of a grid (Friedman, 2001).

    Args:
        estimator: a fitted classifier or regressor.
        X: features ``(N, D)``, an array or a data frame, over whose rows the answers are averaged.
        features: numbers or names of the features, or a mask of all features. Those that are not categorical must not be whole
            numbers by type: a grid between them would be rounded.
        sample_weight: weights of the rows.
        categorical_features: numbers, names or a mask of features whose grid is their own values.
        feature_names: names of the features; those of a data frame where there are none.
        response_method: of classifiers ``"predict_proba"`` or ``"decision_function"``; ``"auto"``: the first they have.
        percentiles: between which the grid lies.
        grid_resolution: values of each feature.
        custom_values: the grid of some features.
        method: ``"brute"``, or ``"recursion"`` for regression trees and forests, which averages over the samples that they
            were fitted on; ``"auto"``: that where it can be had.
        kind: ``"average"``, ``"individual"`` for each row's answers, or ``"both"``.

    Returns:
        ``grid_values``, and ``average`` ``(answers, values, ...)`` or ``individual`` ``(answers, N, values, ...)``.

    >>> from barehand.tree import DecisionTreeRegressor
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = DecisionTreeRegressor().fit(X, [1.0, 1.0, 5.0, 5.0])
    >>> partial_dependence(model, X, [0]).average
    array([[1., 1., 5., 5.]])
    """
    check_parameters(
        {
            "response_method": [{"auto", "predict_proba", "decision_function"}],
            "percentiles": [tuple],
            "grid_resolution": [Interval(int, 1, None)],
            "method": [{"auto", "recursion", "brute"}],
            "kind": [{"average", "individual", "both"}],
            "custom_values": [dict, None],
        },
        locals(),
        "partial_dependence",
    )
    check_is_fitted(estimator)
    classifier, regressor = _is(estimator, "classifier"), _is(estimator, "regressor")
    if not (classifier or regressor):
        raise ValueError("'estimator' must be a fitted regressor or classifier.")
    if classifier and isinstance(estimator.classes_[0], np.ndarray):
        raise ValueError("Multiclass-multioutput estimators are not supported")
    if regressor and response_method != "auto":
        raise ValueError("The response_method parameter is ignored for regressors and must be 'auto'.")
    if not hasattr(X, "iloc"):
        written_out = not hasattr(X, "__array__")
        X = np.asarray(X)
        if written_out and X.dtype.kind in "iu":
            X = X.astype(np.float64)
    if kind != "average":
        if method == "recursion":
            raise ValueError("The 'recursion' method only applies when 'kind' is set to 'average'")
        method = "brute"
    if method == "recursion" and sample_weight is not None:
        raise ValueError("The 'recursion' method can only be applied when sample_weight is None.")
    recursive = regressor and hasattr(estimator, "_compute_partial_dependence_recursion")
    if method == "auto":
        method = "recursion" if recursive and sample_weight is None else "brute"
    if method == "recursion":
        if not recursive:
            raise ValueError(
                "Only the following estimators support the 'recursion' method: regression trees and forests. Try using "
                "method='brute'."
            )
        if response_method not in ("auto", "decision_function"):
            raise ValueError(
                f"With the 'recursion' method, the response_method must be 'decision_function'. Got {response_method}."
            )
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
    if isinstance(features, (str, int, np.integer)):
        features = [features]
    names = _names(X, feature_names)
    if all(isinstance(feature, (bool, np.bool_)) for feature in features):
        features = _of_mask(features, X.shape[1])
    columns = _columns(X, features, names)
    categorical = _categorical(categorical_features, names)
    for column, feature in zip(columns, features, strict=True):
        if column not in categorical and _values(X, column).dtype.kind in "iu":
            raise ValueError(
                f"The column {feature!r} contains integer data. Partial dependence plots are not supported for integer data: "
                "this can lead to implicit rounding with NumPy arrays or even errors with newer pandas versions. Please convert "
                "numerical features to floating point dtypes ahead of time to avoid problems."
            )
    values = []
    for i, (column, feature) in enumerate(zip(columns, features, strict=True)):
        custom = None if feature not in (custom_values or {}) else _custom(i, custom_values[feature])
        try:
            values.append(_axis(_values(X, column), column in categorical, percentiles, grid_resolution, custom))
        except TypeError as error:
            raise ValueError(
                f"The column #{i} contains mixed data types. Finding unique categories fail due to sorting. It usually means "
                "that the column contains `np.nan` values together with `str` categories. Such use case is not yet supported."
            ) from error
    grid = list(product(*values))
    shape = [len(own) for own in values]
    if method == "recursion":
        averaged = estimator._compute_partial_dependence_recursion(grid, columns)
        return Bunch(grid_values=values, average=averaged.reshape(-1, *shape))
    answers = _answers(estimator, X, columns, grid, response_method, classifier)
    averaged = np.stack([np.average(own, axis=0, weights=sample_weight) for own in answers], axis=-1)
    result = Bunch(grid_values=values)
    if kind != "individual":
        result["average"] = averaged.reshape(-1, *shape)
    if kind != "average":
        stacked = np.stack(answers, axis=-1)
        stacked = stacked[np.newaxis] if stacked.ndim == 2 else np.swapaxes(stacked, 0, 1)
        result["individual"] = stacked.reshape(stacked.shape[0], X.shape[0], *shape)
    return result


def _is(estimator: Any, kind: str) -> bool:
    try:
        from sklearn.utils import get_tags

        return get_tags(estimator).estimator_type == kind
    except ImportError:
        return getattr(estimator, "_estimator_type", None) == kind


def _names(X: Any, names: Any) -> list[Any]:
    if names is None:
        names = list(X.columns) if hasattr(X, "columns") else [f"x{j}" for j in range(X.shape[1])]
    names = list(names)
    if len(set(names)) != len(names):
        raise ValueError("feature_names should not contain duplicates.")
    return names


def _of_mask(mask: Any, n_features: int) -> list[int]:
    if len(mask) != n_features:
        raise ValueError(f"a mask of {len(mask)} features, of which there are {n_features}")
    return np.flatnonzero(mask).tolist()


def _columns(X: Any, features: Any, names: list[Any]) -> list[int]:
    """The places of features; those of a data frame are called as its columns, whatever else their names are."""
    if hasattr(X, "columns"):
        names = list(X.columns)
        if any(isinstance(feature, str) and feature not in names for feature in features):
            raise ValueError("Some column names are not columns of the dataframe")
    columns = [_column(feature, names) for feature in features]
    if any(not 0 <= column < X.shape[1] for column in columns):
        raise ValueError(f"all features must be in [0, {X.shape[1] - 1}]")
    return columns


def _column(feature: Any, names: list[Any]) -> int:
    if not isinstance(feature, str):
        return int(feature)
    if feature not in names:
        raise ValueError(f"Feature {feature!r} not in feature_names")
    return names.index(feature)


def _categorical(given: Any, names: list[Any]) -> set[int]:
    if given is None:
        return set()
    given = np.asarray(given)
    if given.size == 0:
        raise ValueError(
            "Passing an empty list (`[]`) to `categorical_features` is not supported. Use `None` instead to indicate that "
            "there are no categorical features."
        )
    if given.dtype.kind == "b":
        if given.size != len(names):
            raise ValueError(
                "When `categorical_features` is a boolean array-like, the array should be of shape (n_features,). Got "
                f"{given.size} elements while `X` contains {len(names)} features."
            )
        return set(np.flatnonzero(given).tolist())
    if given.dtype.kind not in "iOU":
        raise ValueError(
            "Expected `categorical_features` to be an array-like of boolean, integer, or string. Got "
            f"{given.dtype} instead."
        )
    return {_column(feature, names) for feature in given.tolist()}


def _values(X: Any, column: int) -> np.ndarray:
    return np.asarray(X.iloc[:, column] if hasattr(X, "iloc") else X[:, column])


def _axis(values: np.ndarray, categorical: bool, percentiles: Any, resolution: int, custom: Any) -> np.ndarray:
    """The grid of a feature."""
    if len(percentiles) != 2:
        raise ValueError("'percentiles' must be a sequence of 2 elements.")
    if not all(0 <= x <= 1 for x in percentiles):
        raise ValueError("'percentiles' values must be in [0, 1].")
    if percentiles[0] >= percentiles[1]:
        raise ValueError("percentiles[0] must be strictly less than percentiles[1].")
    if resolution <= 1:
        raise ValueError("'grid_resolution' must be strictly greater than 1.")
    if custom is not None:
        return custom
    unique = np.unique(values)
    if categorical or len(unique) < resolution:
        return unique
    # SciPy's mquantiles: Cunnane's plotting positions.
    low, high = (
        np.quantile(values, percentiles, method="linear") if len(values) == 1 else _mquantiles(values, percentiles)
    )
    if np.allclose(low, high):
        raise ValueError(
            "percentiles are too close to each other, unable to build the grid. Please choose percentiles that are further "
            "apart."
        )
    return np.linspace(low, high, num=resolution, endpoint=True)


def _custom(place: int, given: Any) -> np.ndarray:
    grid = np.asarray(given, dtype=object if any(isinstance(value, str) for value in given) else None)
    if grid.ndim != 1:
        raise ValueError(
            f"The custom grid for some features is not a one-dimensional array. Feature {place}: {grid.ndim} dimensions"
        )
    return grid


def _mquantiles(values: np.ndarray, shares: Any) -> np.ndarray:
    ordered, n = np.sort(values), len(values)
    aleph = n * np.asarray(shares) + 0.4 + np.asarray(shares) * (1 - 0.4 - 0.4)
    k = np.floor(aleph.clip(1, n - 1)).astype(int)
    gamma = (aleph - k).clip(0, 1)
    return (1 - gamma) * ordered[k - 1] + gamma * ordered[k]


def _answers(
    estimator: Any, X: Any, columns: list[int], grid: list[Any], response_method: str, classifier: bool
) -> list[np.ndarray]:
    """The answers of every row, ``(N)`` or ``(N, answers)``, at each point."""
    if not classifier:
        response = estimator.predict
    elif response_method == "auto":
        response = getattr(estimator, "predict_proba", None) or estimator.decision_function
    else:
        response = getattr(estimator, response_method)
    X, answers = X.copy(), []
    for point in grid:
        for column, value in zip(columns, point, strict=True):
            if hasattr(X, "iloc"):
                X[X.columns[column]] = value
            else:
                X[:, column] = value
        answer = np.asarray(response(X))
        if classifier and answer.ndim == 2 and answer.shape[1] == 2:
            answer = answer[:, 1]
        answers.append(answer)
    return answers
