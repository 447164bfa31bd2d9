"""Whether probabilities mean what they say, under `sklearn.calibration`'s names."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import check_array
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._targets import BinaryScores

__all__ = ["calibration_curve"]


def calibration_curve(
    y_true: Any, y_prob: Any, *, pos_label: Any = None, n_bins: int = 5, strategy: str = "uniform"
) -> tuple[np.ndarray, np.ndarray]:
    """The share of positives among samples to which about the same probability was given.

    Args:
        y_true: ``(N,)`` labels of two classes: 0 and 1, -1 and 1, or any with ``pos_label``.
        y_prob: ``(N,)`` probabilities of the positive label.
        pos_label: the positive label.
        n_bins: how many bins probabilities are sorted into; one on the border of two lies in the lower.
        strategy: ``"uniform"`` for bins of equal width, ``"quantile"`` for bins of equally many samples.

    Returns:
        the share of positives and the mean probability of each bin that is not empty.

    >>> prob_true, prob_pred = calibration_curve([0, 0, 0, 0, 1, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.65, 0.7, 0.8, 0.9, 1.0], n_bins=3)
    >>> prob_true, prob_pred.round(3)
    (array([0. , 0.5, 1. ]), array([0.2  , 0.525, 0.85 ]))
    """
    caller = "calibration_curve"
    check_parameters(
        {
            "pos_label": [float, str, bool, None],
            "n_bins": [Interval(int, 1, None)],
            "strategy": [{"uniform", "quantile"}],
        },
        {"pos_label": pos_label, "n_bins": n_bins, "strategy": strategy},
        caller,
    )
    data = BinaryScores(caller, y_true, y_prob, pos_label, None)
    proba = check_array(data.y_score, ensure_2d=False, dtype=np.float64)
    if proba.min() < 0 or proba.max() > 1:
        raise ValueError("y_prob has values outside [0, 1].")
    labels = np.unique(np.asarray(y_true))
    if len(labels) > 2:
        raise ValueError(f"Only binary classification is supported. Provided labels {labels}.")
    return _metrics.calibration_curve(data.y_true, proba, data.positive, int(n_bins), strategy == "quantile")
