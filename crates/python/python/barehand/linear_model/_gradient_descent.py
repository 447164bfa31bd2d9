"""Gradient descent as it is taught, with its losses kept. scikit-learn has no such classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._sparse import canonical
from barehand.base import BaseEstimator, Interval
from barehand.linear_model._linear import LinearClassifierMixin, LinearRegressorMixin, show, targets
from barehand.validation import check_is_fitted, check_sample_weight, encode_classes, validate_data

POSITIVE = Interval(float, 0, None, closed="neither")


class GradientDescentRegressor(LinearRegressorMixin, BaseEstimator):
    """Least squares by gradient descent: ``coef_ -= learning_rate * gradient`` of a batch of samples.

    ``loss_history_`` holds the cost over all samples after each epoch. `LinearRegression` is exact.

    Args:
        learning_rate: length of steps, in parts of the gradient.
        n_epochs: passes over the samples.
        batch_size: samples for each step: None for all (batch descent), 1 for stochastic, a few for mini-batch descent.
        cost: ``"half_mean"`` (sum of squares / 2n, gradient ``X.T @ e / n``) or ``"mean"`` (twice both).
        shuffle_seed: a new order of the samples for each epoch from ``RandomState(shuffle_seed).permutation``; None to take
            them as they stand.
        fit_intercept: whether to fit an intercept.

    >>> descent = GradientDescentRegressor(0.01, n_epochs=100, cost="mean", fit_intercept=False)
    >>> model = descent.fit([[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0], coef_init=[1.0])
    >>> model.coef_.round(8)
    array([1.99994444])
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "learning_rate": [POSITIVE],
        "n_epochs": [Interval(int, 1, None)],
        "batch_size": [Interval(int, 1, None), None],
        "cost": [{"half_mean", "mean"}],
        "shuffle_seed": [Interval(int, 0, None), None],
        "fit_intercept": [bool],
    }

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        n_epochs: int = 1000,
        batch_size: int | None = None,
        cost: str = "half_mean",
        shuffle_seed: int | None = None,
        fit_intercept: bool = True,
    ) -> None:
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.cost = cost
        self.shuffle_seed = shuffle_seed
        self.fit_intercept = fit_intercept

    def fit(self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None) -> GradientDescentRegressor:
        """Descends from ``coef_init``, ``(n_features,)`` or ``(n_targets, n_features)``, and ``intercept_init``: zeros."""
        self._validate_params()
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True, multi_output=True)
        X = canonical(X)
        start = None
        if coef_init is not None or intercept_init is not None:
            outputs = 1 if y.ndim == 1 else y.shape[1]
            coef = np.zeros((outputs, X.shape[1])) if coef_init is None else np.array(coef_init, dtype=np.float64)
            intercept = np.zeros(outputs) if intercept_init is None else np.array(intercept_init, dtype=np.float64)
            start = coef, np.atleast_1d(intercept)
        engine = _learn.gradient_descent_regressor(
            X,
            targets(y, X),
            self.learning_rate,
            self.n_epochs,
            self.batch_size,
            self.shuffle_seed,
            self.cost == "half_mean",
            self.fit_intercept,
            start,
        )
        self._keep(engine, y.ndim == 1)
        self.loss_history_ = engine.field("loss_history")
        return self


class GradientDescentClassifier(LinearClassifierMixin, BaseEstimator):
    """Logistic regression by gradient descent from zeros, one logit for two classes and a softmax for more.

    ``loss_history_`` holds the loss before each step. `LogisticRegression` is exact.

    Args:
        learning_rate: length of steps, in parts of the gradient.
        n_steps: how many steps.
        reduction: whether losses are added up (``"sum"``) or averaged (``"mean"``).
        l1, l2: strengths of ``l1 |coef_|_1 + l2 |coef_|^2 / 2``.
        fit_intercept: whether to fit intercepts, which are not penalised.
        threshold: of two classes the larger one is predicted where its probability is this or more.

    >>> model = GradientDescentClassifier(0.01, n_steps=1000, reduction="sum").fit([[1.0], [2.0], [3.0]], [0, 0, 1])
    >>> print(model.coef_.round(6), model.intercept_.round(6))
    [[1.19895]] [-2.896432]
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "learning_rate": [POSITIVE],
        "n_steps": [Interval(int, 1, None)],
        "reduction": [{"sum", "mean"}],
        "l1": [Interval(float, 0, None)],
        "l2": [Interval(float, 0, None)],
        "fit_intercept": [bool],
        "threshold": [Interval(float, 0, 1, closed="both")],
    }

    def __init__(
        self,
        learning_rate: float = 0.1,
        *,
        n_steps: int = 1000,
        reduction: str = "mean",
        l1: float = 0.0,
        l2: float = 0.0,
        fit_intercept: bool = True,
        threshold: float = 0.5,
    ) -> None:
        self.learning_rate = learning_rate
        self.n_steps = n_steps
        self.reduction = reduction
        self.l1 = l1
        self.l2 = l2
        self.fit_intercept = fit_intercept
        self.threshold = threshold

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradientDescentClassifier:
        self._validate_params()
        X, y = validate_data(self, X, y, accept_sparse="csr")
        X = canonical(X)
        classes, codes = encode_classes(y)
        if len(classes) < 2:
            raise ValueError(f"samples of at least 2 classes expected, found one class: {classes[0]!r}")
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        self._engine = _learn.gradient_descent_classifier(
            X,
            codes,
            sample_weight,
            self.learning_rate,
            self.n_steps,
            self.reduction == "sum",
            self.l1,
            self.l2,
            self.fit_intercept,
        )
        self.classes_ = classes
        show(self, self._engine.field("coef"), self._engine.field("intercept"))
        self.loss_history_ = self._engine.field("loss_history")
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row: of two, by ``threshold``."""
        if len(getattr(self, "classes_", ())) != 2:
            return super().predict(X)
        return self.classes_[(self.predict_proba(X)[:, 1] >= self.threshold).astype(np.int64)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of ``classes_``."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return self._engine.predict_proba(canonical(X))
