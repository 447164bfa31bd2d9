"""A two by two confusion matrix of each class, or of each sample with several labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._param_validation import check_parameters
from barehand.metrics._targets import Targets, as_entries, check_columns, label_list


def multilabel_confusion_matrix(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, labels: Any = None, samplewise: bool = False
) -> np.ndarray:
    """True negatives, false positives, false negatives and true positives of each class.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings; or an indicator matrix ``(N, K)`` of several labels for each
            sample, whose columns are the classes.
        y_pred: predicted labels, in the same form.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        labels: the classes, in their order; None: all that occur, sorted.
        samplewise: whether to count for each sample of an indicator matrix instead of each class.

    Returns:
        ``(K, 2, 2)`` (or ``(N, 2, 2)``), each ``[[tn, fp], [fn, tp]]``.

    >>> multilabel_confusion_matrix([0, 1, 1, 0], [0, 1, 0, 0]).tolist()
    [[[1, 1], [0, 2]], [[2, 0], [1, 1]]]
    """
    caller = "multilabel_confusion_matrix"
    check_parameters({"samplewise": [bool]}, {"samplewise": samplewise}, caller)
    targets = Targets(caller, y_true, y_pred, sample_weight, multilabel=True)
    listed = label_list(labels, caller)
    weight = targets.sample_weight
    codes: list[int] | None
    if targets.indicators:
        n, columns = targets.indicators[0].shape
        check_columns(listed, columns)
        if samplewise:
            matrices = tuple(matrix if listed is None else matrix[:, listed] for matrix in targets.indicators)
            whole = np.full(n, matrices[0].shape[1]) * (1 if weight is None else weight)
            codes = list(range(n))
            true, pred, weight = as_entries(matrices, weight, by_sample=True)
        else:
            whole = n if weight is None else weight.sum()
            codes = list(range(columns)) if listed is None else [int(label) for label in listed]
            true, pred, weight = as_entries(targets.indicators, weight, by_sample=False)
    else:
        if samplewise:
            raise ValueError("Samplewise metrics are not available outside of multilabel classification.")
        codes = None if listed is None else targets.codes.encode(listed)
        true, pred = targets.y_true, targets.y_pred
        whole = len(true) if weight is None else weight.sum()
    tp, predicted, support = _metrics.class_counts(true, pred, codes, weight)
    fp, fn = predicted - tp, support - tp
    cells = np.stack([whole - tp - fp - fn, fp, fn, tp], axis=1).reshape(-1, 2, 2)
    return cells.astype(np.int64) if weight is None else cells
