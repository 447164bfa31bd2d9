"""Scores over the number of samples, and over a parameter."""

from __future__ import annotations

import time
import warnings
from functools import partial
from typing import Any

import numpy as np

from barehand._param_validation import check_parameters
from barehand.base import clone
from barehand.model_selection._check_cv import check_cv
from barehand.model_selection._fit_and_score import by_key, fit_and_score, report_failures, run, score, splits_in_turn
from barehand.model_selection._foundation import (
    check_method_params,
    check_random_state,
    indexable,
    is_classifier,
    no_groups_beside_routing,
    route,
    split_samples,
)
from barehand.model_selection._scoring import check_scoring


def learning_curve(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    train_sizes: Any = np.linspace(0.1, 1.0, 5),  # noqa: B008
    cv: Any = None,
    scoring: Any = None,
    exploit_incremental_learning: bool = False,
    n_jobs: int | None = None,
    pre_dispatch: Any = "all",
    verbose: int = 0,
    shuffle: bool = False,
    random_state: Any = None,
    error_score: Any = np.nan,
    return_times: bool = False,
    params: dict[str, Any] | None = None,
) -> tuple[np.ndarray, ...]:
    """Training and test scores for several numbers of training samples.

    Args:
        estimator: anything with ``fit``.
        X: the samples.
        y: their targets.
        groups: their groups, for the splitter.
        train_sizes: shares (floats) or numbers (ints) of the training samples.
        cv: a splitter, a number of folds, or None for five.
        scoring: a score by name, a callable, or None for the estimator's own ``score``.
        exploit_incremental_learning: whether to go from size to size by ``partial_fit``.
        n_jobs: how many fits at a time, on threads.
        pre_dispatch: there for scikit-learn's sake.
        verbose: 1 shows how far it is.
        shuffle: whether to shuffle the training samples before the first of them are taken.
        random_state: the shuffle's seed or ``RandomState``.
        error_score: the score where a fit fails, or ``"raise"``.
        return_times: whether to return times too.
        params: what else ``fit`` is given.

    Returns:
        the sizes ``(sizes,)``; training and test scores ``(sizes, splits)``; with ``return_times``, times to fit and to score.
    """
    if exploit_incremental_learning and not hasattr(estimator, "partial_fit"):
        raise ValueError("An estimator must support the partial_fit interface to exploit incremental learning")
    check_parameters(
        {"shuffle": [bool], "return_times": [bool]},
        {"shuffle": shuffle, "return_times": return_times},
        "learning_curve",
    )
    no_groups_beside_routing(groups)
    X, y, groups = indexable(X, y, groups)
    cv = check_cv(cv, y, classifier=is_classifier(estimator))
    scorer = check_scoring(estimator, scoring)
    routed = route(
        "learning_curve", params or {}, groups, splitter=cv, estimator=estimator, scorer=scorer, partial=True
    )
    splits = list(cv.split(X, y, **routed.split))
    sizes = _absolute_sizes(train_sizes, len(splits[0][0]))
    if verbose > 0:
        print(f"[learning_curve] Training set sizes: {sizes}")
    if shuffle:
        random = check_random_state(random_state)
        splits = [(random.permutation(train), test) for train, test in splits]
    if exploit_incremental_learning:
        classes = np.unique(y) if is_classifier(estimator) else None

        def make_incremental(train: np.ndarray, test: np.ndarray) -> Any:
            own = clone(estimator)
            return partial(_fit_step_by_step, own, X, y, classes, train, test, sizes, scorer, error_score, routed)

        found = np.asarray(run(splits_in_turn(splits, make_incremental), n_jobs, verbose, len(splits)))
        out = list(found.transpose(1, 2, 0))
    else:

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
                return_train_score=True,
                error_score=error_score,
            )

        parts = [(train[:size], test) for train, test in splits for size in sizes]
        results = run(splits_in_turn(parts, make), n_jobs, verbose, len(parts))
        report_failures(results, error_score)
        gathered = by_key(results)
        keys = ("train_scores", "test_scores", "fit_time", "score_time")
        out = [gathered[key].reshape(-1, len(sizes)).T for key in keys]
    return (sizes, *(out if return_times else out[:2]))


def _absolute_sizes(train_sizes: Any, most: int) -> np.ndarray:
    given = np.asarray(train_sizes)
    low, high = np.min(given), np.max(given)
    if np.issubdtype(given.dtype, np.floating):
        if low <= 0.0 or high > 1.0:
            raise ValueError(
                "train_sizes has been interpreted as fractions of the maximum number of training samples and must be within "
                f"(0, 1], but is within [{low:f}, {high:f}]."
            )
        sizes = np.clip((given * most).astype(int), 1, most)
    else:
        if low <= 0 or high > most:
            raise ValueError(
                "train_sizes has been interpreted as absolute numbers of training samples and must be within (0, "
                f"{most}], but is within [{low}, {high}]."
            )
        sizes = given
    sizes = np.unique(sizes)
    if len(sizes) < len(given):
        warnings.warn(
            "Removed duplicate entries from 'train_sizes'. Number of ticks will be less than the size of 'train_sizes': "
            f"{len(sizes)} instead of {len(given)}.",
            RuntimeWarning,
            stacklevel=3,
        )
    return sizes


def _fit_step_by_step(
    estimator: Any,
    X: Any,
    y: Any,
    classes: Any,
    train: np.ndarray,
    test: np.ndarray,
    sizes: np.ndarray,
    scorer: Any,
    error_score: Any,
    routed: Any,
) -> list[list[float]]:
    """Training and test scores, times to fit and to score, after each step of ``partial_fit``."""
    partial_fit = estimator.partial_fit if classes is None else partial(estimator.partial_fit, classes=classes)
    steps = []
    X_test, y_test = split_samples(estimator, X, y, test, train)
    for size, more in zip(sizes, np.split(train, sizes)[:-1], strict=True):
        X_train, y_train = split_samples(estimator, X, y, train[:size])
        X_more, y_more = split_samples(estimator, X, y, more)
        start = time.perf_counter()
        params = check_method_params(X, params=routed.partial_fit or {}, indices=more)
        if y_more is None:
            partial_fit(X_more, **params)
        else:
            partial_fit(X_more, y_more, **params)
        fitted = time.perf_counter()
        of_test = check_method_params(X, params=routed.score or {}, indices=test)
        of_train = check_method_params(X, params=routed.score or {}, indices=train[:size])
        test_score = score(estimator, X_test, y_test, scorer, of_test, error_score)
        train_score = score(estimator, X_train, y_train, scorer, of_train, error_score)
        steps.append([train_score, test_score, fitted - start, time.perf_counter() - fitted])
    return [list(column) for column in zip(*steps, strict=True)]


def validation_curve(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    param_name: str,
    param_range: Any,
    groups: Any = None,
    cv: Any = None,
    scoring: Any = None,
    n_jobs: int | None = None,
    pre_dispatch: Any = "all",
    verbose: int = 0,
    error_score: Any = np.nan,
    params: dict[str, Any] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Training and test scores ``(values, splits)`` for several values of one parameter.

    Args:
        estimator: anything with ``fit``.
        X: the samples.
        y: their targets.
        param_name: the parameter.
        param_range: its values.
        groups: the samples' groups, for the splitter.
        cv: a splitter, a number of folds, or None for five.
        scoring: a score by name, a callable, or None for the estimator's own ``score``.
        n_jobs: how many fits at a time, on threads.
        pre_dispatch: there for scikit-learn's sake.
        verbose: 1 shows how far it is.
        error_score: the score where a fit fails, or ``"raise"``.
        params: what else ``fit`` is given.
    """
    check_parameters({"param_name": [str]}, {"param_name": param_name}, "validation_curve")
    no_groups_beside_routing(groups)
    X, y, groups = indexable(X, y, groups)
    cv = check_cv(cv, y, classifier=is_classifier(estimator))
    scorer = check_scoring(estimator, scoring)
    routed = route("validation_curve", params or {}, groups, splitter=cv, estimator=estimator, scorer=scorer)
    calls = (
        partial(
            fit_and_score,
            clone(estimator),
            X,
            y,
            scorer=scorer,
            train=np.asarray(train),
            test=np.asarray(test),
            verbose=verbose,
            parameters={param_name: value},
            fit_params=routed.fit,
            score_params=routed.score,
            return_train_score=True,
            error_score=error_score,
        )
        for train, test in cv.split(X, y, **routed.split)
        for value in param_range
    )
    gathered = by_key(run(calls, n_jobs, verbose))
    n_values = len(param_range)
    train_scores, test_scores = gathered["train_scores"], gathered["test_scores"]
    return train_scores.reshape(-1, n_values).T, test_scores.reshape(-1, n_values).T
