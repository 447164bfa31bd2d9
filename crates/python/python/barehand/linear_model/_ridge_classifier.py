"""Ridge regression on classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import BaseEstimator
from barehand.linear_model._linear import CLASS_WEIGHT, LinearClassifierMixin, class_weights, features
from barehand.linear_model._ridge import CONSTRAINTS, penalties, way
from barehand.validation import check_sample_weight, encode_classes, validate_data


class RidgeClassifier(LinearClassifierMixin, BaseEstimator):
    """`Ridge` on targets of -1 and 1, one column for each class (one for two): the class whose prediction is largest.

    Args:
        alpha: strength of the penalty.
        class_weight: a dict of weights, or ``"balanced"`` for classes that count alike as a whole.
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
        X, y = validate_data(self, X, y, accept_sparse="csr")
        X = features(X)
        classes, codes = encode_classes(y)
        if len(classes) < 2:
            raise ValueError(f"RidgeClassifier needs samples of at least 2 classes, found one class: {classes[0]!r}")
        solver, ours, tol = way(self, hasattr(X, "indptr"))
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        weights = class_weights(self.class_weight, classes)
        alphas = penalties(self.alpha)
        engine = _learn.ridge_classifier(
            X, codes, sample_weight, alphas, self.fit_intercept, ours, self.max_iter, tol, self.positive, weights
        )
        self.classes_ = classes
        self._engine = engine
        self.coef_ = engine.field("coef")
        self.intercept_ = engine.field("intercept") if self.fit_intercept else 0.0
        n_iter = engine.field("n_iter")
        self.n_iter_ = None if n_iter is None else n_iter.astype(np.int32)
        used = engine.field("solver")
        self.solver_ = used if used != ours and not self.positive else solver
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd" and (self.solver != "cholesky" or not self.fit_intercept)
        return tags
