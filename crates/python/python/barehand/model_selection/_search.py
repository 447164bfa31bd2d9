"""Searches for the best parameters: every combination, or some drawn at random."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import product
from typing import Any, ClassVar

import numpy as np

from barehand._param_validation import Interval
from barehand.base import clone
from barehand.model_selection._check_cv import check_cv
from barehand.model_selection._fit_and_score import (
    by_key,
    by_score,
    fill_error_scores,
    fit_and_score,
    report_failures,
    run,
)
from barehand.model_selection._foundation import HAS_SCIKIT_LEARN, check_method_params, indexable, is_classifier
from barehand.model_selection._parameters import ParameterGrid, ParameterSampler
from barehand.model_selection._scoring import scorers_of

if HAS_SCIKIT_LEARN:
    from numbers import Integral

    from sklearn.base import _fit_context
    from sklearn.model_selection._search import BaseSearchCV as _Foundation
    from sklearn.utils._param_validation import Interval as _Interval

    fit_context = _fit_context(prefer_skip_nested_validation=False)
    _N_ITER: list[Any] = [_Interval(Integral, 1, None, closed="left")]
    _RANDOM_STATE: list[Any] = ["random_state"]
else:
    from barehand._standalone.search import BaseSearchCV as _Foundation
    from barehand._standalone.search import fit_context

    _N_ITER = [Interval(int, 1, None)]
    _RANDOM_STATE = [int, np.random.RandomState, None]

__all__ = ["BaseSearchCV", "GridSearchCV", "RandomizedSearchCV"]


class BaseSearchCV(_Foundation):
    """A search; subclasses have ``_run_search``, which calls what it is given with candidates, once or several times.

    With scikit-learn installed it is one of its searches: tags, metadata routing and the methods of the best estimator are its
    own; candidates, fits, scores and results are barehand's.
    """

    @fit_context
    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Scores every candidate on every split, keeps the results, and fits the best on everything.

        Args:
            X: the samples.
            y: their targets.
            params: what else ``fit`` is given; ``groups`` go to the splitter, ``sample_weight`` to the scores too.
        """
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        tasks = _Tasks(self, X, y, params)
        self._checked_cv_orig = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self._check_input_parameters(X=X, y=y, split_params=routed.splitter.split)
        self.n_splits_ = self._checked_cv_orig.get_n_splits(X, y, **routed.splitter.split)
        evaluation = _Evaluation(self, X, y, scorer, routed)
        if tasks.root is None:
            self._run_search(evaluation)
        else:
            self._run_search(evaluation, callback_ctx=tasks.root)
        results = evaluation.results
        self.multimetric_ = isinstance(evaluation.out[0]["test_scores"], dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(evaluation.out[0]["test_scores"])
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
        if self.refit:
            best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
            self.best_estimator_ = best
            start = time.perf_counter()
            with tasks.around(tasks.sub("refit-with-best-params"), best, X, y):
                if y is None:
                    best.fit(X, **routed.estimator.fit)
                else:
                    best.fit(X, y, **routed.estimator.fit)
            self.refit_time_ = time.perf_counter() - start
            if hasattr(best, "feature_names_in_"):
                self.feature_names_in_ = best.feature_names_in_
        named = scorers_of(scorer)
        self.scorer_ = scorer if named is None else named
        self.cv_results_ = results
        tasks.end()
        return self

    @abstractmethod
    def _run_search(self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None) -> None:
        """Calls ``evaluate_candidates(candidates, cv=None, more_results=None)``, which returns all results so far."""
        raise NotImplementedError("_run_search not implemented.")

    def _format_results(
        self, candidate_params: list[Any], n_splits: int, out: list[Any], more_results: Any = None
    ) -> dict[str, Any]:
        """Everything that is known of every candidate: an array for each column."""
        n_candidates = len(candidate_params)
        gathered = by_key(out)
        results: dict[str, Any] = {key: np.asarray(values) for key, values in (more_results or {}).items()}

        def store(key: str, values: Any, *, splits: bool = False, rank: bool = False) -> None:
            array = np.array(values, dtype=np.float64).reshape(n_candidates, n_splits)
            if splits:
                results.update({f"split{i}_{key}": array[:, i] for i in range(n_splits)})
            means = np.average(array, axis=1)
            results[f"mean_{key}"] = means
            if splits and not np.isfinite(means).all():
                warnings.warn(
                    f"One or more of the {key.split('_')[0]} scores are non-finite: {means}", UserWarning, stacklevel=4
                )
            results[f"std_{key}"] = np.sqrt(np.average((array - means[:, None]) ** 2, axis=1))
            if rank:
                results[f"rank_{key}"] = ranks(means)

        store("fit_time", gathered["fit_time"])
        store("score_time", gathered["score_time"])
        results.update(masked_parameters(candidate_params))
        results["params"] = candidate_params
        train_scores = by_score(gathered["train_scores"]) if self.return_train_score else {}
        for name, scores in by_score(gathered["test_scores"]).items():
            store(f"test_{name}", scores, splits=True, rank=True)
            if self.return_train_score:
                store(f"train_{name}", train_scores[name], splits=True)
        return results


class _Evaluation:
    """Fits and scores candidates, and remembers all of them."""

    def __init__(self, search: Any, X: Any, y: Any, scorer: Any, routed: Any) -> None:
        self.search = search
        self.samples = (X, y)
        self.routed = routed
        self.estimator = clone(search.estimator)
        self.options = {
            "scorer": scorer,
            "fit_params": routed.estimator.fit,
            "score_params": routed.scorer.score,
            "return_train_score": search.return_train_score,
            "error_score": search.error_score,
            "verbose": search.verbose,
        }
        self.params: list[Any] = []
        self.out: list[Any] = []
        self.more: dict[str, list[Any]] = defaultdict(list)
        self.results: dict[str, Any] = {}

    def __call__(
        self, candidate_params: Any, cv: Any = None, more_results: Any = None, callback_ctx: Any = None
    ) -> dict[str, Any]:
        search, (X, y) = self.search, self.samples
        cv = cv or search._checked_cv_orig
        candidates = list(candidate_params)
        n_splits = search.n_splits_
        splits = [(np.asarray(train), np.asarray(test)) for train, test in cv.split(X, y, **self.routed.splitter.split)]
        if len(splits) != n_splits:
            raise ValueError(
                f"cv.split and cv.get_n_splits return inconsistent results. Expected {n_splits} splits, got {len(splits)}"
            )
        total = len(candidates) * n_splits
        if search.verbose > 0:
            print(f"Fitting {n_splits} folds for each of {len(candidates)} candidates, totalling {total} fits")

        def calls() -> Iterator[Callable[[], Any]]:
            pairs = product(enumerate(candidates), enumerate(splits))
            for number, ((i, parameters), (j, (train, test))) in enumerate(pairs):
                yield partial(
                    fit_and_score,
                    clone(self.estimator),
                    X,
                    y,
                    train=train,
                    test=test,
                    parameters=parameters,
                    split_progress=(j, n_splits),
                    candidate_progress=(i, len(candidates)),
                    during_fit=_Tasks.during(search, callback_ctx, number),
                    **self.options,
                )

        out = run(calls(), search.n_jobs, search.verbose, total)
        if not out:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        report_failures(out, search.error_score)
        if callable(search.scoring):
            fill_error_scores(out, search.error_score)
        self.params.extend(candidates)
        self.out.extend(out)
        for key, values in (more_results or {}).items():
            self.more[key].extend(values)
        self.results = search._format_results(self.params, n_splits, self.out, self.more)
        return self.results


class _Tasks:
    """scikit-learn's callbacks are told what is going on, where there are some."""

    def __init__(self, search: Any, X: Any, y: Any, params: dict[str, Any]) -> None:
        self.search, self.samples, self.params = search, (X, y), params
        self.root = None
        if getattr(search, "_skl_callbacks", None) or hasattr(search, "_parent_callback_ctx"):
            self.root = search._init_callback_context(max_subtasks=1 + (search.refit is not False))
            self.root.call_on_fit_task_begin(estimator=search, X=X, y=y, metadata=_weights(params))

    def sub(self, name: str) -> Any:
        """A task below the whole search."""
        return None if self.root is None else self.root.subcontext(task_name=name)

    def around(self, task: Any, estimator: Any, X: Any, y: Any) -> Any:
        """What is entered around a fit that is this task."""
        return nullcontext() if task is None else _task(self.search, task, estimator, X, y, self.params)

    @staticmethod
    def during(search: Any, parent: Any, number: int) -> Any:
        """What is entered around the fit of a candidate, as a function of estimator and samples."""
        if parent is None:
            return None
        task = parent.subcontext(task_name="candidate-split-evaluation", task_id=number)
        return partial(_task, search, task)

    def end(self) -> None:
        """The search is over."""
        if self.root is not None:
            X, y = self.samples
            self.root.call_on_fit_task_end(estimator=self.search, X=X, y=y, metadata=_weights(self.params))


def _weights(params: dict[str, Any]) -> dict[str, Any] | None:
    """What callbacks are told of the parameters of ``fit``."""
    return {"sample_weight": params["sample_weight"]} if params.get("sample_weight") is not None else None


@contextmanager
def _task(search: Any, task: Any, estimator: Any, X: Any, y: Any, params: dict[str, Any]) -> Iterator[None]:
    metadata = _weights(params)
    try:
        with task.propagate_callback_context(estimator):
            task.call_on_fit_task_begin(estimator=search, X=X, y=y, metadata=metadata)
            yield
    finally:
        task.call_on_fit_task_end(estimator=search, X=X, y=y, metadata=metadata)


def ranks(means: np.ndarray) -> np.ndarray:
    """1 for the largest; equals share the smallest rank, NaN is last."""
    if np.isnan(means).all():
        return np.ones(len(means), dtype=np.int32)
    filled = np.where(np.isnan(means), np.nanmin(means) - 1, means)
    return (1 + np.searchsorted(np.sort(-filled), -filled, side="left")).astype(np.int32)


def masked_parameters(candidates: list[dict[str, Any]]) -> dict[str, Any]:
    """A masked array ``param_NAME`` for each parameter: masked where a candidate does not have it."""
    by_name: dict[str, dict[int, Any]] = defaultdict(dict)
    for i, parameters in enumerate(candidates):
        for name, value in parameters.items():
            by_name[f"param_{name}"][i] = value
    arrays = {}
    for name, values in by_name.items():
        try:
            array = np.array(list(values.values()))
            dtype = array.dtype if array.dtype.kind != "U" and array.ndim == 1 else np.dtype(object)
        except ValueError:
            # Values of different lengths are no array.
            dtype = np.dtype(object)
        masked = np.ma.MaskedArray(np.empty(len(candidates), dtype=dtype), mask=True)  # type: ignore[no-untyped-call]
        for i, value in values.items():
            masked[i] = value
        arrays[name] = masked
    return arrays


class GridSearchCV(BaseSearchCV):
    """Tries every combination of parameters and keeps the best.

    Args:
        estimator: anything with ``fit`` and ``score`` (or ``scoring``).
        param_grid: a dict ``{name: values}``, or a list of them.
        scoring: a score by name, a callable ``scorer(estimator, X, y)``, several of them, or None for the estimator's own.
        n_jobs: how many fits at a time, on threads; -1 for as many as there are processors.
        refit: whether to fit the best on everything; with several scores the name of the one that decides; or a function of
            ``cv_results_`` that returns the best index.
        cv: a splitter, a number of folds, or None for five; folds are stratified for classifiers.
        verbose: 1 shows how far it is, more print every fit.
        pre_dispatch: there for scikit-learn's sake.
        error_score: the score where a fit fails, or ``"raise"``.
        return_train_score: whether to score the training samples as well.

    Attributes:
        cv_results_: a column for everything that is known of every candidate.
        best_estimator_, best_params_, best_score_, best_index_: the best of them.
        scorer_, n_splits_, refit_time_, multimetric_: what was used.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Foundation._parameter_constraints,
        "param_grid": [dict, list],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_grid = param_grid

    def _run_search(self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None) -> None:
        _evaluate_all(self, ParameterGrid(self.param_grid), evaluate_candidates, callback_ctx)


class RandomizedSearchCV(BaseSearchCV):
    """Tries parameters drawn at random and keeps the best.

    Args:
        estimator: as `GridSearchCV`; so for all that is not named here.
        param_distributions: a dict of lists and distributions (anything with ``rvs``), or a list of such dicts.
        n_iter: how many candidates.
        random_state: the seed or ``RandomState``.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **_Foundation._parameter_constraints,
        "param_distributions": [dict, list],
        "n_iter": _N_ITER,
        "random_state": _RANDOM_STATE,
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.random_state = random_state
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )

    def _run_search(self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None) -> None:
        candidates = ParameterSampler(self.param_distributions, self.n_iter, random_state=self.random_state)
        _evaluate_all(self, candidates, evaluate_candidates, callback_ctx)


def _evaluate_all(search: Any, candidates: Any, evaluate: Callable[..., Any], callback_ctx: Any) -> None:
    """All candidates at once, as one task where callbacks ask."""
    if callback_ctx is None:
        evaluate(candidates)
        return
    total = len(candidates) * search.n_splits_
    task = callback_ctx.subcontext(task_name="search", max_subtasks=total, sequential_subtasks=False)
    task.call_on_fit_task_begin(estimator=search)
    evaluate(candidates, callback_ctx=task)
    task.call_on_fit_task_end(estimator=search)
