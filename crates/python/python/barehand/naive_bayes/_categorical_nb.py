"""Features that are numbers of categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import Interval
from barehand.naive_bayes._discrete_nb import DiscreteNB


class CategoricalNB(DiscreteNB):
    """Naive Bayes with a distribution over categories for every class and feature; values are the categories' numbers.

    Args:
        alpha: what is added to every count, or to those of each feature.
        force_alpha: False raises an ``alpha`` below 1e-10 to that.
        fit_prior: whether prior probabilities are the classes' shares of the samples, or all the same.
        class_prior: prior probabilities of the classes.
        min_categories: how many categories each feature has at least, or all of them; as many as are seen by default.

    >>> X = [[0, 2], [1, 0], [0, 1]]
    >>> print(CategoricalNB().fit(X, ["a", "b", "a"]).predict([[1, 0]]))
    ['b']
    """

    _checks = {"accept_sparse": False, "dtype": "int"}
    _shown = ("class_count", "class_log_prior", "category_count", "feature_log_prob")
    _parameter_constraints = {
        **DiscreteNB._parameter_constraints,
        "min_categories": [None, list, tuple, np.ndarray, Interval(int, 1, None)],
        "alpha": [Interval(float, 0, None)],
    }

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: Any = None,
        min_categories: Any = None,
    ) -> None:
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.min_categories = min_categories

    def _counted(self, X: Any, codes: Any, weight: Any, classes: int, smoothing: Any, known: Any) -> Any:
        least = self._least(X)
        engine = _learn.categorical_nb(X.astype(np.float64), codes, weight, classes, smoothing, least, known)
        self.n_categories_ = np.array([table.shape[1] for table in engine.field("category_count")], dtype=np.int64)
        return engine

    def _features(self, X: Any) -> Any:
        X = super()._features(X)
        if X.size and X.min() < 0:
            raise ValueError("Negative values in data passed to CategoricalNB (input X).")
        return X.astype(np.float64)

    def _least(self, X: Any) -> list[int]:
        if self.min_categories is None:
            return []
        least = np.asarray(self.min_categories)
        if not np.issubdtype(least.dtype, np.signedinteger):
            raise ValueError(f"'min_categories' should have integral type. Got {least.dtype} instead.")
        if least.ndim and least.shape != (X.shape[1],):
            raise ValueError(
                f"'min_categories' should have shape ({X.shape[1]},) when an array-like is provided. Got {least.shape} "
                "instead."
            )
        return least.reshape(-1).tolist()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.sparse = False
        return tags
