"""The Jaccard index."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

from barehand import exceptions
from barehand._barehand import _metrics
from barehand._param_validation import check_parameters
from barehand.metrics._precision_recall import AVERAGE_AND_POS_LABEL, counted_as
from barehand.metrics._targets import Targets, label_list


def jaccard_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    pos_label: Any = 1,
    average: str | None = "binary",
    sample_weight: Any = None,
    zero_division: Any = "warn",
) -> Any:
    """Of what is in a class or was predicted to be, how much is both: ``tp / (tp + fp + fn)``.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings; or an indicator matrix ``(N, K)`` of several labels for each
            sample, whose columns are the classes.
        y_pred: predicted labels, in the same form.
        labels: the classes, in their order; None: all that occur, sorted.
        pos_label: the positive class of ``average="binary"``.
        average: as in `precision_recall_fscore_support`.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        zero_division: the score of a class that is neither true nor predicted: 0, 1, or ``"warn"``: 0 and an
            `UndefinedMetricWarning`.

    Returns:
        A float, or an array ``(K,)`` with ``average=None``.

    >>> jaccard_score([0, 1, 1], [1, 1, 1])
    0.6666666666666666
    """
    caller = "jaccard_score"
    check_parameters(AVERAGE_AND_POS_LABEL, {"average": average, "pos_label": pos_label}, caller)
    warn = isinstance(zero_division, str) and zero_division == "warn"
    if not warn and not (isinstance(zero_division, Real) and zero_division in (0, 1)):
        raise exceptions.InvalidParameterError(
            f"The 'zero_division' parameter of {caller} must be a float among {{0, 1}} or a str among {{'warn'}}. Got "
            f"{zero_division!r} instead."
        )
    targets = Targets(caller, y_true, y_pred, sample_weight, multilabel=True)
    counted = counted_as(targets, average, label_list(labels, caller), pos_label, stacklevel=3)
    otherwise = 0.0 if warn else float(zero_division)
    score, undefined = _metrics.jaccard(
        counted.true, counted.pred, counted.codes, counted.average, counted.weight, counted.class_weight, otherwise
    )
    if undefined and warn:
        axis, others = ("sample", "label") if average == "samples" else ("label", "sample")
        one = average == "micro" or (counted.codes is not None and len(counted.codes) == 1)
        warnings.warn(
            f"Jaccard is ill-defined and being set to 0.0 {'due to' if one else f'in {axis}s with'} no true or predicted "
            f"{others}s. Use `zero_division` parameter to control this behavior.",
            exceptions.UndefinedMetricWarning,
            stacklevel=2,
        )
    return score
