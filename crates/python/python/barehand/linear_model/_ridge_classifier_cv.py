"""Ridge regression on classes whose penalty is found on samples that it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import column_or_1d
from barehand._sparse import canonical
from barehand.base import BaseEstimator, ClassifierMixin
from barehand.linear_model._linear import CLASS_WEIGHT, class_weights, targets
from barehand.linear_model._ridge_classifier import RidgeClassifier, RidgeLabelsMixin, show_rows, signs_of_labels
from barehand.linear_model._ridge_cv import CONSTRAINTS, SearchOfAlpha
from barehand.linear_model._routing import refuse_params, routed
from barehand.validation import check_sample_weight, encode_classes, validate_data


class SaidClass(ClassifierMixin, BaseEstimator):
    """What a score asks for classes and their scores, which are its samples."""

    def __init__(self, classes: Any = None) -> None:
        self.classes = classes

    @property
    def classes_(self) -> Any:
        """The classes."""
        return self.classes

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """The scores."""
        return X.ravel() if len(self.classes) == 2 else X

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The class of each row of scores."""
        codes = (X.ravel() > 0).astype(np.int64) if len(self.classes) == 2 else X.argmax(axis=1)
        found: np.ndarray = self.classes[codes]
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return True


class SaidLabels(ClassifierMixin, BaseEstimator):
    """The same of several labels a sample."""

    classes_ = np.array([0, 1])
    """What each label may be."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The labels of each row of scores."""
        return (X > 0).astype(np.int64)

    def __sklearn_is_fitted__(self) -> bool:
        return True


class RidgeClassifierCV(RidgeLabelsMixin, SearchOfAlpha, BaseEstimator):
    """`RidgeClassifier` with the penalty whose predictions of left-out samples are best.

    Args:
        alphas, fit_intercept, scoring, cv, store_cv_results: those of `RidgeCV`; without ``scoring``, the error is that of the
            targets of -1 and 1 (with ``cv``: the accuracy).
        class_weight: a dict of weights, or ``"balanced"`` for classes that count alike as a whole.

    Attributes:
        alpha_, best_score_, cv_results_, coef_, intercept_: those of `RidgeCV`; targets are a column for each class, one for
            two.
        classes_: the classes.

    >>> model = RidgeClassifierCV().fit([[0.0], [1.0], [4.0], [5.0]], ["low", "low", "high", "high"])
    >>> print(model.predict([[1.5], [4.5]]))
    ['low' 'high']
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        **{name: value for name, value in CONSTRAINTS.items() if name not in ("gcv_mode", "alpha_per_target")},
        "class_weight": CLASS_WEIGHT,
    }
    _usual_score = "accuracy"

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        class_weight: Any = None,
        store_cv_results: bool = False,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.class_weight = class_weight
        self.store_cv_results = store_cv_results

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> RidgeClassifierCV:
        """Finds the penalty, and fits all samples with it.

        Args:
            X: samples.
            y: the class of each.
            sample_weight: how much each counts.
            params: what the score is given, where metadata is routed.
        """
        self._validate_params()
        refuse_params(params, self, "fit")
        alphas = self._check_alphas()
        if self.cv is not None:
            solver = "sparse_cg" if hasattr(X, "indptr") else "auto"
            regression = RidgeClassifier(
                fit_intercept=self.fit_intercept, solver=solver, class_weight=self.class_weight
            )
            best = self._search(regression, X, y, sample_weight, params)
            self.classes_, self.n_features_in_ = best.classes_, best.n_features_in_
            if hasattr(best, "feature_names_in_"):
                self.feature_names_in_ = best.feature_names_in_
            return self
        given = routed(self, "fit", sample_weight, params, scored=True)
        X, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True)
        X = canonical(X)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        intercept, store = bool(self.fit_intercept), bool(self.store_cv_results)
        labels = signs_of_labels(y, self.class_weight)
        if labels is not None:
            self.classes_ = np.arange(y.shape[1])
            has = (y > 0).astype(np.int64)
            score = self._score_of(SaidLabels(), has, given.score) if self.scoring is not None else None
            Y = targets(labels, X)
            engine, alpha, best, results = _learn.ridge_cv(
                X, Y, sample_weight, alphas, intercept, False, False, store, score
            )
            self.alpha_, self.best_score_ = alpha[0], best[0]
            return self._show(engine, results, X.dtype)
        y = column_or_1d(y, warn=True)
        self.classes_, codes = encode_classes(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"RidgeClassifierCV needs samples of at least 2 classes, found one class: {self.classes_[0]!r}"
            )
        score = self._score_of(SaidClass(self.classes_), y, given.score) if self.scoring is not None else None
        weights = class_weights(self.class_weight, self.classes_)
        engine, self.alpha_, self.best_score_, results = _learn.ridge_classifier_cv(
            X, codes, sample_weight, alphas, intercept, store, weights, score
        )
        return self._show(engine, results, X.dtype)

    def _show(self, engine: Any, results: Any, dtype: Any) -> RidgeClassifierCV:
        """Keeps the model, and copies what scikit-learn shows."""
        self._engine = engine
        show_rows(self, engine)
        if results is not None:
            self.cv_results_ = results.astype(dtype, copy=False)
        return self

    def _score_of(self, said: Any, y: np.ndarray, options: dict[str, Any]) -> Callable[[np.ndarray], list[float]]:
        """The score of predictions ``(n, columns)``, as Rust asks for it."""
        scorer = self._get_scorer()
        return lambda predictions: [float(scorer(said, predictions, y, **options))]
