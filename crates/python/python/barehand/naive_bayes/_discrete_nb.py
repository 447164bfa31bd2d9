"""What the naive Bayes classifiers of counts share."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np

from barehand._sparse import canonical
from barehand.base import Interval
from barehand.naive_bayes._naive_bayes import NaiveBayes
from barehand.validation import check_classification_targets, check_sample_weight, validate_data

_LEAST_ALPHA = 1e-10


class DiscreteNB(NaiveBayes):
    """Counts of every class and feature, smoothed by ``alpha``."""

    _checks = {"accept_sparse": "csr", "dtype": np.float64}
    _positive = True
    _shown = ("class_count", "class_log_prior", "feature_count", "feature_log_prob")
    _parameter_constraints = {
        "alpha": [Interval(float, 0, None), list, tuple, np.ndarray],
        "fit_prior": [bool],
        "class_prior": [list, tuple, np.ndarray, None],
        "force_alpha": [bool],
    }

    alpha: Any
    force_alpha: bool
    fit_prior: bool
    class_prior: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Counts every class and feature."""
        self._validate_params()
        X, y = validate_data(self, X, y, **self._checks)
        self._check_counts(X)
        check_classification_targets(y)
        self._forget()
        self._begin(np.unique(y))
        return self._learn_more(X, y, sample_weight, None)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Counts more samples; the first call must name all ``classes``."""
        self._validate_params()
        X, y = validate_data(self, X, y, reset="classes_" not in vars(self), **self._checks)
        self._check_counts(X)
        first = self._begin(classes)
        return self._learn_more(X, y, sample_weight, None if first else self._engine)

    def _learn_more(self, X: Any, y: np.ndarray, sample_weight: Any, known: Any) -> Any:
        X = canonical(X)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        codes = self._codes(y)
        self._engine = self._counted(X, codes, sample_weight, len(self.classes_), self._smoothing(), known)
        for name in self._shown:
            setattr(self, f"{name}_", self._engine.field(name))
        return self

    def _check_counts(self, X: Any) -> None:
        values = X if isinstance(X, np.ndarray) else X.data
        if self._positive and values.size and values.min() < 0:
            raise ValueError(f"Negative values in data passed to {type(self).__name__} (input X).")

    def _counted(self, *arguments: Any) -> Any:
        """The model in Rust that has counted these samples too."""
        raise NotImplementedError

    def _smoothing(self) -> tuple[list[float], bool, bool, Any]:
        alpha = self.alpha if isinstance(self.alpha, Real) else np.asarray(self.alpha)
        if isinstance(alpha, np.ndarray):
            if alpha.shape[0] != self.n_features_in_:
                raise ValueError(
                    "When alpha is an array, it should contains `n_features`. "
                    f"Got {alpha.shape[0]} elements instead of {self.n_features_in_}."
                )
            if alpha.min() < 0:
                raise ValueError("All values in alpha must be greater than 0.")
        if np.min(alpha) < _LEAST_ALPHA and not self.force_alpha:
            warnings.warn(
                f"alpha too small will result in numeric errors, setting alpha = {_LEAST_ALPHA:.1e}. Use "
                "`force_alpha=True` to keep alpha unchanged.",
                stacklevel=4,
            )
        prior = None
        if self.class_prior is not None:
            prior = np.asarray(self.class_prior, dtype=np.float64)
            if len(prior) != len(self.classes_):
                raise ValueError("Number of priors must match number of classes.")
        return np.atleast_1d(alpha).astype(np.float64), bool(self.force_alpha), bool(self.fit_prior), prior

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = self._positive
        tags.classifier_tags.poor_score = True
        return tags
