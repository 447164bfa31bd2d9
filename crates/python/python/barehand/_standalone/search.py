"""`sklearn.model_selection.BaseSearchCV` without scikit-learn: parameters, and what the best estimator does."""

from __future__ import annotations

import functools
import numbers
from abc import ABCMeta
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

from barehand._param_validation import check_parameters
from barehand._standalone.base import BaseEstimator
from barehand._standalone.validation import check_is_fitted


class _Delegated:
    """A method of the best estimator; without a refit, or where the estimator lacks it, there is none."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, search: Any, owner: type | None = None) -> Any:
        if search is None:
            return self
        _check_refit(search, self._name)
        if not hasattr(search, "best_estimator_"):
            getattr(search.estimator, self._name)

            def unfitted(*_: Any) -> None:
                check_is_fitted(search, "best_estimator_")

            return unfitted
        return getattr(search.best_estimator_, self._name)


def _check_refit(search: Any, name: str) -> None:
    if not search.refit:
        raise AttributeError(
            f"This {type(search).__name__} instance was initialized with `refit=False`. {name} is available only after "
            "refitting on the best parameters. You can refit an estimator manually using the `best_params_` attribute"
        )


class BaseSearchCV(BaseEstimator, metaclass=ABCMeta):
    """What searches share beside the search."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_jobs": [int, None],
        "refit": [bool, str, callable],
        "error_score": [{"raise"}, float],
        "return_train_score": [bool],
    }

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        error_score: Any = float("nan"),
        return_train_score: bool = True,
    ) -> None:
        self.scoring = scoring
        self.estimator = estimator
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.verbose = verbose
        self.pre_dispatch = pre_dispatch
        self.error_score = error_score
        self.return_train_score = return_train_score

    predict = _Delegated()
    predict_proba = _Delegated()
    predict_log_proba = _Delegated()
    decision_function = _Delegated()
    score_samples = _Delegated()
    transform = _Delegated()
    inverse_transform = _Delegated()

    @property
    def _estimator_type(self) -> Any:
        return getattr(self.estimator, "_estimator_type", None)

    @property
    def classes_(self) -> Any:
        """The classes of the best estimator."""
        _check_refit(self, "classes_")
        return self.best_estimator_.classes_  # type: ignore[attr-defined]

    @property
    def n_features_in_(self) -> int:
        """How many features the best estimator was fitted on."""
        return self.best_estimator_.n_features_in_  # type: ignore[attr-defined,no-any-return]

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """The score of the best estimator, by the score that chose it."""
        _check_refit(self, "score")
        check_is_fitted(self, "best_estimator_")
        scorer = self.scorer_  # type: ignore[attr-defined]
        scorer = scorer[self.refit] if isinstance(scorer, dict) else scorer
        found = scorer(self.best_estimator_, X, y, **params)  # type: ignore[attr-defined]
        return found[self.refit] if isinstance(found, dict) else found  # type: ignore[no-any-return]

    def _check_input_parameters(self, X: Any, y: Any, split_params: Any) -> None:
        pass

    def _check_refit_for_multimetric(self, scores: Any) -> None:
        if (
            self.refit is not False
            and not (isinstance(self.refit, str) and self.refit in scores)
            and not callable(self.refit)
        ):
            raise ValueError(
                "For multi-metric scoring, the parameter refit must be set to a scorer key or a callable to refit an estimator "
                "with the best parameter setting on the whole data and make the best_* attributes available for that metric. "
                f"If this is not needed, refit should be set to False explicitly. {self.refit!r} was passed."
            )

    @staticmethod
    def _select_best_index(refit: Any, refit_metric: str, results: dict[str, Any]) -> int:
        if not callable(refit):
            return results[f"rank_test_{refit_metric}"].argmin()  # type: ignore[no-any-return]
        best = refit(results)
        if not isinstance(best, numbers.Integral):
            raise TypeError("best_index_ returned is not an integer")
        if best < 0 or best >= len(results["params"]):
            raise IndexError("best_index_ index out of range")
        return int(best)

    def _get_scorers(self) -> tuple[Any, Any]:
        from barehand.model_selection._scoring import check_scoring, scorers_of

        scorer = check_scoring(self.estimator, self.scoring, raise_exc=self.error_score == "raise")
        if scorers_of(scorer) is None:
            return scorer, "score"
        self._check_refit_for_multimetric(scorers_of(scorer))
        return scorer, self.refit

    def _get_routed_params_for_fit(self, params: dict[str, Any]) -> SimpleNamespace:
        params = dict(params)
        groups = params.pop("groups", None)
        score = {"sample_weight": params["sample_weight"]} if params.get("sample_weight") is not None else {}
        return SimpleNamespace(
            splitter=SimpleNamespace(split={"groups": groups}),
            estimator=SimpleNamespace(fit=params),
            scorer=SimpleNamespace(score=score),
        )


def fit_context(fit: Callable[..., Any]) -> Callable[..., Any]:
    """``fit``, with the parameters checked first."""

    @functools.wraps(fit)
    def checked(search: Any, *args: Any, **kwargs: Any) -> Any:
        check_parameters(search._parameter_constraints, search.get_params(deep=False), type(search).__name__)
        return fit(search, *args, **kwargs)

    return checked
