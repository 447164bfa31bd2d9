"""Features that count how often something occurs."""

from __future__ import annotations

from typing import Any

from barehand._barehand import _learn
from barehand.naive_bayes._discrete_nb import DiscreteNB


class MultinomialNB(DiscreteNB):
    """Naive Bayes with a multinomial distribution for every class: counts of words, say.

    Args:
        alpha: what is added to every count, or to those of each feature.
        force_alpha: False raises an ``alpha`` below 1e-10 to that.
        fit_prior: whether prior probabilities are the classes' shares of the samples, or all the same.
        class_prior: prior probabilities of the classes.

    >>> X = [[2, 1, 0], [0, 1, 3]]
    >>> print(MultinomialNB().fit(X, ["sport", "law"]).predict([[0, 0, 1]]))
    ['law']
    """

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: Any = None,
    ) -> None:
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior

    def _counted(self, X: Any, codes: Any, weight: Any, classes: int, smoothing: Any, known: Any) -> Any:
        return _learn.multinomial_nb(X, codes, weight, classes, smoothing, known)
