"""How often the true class is among those with the highest scores."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand import exceptions
from barehand._barehand import _metrics
from barehand._check_array import check_array, check_consistent_length
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._targets import LabelCodes, check_array_like, label_list, read_labels, weights


def top_k_accuracy_score(
    y_true: Any, y_score: Any, *, k: int = 2, normalize: bool = True, sample_weight: Any = None, labels: Any = None
) -> float:
    """The share of samples whose true class is among the ``k`` classes with the highest scores.

    ``sum_i w_i [fewer than k classes rank above y_true_i] / sum_i w_i``; of equal scores the class further right ranks higher.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        y_score: ``(N, K)`` scores of the ``K`` sorted labels; or, for two classes, ``(N,)`` scores of the larger label, which
            count as a prediction of it above 0.5 when all lie in ``[0, 1]``, else above 0.
        k: how many classes count.
        normalize: whether to divide by the sum of the weights; otherwise the score is the weight of the hits.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        labels: all labels, sorted; needed where ``y_true`` lacks some.

    >>> scores = [[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1]]
    >>> top_k_accuracy_score([0, 1, 2, 2], scores, k=2)
    0.75
    """
    caller = "top_k_accuracy_score"
    check_parameters({"k": [Interval(int, 1, None)], "normalize": [bool]}, {"k": k, "normalize": normalize}, caller)
    y = read_labels("y_true", y_true, caller)
    check_array_like("y_score", y_score, caller)
    score = check_array(y_score, ensure_2d=False, dtype=(np.float64, np.float32), order="C")
    check_consistent_length(y, score, sample_weight)
    weight = weights(sample_weight, y, caller)
    given = label_list(labels, caller)
    codes = LabelCodes(y, y if given is None else np.asarray(given))
    encoded, listed = codes.encoded
    classes = np.unique(listed)
    if len(np.unique(encoded)) <= 2 and (given is None or len(given) <= 2):
        if score.ndim == 2 and score.shape[1] != 1:
            raise ValueError(
                f"`y_true` is binary while y_score is 2d with {score.shape[1]} classes. If `y_true` does not contain all the "
                "labels, `labels` must be provided."
            )
    elif score.ndim != 2:
        raise ValueError(
            "`y_score` needs to be of shape `(n_samples, n_classes)`, since `y_true` contains multiple classes. Got "
            f"`y_score.shape={score.shape}`."
        )
    columns = 2 if score.ndim == 1 or score.shape[1] == 1 else score.shape[1]
    if given is None:
        if len(classes) != columns:
            raise ValueError(
                f"Number of classes in 'y_true' ({len(classes)}) not equal to the number of classes in 'y_score' ({columns})."
                "You can provide a list of all known classes by assigning it to the `labels` parameter."
            )
    else:
        if len(classes) != len(listed):
            raise ValueError("Parameter 'labels' must be unique.")
        if not np.array_equal(classes, listed):
            raise ValueError("Parameter 'labels' must be ordered.")
        if len(classes) != columns:
            raise ValueError(
                f"Number of given labels ({len(classes)}) not equal to the number of classes in 'y_score' ({columns})."
            )
        if np.setdiff1d(encoded, classes).size:
            raise ValueError("'y_true' contains labels not in parameter 'labels'.")
    if k >= len(classes):
        warnings.warn(
            f"'k' ({k}) greater than or equal to 'n_classes' ({len(classes)}) will result in a perfect score and is therefore "
            "meaningless.",
            exceptions.UndefinedMetricWarning,
            stacklevel=2,
        )
    return _metrics.top_k_accuracy(encoded, score, int(k), bool(normalize), classes.tolist(), weight)
