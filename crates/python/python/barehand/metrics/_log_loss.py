"""Cross entropy of predicted probabilities."""

from __future__ import annotations

import math
import warnings
from typing import Any

from barehand import exceptions
from barehand._barehand import _metrics
from barehand._check_array import check_consistent_length
from barehand._param_validation import check_parameters
from barehand.metrics._probabilities import Probabilities
from barehand.metrics._targets import check_array_like


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
    check_parameters({"normalize": [bool]}, {"normalize": normalize}, "log_loss")
    data = Probabilities("log_loss", y_true, y_proba, labels, sample_weight)
    return _metrics.log_loss(data.y_true, data.y_proba, bool(normalize), data.classes, data.sample_weight)


def d2_log_loss_score(y_true: Any, y_proba: Any, *, sample_weight: Any = None, labels: Any = None) -> float:
    """How much less surprising the classes are than by their frequencies: ``1 - log_loss(p) / log_loss(frequencies)``.

    1 is perfect, 0 as good as the frequencies; it may be negative. Fewer than two samples give NaN and a warning.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        y_proba: ``(N, K)`` probabilities of the ``K`` sorted labels, or ``(N,)`` or ``(N, 1)`` of the larger of two.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        labels: all labels, needed where ``y_true`` lacks some.

    >>> d2_log_loss_score([0, 1, 1, 0], [0.5, 0.5, 0.5, 0.5])
    0.0
    """
    caller = "d2_log_loss_score"
    check_array_like("y_proba", y_proba, caller)
    check_consistent_length(y_proba, y_true, sample_weight)
    if len(y_proba) < 2:
        warn_of_one_sample()
        return math.nan
    data = Probabilities(caller, y_true, y_proba, labels, sample_weight)
    return _metrics.d2_log_loss(data.y_true, data.y_proba, data.classes, data.sample_weight)


def warn_of_one_sample() -> None:
    """Warns that a share of what is explained needs two samples."""
    warnings.warn(
        "D^2 score is not well-defined with less than two samples.", exceptions.UndefinedMetricWarning, stacklevel=3
    )
