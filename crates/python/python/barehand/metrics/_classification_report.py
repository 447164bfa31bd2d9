"""Every class's scores in one table."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._precision_recall import (
    check_zero_division,
    counted_as,
    precision_recall_fscore_support,
    warn_undefined,
)
from barehand.metrics._targets import Targets, check_array_like, label_list

_CONSTRAINTS: dict[str, list[Any]] = {"digits": [Interval(int, 0, None)], "output_dict": [bool]}


def classification_report(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    target_names: Any = None,
    sample_weight: Any = None,
    digits: int = 2,
    output_dict: bool = False,
    zero_division: Any = "warn",
) -> str | dict[str, Any]:
    """Precision, recall, F1 and support of each class, and their averages, as text or as numbers.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        y_pred: ``(N,)`` predicted labels.
        labels: the classes to report, in their order; None: all that occur, sorted.
        target_names: a name for each of them; None: the labels themselves.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        digits: digits after the point in the text; with weights, of the supports too.
        output_dict: whether to return ``{class or average: {"precision", "recall", "f1-score", "support"}}`` and
            ``"accuracy"`` instead of text.
        zero_division: as in `precision_recall_fscore_support`.

    The last lines are the micro average (named accuracy, which it then is, where the report covers all labels that occur),
    the macro and the weighted average, and for an indicator matrix that over samples.

    >>> print(classification_report([0, 1, 2, 2, 2], [0, 0, 2, 2, 1], target_names=["cat", "dog", "owl"]))
                  precision    recall  f1-score   support
    <BLANKLINE>
             cat       0.50      1.00      0.67         1
             dog       0.00      0.00      0.00         1
             owl       1.00      0.67      0.80         3
    <BLANKLINE>
        accuracy                           0.60         5
       macro avg       0.50      0.56      0.49         5
    weighted avg       0.70      0.60      0.61         5
    <BLANKLINE>
    """
    caller = "classification_report"
    check_parameters(_CONSTRAINTS, {"digits": digits, "output_dict": output_dict}, caller)
    check_array_like("target_names", target_names, caller, optional=True)
    otherwise = check_zero_division(zero_division, caller)
    targets = Targets(caller, y_true, y_pred, sample_weight, multilabel=True)
    listed = label_list(labels, caller)
    samples_avg = None
    if targets.indicators:
        counted = counted_as(targets, None, listed, None, stacklevel=2)
        true, pred, weight, codes = counted.true, counted.pred, counted.weight, counted.codes
        assert codes is not None
        samples_avg = precision_recall_fscore_support(
            y_true,
            y_pred,
            labels=labels,
            average="samples",
            sample_weight=sample_weight,
            zero_division=zero_division,
        )[:3]
    else:
        true, pred, weight = targets.y_true, targets.y_pred, targets.sample_weight
        present = _metrics.labels(true, pred)
        codes = present if listed is None else targets.codes.encode(listed)
    if target_names is not None and len(target_names) != len(codes):
        if listed is None:
            raise ValueError(
                f"Number of classes, {len(codes)}, does not match size of target_names, {len(target_names)}. Try specifying "
                "the labels parameter"
            )
        raise ValueError(f"labels size, {len(codes)}, does not match size of target_names, {len(target_names)}")
    shown = target_names if target_names is not None else labels
    if shown is None:
        shown = codes if targets.indicators else targets.codes.decode(codes)
    names = [str(name) for name in np.asarray(shown)]
    text, rows, accuracy, undefined = _metrics.classification_report(
        true,
        pred,
        None if listed is None and not targets.indicators else codes,
        names,
        weight,
        int(digits),
        otherwise,
        samples_avg,
    )
    if isinstance(zero_division, str):
        warn_undefined(undefined, ("precision", "recall", "f-score"), scores=len(codes), stacklevel=2)
    if not output_dict:
        return text
    report: dict[str, Any] = {}
    for name, *scores in rows:
        report[name] = dict(zip(("precision", "recall", "f1-score", "support"), scores, strict=True))
    if accuracy is None:
        return report
    # Accuracy takes the place of the micro average.
    return {
        ("accuracy" if name == "micro avg" else name): accuracy if name == "micro avg" else row
        for name, row in report.items()
    }
