"""Ridge regression on classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import column_or_1d
from barehand._sparse import canonical
from barehand.base import BaseEstimator
from barehand.linear_model._linear import CLASS_WEIGHT, LinearClassifierMixin, class_weights, show, targets
from barehand.linear_model._ridge import CONSTRAINTS, penalties, way
from barehand.model_selection._foundation import type_of_target
from barehand.validation import check_is_fitted, check_sample_weight, encode_classes, validate_data


def signs_of_labels(y: np.ndarray, class_weight: Any) -> np.ndarray | None:
    """Targets of -1 and 1 for samples of several labels each, ``(n, labels)`` of 0 (or -1) and 1; None for other targets."""
    if y.ndim == 1 or y.shape[1] == 1:
        return None
    if type_of_target(y) != "multilabel-indicator":
        raise ValueError("Multioutput target data is not supported with label binarization")
    if class_weight is not None:
        raise ValueError("class_weight is for samples of one class each, not of several labels")
    return np.where(y > 0, 1.0, -1.0)


def show_rows(model: Any, engine: Any) -> None:
    """Shows what a fitted model has as scikit-learn does: a single row of coefficients is flat."""
    coef = engine.field("coef")
    show(model, coef[0] if len(coef) == 1 else coef, engine.field("intercept") if model.fit_intercept else 0.0)


class RidgeLabelsMixin(LinearClassifierMixin):
    """Predictions of classes; and of several labels a sample, whose model in Rust is a regression."""

    def decision_function(self, X: Any) -> np.ndarray:
        """The score of each row: on which side of the plane between two classes it lies, or how much for each class or label."""
        check_is_fitted(self)
        if self._engine.name != "Ridge":
            return super().decision_function(X)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        scores: np.ndarray = self._engine.predict(canonical(X))
        return scores

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, or which labels it has."""
        check_is_fitted(self)
        if self._engine.name != "Ridge":
            return super().predict(X)
        return (self.decision_function(X) > 0).astype(np.int64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class RidgeClassifier(RidgeLabelsMixin, BaseEstimator):
    """`Ridge` on targets of -1 and 1, one column for each class (one for two): the class whose prediction is largest.

    Samples may have several labels each instead, as columns of 0 and 1: those whose prediction is above 0.

    Args:
        alpha: strength of the penalty.
        class_weight: a dict of weights, or ``"balanced"`` for classes that count alike as a whole; not for several labels.
        fit_intercept, copy_X, max_iter, tol, solver, positive, random_state: those of `Ridge`.

    >>> model = RidgeClassifier().fit([[0.0], [1.0], [4.0], [5.0]], ["low", "low", "high", "high"])
    >>> print(model.predict([[1.5], [4.5]]))
    ['low' 'high']
    """

    _engine_type = _learn.Model
    _parameter_constraints = {**CONSTRAINTS, "class_weight": CLASS_WEIGHT}

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        class_weight: Any = None,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RidgeClassifier:
        self._validate_params()
        X, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True)
        X = canonical(X)
        solver, ours, tol = way(self, hasattr(X, "indptr"))
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        options = penalties(self.alpha), self.fit_intercept, ours, self.max_iter, tol, self.positive
        labels = signs_of_labels(y, self.class_weight)
        if labels is not None:
            self.classes_ = np.arange(y.shape[1])
            engine = _learn.ridge(X, targets(labels, X), sample_weight, *options)
        else:
            self.classes_, codes = encode_classes(column_or_1d(y, warn=True))
            if len(self.classes_) < 2:
                raise ValueError(
                    f"RidgeClassifier needs samples of at least 2 classes, found one class: {self.classes_[0]!r}"
                )
            weights = class_weights(self.class_weight, self.classes_)
            engine = _learn.ridge_classifier(X, codes, sample_weight, *options, weights)
        self._engine = engine
        show_rows(self, engine)
        n_iter = engine.field("n_iter")
        self.n_iter_ = None if n_iter is None else n_iter.astype(np.int32)
        used = engine.field("solver")
        self.solver_ = used if used != ours and not self.positive else solver
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd" and (self.solver != "cholesky" or not self.fit_intercept)
        return tags
