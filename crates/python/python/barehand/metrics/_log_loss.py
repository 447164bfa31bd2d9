"""Cross entropy of predicted probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand import _barehand
from barehand._check_array import check_array, check_consistent_length
from barehand._param_validation import check_parameters
from barehand.metrics._targets import LabelCodes, check_array_like, label_list, weights


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
    for name, value in (("y_true", y_true), ("y_proba", y_proba)):
        check_array_like(name, value, caller)
    proba = check_array(y_proba, ensure_2d=False, dtype=(np.float64, np.float32), order="C")
    if proba.max() > 1:
        raise ValueError(f"y_prob contains values greater than 1: {proba.max()}")
    if proba.min() < 0:
        raise ValueError(f"y_prob contains values lower than 0: {proba.min()}")
