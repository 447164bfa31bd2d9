"""A prediction for every sample, by an estimator that has not seen it."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np

from barehand._check_array import is_sparse
from barehand._param_validation import check_parameters
from barehand.base import clone
from barehand.model_selection._check_cv import check_cv
from barehand.model_selection._fit_and_score import run, splits_in_turn
from barehand.model_selection._foundation import (
    check_method_params,
    indexable,
    is_classifier,
    no_groups_beside_routing,
    num_samples,
    route,
    split_samples,
)

_OF_CLASSES = ("decision_function", "predict_proba", "predict_log_proba")


def cross_val_predict(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    pre_dispatch: Any = "2*n_jobs",
    method: str = "predict",
) -> Any:
    """Predicts every sample with the estimator of the split in whose test set it lies.

    Args:
        estimator: anything with ``fit`` and ``method``.
        X: the samples.
        y: their targets.
        groups: their groups, for the splitter.
        cv: a splitter, a number of folds, or None for five; the test sets must hold every sample once.
        n_jobs: how many splits at a time, on threads.
        verbose: 1 shows how far it is.
        params: what else ``fit`` is given.
        pre_dispatch: there for scikit-learn's sake.
        method: ``predict``, ``predict_proba``, ``predict_log_proba`` or ``decision_function``; the last three have a column
            for every class in ``y``.

    >>> from barehand.base import BaseEstimator
    >>> class Largest(BaseEstimator):
    ...     def fit(self, X, y):
    ...         self.largest_ = max(y)
    ...         return self
    ...
    ...     def predict(self, X):
    ...         return [self.largest_] * len(X)
    >>> cross_val_predict(Largest(), [[0], [0], [0], [0]], [1, 2, 3, 4], cv=2)
    array([4, 4, 2, 2])
    """
    methods = {"predict", *_OF_CLASSES}
    check_parameters({"method": [methods]}, {"method": method}, "cross_val_predict")
    no_groups_beside_routing(groups)
    X, y = indexable(X, y)
    routed = route("cross_val_predict", params or {}, groups, splitter=cv, estimator=estimator)
    cv = check_cv(cv, y, classifier=is_classifier(estimator))
    splits = list(cv.split(X, y, **routed.split))
    tested = np.concatenate([test for _, test in splits])
    if not np.array_equal(np.sort(tested), np.arange(num_samples(X))):
        raise ValueError("cross_val_predict only works for partitions")
    if method in _OF_CLASSES and y is not None:
        y = _encoded(np.asarray(y))

    def make(train: np.ndarray, test: np.ndarray) -> Any:
        return partial(_fit_and_predict, clone(estimator), X, y, train, test, routed.fit, method)

    predictions = run(splits_in_turn(splits, make), n_jobs, verbose, len(splits))
    place = np.argsort(tested)
    if is_sparse(predictions[0]):
        import scipy.sparse

        return scipy.sparse.vstack(predictions, format=predictions[0].format)[place]
    if isinstance(predictions[0], list) and method in _OF_CLASSES and y is not None:
        # An array for each of several outputs.
        return [np.concatenate(parts)[place] for parts in zip(*predictions, strict=True)]
    return np.concatenate(predictions)[place]


def _encoded(y: np.ndarray) -> np.ndarray:
    """Positions of classes, so that a split's classes say which columns they are."""
    if y.ndim == 1:
        return np.unique(y, return_inverse=True)[1]
    return np.stack([np.unique(column, return_inverse=True)[1] for column in y.T], axis=1)


def _fit_and_predict(
    estimator: Any, X: Any, y: Any, train: np.ndarray, test: np.ndarray, fit_params: dict[str, Any], method: str
) -> Any:
    fit_params = check_method_params(X, params=fit_params, indices=train) if fit_params else {}
    X_train, y_train = split_samples(estimator, X, y, train)
    X_test, _ = split_samples(estimator, X, y, test, train)
    if y_train is None:
        estimator.fit(X_train, **fit_params)
    else:
        estimator.fit(X_train, y_train, **fit_params)
    predicted = getattr(estimator, method)(X_test)
    if method not in _OF_CLASSES or y is None:
        return predicted
    if isinstance(predicted, list):
        return [
            _all_classes(estimator.classes_[i], part, len(np.unique(y[:, i])), method)
            for i, part in enumerate(predicted)
        ]
    n_classes = len(np.unique(y)) if y.ndim == 1 else y.shape[1]
    return _all_classes(estimator.classes_, predicted, n_classes, method)


def _all_classes(classes: Any, predicted: Any, n_classes: int, method: str) -> Any:
    """A column for every class, also for those that the training samples lack: as improbable as can be."""
    known = len(classes)
    if known == n_classes:
        return predicted
    advice = "To fix this, use a cross-validation technique resulting in properly stratified folds"
    warnings.warn(
        f"Number of classes in training fold ({known}) does not match total number of classes ({n_classes}). Results may not "
        f"be appropriate for your use case. {advice}",
        RuntimeWarning,
        stacklevel=2,
    )
    if method == "decision_function":
        if predicted.ndim == 2 and predicted.shape[1] != known:
            raise ValueError(
                f"Output shape {predicted.shape} of {method} does not match number of classes ({known}) in fold. Irregular "
                "decision_function outputs are not currently supported by cross_val_predict"
            )
        if known <= 2:
            raise ValueError(
                f"Only {known} class/es in training fold, but {n_classes} in overall dataset. This is not supported for "
                f"decision_function with imbalanced folds. {advice}"
            )
    least = 0 if method == "predict_proba" else np.finfo(predicted.dtype).min
    everything = np.full((num_samples(predicted), n_classes), least, dtype=predicted.dtype)
    everything[:, classes] = predicted
    return everything
