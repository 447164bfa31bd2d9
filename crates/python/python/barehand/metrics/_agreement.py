"""How far truth and predictions, or two raters, agree beyond chance."""

from __future__ import annotations

import math
import warnings
from numbers import Real
from typing import Any

import numpy as np

from barehand import exceptions
from barehand._barehand import _metrics
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._targets import Targets, label_list


def matthews_corrcoef(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """The correlation of true and predicted classes, from -1 to 1.

    ``(c s - sum_k t_k p_k) / sqrt((s^2 - sum_k p_k^2) (s^2 - sum_k t_k^2))``, with ``t`` and ``p`` the sums of the confusion
    matrix's rows and columns, ``c`` of its diagonal, ``s`` of everything; 0 where either has a single class.

    Args:
        y_true: ``(N,)`` labels: numbers, bools or strings.
        y_pred: ``(N,)`` predicted labels.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    >>> matthews_corrcoef([1, 1, 1, -1], [1, -1, 1, 1])
    -0.3333333333333333
    """
    targets = Targets("matthews_corrcoef", y_true, y_pred, sample_weight)
    return _metrics.matthews(targets.y_true, targets.y_pred, targets.sample_weight)


def cohen_kappa_score(
    y1: Any,
    y2: Any,
    *,
    labels: Any = None,
    weights: str | None = None,
    sample_weight: Any = None,
    replace_undefined_by: float = np.nan,
) -> float:
    """Cohen's kappa: how much less two raters differ than they would by chance, at most 1.

    ``1 - sum_ij d_ij C_ij / sum_ij d_ij E_ij``, with ``C`` the confusion matrix, ``E`` what chance gives, and ``d`` how much a
    confusion of two classes counts.

    Args:
        y1: ``(N,)`` labels of one rater: numbers, bools or strings.
        y2: ``(N,)`` labels of the other.
        labels: the classes, in their order; None: all that occur, sorted.
        weights: None for ``d_ij = [i != j]``, ``"linear"`` for ``|i - j|``, ``"quadratic"`` for ``(i - j)^2``.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        replace_undefined_by: the score where chance makes no difference, in ``[-1, 1]`` or NaN.

    >>> cohen_kappa_score(["no", "no", "no", "no", "yes", "yes"], ["no", "no", "no", "yes", "yes", "yes"])
    0.6666666666666667
    """
    caller = "cohen_kappa_score"
    check_parameters({"weights": [{"linear", "quadratic"}, None]}, {"weights": weights}, caller)
    if not (isinstance(replace_undefined_by, Real) and math.isnan(replace_undefined_by)):
        allowed = {"replace_undefined_by": [Interval(float, -1.0, 1.0, closed="both")]}
        check_parameters(allowed, {"replace_undefined_by": replace_undefined_by}, caller)
    targets = Targets(caller, y1, y2, sample_weight)
    listed = label_list(labels, caller)
    codes = None if listed is None else targets.codes.encode(listed)
    if codes is not None and not np.isin(targets.y_true, codes).any():
        raise ValueError(
            "At least one label in `labels` must be present in `y1` (even though `cohen_kappa_score` is otherwise agnostic to "
            "the order of `y1` and `y2`)."
        )
    kappa, counted = _metrics.cohen_kappa(targets.y_true, targets.y_pred, codes, weights, targets.sample_weight)
    if kappa is not None:
        return kappa
    what = (
        "`y2` contains no labels that are present in both `y1` and `labels`."
        if counted == 0
        else "`y1`, `y2` and `labels` have only one label in common. "
    )
    warnings.warn(
        f"{what}`cohen_kappa_score` is undefined and set to the value defined by the `replace_undefined_by` param, which is set "
        f"to {replace_undefined_by}.",
        exceptions.UndefinedMetricWarning,
        stacklevel=2,
    )
    return replace_undefined_by


def class_likelihood_ratios(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    sample_weight: Any = None,
    replace_undefined_by: Any = np.nan,
) -> tuple[float, float]:
    """How many times as likely a positive prediction is where it is true as where it is not, and the same of a negative one.

    ``LR+ = (tp / (tp + fn)) / (fp / (fp + tn))``, ``LR- = (fn / (tp + fn)) / (tn / (fp + tn))``

    Args:
        y_true: ``(N,)`` labels of two classes, the larger of which is positive.
        y_pred: ``(N,)`` predicted labels.
        labels: the negative and the positive label; None: those that occur, sorted.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        replace_undefined_by: where nothing can be divided: NaN, 1.0 for both, or ``{"LR+": ..., "LR-": ...}``.

    >>> class_likelihood_ratios([0, 1, 0, 1, 0], [1, 1, 0, 0, 0])
    (1.5, 0.75)
    """
    caller = "class_likelihood_ratios"
    targets = Targets(caller, y_true, y_pred, sample_weight)
    present = _metrics.labels(targets.y_true, targets.y_pred)
    if len(present) > 2:
        raise ValueError(
            "class_likelihood_ratios only supports binary classification problems, got targets of type: multiclass"
        )
    instead = _likelihood_ratios_instead(replace_undefined_by, caller)
    listed = label_list(labels, caller)
    codes = targets.codes.encode(listed) if listed is not None else present
    if len(codes) != 2:
        raise ValueError(f"class_likelihood_ratios needs two labels, found {targets.codes.decode(codes)}")
    (tn, fp, fn, tp), positive, negative = _metrics.likelihood_ratios(
        targets.y_true, targets.y_pred, codes, targets.sample_weight
    )
    control = (
        "set to `np.nan`. Use the `replace_undefined_by` param to control this behavior. To suppress this warning or turn it "
        "into an error, see Python's `warnings` module and `warnings.catch_warnings()`."
    )
    reasons = []
    if tp + fn == 0:
        reasons.append(
            "No samples of the positive class are present in `y_true`. `positive_likelihood_ratio` and "
            f"`negative_likelihood_ratio` are both {control}"
        )
    if fp == 0:
        nobody = "No samples were predicted for the positive class and `positive_likelihood_ratio` is "
        reasons.append((nobody if tp == 0 else "`positive_likelihood_ratio` is ill-defined and ") + control)
    if tn == 0:
        reasons.append(f"`negative_likelihood_ratio` is ill-defined and {control}")
    for reason in reasons:
        warnings.warn(reason, exceptions.UndefinedMetricWarning, stacklevel=2)
    if tp + fn == 0 and fp != 0:
        positive = math.nan
    if tp + fn == 0 and tn != 0:
        negative = math.nan
    return instead["LR+"] if positive is None else positive, instead["LR-"] if negative is None else negative


def _likelihood_ratios_instead(replace_undefined_by: Any, caller: str) -> dict[str, float]:
    if isinstance(replace_undefined_by, dict):
        try:
            positive, negative = (replace_undefined_by[name] for name in ("LR+", "LR-"))
            if not (isinstance(positive, Real) and isinstance(negative, Real)):
                raise TypeError("not numbers")
            if positive < 1 or not (math.isnan(negative) or 0 <= negative <= 1):
                raise ValueError("out of range")
        except Exception as error:
            raise ValueError(
                "The dictionary passed as `replace_undefined_by` needs to be in the form `{'LR+': `value_1`, 'LR-': `value_2`}` "
                "where the value for `LR+` ranges from `1.0` to `np.inf` or is `np.nan` and the value for `LR-` ranges from "
                f"`0.0` to `1.0` or is `np.nan`; got `{replace_undefined_by}`."
            ) from error
        return {"LR+": positive, "LR-": negative}
    if isinstance(replace_undefined_by, Real) and (replace_undefined_by == 1.0 or math.isnan(replace_undefined_by)):
        return dict.fromkeys(("LR+", "LR-"), float(replace_undefined_by))
    raise exceptions.InvalidParameterError(
        f"The 'replace_undefined_by' parameter of {caller} must be a float among {{1.0, nan}} or a dict. Got "
        f"{replace_undefined_by!r} instead."
    )
