"""Columns of categories: which ones they are, and their values as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_data_frame(X: Any) -> bool:
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def check_categorical_features(X: Any, categorical_features: Any) -> np.ndarray | None:
    """A mask of the columns of categories, or None where there are none; errors are scikit-learn's."""
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        if not is_data_frame(X):
            return None
        kinds = ("category", "categorical", "enum")
        chosen = np.array([str(dtype).lower().startswith(kinds) for dtype in X.dtypes], dtype=bool)
    elif categorical_features is None:
        return None
    else:
        chosen = np.asarray(categorical_features)
    if chosen.size == 0:
        return None
    if chosen.dtype.kind not in "ibUO":
        raise ValueError(f"categorical_features must be an array-like of bool, int or str, got: {chosen.dtype.name}.")
    if chosen.dtype.kind == "O" and {type(item) for item in chosen} != {str}:
        found = ", ".join(sorted({type(item).__name__ for item in chosen}))
        raise ValueError(f"categorical_features must be an array-like of bool, int or str, got: {found}.")
    n_features = X.shape[1] if hasattr(X, "shape") else np.asarray(X).shape[1]
    if chosen.dtype.kind in "UO":
        mask = _named(list(getattr(X, "columns", ())), chosen, n_features)
    elif chosen.dtype.kind == "i":
        if np.max(chosen) >= n_features or np.min(chosen) < 0:
            raise ValueError(
                "categorical_features set as integer indices must be in [0, n_features - 1] = "
                f"[0, {n_features - 1}], got: {chosen}."
            )
        mask = np.zeros(n_features, dtype=bool)
        mask[chosen] = True
    else:
        if chosen.shape[0] != n_features:
            raise ValueError(
                "categorical_features set as a boolean mask must have shape (n_features,), "
                f"got: {chosen.shape} instead of ({n_features},)."
            )
        mask = chosen
    return mask if mask.any() else None


def _named(columns: list[Any], names: np.ndarray, n_features: int) -> np.ndarray:
    if not columns:
        raise ValueError(
            "categorical_features should be passed as an array of integers or as a boolean mask when the model is fitted "
            "on data without feature names."
        )
    mask = np.zeros(n_features, dtype=bool)
    for name in names:
        if name not in columns:
            raise ValueError(
                f"categorical_features has an item value '{name}' which is not a valid feature name of the training "
                f"data. Observed feature names: {columns}"
            )
        mask[columns.index(name)] = True
    return mask


def has_names_for_numbers(X: Any) -> bool:
    """Whether some of these values may be no numbers, so that columns must be looked at one by one."""
    return is_data_frame(X) or np.asarray(X).dtype.kind in "OUS"


class CategoryCodes:
    """The values of columns of categories, and the place of each in ascending order as its number."""

    def __init__(self, X: Any, mask: np.ndarray) -> None:
        self.mask = mask
        self.categories: dict[int, np.ndarray] = {}
        for column in np.flatnonzero(mask):
            values, missing = _column(X, column)
            self.categories[column] = np.unique(np.array(list(values[~missing])))

    def encode(self, X: Any) -> np.ndarray:
        """All columns as numbers; missing and unknown categories as NaN."""
        encoded = np.empty((len(X), len(self.mask)))
        for column in range(len(self.mask)):
            values, missing = _column(X, column)
            if column not in self.categories:
                encoded[~missing, column] = values[~missing].astype(np.float64)
                encoded[missing, column] = np.nan
                continue
            codes = {value: code for code, value in enumerate(self.categories[column].tolist())}
            encoded[:, column] = [
                np.nan if absent else codes.get(value, np.nan)
                for value, absent in zip(values.tolist(), missing, strict=True)
            ]
        return encoded


def _column(X: Any, column: int) -> tuple[np.ndarray, np.ndarray]:
    """The values of a column, and which are missing: None, NaN, pandas' NA."""
    if is_data_frame(X):
        series = X.iloc[:, column] if hasattr(X, "iloc") else X[X.columns[column]]
        values = np.asarray(series, dtype=object)
    else:
        values = np.asarray(X, dtype=object)[:, column]
    # pandas' NA has no truth: it is neither equal to itself nor not.
    missing = np.array([value is None or type(value).__name__ == "NAType" or value != value for value in values], bool)
    return values, missing
