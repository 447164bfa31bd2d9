"""Features that are there or not."""

from __future__ import annotations

from typing import Any

from barehand._barehand import _learn
from barehand.base import Interval
from barehand.naive_bayes._discrete_nb import DiscreteNB


class BernoulliNB(DiscreteNB):
    """Naive Bayes with a Bernoulli distribution for every class and feature; what is absent counts as well.

    Args:
        alpha: what is added to every count, or to those of each feature.
        force_alpha: False raises an ``alpha`` below 1e-10 to that.
        binarize: above what a value says that the feature is there; None where values are 0 and 1 already.
        fit_prior: whether prior probabilities are the classes' shares of the samples, or all the same.
        class_prior: prior probabilities of the classes.

    >>> X = [[1, 1, 0], [0, 1, 1]]
    >>> print(BernoulliNB().fit(X, ["a", "b"]).predict([[0, 0, 1]]))
    ['b']
    """

    _positive = False
    _parameter_constraints = {**DiscreteNB._parameter_constraints, "binarize": [None, Interval(float, 0, None)]}

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        binarize: float | None = 0.0,
        fit_prior: bool = True,
        class_prior: Any = None,
    ) -> None:
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.binarize = binarize
        self.fit_prior = fit_prior
        self.class_prior = class_prior

    def _counted(self, X: Any, codes: Any, weight: Any, classes: int, smoothing: Any, known: Any) -> Any:
        return _learn.bernoulli_nb(
            X, codes, weight, classes, smoothing, None if self.binarize is None else float(self.binarize), known
        )
