"""Cross entropy of predicted probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import check_array, check_consistent_length
from barehand._param_validation import check_parameters
from barehand.metrics._targets import LabelCodes, check_array_like, label_list, read_labels, weights


def log_loss(
    y_true: Any, y_proba: Any, *, normalize: bool = True, sample_weight: Any = None, labels: Any = None
) -> float:
    """The mean negative logarithm of the probability given to the true class.

    ``-1/N sum_i w_i ln clip(p[i, y_i], eps, 1 - eps)``, with the machine epsilon of the probabilities' type.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        y_proba: ``(N, K)`` probabilities of the ``K`` sorted labels, or ``(N,)`` or ``(N, 1)`` of the larger of two.
        normalize: whether to divide by the sum of the weights.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        labels: all labels, needed where ``y_true`` lacks some; in whatever order, columns stand for them sorted.

    Rows that do not sum to 1 are warned about, and taken as they are.

    >>> log_loss(["spam", "ham", "ham", "spam"], [[0.1, 0.9], [0.9, 0.1], [0.8, 0.2], [0.35, 0.65]])
    0.21616187468057912
    """
    caller = "log_loss"
    check_parameters({"normalize": [bool]}, {"normalize": normalize}, caller)
    y = read_labels("y_true", y_true, caller)
    check_array_like("y_proba", y_proba, caller)
    proba = check_array(y_proba, ensure_2d=False, dtype=(np.float64, np.float32), order="C")
    if proba.max() > 1:
        raise ValueError(f"y_prob contains values greater than 1: {proba.max()}")
    if proba.min() < 0:
        raise ValueError(f"y_prob contains values lower than 0: {proba.min()}")
    check_consistent_length(proba, y, sample_weight)
    weight = weights(sample_weight, y, caller)
    given = label_list(labels, caller)
    codes = LabelCodes(y, y if given is None else np.asarray(given))
    encoded, listed = codes.encoded
    classes = np.unique(listed)
    shown = codes.decode(classes)
    if given is not None:
        if not np.array_equal(classes, listed):
            warnings.warn(
                f"Labels passed were {labels}. But this function assumes labels are ordered lexicographically. Pass the "
                f"ordered labels={shown.tolist()} and ensure that the columns of y_prob correspond to this ordering.",
                stacklevel=2,
            )
        undeclared = np.setdiff1d(encoded, classes)
        if undeclared.size:
            raise ValueError(
                f"y_true contains values {set(codes.decode(undeclared).tolist())} not belonging to the passed labels {labels}."
            )
    if len(classes) == 1:
        if given is None:
            raise ValueError(
                f"y_true contains only one label ({shown[0]}). Please provide the list of all expected class labels "
                "explicitly through the labels argument."
            )
        raise ValueError(f"The labels array needs to contain at least two labels, got {shown}.")
    columns = 2 if proba.ndim == 1 or proba.shape[1] == 1 else proba.shape[1]
    if columns != len(classes):
        if given is None:
            raise ValueError(
                f"y_true and y_prob contain different number of classes: {len(classes)} vs {columns}. Please provide the "
                f"true labels explicitly through the labels argument. Classes found in y_true: {shown}"
            )
        raise ValueError(
            f"The number of classes in labels is different from that in y_prob. Classes found in labels: {shown}"
        )
    eps = np.finfo(proba.dtype).eps
    if proba.size > len(proba) and not np.allclose(proba.sum(axis=1), 1, rtol=np.sqrt(eps)):
        warnings.warn("The y_prob values do not sum to one. Make sure to pass probabilities.", stacklevel=2)
    return _metrics.log_loss(encoded, proba, bool(normalize), classes.tolist(), weight)
