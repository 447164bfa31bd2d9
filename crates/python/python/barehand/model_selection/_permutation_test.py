"""Is a score better than chance?"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from barehand._param_validation import Interval, check_parameters
from barehand.base import clone
from barehand.model_selection._check_cv import check_cv
from barehand.model_selection._fit_and_score import run
from barehand.model_selection._foundation import (
    check_method_params,
    check_random_state,
    indexable,
    is_classifier,
    no_groups_beside_routing,
    route,
    split_samples,
    take_rows,
)
from barehand.model_selection._scoring import check_scoring


def permutation_test_score(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = None,
    n_permutations: int = 100,
    n_jobs: int | None = None,
    random_state: Any = 0,
    verbose: int = 0,
    scoring: Any = None,
    params: dict[str, Any] | None = None,
) -> tuple[float, np.ndarray, float]:
    """The mean score, those of ``n_permutations`` shuffles of the targets, and the share of them that is as good.

    Args:
        estimator: anything with ``fit``.
        X: the samples.
        y: their targets, which are shuffled (within groups, where there are some).
        groups: the samples' groups.
        cv: a splitter, a number of folds, or None for five.
        n_permutations: how many shuffles.
        n_jobs: how many shuffles at a time, on threads.
        random_state: the shuffles' seed or ``RandomState``.
        verbose: 1 shows how far it is.
        scoring: a score by name, a callable, or None for the estimator's own ``score``.
        params: what else ``fit`` is given.

    Returns:
        the score, the scores ``(n_permutations,)``, and ``(1 + as good) / (1 + n_permutations)``.
    """
    constraints = {"n_permutations": [Interval(int, 1, None)]}
    check_parameters(constraints, {"n_permutations": n_permutations}, "permutation_test_score")
    no_groups_beside_routing(groups)
    X, y, groups = indexable(X, y, groups)
    cv = check_cv(cv, y, classifier=is_classifier(estimator))
    scorer = check_scoring(estimator, scoring)
    random = check_random_state(random_state)
    routed = route("permutation_test_score", params or {}, groups, splitter=cv, estimator=estimator, scorer=scorer)
    score = _mean_score(clone(estimator), X, y, cv, scorer, routed)
    calls = (
        partial(_mean_score, clone(estimator), X, _shuffled(y, groups, random), cv, scorer, routed)
        for _ in range(n_permutations)
    )
    scores = np.array(run(calls, n_jobs, verbose, n_permutations))
    return score, scores, (np.sum(scores >= score) + 1.0) / (n_permutations + 1)


def _mean_score(estimator: Any, X: Any, y: Any, cv: Any, scorer: Any, routed: Any) -> Any:
    scores = []
    for train, test in cv.split(X, y, **routed.split):
        X_train, y_train = split_samples(estimator, X, y, train)
        X_test, y_test = split_samples(estimator, X, y, test, train)
        estimator.fit(X_train, y_train, **check_method_params(X, params=routed.fit, indices=train))
        scores.append(scorer(estimator, X_test, y_test, **check_method_params(X, params=routed.score, indices=test)))
    return np.mean(scores)


def _shuffled(y: Any, groups: Any, random: np.random.RandomState) -> Any:
    if groups is None:
        return take_rows(y, random.permutation(len(y)))
    order = np.arange(len(groups))
    for group in np.unique(groups):
        members = groups == group
        order[members] = random.permutation(order[members])
    return take_rows(y, order)
