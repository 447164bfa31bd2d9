"""Precision, recall and F-scores, of each class and averaged."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from barehand import exceptions
from barehand._barehand import _metrics
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._targets import Targets, as_entries, check_columns, label_list

_AVERAGES = (None, "micro", "macro", "weighted", "samples")
AVERAGE_AND_POS_LABEL: dict[str, list[Any]] = {
    "average": [{"micro", "macro", "samples", "weighted", "binary"}, None],
    "pos_label": [float, str, bool, None],
}
_CONSTRAINTS: dict[str, list[Any]] = {
    **AVERAGE_AND_POS_LABEL,
    "beta": [Interval(float, 0.0, None, closed="both")],
}

Scores = tuple[Any, Any, Any, Any]


def precision_recall_fscore_support(
    y_true: Any,
    y_pred: Any,
    *,
    beta: float = 1.0,
    labels: Any = None,
    pos_label: Any = 1,
    average: str | None = None,
    warn_for: Collection[str] = ("precision", "recall", "f-score"),
    sample_weight: Any = None,
    zero_division: Any = "warn",
) -> Scores:
    """Precision, recall, F-score and support of each class, or averaged.

    ``precision = tp / (tp + fp)``, ``recall = tp / (tp + fn)``,
    ``F_beta = (1 + beta^2) tp / ((1 + beta^2) tp + beta^2 fn + fp)``

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings; or an indicator matrix ``(N, K)`` of several labels for each
            sample, whose columns are the classes.
        y_pred: predicted labels, in the same form.
        beta: how many times as important recall is in F as precision; infinity makes F the recall.
        labels: the classes, in their order; None: all that occur, sorted.
        pos_label: the positive class of ``average="binary"``.
        average: None for one score for each class; ``"binary"``: the positive one's, of two classes; ``"micro"``: from the
            sums over classes; ``"macro"``: the mean; ``"weighted"``: weighted by support; ``"samples"``: the mean over
            the samples of an indicator matrix, weighted by ``sample_weight``.
        warn_for: the scores to warn about where they divide by zero.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        zero_division: the score where nothing can be divided: 0, 1, NaN (which averages pass over), or ``"warn"``: 0 and
            an `UndefinedMetricWarning`.

    Returns:
        precision, recall, F-score, support: arrays ``(K,)``, or floats and None with an average.

    >>> precision_recall_fscore_support(["cat", "dog", "pig"] * 2, ["cat", "pig", "dog", "cat", "cat", "dog"], average="macro")
    (0.2222222222222222, 0.3333333333333333, 0.26666666666666666, None)
    """
    return _scores(
        "precision_recall_fscore_support",
        y_true, y_pred, beta, labels, pos_label, average, warn_for, sample_weight, zero_division,
    )  # fmt: skip


def precision_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: Any = None,
    zero_division: Any = "warn",
) -> Any:
    """Of what was predicted to be in a class, how much is: ``tp / (tp + fp)``.

    Arguments are those of `precision_recall_fscore_support`.

    Returns:
        A float, or an array ``(K,)`` with ``average=None``.

    >>> precision_score([0, 1, 1, 0], [1, 1, 1, 0])
    0.6666666666666666
    >>> precision_score([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], average=None, zero_division=0)
    array([0.66666667, 0.        , 0.        ])
    """
    return _scores(
        "precision_score",
        y_true, y_pred, 1.0, labels, pos_label, average, ("precision",), sample_weight, zero_division,
    )[0]  # fmt: skip


def recall_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: Any = None,
    zero_division: Any = "warn",
) -> Any:
    """Of what is in a class, how much was found: ``tp / (tp + fn)``.

    Arguments are those of `precision_recall_fscore_support`.

    Returns:
        A float, or an array ``(K,)`` with ``average=None``.

    >>> recall_score([0, 1, 1, 0], [1, 1, 0, 0])
    0.5
    """
    return _scores(
        "recall_score",
        y_true, y_pred, 1.0, labels, pos_label, average, ("recall",), sample_weight, zero_division,
    )[1]  # fmt: skip


def f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: Any = None,
    zero_division: Any = "warn",
) -> Any:
    """The harmonic mean of precision and recall: ``2 tp / (2 tp + fp + fn)``.

    Arguments are those of `precision_recall_fscore_support`.

    Returns:
        A float, or an array ``(K,)`` with ``average=None``.

    >>> f1_score([0, 1, 1, 0], [1, 1, 1, 0])
    0.8
    """
    return _scores(
        "f1_score",
        y_true, y_pred, 1.0, labels, pos_label, average, ("f-score",), sample_weight, zero_division,
    )[2]  # fmt: skip


def fbeta_score(
    y_true: Any,
    y_pred: Any,
    *,
    beta: float,
    labels: Any = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: Any = None,
    zero_division: Any = "warn",
) -> Any:
    """The harmonic mean of precision and recall, in which recall is ``beta`` times as important.

    ``(1 + beta^2) tp / ((1 + beta^2) tp + beta^2 fn + fp)``; arguments are those of `precision_recall_fscore_support`.

    Returns:
        A float, or an array ``(K,)`` with ``average=None``.

    >>> fbeta_score([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], average="micro", beta=0.5)
    0.3333333333333333
    """
    return _scores(
        "fbeta_score",
        y_true, y_pred, beta, labels, pos_label, average, ("f-score",), sample_weight, zero_division,
    )[2]  # fmt: skip


def check_zero_division(zero_division: Any, caller: str) -> float:
    """The score where nothing can be divided: 0, 1 or NaN."""
    if isinstance(zero_division, str) and zero_division == "warn":
        return 0.0
    if isinstance(zero_division, Real) and (zero_division in (0, 1) or math.isnan(zero_division)):
        return float(zero_division)
    raise exceptions.InvalidParameterError(
        f"The 'zero_division' parameter of {caller} must be a float among {{0.0, 1.0}}, nan or a str among {{'warn'}}. "
        f"Got {zero_division!r} instead."
    )


def warn_undefined(
    undefined: tuple[bool, bool, bool], names: Collection[str], *, scores: int, axis: str = "label", stacklevel: int
) -> None:
    """Warns about precision, recall or F-score, in this order, where they are undefined and among ``names``.

    ``scores`` is how many there are of each, ``axis`` what they are of: "label" or "sample".
    """
    counted = "labels" if axis == "sample" else "samples"
    cause = "due to" if scores == 1 else f"in {axis}s with"
    wheres = (("precision", "predicted"), ("recall", "true"), ("f-score", "true nor predicted"))
    for (name, where), missing in zip(wheres, undefined, strict=True):
        if missing and name in names:
            warnings.warn(
                f"{name.capitalize()} is ill-defined and being set to 0.0 {cause} no {where} {counted}. Use `zero_division` "
                "parameter to control this behavior.",
                exceptions.UndefinedMetricWarning,
                stacklevel=stacklevel + 1,
            )


def _scores(
    caller: str,
    y_true: Any,
    y_pred: Any,
    beta: float,
    labels: Any,
    pos_label: Any,
    average: str | None,
    warn_for: Collection[str],
    sample_weight: Any,
    zero_division: Any,
) -> Scores:
    check_parameters(_CONSTRAINTS, {"average": average, "pos_label": pos_label, "beta": beta}, caller)
    otherwise = check_zero_division(zero_division, caller)
    targets = Targets(caller, y_true, y_pred, sample_weight, multilabel=True)
    counted = counted_as(targets, average, label_list(labels, caller), pos_label, stacklevel=4)
    *scores, support, undefined = _metrics.precision_recall(
        counted.true,
        counted.pred,
        float(beta),
        counted.codes,
        counted.average,
        counted.weight,
        counted.class_weight,
        otherwise,
    )
    if isinstance(zero_division, str):
        # All labels that occur are two at least where one of them is undefined.
        count = 1 if average == "micro" else 2 if counted.codes is None else len(counted.codes)
        axis = "sample" if average == "samples" else "label"
        warn_undefined(undefined, warn_for, scores=count, axis=axis, stacklevel=3)
    precision, recall, f_score = scores
    if support is not None and targets.sample_weight is None:
        support = support.astype(np.int64)
    return precision, recall, f_score, support


class Counted(NamedTuple):
    """Pairs of codes, their weights, the codes to score (None: all that occur), and how their scores become one.

    ``class_weight`` weighs the codes' scores in their mean, where it is not None.
    """

    true: np.ndarray
    pred: np.ndarray
    weight: np.ndarray | None
    codes: list[int] | None
    average: str | None
    class_weight: list[float] | None


def counted_as(
    targets: Targets, average: str | None, labels: list[Any] | None, pos_label: Any, *, stacklevel: int
) -> Counted:
    """What is counted for an average; of one class, its scores are those of any."""
    if average != "binary" and pos_label not in (None, 1):
        warnings.warn(
            f"Note that pos_label (set to {pos_label!r}) is ignored when average != 'binary' (got {average!r}). You may use "
            "labels=[pos_label] to specify a single positive class.",
            stacklevel=stacklevel,
        )
    over = "macro" if average in ("binary", "samples") else average
    weight = targets.sample_weight
    if targets.indicators is None:
        codes = _of_one_label(targets, average, labels, pos_label)
        return Counted(targets.y_true, targets.y_pred, weight, codes, over, None)
    n, columns = targets.indicators[0].shape
    if average == "binary":
        raise ValueError(_not_binary("multilabel-indicator", _AVERAGES))
    check_columns(labels, columns)
    if average == "samples":
        true, pred = (matrix if labels is None else matrix[:, labels] for matrix in targets.indicators)
        entries = as_entries((true, pred), None, by_sample=True)
        return Counted(*entries, list(range(n)), over, None if weight is None else weight.tolist())
    codes = list(range(columns)) if labels is None else [int(label) for label in labels]
    return Counted(*as_entries(targets.indicators, weight, by_sample=False), codes, over, None)


def _of_one_label(targets: Targets, average: str | None, labels: list[Any] | None, pos_label: Any) -> list[int] | None:
    """The codes of the classes to score; None for all that occur."""
    if average == "samples":
        raise ValueError("Samplewise metrics are not available outside of multilabel classification.")
    if average == "binary":
        present = targets.codes.decode(_metrics.labels(targets.y_true, targets.y_pred))
        if len(present) > 2:
            raise ValueError(_not_binary("multiclass", _AVERAGES[:-1]))
        if len(present) == 2 and pos_label not in present.tolist():
            raise ValueError(f"pos_label={pos_label} is not a valid label. It should be one of {present}")
        labels = [pos_label]
    return None if labels is None else targets.codes.encode(labels)


def _not_binary(kind: str, averages: tuple[str | None, ...]) -> str:
    return f"Target is {kind} but average='binary'. Please choose another average setting, one of {list(averages)!r}."
