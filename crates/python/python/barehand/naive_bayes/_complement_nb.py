"""Features that count how often something occurs, weighed by the other classes."""

from __future__ import annotations

from typing import Any

from barehand._barehand import _learn
from barehand.naive_bayes._discrete_nb import DiscreteNB


class ComplementNB(DiscreteNB):
    """Naive Bayes by what is not in a class, for classes of very different sizes.

    Args:
        alpha: what is added to every count, or to those of each feature.
        force_alpha: False raises an ``alpha`` below 1e-10 to that.
        fit_prior: whether prior probabilities are the classes' shares of the samples, or all the same.
        class_prior: prior probabilities of the classes.
        norm: whether the weights of a class are divided by their sum.

    >>> X = [[2, 1, 0], [0, 1, 3]]
    >>> print(ComplementNB().fit(X, ["sport", "law"]).predict([[0, 0, 1]]))
    ['law']
    """

    _parameter_constraints = {**DiscreteNB._parameter_constraints, "norm": [bool]}

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        force_alpha: bool = True,
        fit_prior: bool = True,
        class_prior: Any = None,
        norm: bool = False,
    ) -> None:
        self.alpha = alpha
        self.force_alpha = force_alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.norm = norm

    def _counted(self, X: Any, codes: Any, weight: Any, classes: int, smoothing: Any, known: Any) -> Any:
        engine = _learn.complement_nb(X, codes, weight, classes, smoothing, bool(self.norm), known)
        self.feature_all_ = engine.field("feature_count").sum(axis=0)
        return engine
