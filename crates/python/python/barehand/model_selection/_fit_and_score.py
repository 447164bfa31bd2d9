"""One fit on one split, and what it scores: the piece of work that cross-validation and search are made of."""

from __future__ import annotations

import contextvars
import numbers
import os
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from itertools import islice
from traceback import format_exc
from typing import Any

import numpy as np

from barehand.base import clone
from barehand.model_selection._foundation import HAS_SCIKIT_LEARN, check_method_params, num_samples, split_samples
from barehand.model_selection._scoring import scorers_of
from barehand.progress_bar import progress


def run(
    calls: Iterable[Callable[[], Any]], n_jobs: int | None, verbose: int = 0, total: int | None = None
) -> list[Any]:
    """The results of ``calls`` in their order, ``n_jobs`` of them at a time on threads.

    Threads, not processes: estimators of ours let go of the interpreter's lock, and nothing is copied. ``verbose`` of 1 shows
    how far they are.
    """
    threads = effective_jobs(n_jobs)
    bar = progress(total=total, unit="fit", disable=verbose != 1)
    with bar:
        if threads == 1:
            return [_counted(call(), bar) for call in calls]
        with ThreadPoolExecutor(threads) as pool:
            results: list[Any] = []
            waiting: list[Any] = []
            remaining = iter(calls)
            try:
                # Calls are made as they are run: splits that leave one out are many, and each names every sample.
                waiting.extend(pool.submit(_in_context(call)) for call in islice(remaining, 2 * threads))
                while waiting:
                    results.append(_counted(waiting.pop(0).result(), bar))
                    waiting.extend(pool.submit(_in_context(call)) for call in islice(remaining, 1))
            except BaseException:
                for future in waiting:
                    future.cancel()
                raise
            return results


def _counted(result: Any, bar: Any) -> Any:
    bar.update()
    return result


def _in_context(call: Callable[[], Any]) -> Callable[[], Any]:
    """The call, with the settings of the thread that asks for it."""
    context = contextvars.copy_context()
    if not HAS_SCIKIT_LEARN:
        return partial(context.run, call)
    from sklearn import config_context, get_config

    config = get_config()

    def configured() -> Any:
        with config_context(**config):
            return call()

    return partial(context.run, configured)


def effective_jobs(n_jobs: int | None) -> int:
    """How many threads ``n_jobs`` stands for; -1 for all processors, None for 1 or what joblib was told."""
    if HAS_SCIKIT_LEARN:
        import joblib

        return max(1, joblib.effective_n_jobs(n_jobs))
    if n_jobs is None:
        return 1
    if n_jobs == 0:
        raise ValueError("n_jobs == 0 in Parallel has no meaning")
    return n_jobs if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + n_jobs)


def fit_and_score(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    scorer: Any,
    train: np.ndarray,
    test: np.ndarray,
    verbose: int = 0,
    parameters: dict[str, Any] | None = None,
    fit_params: dict[str, Any] | None = None,
    score_params: dict[str, Any] | None = None,
    return_train_score: bool = False,
    return_estimator: bool = False,
    split_progress: tuple[int, int] | None = None,
    candidate_progress: tuple[int, int] | None = None,
    error_score: Any = np.nan,
    during_fit: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """Fits on the training samples, scores the test samples; a failing fit scores ``error_score``.

    ``during_fit(estimator, X, y, params)`` is a context manager that is entered around ``fit``.
    """
    if not isinstance(error_score, numbers.Number) and error_score != "raise":
        raise ValueError(
            "error_score must be the string 'raise' or a numeric value. (Hint: if using 'raise', please make sure that it has "
            "been spelled correctly.)"
        )
    report = _Report(verbose, parameters, split_progress, candidate_progress)
    report.start()
    fit_params = check_method_params(X, params=fit_params or {}, indices=train) if fit_params else {}
    score_train = check_method_params(X, params=score_params, indices=train) if score_params else {}
    score_test = check_method_params(X, params=score_params, indices=test) if score_params else {}
    if parameters is not None:
        # Values that are estimators, or hold some, must not be shared by candidates.
        estimator = estimator.set_params(**clone(parameters, safe=False))
    start = time.perf_counter()
    X_train, y_train = split_samples(estimator, X, y, train)
    X_test, y_test = split_samples(estimator, X, y, test, train)
    result: dict[str, Any] = {"fit_error": None, "score_time": 0.0, "n_test_samples": num_samples(X_test)}
    try:
        with during_fit(estimator, X_train, y_train, fit_params) if during_fit else nullcontext():
            if y_train is None:
                estimator.fit(X_train, **fit_params)
            else:
                estimator.fit(X_train, y_train, **fit_params)
    except Exception:
        result["fit_time"] = time.perf_counter() - start
        if error_score == "raise":
            raise
        names = scorers_of(scorer)
        result["test_scores"] = error_score if names is None else dict.fromkeys(names, error_score)
        if return_train_score:
            result["train_scores"] = error_score if names is None else dict.fromkeys(names, error_score)
        result["fit_error"] = format_exc()
    else:
        result["fit_time"] = time.perf_counter() - start
        start = time.perf_counter()
        result["test_scores"] = score(estimator, X_test, y_test, scorer, score_test, error_score)
        result["score_time"] = time.perf_counter() - start
        if return_train_score:
            result["train_scores"] = score(estimator, X_train, y_train, scorer, score_train, error_score)
    report.end(result)
    if return_estimator:
        result["estimator"] = estimator
    return result


class _Report:
    """What ``verbose`` prints of one fit."""

    def __init__(self, verbose: int, parameters: Any, split: Any, candidate: Any) -> None:
        self._verbose = verbose
        self._parameters = ", ".join(f"{name}={value}" for name, value in sorted((parameters or {}).items()))
        self._progress = ""
        if verbose > 2 and split is not None:
            self._progress = f" {split[0] + 1}/{split[1]}"
        if verbose > 9 and candidate is not None:
            self._progress += f"; {candidate[0] + 1}/{candidate[1]}"

    def start(self) -> None:
        if self._verbose > 9:
            print(f"[CV{self._progress}] START {self._parameters}".ljust(80, "."))

    def end(self, result: dict[str, Any]) -> None:
        if self._verbose <= 1:
            return
        message = self._parameters + (";" if self._parameters else "")
        if self._verbose > 2:
            test, train = result["test_scores"], result.get("train_scores")
            if isinstance(test, dict):
                for name in sorted(test):
                    of_train = f"train={train[name]:.3f}, " if train is not None else ""
                    message += f" {name}: ({of_train}test={test[name]:.3f})"
            elif train is not None:
                message += f", score=(train={train:.3f}, test={test:.3f})"
            else:
                message += f", score={test:.3f}"
        seconds = result["fit_time"] + result["score_time"]
        message += f" total time={seconds / 60:4.1f}min" if seconds > 60 else f" total time={seconds:4.1f}s"
        head = f"[CV{self._progress}] END "
        print(head + "." * (80 - len(head) - len(message)) + message)


def score(estimator: Any, X: Any, y: Any, scorer: Any, params: dict[str, Any], error_score: Any) -> Any:
    """The number, or the numbers by name, that the scorer gives; ``error_score`` for those that fail."""
    several = scorers_of(scorer) is not None
    try:
        scores = scorer(estimator, X, **params) if y is None else scorer(estimator, X, y, **params)
    except Exception:
        if several or error_score == "raise":
            raise
        _warn_of_failed_score(error_score, format_exc())
        scores = error_score
    if several:
        for name, found in scores.items():
            # A score that failed has left its traceback in its place.
            if isinstance(found, str):
                scores[name] = error_score
                _warn_of_failed_score(error_score, found)
    if isinstance(scores, dict):
        return {name: _as_number(found, name) for name, found in scores.items()}
    return _as_number(scores, scorer)


def _warn_of_failed_score(error_score: Any, details: str) -> None:
    warnings.warn(
        "Scoring failed. The score on this train-test partition for these parameters will be set to "
        f"{error_score}. Details: \n{details}",
        UserWarning,
        stacklevel=2,
    )


def _as_number(found: Any, scorer: Any) -> Any:
    if hasattr(found, "item"):
        with suppress(ValueError):
            found = found.item()
    if not isinstance(found, numbers.Number):
        raise ValueError(f"scoring must return a number, got {found} ({type(found)}) instead. (scorer={scorer})")
    return found


def report_failures(results: list[dict[str, Any]], error_score: Any) -> None:
    """Warns of fits that failed, raises where all did."""
    errors = [result["fit_error"] for result in results if result["fit_error"] is not None]
    if not errors:
        return
    details = "\n".join(
        f"{'-' * 80}\n{count} fits failed with the following error:\n{error}"
        for error, count in Counter(errors).items()
    )
    if len(errors) == len(results):
        raise ValueError(
            f"\nAll the {len(results)} fits failed.\nIt is very likely that your model is misconfigured.\nYou can try to debug "
            f"the error by setting error_score='raise'.\n\nBelow are more details about the failures:\n{details}"
        )
    from barehand import exceptions

    warnings.warn(
        f"\n{len(errors)} fits failed out of a total of {len(results)}.\nThe score on these train-test partitions for these "
        f"parameters will be set to {error_score}.\nIf these failures are not expected, you can try to debug them by setting "
        f"error_score='raise'.\n\nBelow are more details about the failures:\n{details}",
        exceptions.FitFailedWarning,
        stacklevel=3,
    )


def fill_error_scores(results: list[dict[str, Any]], error_score: Any) -> None:
    """Gives failed fits the names of scores that only a successful one shows."""
    named = next((r["test_scores"] for r in results if r["fit_error"] is None), None)
    if not isinstance(named, dict):
        return
    for result in results:
        if result["fit_error"] is not None:
            result["test_scores"] = dict.fromkeys(named, error_score)
            if "train_scores" in result:
                result["train_scores"] = dict.fromkeys(named, error_score)


def by_key(results: list[dict[str, Any]]) -> dict[str, Any]:
    """An array (of numbers) or a list for each key."""
    gathered: dict[str, Any] = {}
    for key, first in results[0].items():
        values = [result[key] for result in results]
        gathered[key] = np.asarray(values) if isinstance(first, numbers.Number) else values
    return gathered


def by_score(scores: Any) -> dict[str, Any]:
    """The scores by name, ``score`` where there is one only."""
    return by_key(scores) if isinstance(scores[0], dict) else {"score": scores}


def splits_in_turn(splits: Iterable[Any], make: Callable[..., Callable[[], Any]]) -> Iterator[Callable[[], Any]]:
    """A call for every split, made when it is asked for."""
    for train, test in splits:
        yield make(np.asarray(train), np.asarray(test))
