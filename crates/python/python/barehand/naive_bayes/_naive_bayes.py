"""What every naive Bayes classifier does: predict from joint log-likelihoods, and learn classes batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._sparse import canonical
from barehand.base import BaseEstimator, ClassifierMixin
from barehand.validation import check_classification_targets, check_is_fitted, validate_data


class NaiveBayes(ClassifierMixin, BaseEstimator):
    """Predictions by ``log P(c) + log P(x | c)``."""

    _engine_type = _learn.Model
    _checks: dict[str, Any] = {}
    """How features are validated, in ``fit`` and afterwards."""

    def _features(self, X: Any) -> Any:
        check_is_fitted(self)
        return canonical(validate_data(self, X, reset=False, **self._checks))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row."""
        X = self._features(X)
        return self.classes_[self._engine.predict(X)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """``P(c | x)`` of each row and class."""
        X = self._features(X)
        return self._engine.predict_proba(X)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """``log P(c | x)`` of each row and class."""
        X = self._features(X)
        return _learn.naive_bayes_log(self._engine, X, True)

    def predict_joint_log_proba(self, X: Any) -> np.ndarray:
        """``log P(c) + log P(x | c)`` of each row and class."""
        X = self._features(X)
        return _learn.naive_bayes_log(self._engine, X, False)

    def _begin(self, classes: Any) -> bool:
        """Whether this is the first batch, which must name all ``classes``."""
        known = vars(self).get("classes_")
        if known is None and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is None:
            return False
        classes = np.unique(np.asarray(classes))
        check_classification_targets(classes)
        if known is None:
            self.classes_ = classes
            return True
        if not np.array_equal(known, classes):
            raise ValueError(f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}")
        return False

    def _forget(self) -> None:
        """Unlearns everything."""
        for name in ("classes_", "_engine"):
            vars(self).pop(name, None)

    def _codes(self, y: np.ndarray) -> np.ndarray:
        """The position of each label among the classes."""
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(f"The target label(s) {unseen} in y do not exist in the initial classes {self.classes_}")
        return np.searchsorted(self.classes_, y).astype(np.int64, copy=False)
