"""What linear estimators share: how they take features and targets, and how they predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._sparse import canonical
from barehand.base import ClassifierMixin, RegressorMixin
from barehand.exceptions import NotFittedError
from barehand.validation import check_is_fitted, validate_data


def targets(y: np.ndarray, X: Any) -> np.ndarray:
    """Validated targets, of the features' type."""
    return np.ascontiguousarray(y, dtype=X.dtype)


def flat_targets(y: np.ndarray, X: Any) -> np.ndarray:
    """The same; a single column flat, for models whose predictions say no column of it."""
    return targets(y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y, X)


def class_weights(class_weight: Any, classes: np.ndarray) -> Any:
    """A ``class_weight`` parameter as Rust takes it: None, ``"balanced"``, or a weight for each class."""
    if class_weight is None or isinstance(class_weight, str):
        return class_weight
    weights = np.ones(len(classes))
    missing = []
    for i, label in enumerate(classes.tolist()):
        if label in class_weight:
            weights[i] = class_weight[label]
        else:
            missing.append(label)
    if missing and len(classes) - len(missing) != len(class_weight):
        raise ValueError(f"The classes, {np.array(missing).tolist()}, are not in class_weight")
    return weights


def random_state(given: Any) -> np.random.RandomState:
    """NumPy's generator of a ``random_state`` parameter: a seed, a generator, or None for the global one."""
    if given is None:
        return np.random.mtrand._rand
    return given if isinstance(given, np.random.RandomState) else np.random.RandomState(given)


class Coefficients:
    """``coef_`` or ``intercept_``: whoever assigns to it changes the model. What is written into its array does not."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, model: Any, owner: Any = None) -> Any:
        if model is None:
            return self
        try:
            return vars(model)[self.name]
        except KeyError:
            raise AttributeError(f"{type(model).__name__!r} object has no attribute {self.name!r}") from None

    def __set__(self, model: Any, value: Any) -> None:
        engine = vars(model).get("_engine")
        if engine is not None:
            new = {name: engine.field(name) for name in ("coef", "intercept")}
            name = self.name[:-1]
            given = np.asarray(value.toarray() if hasattr(value, "toarray") else value, dtype=np.float64)
            # An intercept of 0 is that of every output.
            new[name] = np.full_like(new[name], given) if given.ndim == 0 else np.ascontiguousarray(given)
            model._engine = _learn.rewritten(engine, new["coef"], new["intercept"])
        vars(model)[self.name] = value

    def __delete__(self, model: Any) -> None:
        self.__get__(model)
        del vars(model)[self.name]


def show(model: Any, coef: Any, intercept: Any) -> None:
    """Shows what a fitted model has, which is not written to it."""
    vars(model).update(coef_=coef, intercept_=intercept)


class LinearRegressorMixin(RegressorMixin):
    """``predict`` of regressors, and ``coef_`` and ``intercept_`` of their models."""

    coef_ = Coefficients()
    intercept_ = Coefficients()

    def _keep(self, engine: Any, single: bool, flat: bool | None = None) -> None:
        """Keeps the model and shows its coefficients, as flat as the targets were, or as is said."""
        self._engine = engine
        coef, intercept = engine.field("coef"), engine.field("intercept")
        if not self.fit_intercept:
            intercept = 0.0
        elif single:
            intercept = intercept[0]
        show(self, coef[0] if (single if flat is None else flat) else coef, intercept)

    def predict(self, X: Any) -> np.ndarray:
        """The predicted value of each row."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return self._engine.predict(canonical(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags


class LinearClassifierMixin(ClassifierMixin):
    """``predict`` and ``decision_function`` of classifiers, and coefficients that may become sparse."""

    coef_ = Coefficients()
    intercept_ = Coefficients()

    def decision_function(self, X: Any) -> np.ndarray:
        """The score of each row: on which side of the plane between two classes it lies, or how much for each class."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return self._engine.decision_function(canonical(X))

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return self.classes_[self._engine.predict(canonical(X))]

    def densify(self) -> LinearClassifierMixin:
        """Makes ``coef_`` an array again."""
        self._check_coef()
        if hasattr(self.coef_, "toarray"):
            show(self, self.coef_.toarray(), self.intercept_)
        return self

    def sparsify(self) -> LinearClassifierMixin:
        """Makes ``coef_`` a sparse matrix, for models with few coefficients. Predictions do not change."""
        from scipy import sparse

        self._check_coef()
        show(self, sparse.csr_matrix(self.coef_), self.intercept_)
        return self

    def _check_coef(self) -> None:
        if not hasattr(self, "coef_"):
            raise NotFittedError("Estimator, %(name)s, must be fitted before." % {"name": type(self).__name__})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


CLASS_WEIGHT = [Mapping, {"balanced"}, None]
RANDOM_STATE = [int, np.random.RandomState, None]
