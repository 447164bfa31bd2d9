"""How much worse a model does where a feature is shuffled."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from barehand._bunch import Bunch
from barehand._param_validation import check_parameters
from barehand._random_state import RANDOM_STATE, check_random_state
from barehand.base import Interval
from barehand.tree._base import Share

__all__ = ["permutation_importance"]


def permutation_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    scoring: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: Any = None,
    sample_weight: Any = None,
    max_samples: Any = 1.0,
) -> Any:
    """How much of its score an estimator loses where one feature after the other is shuffled (Breiman, 2001).

    Args:
        estimator: any fitted estimator.
        X: features ``(N, D)``, an array or a data frame.
        y: targets, or None.
        scoring: a function of ``(estimator, X, y)``, a name or several of scikit-learn's (which must be installed then), or
            None for ``estimator.score``.
        n_repeats: how often each feature is shuffled.
        n_jobs: threads; None for 1.
        random_state: where the orders come from.
        sample_weight: weights for the score.
        max_samples: how many rows are looked at, or their share.

    Returns:
        ``importances`` ``(D, n_repeats)``, ``importances_mean`` and ``importances_std`` ``(D)``; a dict of them for several
        scores.

    >>> from barehand.tree import DecisionTreeClassifier
    >>> X, y = [[1, 9], [1, 9], [1, 9], [0, 9], [0, 9], [0, 9]], [1, 1, 1, 0, 0, 0]
    >>> model = DecisionTreeClassifier().fit(X, y)
    >>> print(permutation_importance(model, X, y, n_repeats=10, random_state=0).importances_mean.round(4))
    [0.4667 0.    ]
    """
    check_parameters(
        {
            "n_repeats": [Interval(int, 1, None)],
            "n_jobs": [int, None],
            "random_state": RANDOM_STATE,
            "max_samples": [Interval(int, 1, None), Share(float, 0.0, 1.0, closed="right")],
        },
        locals(),
        "permutation_importance",
    )
    if not hasattr(X, "iloc"):
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"Expected 2D array, got {X.ndim}D array instead")
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max + 1)
    n, d = X.shape
    if not isinstance(max_samples, numbers.Integral):
        max_samples = int(max_samples * n)
    elif max_samples > n:
        raise ValueError("max_samples must be <= n_samples")
    score = _scorer(estimator, scoring)
    baseline = _scored(score, estimator, X, y, sample_weight)

    def permuted(column: int) -> list[Any]:
        return _permuted_scores(score, estimator, X, y, sample_weight, column, seed, n_repeats, max_samples)

    if n_jobs in (None, 1):
        scores = [permuted(column) for column in range(d)]
    else:
        import os
        from concurrent.futures import ThreadPoolExecutor

        workers = n_jobs if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + n_jobs)
        with ThreadPoolExecutor(workers) as pool:
            scores = list(pool.map(permuted, range(d)))
    if isinstance(baseline, dict):
        return {
            name: _bunch(baseline[name], np.array([[found[name] for found in own] for own in scores]))
            for name in baseline
        }
    return _bunch(baseline, np.array(scores))


def _scorer(estimator: Any, scoring: Any) -> Callable[..., Any]:
    if callable(scoring):
        return scoring
    if scoring is None:
        if not hasattr(estimator, "score"):
            raise TypeError(
                "If no scoring is specified, the estimator passed should have a 'score' method. The estimator "
                f"{estimator!r} does not."
            )
        return lambda estimator, X, y, **weights: estimator.score(X, y, **weights)
    from barehand.model_selection._scoring import check_scoring

    return check_scoring(estimator, scoring)


def _scored(score: Callable[..., Any], estimator: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    if sample_weight is None:
        return score(estimator, X, y)
    return score(estimator, X, y, sample_weight=sample_weight)


def _rows(values: Any, rows: np.ndarray) -> Any:
    if values is None:
        return None
    return values.iloc[rows] if hasattr(values, "iloc") else np.asarray(values)[rows]


def _permuted_scores(
    score: Callable[..., Any],
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    column: int,
    seed: int,
    n_repeats: int,
    max_samples: int,
) -> list[Any]:
    # Every column from the same state, so that neither their order nor the threads matter.
    random_state = check_random_state(int(seed))
    if max_samples < len(X):
        rows = _without_replacement(random_state, len(X), max_samples)
        X, y, sample_weight = (_rows(values, rows) for values in (X, y, sample_weight))
    X = X.copy()
    order = np.arange(len(X))
    scores = []
    for _ in range(n_repeats):
        random_state.shuffle(order)
        if hasattr(X, "iloc"):
            shuffled = X.iloc[order, column]
            shuffled.index = X.index
            X[X.columns[column]] = shuffled
        else:
            X[:, column] = X[order, column]
        scores.append(_scored(score, estimator, X, y, sample_weight))
    return scores


def _without_replacement(random_state: np.random.RandomState, n: int, count: int) -> np.ndarray:
    try:
        from sklearn.utils.random import sample_without_replacement
    except ImportError:
        return random_state.permutation(n)[:count]
    return sample_without_replacement(n, count, random_state=random_state)


def _bunch(baseline: Any, permuted: np.ndarray) -> Bunch:
    importances = baseline - permuted
    return Bunch(
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
    )
