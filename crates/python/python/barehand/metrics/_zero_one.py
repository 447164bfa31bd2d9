"""The share of predictions that are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._param_validation import check_parameters
from barehand.metrics._accuracy import accuracy_score
from barehand.metrics._targets import Targets, as_label_sets


def zero_one_loss(y_true: Any, y_pred: Any, *, normalize: bool = True, sample_weight: Any = None) -> float:
    """The share of samples whose predicted label is not the true one: ``sum_i w_i [y_true_i != y_pred_i] / sum_i w_i``.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings; or an indicator matrix ``(N, K)`` of several labels for each
            sample, all of which must be right.
        y_pred: predicted labels, in the same form.
        normalize: whether to divide by the sum of the weights; otherwise the loss is the weight of the wrong predictions.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    >>> zero_one_loss([2, 2, 3, 4], [1, 2, 3, 4])
    0.25
    """
    check_parameters({"normalize": [bool]}, {"normalize": normalize}, "zero_one_loss")
    if not normalize:
        right = accuracy_score(y_true, y_pred, normalize=False, sample_weight=sample_weight)
        whole = len(y_true) if not hasattr(y_true, "shape") else y_true.shape[0]
        return (whole if sample_weight is None else float(np.sum(sample_weight))) - right
    targets = Targets("zero_one_loss", y_true, y_pred, sample_weight, multilabel=True)
    true, pred = as_label_sets(targets.indicators) if targets.indicators else (targets.y_true, targets.y_pred)
    return _metrics.zero_one_loss(true, pred, targets.sample_weight)


def hamming_loss(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """The share of labels that are predicted wrong.

    Args:
        y_true: ``(N,)`` labels; or an indicator matrix ``(N, K)`` of several labels for each sample, every entry of which
            counts by itself.
        y_pred: predicted labels, in the same form.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    >>> hamming_loss([[0, 1], [1, 1]], [[0, 0], [0, 0]])
    0.75
    """
    targets = Targets("hamming_loss", y_true, y_pred, sample_weight, multilabel=True)
    if targets.indicators:
        return _metrics.hamming_loss(*map(np.ascontiguousarray, targets.indicators), targets.sample_weight)
    return _metrics.zero_one_loss(targets.y_true, targets.y_pred, targets.sample_weight)
