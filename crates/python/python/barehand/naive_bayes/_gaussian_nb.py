"""Features that are normal within a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import Interval
from barehand.naive_bayes._naive_bayes import NaiveBayes
from barehand.validation import check_classification_targets, check_sample_weight, validate_data


class GaussianNB(NaiveBayes):
    """Naive Bayes with a normal distribution for every class and feature.

    Args:
        priors: prior probabilities of the classes; their shares of the samples by default.
        var_smoothing: what part of the largest variance is added to every variance.

    >>> X = [[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0]]
    >>> print(GaussianNB().fit(X, ["low", "low", "high", "high"]).predict([[-0.8, -1.0]]))
    ['low']
    """

    _parameter_constraints = {
        "priors": [list, tuple, np.ndarray, None],
        "var_smoothing": [Interval(float, 0, None)],
    }

    def __init__(self, *, priors: Any = None, var_smoothing: float = 1e-9) -> None:
        self.priors = priors
        self.var_smoothing = var_smoothing

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GaussianNB:
        """Learns the mean and the variance of every class and feature."""
        self._validate_params()
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self._forget()
        self._begin(np.unique(y))
        return self._learn_more(X, y, sample_weight, None)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> GaussianNB:
        """Learns from more samples, as if they had been among the first, which must name all ``classes``."""
        self._validate_params()
        first = self._begin(classes)
        X, y = validate_data(self, X, y, reset=first)
        return self._learn_more(X, y, sample_weight, None if first else self._engine)

    def _learn_more(self, X: np.ndarray, y: np.ndarray, sample_weight: Any, known: Any) -> GaussianNB:
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        priors = None if self.priors is None else np.asarray(self.priors, dtype=np.float64)
        if priors is not None and known is None:
            if len(priors) != len(self.classes_):
                raise ValueError("Number of priors must match number of classes.")
            if not np.isclose(priors.sum(), 1.0):
                raise ValueError("The sum of the priors should be 1.")
            if (priors < 0).any():
                raise ValueError("Priors must be non-negative.")
        codes = self._codes(y)
        self._engine = _learn.gaussian_nb(
            X, codes, sample_weight, len(self.classes_), priors, float(self.var_smoothing), known
        )
        field = self._engine.field
        self.class_count_, self.class_prior_ = field("class_count"), field("class_prior")
        self.theta_, self.var_, self.epsilon_ = field("theta"), field("var"), field("epsilon")
        return self
