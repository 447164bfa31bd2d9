"""Curves over all thresholds, and the areas under them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand import exceptions
from barehand._barehand import _metrics
from barehand._check_array import check_consistent_length, column_or_1d
from barehand._param_validation import check_parameters
from barehand.metrics._targets import BinaryScores, check_array_like, read_scores, read_target, weights

_POS_LABEL: list[Any] = [float, str, bool, None]


def auc(x: Any, y: Any) -> float:
    """The area under the straight lines between points: ``sum_i (x[i+1] - x[i]) (y[i] + y[i+1]) / 2``.

    Args:
        x: ``(N,)`` that ascends or descends.
        y: ``(N,)``.

    >>> auc([0, 0.5, 1], [0, 1, 1])
    0.75
    """
    for name, value in (("x", x), ("y", y)):
        check_array_like(name, value, "auc")
    check_consistent_length(x, y)
    x, y = column_or_1d(x, input_name="x"), column_or_1d(y)
    if len(x) < 2:
        raise ValueError(f"At least 2 points are needed to compute area under curve, but x.shape = {x.shape}")
    steps = np.diff(x)
    if (steps < 0).any() and not (steps <= 0).all():
        raise ValueError(f"x is neither increasing nor decreasing : {x}.")
    return _metrics.auc(x.astype(np.float64, copy=False), y.astype(np.float64, copy=False))


def confusion_matrix_at_thresholds(
    y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True negatives, false positives, false negatives and true positives at every threshold, from the highest down.

    Args:
        y_true: ``(N,)`` labels; the arguments are those of `roc_curve`.
        y_score: ``(N,)`` scores.
        pos_label: the positive label.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    Returns:
        tn, fp, fn, tp and thresholds, each ``(T,)``: everything that scores at least the threshold is called positive.

    >>> [counts.tolist() for counts in confusion_matrix_at_thresholds([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])]
    [[2.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 2.0], [1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 2.0, 2.0], [0.8, 0.4, 0.35, 0.1]]
    """
    caller = "confusion_matrix_at_thresholds"
    check_parameters({"pos_label": _POS_LABEL}, {"pos_label": pos_label}, caller)
    data = BinaryScores(caller, y_true, y_score, pos_label, sample_weight)
    thresholds, tps, fps = _metrics.threshold_counts(data.y_true, data.y_score, data.positive, data.sample_weight)
    return fps[-1] - fps, fps, tps[-1] - tps, tps, _as_scores(thresholds, y_score)


def roc_curve(
    y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None, drop_intermediate: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True against false positive rate, over all thresholds from the highest down.

    ``tpr[t] = sum of w of positives with score >= t / sum of w of positives``, ``fpr`` likewise of negatives.

    Args:
        y_true: ``(N,)`` labels: 0 and 1, -1 and 1, or any with ``pos_label``.
        y_score: ``(N,)`` scores, of which higher ones speak for the positive label.
        pos_label: the positive label; all others are negative.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        drop_intermediate: whether to leave out points on straight lines between others.

    Returns:
        fpr, tpr, thresholds, each ``(T,)``; the first threshold is infinity. Rates of what does not occur are NaN.

    >>> fpr, tpr, thresholds = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> fpr.tolist(), tpr.tolist(), thresholds.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0], [inf, 0.8, 0.4, 0.35, 0.1])
    """
    data, drop = _curve("roc_curve", y_true, y_score, pos_label, sample_weight, drop_intermediate)
    fpr, tpr, thresholds = _metrics.roc_curve(data.y_true, data.y_score, data.positive, data.sample_weight, drop)
    for rate, kind, name in ((fpr, "negative", "false"), (tpr, "positive", "true")):
        if np.isnan(rate[0]):
            warnings.warn(
                f"No {kind} samples in y_true, {name} positive value should be meaningless",
                exceptions.UndefinedMetricWarning,
                stacklevel=2,
            )
    return fpr, tpr, thresholds


def precision_recall_curve(
    y_true: Any, y_score: Any, *, pos_label: Any = None, sample_weight: Any = None, drop_intermediate: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision and recall at every threshold, from the lowest up; the last point is (1, 0), without a threshold.

    ``precision[t] = tp / (tp + fp)``, ``recall[t] = tp / (tp + fn)`` where scores of at least ``t`` are called positive.

    Args:
        y_true: ``(N,)`` labels: 0 and 1, -1 and 1, or any with ``pos_label``.
        y_score: ``(N,)`` scores, of which higher ones speak for the positive label.
        pos_label: the positive label; all others are negative.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        drop_intermediate: whether to leave out points on straight lines between others.

    Returns:
        precision ``(T + 1,)``, recall ``(T + 1,)``, thresholds ``(T,)``.

    >>> precision, recall, thresholds = precision_recall_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> precision
    array([0.5       , 0.66666667, 0.5       , 1.        , 1.        ])
    >>> recall.tolist(), thresholds.tolist()
    ([1.0, 1.0, 0.5, 0.5, 0.0], [0.1, 0.35, 0.4, 0.8])
    """
    data, drop = _curve("precision_recall_curve", y_true, y_score, pos_label, sample_weight, drop_intermediate)
    precision, recall, thresholds, positives = _metrics.precision_recall_curve(
        data.y_true, data.y_score, data.positive, data.sample_weight, drop
    )
    if not positives:
        warnings.warn(_NO_POSITIVES, stacklevel=2)
    return precision, recall, _as_scores(thresholds, y_score)


_NO_POSITIVES = "No positive class found in y_true, recall is set to one for all thresholds."


def det_curve(
    y_true: Any, y_score: Any, pos_label: Any = None, sample_weight: Any = None, drop_intermediate: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The detection error tradeoff: false positive and false negative rates, from the lowest threshold up.

    Args:
        y_true: ``(N,)`` labels of both kinds: 0 and 1, -1 and 1, or any with ``pos_label``.
        y_score: ``(N,)`` scores, of which higher ones speak for the positive label.
        pos_label: the positive label; all others are negative.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        drop_intermediate: whether to leave out points on straight lines between others.

    Returns:
        fpr, fnr, thresholds, each ``(T,)``.

    >>> [column.tolist() for column in det_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])]
    [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.35, 0.4, 0.8]]
    """
    data, drop = _curve("det_curve", y_true, y_score, pos_label, sample_weight, drop_intermediate)
    if len(_metrics.distinct(data.y_true)) != 2:
        raise ValueError(
            "Only one class is present in y_true. Detection error tradeoff curve is not defined in that case."
        )
    return _metrics.det_curve(data.y_true, data.y_score, data.positive, data.sample_weight, drop)


def average_precision_score(
    y_true: Any, y_score: Any, *, average: str | None = "macro", pos_label: Any = 1, sample_weight: Any = None
) -> Any:
    """The mean precision over the steps of recall: ``sum_t (recall[t] - recall[t-1]) precision[t]``, without interpolation.

    Args:
        y_true: ``(N,)`` labels of two classes, ``(N,)`` labels of several classes (one against the rest), or an indicator
            matrix ``(N, K)`` of several labels for each sample.
        y_score: ``(N,)`` scores of the positive label, or ``(N, K)``.
        average: None for one score for each column; ``"micro"``: over all entries; ``"macro"``: the mean; ``"weighted"``:
            weighted by how often each occurs; ``"samples"``: the mean over samples.
        pos_label: the positive of two labels.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    Returns:
        A float, or an array ``(K,)`` with ``average=None``.

    >>> average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.8333333333333333
    """
    caller = "average_precision_score"
    check_parameters(
        {"average": [{"micro", "macro", "samples", "weighted"}, None], "pos_label": [float, str, bool]},
        {"average": average, "pos_label": pos_label},
        caller,
    )
    y, kind = read_target("y_true", y_true, caller)
    if kind == "binary":
        present = np.unique(y)
        if len(present) == 2 and pos_label not in present.tolist():
            raise ValueError(f"pos_label={pos_label} is not a valid label. It should be one of {present}")
        data = BinaryScores(caller, y, y_score, pos_label, sample_weight)
        score, positives = _metrics.average_precision(data.y_true, data.y_score, data.positive, data.sample_weight)
        if not positives:
            warnings.warn(_NO_POSITIVES, stacklevel=2)
        return score
    if kind not in ("multiclass", "multilabel-indicator"):
        raise ValueError(f"{kind} format is not supported")
    if pos_label != 1:
        raise ValueError(
            f"Parameter pos_label is fixed to 1 for {kind} y_true. Do not set pos_label or set pos_label to 1."
        )
    scores = read_scores("y_score", y_score, caller)
    truth = y != 0
    if kind == "multiclass":
        classes = np.unique(y)
        truth = y[:, None] == classes
        if scores.shape != truth.shape:
            raise ValueError(
                "`y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains multiple classes. Got "
                f"`y_score.shape={scores.shape}`."
            )
    check_consistent_length(truth, scores, sample_weight)
    axis = {"micro": None, "samples": 1}.get(average or "macro", 0)
    if not truth.any(axis=axis).all():
        warnings.warn(_NO_POSITIVES, stacklevel=2)
    return _metrics.average_precision_columns(
        np.ascontiguousarray(truth), scores, average, weights(sample_weight, truth, caller)
    )


def _curve(
    caller: str, y_true: Any, y_score: Any, pos_label: Any, sample_weight: Any, drop_intermediate: bool
) -> tuple[BinaryScores, bool]:
    check_parameters(
        {"pos_label": _POS_LABEL, "drop_intermediate": [bool]},
        {"pos_label": pos_label, "drop_intermediate": drop_intermediate},
        caller,
    )
    return BinaryScores(caller, y_true, y_score, pos_label, sample_weight), bool(drop_intermediate)


def _as_scores(thresholds: np.ndarray, y_score: Any) -> np.ndarray:
    """Thresholds in the type of the scores that they were."""
    kind = np.asarray(y_score).dtype
    return thresholds.astype(kind, copy=False) if kind.kind in "iuf" else thresholds
