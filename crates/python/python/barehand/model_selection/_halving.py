"""Many candidates on few samples, the best of them on more, until few are left."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from math import ceil, floor, log
from typing import Any, ClassVar

import numpy as np

from barehand._param_validation import Interval
from barehand.model_selection._check_cv import yields_constant_splits
from barehand.model_selection._foundation import (
    HAS_SCIKIT_LEARN,
    check_random_state,
    is_classifier,
    num_samples,
    type_of_target,
)
from barehand.model_selection._parameters import ParameterGrid, ParameterSampler
from barehand.model_selection._search import BaseSearchCV, fit_context

if HAS_SCIKIT_LEARN:
    from numbers import Integral, Real

    from sklearn.metrics import get_scorer_names
    from sklearn.utils._param_validation import Interval as _Interval
    from sklearn.utils._param_validation import StrOptions

    _COUNT: list[Any] = [_Interval(Integral, 0, None, closed="neither")]
    _OWN: dict[str, Any] = {
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "random_state": ["random_state"],
        "max_resources": [*_COUNT, StrOptions({"auto"})],
        "min_resources": [*_COUNT, StrOptions({"exhaust", "smallest"})],
        "resource": [str],
        "factor": [_Interval(Real, 0, None, closed="neither")],
        "aggressive_elimination": ["boolean"],
    }
    _CANDIDATES: list[Any] = [*_COUNT, StrOptions({"exhaust"})]
else:
    _COUNT = [Interval(int, 1, None)]
    _OWN = {
        "max_resources": [*_COUNT, {"auto"}],
        "min_resources": [*_COUNT, {"exhaust", "smallest"}],
        "resource": [str],
        "factor": [Interval(float, 0, None, closed="neither")],
        "aggressive_elimination": [bool],
    }
    _CANDIDATES = [*_COUNT, {"exhaust"}]


class _Subsampled:
    """A splitter of which only a fraction of each training and test set is taken, drawn anew each time."""

    def __init__(self, cv: Any, fraction: float, random_state: Any) -> None:
        self.cv = cv
        self.fraction = fraction
        self.random_state = random_state

    def split(self, X: Any, y: Any, **params: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for train, test in self.cv.split(X, y, **params):
            yield self._some(np.asarray(train)), self._some(np.asarray(test))

    def _some(self, indices: np.ndarray) -> np.ndarray:
        order = np.arange(len(indices))
        check_random_state(self.random_state).shuffle(order)
        return indices[order[: int(self.fraction * len(indices))]]


class BaseSuccessiveHalving(BaseSearchCV):
    """A search by successive halving; subclasses have ``_generate_candidate_params``."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        name: constraint
        for name, constraint in {**BaseSearchCV._parameter_constraints, **_OWN}.items()
        if name != "pre_dispatch"
    }

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = 5,
        verbose: int = 0,
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = True,
        max_resources: Any = "auto",
        min_resources: Any = "exhaust",
        resource: str = "n_samples",
        factor: float = 3,
        aggressive_elimination: bool = False,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.random_state = random_state
        self.max_resources = max_resources
        self.resource = resource
        self.factor = factor
        self.min_resources = min_resources
        self.aggressive_elimination = aggressive_elimination

    def _check_input_parameters(self, X: Any, y: Any, split_params: Any) -> None:
        if not yields_constant_splits(self._checked_cv_orig):
            raise ValueError(
                "The cv parameter must yield consistent folds across calls to split(). Set its random_state to an int, or set "
                "shuffle=False."
            )
        if self.resource != "n_samples" and self.resource not in self.estimator.get_params():
            raise ValueError(
                f"Cannot use resource={self.resource} which is not supported by estimator {type(self.estimator).__name__}"
            )
        if getattr(self, "n_candidates", None) == self.min_resources == "exhaust":
            raise ValueError("n_candidates and min_resources cannot be both set to 'exhaust'.")
        self.min_resources_ = self.min_resources
        if self.min_resources_ in ("smallest", "exhaust"):
            self.min_resources_ = 1
            if self.resource == "n_samples":
                self.min_resources_ = 2 * self._checked_cv_orig.get_n_splits(X, y, **split_params)
                if is_classifier(self.estimator):
                    self.min_resources_ *= _n_classes(self, y)
        self.max_resources_ = self.max_resources
        if self.max_resources_ == "auto":
            if self.resource != "n_samples":
                raise ValueError("resource can only be 'n_samples' when max_resources='auto'")
            self.max_resources_ = num_samples(X)
        if self.min_resources_ > self.max_resources_:
            raise ValueError(
                f"min_resources_={self.min_resources_} is greater than max_resources_={self.max_resources_}."
            )
        if self.min_resources_ == 0:
            raise ValueError(f"min_resources_={self.min_resources_}: you might have passed an empty dataset X.")

    @staticmethod
    def _select_best_index(refit: Any, refit_metric: Any, results: dict[str, Any]) -> Any:
        """The best of the last iteration: scores of others are not comparable."""
        last = np.flatnonzero(results["iter"] == np.max(results["iter"]))
        scores = results["mean_test_score"][last]
        return last[0 if np.isnan(scores).all() else np.nanargmax(scores)]

    @fit_context
    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Scores candidates with more and more resources, keeps the results, and fits the best on everything."""
        self._n_samples_orig = num_samples(X)
        super().fit(X, y=y, **params)
        self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]
        return self

    def _run_search(self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None) -> None:
        candidates = self._generate_candidate_params()
        if self.resource != "n_samples" and any(self.resource in candidate for candidate in candidates):
            raise ValueError(
                f"Cannot use parameter {self.resource} as the resource since it is part of the searched parameters."
            )
        required = 1 + floor(log(len(candidates), self.factor))
        if self.min_resources == "exhaust":
            # So many that the last iteration has as many as it may.
            self.min_resources_ = max(self.min_resources_, self.max_resources_ // self.factor ** (required - 1))
        possible = 1 + floor(log(self.max_resources_ // self.min_resources_, self.factor))
        iterations = required if self.aggressive_elimination else min(possible, required)
        if self.verbose:
            print(f"n_iterations: {iterations}")
            print(f"n_required_iterations: {required}")
            print(f"n_possible_iterations: {possible}")
            print(f"min_resources_: {self.min_resources_}")
            print(f"max_resources_: {self.max_resources_}")
            print(f"aggressive_elimination: {self.aggressive_elimination}")
            print(f"factor: {self.factor}")
        self.n_resources_: list[int] = []
        self.n_candidates_: list[int] = []
        search = _begin(self, callback_ctx, "search", max_subtasks=iterations)
        for iteration in range(iterations):
            power = max(0, iteration - required + possible) if self.aggressive_elimination else iteration
            resources = min(int(self.factor**power * self.min_resources_), self.max_resources_)
            n_candidates = len(candidates)
            self.n_resources_.append(resources)
            self.n_candidates_.append(n_candidates)
            if self.verbose:
                print("-" * 10)
                print(f"iter: {iteration}")
                print(f"n_candidates: {n_candidates}")
                print(f"n_resources: {resources}")
            if self.resource == "n_samples":
                cv: Any = _Subsampled(self._checked_cv_orig, resources / self._n_samples_orig, self.random_state)
            else:
                candidates = [{**candidate, self.resource: resources} for candidate in candidates]
                cv = self._checked_cv_orig
            more = {"iter": [iteration] * n_candidates, "n_resources": [resources] * n_candidates}
            fits = n_candidates * self.n_splits_
            task = _begin(self, search, "halving-iteration", max_subtasks=fits, sequential_subtasks=False)
            results = evaluate_candidates(candidates, cv, more_results=more, callback_ctx=task)
            candidates = _best(results, ceil(n_candidates / self.factor), iteration)
            _end(self, task)
        self.n_remaining_candidates_ = len(candidates)
        self.n_required_iterations_ = required
        self.n_possible_iterations_ = possible
        self.n_iterations_ = iterations
        _end(self, search)

    @abstractmethod
    def _generate_candidate_params(self) -> Any:
        """The candidates of the first iteration."""


def _begin(search: Any, parent: Any, name: str, **options: Any) -> Any:
    """A task below another, where callbacks ask."""
    if parent is None:
        return None
    return parent.subcontext(task_name=name, **options).call_on_fit_task_begin(estimator=search)


def _end(search: Any, task: Any) -> None:
    if task is not None:
        task.call_on_fit_task_end(estimator=search)


def _n_classes(search: Any, y: Any) -> int:
    if HAS_SCIKIT_LEARN:
        from sklearn.utils.multiclass import check_classification_targets
        from sklearn.utils.validation import validate_data

        y = validate_data(search, X="no_validation", y=y)
        check_classification_targets(y)
    elif type_of_target(y).startswith("continuous"):
        raise ValueError(f"Unknown label type: {type_of_target(y)}.")
    return len(np.unique(y))


def _best(results: dict[str, Any], k: int, iteration: int) -> Any:
    """The ``k`` best of an iteration, the worst of them first; NaN is worst of all."""
    these = np.flatnonzero(np.asarray(results["iter"]) == iteration)
    scores = results["mean_test_score"][these]
    order = np.roll(np.argsort(scores), np.count_nonzero(np.isnan(scores)))
    return np.array(np.asarray(results["params"])[these][order[-k:]])


class HalvingGridSearchCV(BaseSuccessiveHalving):
    """Tries every combination of parameters with few resources, the best third of them with three times as many, and so on.

    Args:
        estimator: as `GridSearchCV`; so for all that is not named here.
        param_grid: a dict ``{name: values}``, or a list of them.
        factor: how many times fewer candidates, and more resources, each iteration has.
        resource: ``"n_samples"``, or a parameter that counts, such as ``"n_estimators"``.
        max_resources: the resources of the last iteration; ``"auto"``: all samples.
        min_resources: those of the first: ``"smallest"`` that make sense, ``"exhaust"``: so many that the last iteration has
            as many as it may.
        aggressive_elimination: whether to repeat the first iteration's resources where there are too few to come down to few
            candidates.
        random_state: the seed of what is drawn from the splits.

    Attributes:
        n_resources_, n_candidates_: of every iteration; ``cv_results_`` has columns ``iter`` and ``n_resources`` too.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseSuccessiveHalving._parameter_constraints,
        "param_grid": [dict, list],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        factor: float = 3,
        resource: str = "n_samples",
        max_resources: Any = "auto",
        min_resources: Any = "exhaust",
        aggressive_elimination: bool = False,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        error_score: Any = np.nan,
        return_train_score: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            verbose=verbose,
            cv=cv,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
            max_resources=max_resources,
            resource=resource,
            factor=factor,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
        )
        self.param_grid = param_grid

    def _generate_candidate_params(self) -> Any:
        return ParameterGrid(self.param_grid)


class HalvingRandomSearchCV(BaseSuccessiveHalving):
    """As `HalvingGridSearchCV`, with ``n_candidates`` parameters drawn at random.

    Args:
        param_distributions: a dict of lists and distributions (anything with ``rvs``), or a list of such dicts.
        n_candidates: how many; ``"exhaust"``: so many that the last iteration has as many resources as it may.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseSuccessiveHalving._parameter_constraints,
        "param_distributions": [dict, list],
        "n_candidates": _CANDIDATES,
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_candidates: Any = "exhaust",
        factor: float = 3,
        resource: str = "n_samples",
        max_resources: Any = "auto",
        min_resources: Any = "smallest",
        aggressive_elimination: bool = False,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        error_score: Any = np.nan,
        return_train_score: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            verbose=verbose,
            cv=cv,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
            max_resources=max_resources,
            resource=resource,
            factor=factor,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
        )
        self.param_distributions = param_distributions
        self.n_candidates = n_candidates

    def _generate_candidate_params(self) -> Any:
        n = self.n_candidates
        if n == "exhaust":
            n = self.max_resources_ // self.min_resources_
        return ParameterSampler(self.param_distributions, n, random_state=self.random_state)
