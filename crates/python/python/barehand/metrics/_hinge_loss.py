"""The hinge loss of decisions."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import check_array, check_consistent_length, column_or_1d
from barehand.metrics._targets import LabelCodes, check_array_like, label_list, read_labels, weights


def hinge_loss(y_true: Any, pred_decision: Any, *, labels: Any = None, sample_weight: Any = None) -> float:
    """The mean of ``max(0, 1 - margin)``.

    Of two labels the margin is ``y d`` with ``y`` 1 for the larger and -1 for the other; of several (Crammer and Singer)
    ``d[y] - max of d[c] over c != y``.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        pred_decision: ``(N,)`` decisions for the larger of two labels, or ``(N, K)`` for the ``K`` sorted labels.
        labels: all labels, needed where ``y_true`` lacks some of several.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    >>> round(hinge_loss([-1, 1, 1], [-2.18, 2.36, 0.09]), 2)
    0.3
    """
    caller = "hinge_loss"
    check_array_like("pred_decision", pred_decision, caller)
    y = read_labels("y_true", y_true, caller)
    check_consistent_length(y, pred_decision, sample_weight)
    try:
        decisions = check_array(pred_decision, ensure_2d=False, dtype=np.float64, order="C")
    except ValueError as error:
        if "could not convert" in str(error):
            raise TypeError("pred_decision should be an array of floats.") from error
        raise
    weight = weights(sample_weight, y, caller)
    given = label_list(labels, caller)
    encoded, listed = LabelCodes(y, y if given is None else np.asarray(given)).encoded
    classes = np.unique(listed)
    if len(classes) > 2:
        expected = (len(y), len(classes))
        if decisions.ndim <= 1:
            raise ValueError(
                "The shape of pred_decision cannot be 1d arraywith a multiclass target. pred_decision shape must be "
                f"(n_samples, n_classes), that is {expected}. Got: {decisions.shape}"
            )
        if decisions.shape[1] != len(classes):
            if labels is None:
                raise ValueError("Please include all labels in y_true or pass labels as third argument")
            raise ValueError(
                "The shape of pred_decision is not consistent with the number of classes. With a multiclass target, "
                f"pred_decision shape must be (n_samples, n_classes), that is {expected}. Got: {decisions.shape}"
            )
        if np.setdiff1d(encoded, classes).size:
            raise ValueError("y_true contains previously unseen labels")
    else:
        decisions = column_or_1d(decisions)
        classes = np.unique(encoded)
    return _metrics.hinge_loss(encoded, decisions, classes.tolist(), weight)
