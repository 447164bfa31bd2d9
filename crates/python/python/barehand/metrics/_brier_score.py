"""The Brier score: the squared error of predicted probabilities."""

from __future__ import annotations

import math
from typing import Any

from barehand._barehand import _metrics
from barehand._check_array import check_consistent_length
from barehand._param_validation import check_parameters
from barehand.metrics._log_loss import warn_of_one_sample
from barehand.metrics._probabilities import BinaryProbabilities, Probabilities
from barehand.metrics._targets import check_array_like, read_scores


def brier_score_loss(
    y_true: Any,
    y_proba: Any,
    *,
    sample_weight: Any = None,
    pos_label: Any = None,
    labels: Any = None,
    scale_by_half: Any = "auto",
) -> float:
    """The mean squared distance between probabilities and what happened.

    ``1/N sum_i w_i sum_c ([y_i = c] - p[i, c])^2``; of two classes half of that, ``1/N sum_i w_i ([y_i = 1] - p_i)^2``.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        y_proba: ``(N, K)`` probabilities of the ``K`` sorted labels, or ``(N,)`` or ``(N, 1)`` of the positive of two.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        pos_label: the positive of two labels; None: the larger, which strings do not have.
        labels: all labels, needed where ``y_true`` lacks some.
        scale_by_half: whether to halve the sum over classes, so that the score lies in ``[0, 1]``; ``"auto"``: for two classes.

    >>> round(brier_score_loss([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]), 4)
    0.0375
    """
    caller = "brier_score_loss"
    check_parameters(
        {"pos_label": [float, str, bool, None], "scale_by_half": [bool, {"auto"}]},
        {"pos_label": pos_label, "scale_by_half": scale_by_half},
        caller,
    )
    data = _read(caller, y_true, y_proba, pos_label, labels, sample_weight)
    half = None if isinstance(scale_by_half, str) else bool(scale_by_half)
    return _metrics.brier_score(data.y_true, data.y_proba, list(data.classes), data.sample_weight, half, False)


def d2_brier_score(
    y_true: Any, y_proba: Any, *, sample_weight: Any = None, pos_label: Any = None, labels: Any = None
) -> float:
    """How much better than the classes' frequencies the probabilities are: ``1 - brier(p) / brier(frequencies)``.

    1 is perfect, 0 as good as the frequencies; it may be negative. Fewer than two samples give NaN and a warning.

    Args:
        y_true: ``(N,)`` labels; the arguments are those of `brier_score_loss`.
        y_proba: ``(N, K)`` probabilities of the ``K`` sorted labels, or ``(N,)`` or ``(N, 1)`` of the positive of two.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        pos_label: the positive of two labels.
        labels: all labels, needed where ``y_true`` lacks some.

    >>> d2_brier_score([0, 1, 1, 0], [0.5, 0.5, 0.5, 0.5])
    0.0
    """
    caller = "d2_brier_score"
    check_parameters({"pos_label": [float, str, bool, None]}, {"pos_label": pos_label}, caller)
    check_array_like("y_proba", y_proba, caller)
    check_consistent_length(y_proba, y_true, sample_weight)
    if len(y_proba) < 2:
        warn_of_one_sample()
        return math.nan
    data = _read(caller, y_true, y_proba, pos_label, labels, sample_weight)
    return _metrics.brier_score(data.y_true, data.y_proba, list(data.classes), data.sample_weight, None, True)


def _read(
    caller: str, y_true: Any, y_proba: Any, pos_label: Any, labels: Any, sample_weight: Any
) -> Probabilities | BinaryProbabilities:
    proba = read_scores("y_proba", y_proba, caller)
    if proba.ndim == 1 or proba.shape[1] == 1:
        return BinaryProbabilities(caller, y_true, proba, pos_label, sample_weight)
    return Probabilities(caller, y_true, proba, labels, sample_weight)
