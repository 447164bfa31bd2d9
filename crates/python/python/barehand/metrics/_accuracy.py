"""Accuracy, and its mean over classes."""

from __future__ import annotations

import warnings
from typing import Any

from barehand._barehand import _metrics
from barehand._param_validation import check_parameters
from barehand.metrics._targets import Targets, as_label_sets


def accuracy_score(y_true: Any, y_pred: Any, *, normalize: bool = True, sample_weight: Any = None) -> float:
    """The share of samples whose predicted label is the true one: ``sum_i w_i [y_true_i = y_pred_i] / sum_i w_i``.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings; or an indicator matrix ``(N, K)`` of several labels for each
            sample, all of which must be right.
        y_pred: predicted labels, in the same form.
        normalize: whether to divide by the sum of the weights; otherwise the score is the weight of the right predictions.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    >>> accuracy_score([0, 1, 2, 3], [0, 2, 1, 3])
    0.5
    >>> accuracy_score(["cat", "dog"], ["cat", "cat"], normalize=False)
    1.0
    """
    check_parameters({"normalize": [bool]}, {"normalize": normalize}, "accuracy_score")
    targets = Targets("accuracy_score", y_true, y_pred, sample_weight, multilabel=True)
    true, pred = as_label_sets(targets.indicators) if targets.indicators else (targets.y_true, targets.y_pred)
    return _metrics.accuracy(true, pred, bool(normalize), targets.sample_weight)


def balanced_accuracy_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None, adjusted: bool = False) -> float:
    """The mean recall of the classes in ``y_true``, so that frequent classes do not outvote rare ones.

    ``1/K sum_k (weight of class k predicted as k) / (weight of class k)``

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        y_pred: ``(N,)`` predicted labels; a class that ``y_true`` lacks is warned about and left out.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        adjusted: whether to rescale so that guessing scores 0: ``(score - 1/K) / (1 - 1/K)``.

    >>> balanced_accuracy_score([0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1])
    0.625
    """
    check_parameters({"adjusted": [bool]}, {"adjusted": adjusted}, "balanced_accuracy_score")
    targets = Targets("balanced_accuracy_score", y_true, y_pred, sample_weight)
    score, unseen = _metrics.balanced_accuracy(targets.y_true, targets.y_pred, bool(adjusted), targets.sample_weight)
    if unseen:
        warnings.warn("y_pred contains classes not in y_true", stacklevel=2)
    return score
