"""The area under the ROC curve."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand import exceptions
from barehand._barehand import _metrics
from barehand._check_array import check_array, check_consistent_length, column_or_1d
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._targets import LabelCodes, label_list, read_scores, read_target, weights

_CONSTRAINTS: dict[str, list[Any]] = {
    "average": [{"micro", "macro", "samples", "weighted"}, None],
    "max_fpr": [Interval(float, 0.0, 1, closed="right"), None],
    "multi_class": [{"raise", "ovr", "ovo"}],
}


def roc_auc_score(
    y_true: Any,
    y_score: Any,
    *,
    average: str | None = "macro",
    sample_weight: Any = None,
    max_fpr: float | None = None,
    multi_class: str = "raise",
    labels: Any = None,
) -> Any:
    """How likely a positive sample scores higher than a negative one: the area under the ROC curve.

    ``AUC = sum over pairs (p, n) of [s_p > s_n] + [s_p = s_n] / 2, divided by the number of pairs``, counted in whole numbers.

    Args:
        y_true: ``(N,)`` labels of two classes (the larger is positive) or several, or an indicator matrix ``(N, K)`` of
            several labels for each sample.
        y_score: ``(N,)`` scores of the larger label; ``(N, C)`` probabilities of several classes, which sum to 1; or
            ``(N, K)`` scores of several labels.
        average: None for one area for each column; ``"macro"``: their mean; ``"weighted"``: weighted by how often each
            class or label occurs; ``"micro"``: of all entries; ``"samples"``: the mean over samples.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1. Not with ``multi_class="ovo"``.
        max_fpr: only the area up to this false positive rate, rescaled to ``[0.5, 1]`` (McClish 1989).
        multi_class: ``"ovr"`` compares each class with all others, ``"ovo"`` with each other (Hand and Till 2001).
        labels: all classes, sorted; needed where ``y_true`` lacks some.

    Returns:
        A float, or an array with ``average=None``. Where all labels are the same there is no area: NaN, and an
        `UndefinedMetricWarning`.

    >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    caller = "roc_auc_score"
    values = {"average": average, "max_fpr": max_fpr, "multi_class": multi_class}
    check_parameters(_CONSTRAINTS, values, caller)
    y, kind = read_target("y_true", y_true, caller)
    if len(y) == 0:
        check_array(y, ensure_2d=False, dtype=None)
    scores = read_scores("y_score", y_score, caller)
    if multi_class != "ovo":  # which takes no weights at all
        check_consistent_length(y, scores, sample_weight)
    if kind == "multiclass" or (kind == "binary" and scores.ndim == 2 and scores.shape[1] > 2):
        area = _of_classes(y, scores, average, sample_weight, max_fpr, multi_class, labels)
    elif kind == "binary":
        weight = weights(sample_weight, y, caller)
        limit = None if max_fpr is None else float(max_fpr)
        area = _metrics.roc_auc(LabelCodes(y).encoded[0], column_or_1d(scores, input_name="y"), weight, limit)
    elif kind == "multilabel-indicator":
        weight = weights(sample_weight, y, caller)
        limit = None if max_fpr is None else float(max_fpr)
        if scores.shape != y.shape:
            raise ValueError(f"y_true and y_score have different shapes, {y.shape} and {scores.shape}")
        area = _metrics.roc_auc_columns(np.ascontiguousarray(y != 0), scores, average, weight, limit)
    else:
        raise ValueError(f"{kind} format is not supported")
    if np.isnan(area).any():
        warnings.warn(
            "Only one class is present in y_true. ROC AUC score is not defined in that case.",
            exceptions.UndefinedMetricWarning,
            stacklevel=2,
        )
    return area


def _of_classes(
    y: np.ndarray,
    scores: np.ndarray,
    average: str | None,
    sample_weight: Any,
    max_fpr: float | None,
    multi_class: str,
    labels: Any,
) -> Any:
    caller = "roc_auc_score"
    if max_fpr is not None and max_fpr != 1.0:
        raise ValueError(
            "Partial AUC computation not available in multiclass setting, 'max_fpr' must be set to `None`, received "
            f"`max_fpr={max_fpr}` instead"
        )
    if multi_class == "raise":
        raise ValueError("multi_class must be in ('ovo', 'ovr')")
    if scores.ndim != 2:
        raise ValueError(
            "`y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains multiple classes. Got "
            f"`y_score.shape={scores.shape}`."
        )
    if not np.allclose(1, scores.sum(axis=1)):
        raise ValueError(
            "Target scores need to be probabilities for multiclass roc_auc, i.e. they should sum up to 1.0 over classes"
        )
    choices = ("micro",) * (multi_class == "ovr") + ("macro", "weighted", None)
    if average not in choices:
        raise ValueError(f"average must be one of {choices} for multiclass problems")
    if average is None and multi_class == "ovo":
        raise NotImplementedError("average=None is not implemented for multi_class='ovo'.")
    given = label_list(labels, caller)
    encoded, listed = LabelCodes(y, y if given is None else np.asarray(given)).encoded
    classes = np.unique(listed)
    if given is None:
        if len(classes) != scores.shape[1]:
            raise ValueError("Number of classes in y_true not equal to the number of columns in 'y_score'")
    else:
        if len(classes) != len(listed):
            raise ValueError("Parameter 'labels' must be unique")
        if not np.array_equal(classes, listed):
            raise ValueError("Parameter 'labels' must be ordered")
        if len(classes) != scores.shape[1]:
            raise ValueError(
                f"Number of given labels, {len(classes)}, not equal to the number of columns in 'y_score', {scores.shape[1]}"
            )
        if np.setdiff1d(encoded, classes).size:
            raise ValueError("'y_true' contains labels not in parameter 'labels'")
    check_consistent_length(y, scores)
    one_vs_one = multi_class == "ovo"
    if one_vs_one and sample_weight is not None:
        raise ValueError(
            "sample_weight is not supported for multiclass one-vs-one ROC AUC, 'sample_weight' must be None in this case."
        )
    weight = weights(sample_weight, y, caller)
    return _metrics.roc_auc_classes(encoded, scores, classes.tolist(), one_vs_one, average, weight)
