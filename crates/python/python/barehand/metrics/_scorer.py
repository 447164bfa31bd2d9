"""Scorers: scores as functions of an estimator, its inputs and the truth, of which higher is always better.

Model selection calls them; strings such as ``"roc_auc"`` and ``"neg_mean_squared_error"`` name the usual ones.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from traceback import format_exc
from typing import Any

import numpy as np

from barehand._param_validation import check_parameters
from barehand.exceptions import InvalidParameterError
from barehand.metrics import _curves, _precision_recall, _regression, cluster
from barehand.metrics._accuracy import accuracy_score, balanced_accuracy_score
from barehand.metrics._agreement import class_likelihood_ratios, matthews_corrcoef
from barehand.metrics._brier_score import brier_score_loss, d2_brier_score
from barehand.metrics._jaccard import jaccard_score
from barehand.metrics._log_loss import d2_log_loss_score, log_loss
from barehand.metrics._roc_auc import roc_auc_score
from barehand.metrics._top_k_accuracy import top_k_accuracy_score

_METHODS = {"predict", "predict_proba", "decision_function"}


class _Scorer:
    """``sign * score(y, estimator.method(X))``; see `make_scorer`."""

    def __init__(
        self, score_func: Callable[..., Any], sign: int, kwargs: dict[str, Any], response_method: str | Iterable[str]
    ) -> None:
        self._score_func = score_func
        self._sign = sign
        self._kwargs = kwargs
        self._response_method = response_method

    def __call__(self, estimator: Any, X: Any, y_true: Any, *, sample_weight: Any = None, **kwargs: Any) -> Any:
        """The score of a fitted estimator on ``X`` and ``y_true``."""
        if sample_weight is not None:
            kwargs["sample_weight"] = sample_weight
        return self._score(_responses, estimator, X, y_true, **kwargs)

    def _score(self, responses: Callable[..., Any], estimator: Any, X: Any, y_true: Any, **kwargs: Any) -> Any:
        twice = set(self._kwargs) & set(kwargs)
        if twice:
            warnings.warn(
                "There is an overlap between set kwargs of this scorer instance and passed metadata. Please pass them either "
                f"as kwargs to `make_scorer` or metadata, but not both. Overlapping parameters are: {twice}",
                stacklevel=3,
            )
        pos_label = None if _kind(estimator) == "regressor" else self._get_pos_label()
        y_pred = responses(estimator, self._response_method, X, pos_label)
        return self._sign * self._score_func(y_true, y_pred, **{**self._kwargs, **kwargs})

    def _get_pos_label(self) -> Any:
        if "pos_label" in self._kwargs:
            return self._kwargs["pos_label"]
        parameter = inspect.signature(self._score_func).parameters.get("pos_label")
        return None if parameter is None else parameter.default

    def _accept_sample_weight(self) -> bool:
        return "sample_weight" in inspect.signature(self._score_func).parameters

    def __repr__(self) -> str:
        function = self._score_func
        name = repr(function) if isinstance(function, partial) else function.__name__
        sign = "" if self._sign > 0 else ", greater_is_better=False"
        options = "".join(f", {key}={value}" for key, value in self._kwargs.items())
        return f"make_scorer({name}{sign}, response_method={self._response_method!r}{options})"


class _PassthroughScorer:
    """The estimator's own ``score``."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def __call__(self, estimator: Any, *args: Any, **kwargs: Any) -> Any:
        return estimator.score(*args, **kwargs)

    def _accept_sample_weight(self) -> bool:
        return "sample_weight" in inspect.signature(self._estimator.score).parameters

    def __repr__(self) -> str:
        return f"{type(self._estimator).__name__}.score"


class _MultimetricScorer:
    """Several scorers at once: a dictionary of scores, each method of the estimator called once."""

    def __init__(self, *, scorers: Mapping[str, Callable[..., Any]], raise_exc: bool = True) -> None:
        self._scorers = dict(scorers)
        self._raise_exc = raise_exc

    def __call__(self, estimator: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        known: dict[Any, Any] = {}

        def responses(estimator: Any, method: Any, X: Any, pos_label: Any) -> Any:
            key = (_method_of(estimator, method).__name__, repr(pos_label))
            if key not in known:
                known[key] = _responses(estimator, method, X, pos_label)
            return known[key]

        weight = kwargs.pop("sample_weight", None)
        scores: dict[str, Any] = {}
        for name, scorer in self._scorers.items():
            weighed = weight is not None and getattr(scorer, "_accept_sample_weight", lambda: False)()
            options = {**kwargs, **({"sample_weight": weight} if weighed else {})}
            try:
                if isinstance(scorer, _Scorer):
                    scores[name] = scorer._score(responses, estimator, *args, **options)
                else:
                    scores[name] = scorer(estimator, *args, **options)
            except Exception:
                if self._raise_exc:
                    raise
                scores[name] = format_exc()
        return scores

    def _accept_sample_weight(self) -> bool:
        return any(getattr(scorer, "_accept_sample_weight", lambda: False)() for scorer in self._scorers.values())

    def __repr__(self) -> str:
        return "MultiMetricScorer({})".format(", ".join(f'"{name}"' for name in self._scorers))


def make_scorer(
    score_func: Callable[..., Any],
    *,
    response_method: str | list[str] | tuple[str, ...] = "predict",
    greater_is_better: bool = True,
    **kwargs: Any,
) -> _Scorer:
    """A scorer, called as ``scorer(estimator, X, y)``, from a score, called as ``score_func(y_true, y_pred, **kwargs)``.

    Args:
        score_func: the score or loss.
        response_method: where ``y_pred`` comes from: ``"predict"``, ``"predict_proba"``, ``"decision_function"``, or the first
            of several that the estimator has. Of two classes, probabilities and decisions are those of ``pos_label``.
        greater_is_better: False for a loss, whose sign the scorer turns.
        kwargs: further arguments of ``score_func``.

    >>> from barehand.metrics import fbeta_score
    >>> make_scorer(fbeta_score, beta=2)
    make_scorer(fbeta_score, response_method='predict', beta=2)
    """
    check_parameters(
        {"score_func": [callable], "response_method": [list, tuple, _METHODS], "greater_is_better": [bool]},
        {"score_func": score_func, "response_method": response_method, "greater_is_better": greater_is_better},
        "make_scorer",
    )
    return _Scorer(score_func, 1 if greater_is_better else -1, kwargs, response_method)


def get_scorer(scoring: Any) -> Any:
    """The scorer of this name; a callable is returned as it is.

    Args:
        scoring: one of `get_scorer_names`, or a callable ``scorer(estimator, X, y)``.

    >>> get_scorer("neg_mean_squared_error")
    make_scorer(mean_squared_error, greater_is_better=False, response_method='predict')
    """
    if not isinstance(scoring, str):
        check_parameters({"scoring": [str, callable, None]}, {"scoring": scoring}, "get_scorer")
        return scoring
    if scoring not in SCORERS:
        raise ValueError(
            f"{scoring!r} is not a valid scoring value. Use barehand.metrics.get_scorer_names() to get valid options."
        )
    return copy.deepcopy(SCORERS[scoring])


def get_scorer_names() -> list[str]:
    """The names that `get_scorer` knows, sorted.

    Args: none.

    >>> "roc_auc" in get_scorer_names()
    True
    """
    return sorted(SCORERS)


def check_scoring(
    estimator: Any = None, scoring: Any = None, *, allow_none: bool = False, raise_exc: bool = True
) -> Any:
    """The scorer that ``scoring`` means for this estimator.

    Args:
        estimator: what will be scored; its own ``score`` is taken where ``scoring`` is None.
        scoring: a name, a scorer, several names, or a dictionary of names and scorers, which give a dictionary of scores.
        allow_none: whether an estimator without ``score`` may go without a scorer.
        raise_exc: whether an error in one of several scorers is raised, or its text returned as the score.

    >>> check_scoring(scoring="accuracy")
    make_scorer(accuracy_score, response_method='predict')
    """
    if estimator is not None and not hasattr(estimator, "fit"):
        raise InvalidParameterError(
            "The 'estimator' parameter of check_scoring must be an object implementing 'fit' or None. Got "
            f"{estimator!r} instead."
        )
    check_parameters(
        {
            "scoring": [set(get_scorer_names()), callable, list, set, tuple, dict, None],
            "allow_none": [bool],
            "raise_exc": [bool],
        },
        {"scoring": scoring, "allow_none": allow_none, "raise_exc": raise_exc},
        "check_scoring",
    )
    if callable(scoring):
        module = getattr(scoring, "__module__", None) or ""
        if module.startswith(("barehand.metrics.", "sklearn.metrics.")) and not module.startswith(
            ("barehand.metrics._scorer", "sklearn.metrics._scorer", "sklearn.metrics.tests.")
        ):
            raise ValueError(
                f"scoring value {scoring!r} looks like it is a metric function rather than a scorer. A scorer should require an "
                "estimator as its first parameter. Please use `make_scorer` to convert a metric to a scorer."
            )
        return get_scorer(scoring)
    if isinstance(scoring, str):
        return get_scorer(scoring)
    if scoring is not None:
        return _MultimetricScorer(scorers=_check_multimetric_scoring(estimator, scoring), raise_exc=raise_exc)
    if hasattr(estimator, "score"):
        return _PassthroughScorer(estimator)
    if allow_none:
        return None
    raise TypeError(
        "If no scoring is specified, the estimator passed should have a 'score' method. The estimator "
        f"{estimator!r} does not."
    )


def _check_multimetric_scoring(estimator: Any, scoring: Any) -> dict[str, Any]:
    """A dictionary of scorers from several names, or from a dictionary."""
    if isinstance(scoring, dict):
        if not all(isinstance(key, str) for key in scoring):
            raise ValueError(f"Non-string types were found in the keys of the given dict. scoring={scoring!r}")
        if not scoring:
            raise ValueError(f"An empty dict was passed. {scoring!r}")
        return {name: check_scoring(estimator, scorer) for name, scorer in scoring.items()}
    if not isinstance(scoring, (list, tuple, set)):
        raise ValueError(
            f"scoring is invalid (got {scoring!r}). Refer to the scoring glossary for details: "
            "https://scikit-learn.org/stable/glossary.html#term-scoring"
        )
    must = "The list/tuple elements must be unique strings of predefined scorers. "
    try:
        distinct = set(scoring)
    except TypeError as error:
        raise ValueError(must) from error
    if len(distinct) != len(scoring):
        raise ValueError(f"{must} Duplicate elements were found in the given list. {scoring!r}")
    if not distinct:
        raise ValueError(f"{must} Empty list was given. {scoring!r}")
    if not all(isinstance(name, str) for name in distinct):
        if any(callable(name) for name in distinct):
            raise ValueError(
                f"{must} One or more of the elements were callables. Use a dict of score name mapped to the scorer callable. "
                f"Got {scoring!r}"
            )
        raise ValueError(f"{must} Non-string types were found in the given list. Got {scoring!r}")
    return {name: check_scoring(estimator, name) for name in scoring}


def _kind(estimator: Any) -> str | None:
    """ "classifier", "regressor", ..., as the estimator's tags or its old attribute say."""
    try:
        return estimator.__sklearn_tags__().estimator_type
    except AttributeError:
        return getattr(estimator, "_estimator_type", None)


def _method_of(estimator: Any, response_method: str | Iterable[str]) -> Any:
    names = [response_method] if isinstance(response_method, str) else list(response_method)
    for name in names:
        method = getattr(estimator, name, None)
        if method is not None:
            return method
    raise AttributeError(f"{type(estimator).__name__} has none of the following attributes: {', '.join(names)}.")


def _responses(estimator: Any, response_method: str | Iterable[str], X: Any, pos_label: Any) -> Any:
    """What an estimator says of ``X``; of two classes, probabilities and decisions for ``pos_label`` alone."""
    method = _method_of(estimator, response_method)
    if _kind(estimator) != "classifier":
        return method(X)
    classes = estimator.classes_
    # Several outputs have a list of classes each.
    two = isinstance(classes, np.ndarray) and len(classes) <= 2
    if two:
        if pos_label is None:
            pos_label = classes[-1]
        elif pos_label not in classes.tolist():
            raise ValueError(f"pos_label={pos_label} is not a valid label: It should be one of {classes}")
    said = method(X)
    if method.__name__ in ("predict_proba", "predict_log_proba"):
        if two:
            if said.shape[1] < 2:
                raise ValueError(f"Got predict_proba of shape {said.shape}, but need classifier with two classes.")
            return said[:, np.flatnonzero(classes == pos_label)[0]]
        if isinstance(said, list):  # of several labels: the probability that each is set
            return np.vstack([proba[:, -1] for proba in said]).T
    elif method.__name__ == "decision_function" and two and pos_label == classes[0]:
        return -said
    return said


def positive_likelihood_ratio(y_true: Any, y_pred: Any) -> float:
    """LR+ of `class_likelihood_ratios`, 1 where it is undefined."""
    return class_likelihood_ratios(y_true, y_pred, replace_undefined_by=1.0)[0]


def negative_likelihood_ratio(y_true: Any, y_pred: Any) -> float:
    """LR- of `class_likelihood_ratios`, 1 where it is undefined."""
    return class_likelihood_ratios(y_true, y_pred, replace_undefined_by=1.0)[1]


_DECISION = ("decision_function", "predict_proba")
_regression_losses = (
    "max_error",
    "median_absolute_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_log_error",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
    "mean_poisson_deviance",
    "mean_gamma_deviance",
)

SCORERS: dict[str, _Scorer] = {
    "accuracy": make_scorer(accuracy_score),
    "average_precision": make_scorer(_curves.average_precision_score, response_method=_DECISION),
    "balanced_accuracy": make_scorer(balanced_accuracy_score),
    "d2_absolute_error_score": make_scorer(_regression.d2_absolute_error_score),
    "d2_brier_score": make_scorer(d2_brier_score, response_method="predict_proba"),
    "d2_log_loss_score": make_scorer(d2_log_loss_score, response_method="predict_proba"),
    "explained_variance": make_scorer(_regression.explained_variance_score),
    "matthews_corrcoef": make_scorer(matthews_corrcoef),
    "neg_brier_score": make_scorer(brier_score_loss, greater_is_better=False, response_method="predict_proba"),
    "neg_log_loss": make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
    "neg_negative_likelihood_ratio": make_scorer(negative_likelihood_ratio, greater_is_better=False),
    "positive_likelihood_ratio": make_scorer(positive_likelihood_ratio),
    "r2": make_scorer(_regression.r2_score),
    "roc_auc": make_scorer(roc_auc_score, response_method=_DECISION),
    "top_k_accuracy": make_scorer(top_k_accuracy_score, response_method=_DECISION),
}
for _name in _regression_losses:
    SCORERS[f"neg_{_name}"] = make_scorer(getattr(_regression, _name), greater_is_better=False)
for _multi_class in ("ovr", "ovo"):
    _options: dict[str, Any] = {"response_method": "predict_proba", "multi_class": _multi_class}
    SCORERS[f"roc_auc_{_multi_class}"] = make_scorer(roc_auc_score, **_options)
    SCORERS[f"roc_auc_{_multi_class}_weighted"] = make_scorer(roc_auc_score, **_options, average="weighted")
for _name, _score in (
    ("precision", _precision_recall.precision_score),
    ("recall", _precision_recall.recall_score),
    ("f1", _precision_recall.f1_score),
    ("jaccard", jaccard_score),
):
    SCORERS[_name] = make_scorer(_score, average="binary")
    for _average in ("macro", "micro", "samples", "weighted"):
        SCORERS[f"{_name}_{_average}"] = make_scorer(_score, pos_label=None, average=_average)
for _name in (
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "completeness_score",
    "fowlkes_mallows_score",
    "homogeneity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "rand_score",
    "v_measure_score",
):
    SCORERS[_name] = make_scorer(getattr(cluster, _name))
