"""Scores of an estimator on samples that it has not seen."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from barehand._param_validation import check_parameters
from barehand.base import clone
from barehand.model_selection._check_cv import check_cv
from barehand.model_selection._fit_and_score import (
    by_key,
    by_score,
    fill_error_scores,
    fit_and_score,
    report_failures,
    run,
    splits_in_turn,
)
from barehand.model_selection._foundation import indexable, is_classifier, no_groups_beside_routing, route
from barehand.model_selection._scoring import check_scoring


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    pre_dispatch: Any = "2*n_jobs",
    return_train_score: bool = False,
    return_estimator: bool = False,
    return_indices: bool = False,
    error_score: Any = np.nan,
) -> dict[str, Any]:
    """Fits the estimator on the training samples of every split and scores it on the test samples.

    Args:
        estimator: anything with ``fit``.
        X: the samples.
        y: their targets.
        groups: their groups, for the splitter.
        scoring: a score by name, a callable ``scorer(estimator, X, y)``, several of them in a list or dict, or None for the
            estimator's own ``score``.
        cv: a splitter, a number of folds, or None for five; folds are stratified for classifiers.
        n_jobs: how many splits at a time, on threads; -1 for as many as there are processors.
        verbose: 1 shows how far it is, more print every fit.
        params: what else ``fit`` is given; what has an item for each sample is divided as the samples are.
        pre_dispatch: there for scikit-learn's sake: with threads, nothing is sent ahead.
        return_train_score: whether to score the training samples as well.
        return_estimator: whether to keep the fitted estimators.
        return_indices: whether to keep the splits.
        error_score: the score where a fit fails, or ``"raise"``.

    Returns:
        arrays with an item for each split: ``fit_time``, ``score_time``, ``test_score`` (or ``test_NAME`` of several), and
        what else was asked for.

    >>> import numpy as np
    >>> from barehand.base import BaseEstimator, RegressorMixin
    >>> class Mean(RegressorMixin, BaseEstimator):
    ...     def fit(self, X, y):
    ...         self.mean_ = np.mean(y)
    ...         return self
    ...
    ...     def predict(self, X):
    ...         return np.full(len(X), self.mean_)
    >>> scores = cross_validate(Mean(), [[0], [1], [2], [3]], [0.0, 1.0, 0.0, 1.0], cv=2)
    >>> scores["test_score"]
    array([0., 0.])
    """
    check_parameters(
        {"return_train_score": [bool], "return_estimator": [bool], "return_indices": [bool], "n_jobs": [int, None]},
        {
            "return_train_score": return_train_score,
            "return_estimator": return_estimator,
            "return_indices": return_indices,
            "n_jobs": n_jobs,
        },
        "cross_validate",
    )
    no_groups_beside_routing(groups)
    X, y = indexable(X, y)
    cv = check_cv(cv, y, classifier=is_classifier(estimator))
    scorer = check_scoring(estimator, scoring, raise_exc=error_score == "raise")
    routed = route("cross_validate", params or {}, groups, splitter=cv, estimator=estimator, scorer=scorer)
    splits = cv.split(X, y, **routed.split)
    if return_indices:
        splits = list(splits)

    def make(train: np.ndarray, test: np.ndarray) -> Any:
        return partial(
            fit_and_score,
            clone(estimator),
            X,
            y,
            scorer=scorer,
            train=train,
            test=test,
            verbose=verbose,
            fit_params=routed.fit,
            score_params=routed.score,
            return_train_score=return_train_score,
            return_estimator=return_estimator,
            error_score=error_score,
        )

    results = run(splits_in_turn(splits, make), n_jobs, verbose)
    report_failures(results, error_score)
    if callable(scoring):
        fill_error_scores(results, error_score)
    gathered = by_key(results)
    found: dict[str, Any] = {"fit_time": gathered["fit_time"], "score_time": gathered["score_time"]}
    if return_estimator:
        found["estimator"] = gathered["estimator"]
    if return_indices:
        train, test = zip(*splits, strict=True)
        found["indices"] = {"train": train, "test": test}
    train_scores = by_score(gathered["train_scores"]) if return_train_score else {}
    for name, scores in by_score(gathered["test_scores"]).items():
        found[f"test_{name}"] = scores
        if return_train_score:
            found[f"train_{name}"] = train_scores[name]
    return found


def cross_val_score(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    pre_dispatch: Any = "2*n_jobs",
    error_score: Any = np.nan,
) -> np.ndarray:
    """One score for each split: ``cross_validate(...)["test_score"]``; the arguments are those of `cross_validate`.

    >>> from barehand.base import BaseEstimator
    >>> class Counter(BaseEstimator):
    ...     def fit(self, X):
    ...         return self
    ...
    ...     def score(self, X):
    ...         return len(X)
    >>> cross_val_score(Counter(), [[0], [1], [2], [3], [4]], cv=2)
    array([3, 2])
    """
    scorer = check_scoring(estimator, scoring)
    results = cross_validate(
        estimator,
        X,
        y,
        groups=groups,
        scoring={"score": scorer},
        cv=cv,
        n_jobs=n_jobs,
        verbose=verbose,
        params=params,
        pre_dispatch=pre_dispatch,
        error_score=error_score,
    )
    return results["test_score"]
