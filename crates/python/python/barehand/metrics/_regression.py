"""Scores of predicted numbers: how far they are off, and how much of the targets' spread they explain."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from barehand import exceptions
from barehand._barehand import _metrics
from barehand._check_array import check_array, check_consistent_length, check_sample_weight
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._targets import check_array_like

_MEANS = ("raw_values", "uniform_average")


def mean_squared_error(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, multioutput: Any = "uniform_average"
) -> Any:
    """``sum w (y - p)^2 / sum w``.

    Args:
        y_true: ``(N,)`` or ``(N, K)`` targets.
        y_pred: predictions, of the same shape.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        multioutput: ``"raw_values"`` for one number for each of ``K`` outputs, ``"uniform_average"`` for their mean, or
            ``(K,)`` weights.

    >>> mean_squared_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
    0.375
    """
    return _error("mean_squared_error", y_true, y_pred, sample_weight, multioutput)


def root_mean_squared_error(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, multioutput: Any = "uniform_average"
) -> Any:
    """``sqrt(sum w (y - p)^2 / sum w)``; of several outputs, the mean of the roots.

    Arguments are those of `mean_squared_error`.

    >>> root_mean_squared_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
    0.6123724356957945
    """
    return _error("root_mean_squared_error", y_true, y_pred, sample_weight, multioutput)


def mean_absolute_error(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, multioutput: Any = "uniform_average"
) -> Any:
    """``sum w |y - p| / sum w``.

    Arguments are those of `mean_squared_error`.

    >>> mean_absolute_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
    0.5
    """
    return _error("mean_absolute_error", y_true, y_pred, sample_weight, multioutput)


def mean_absolute_percentage_error(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, multioutput: Any = "uniform_average"
) -> Any:
    """``sum w |y - p| / max(|y|, eps) / sum w``: a share, not a percentage, and huge where a target is 0.

    Arguments are those of `mean_squared_error`.

    >>> mean_absolute_percentage_error([1, -2, 4], [1, -1, 5])
    0.25
    """
    return _error("mean_absolute_percentage_error", y_true, y_pred, sample_weight, multioutput)


def mean_squared_log_error(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, multioutput: Any = "uniform_average"
) -> Any:
    """``sum w (ln(1 + y) - ln(1 + p))^2 / sum w``, of numbers greater than -1.

    Arguments are those of `mean_squared_error`.

    >>> round(mean_squared_log_error([3, 5, 2.5, 7], [2.5, 5, 4, 8]), 6)
    0.03973
    """
    return _error("mean_squared_log_error", y_true, y_pred, sample_weight, multioutput)


def root_mean_squared_log_error(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, multioutput: Any = "uniform_average"
) -> Any:
    """``sqrt(sum w (ln(1 + y) - ln(1 + p))^2 / sum w)``, of numbers greater than -1.

    Arguments are those of `mean_squared_error`.

    >>> round(root_mean_squared_log_error([3, 5, 2.5, 7], [2.5, 5, 4, 8]), 6)
    0.199324
    """
    return _error("root_mean_squared_log_error", y_true, y_pred, sample_weight, multioutput)


def median_absolute_error(
    y_true: Any, y_pred: Any, *, multioutput: Any = "uniform_average", sample_weight: Any = None
) -> Any:
    """The median of ``|y - p|``: the mean of the middle two where there are two.

    Arguments are those of `mean_squared_error`.

    >>> median_absolute_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8])
    0.5
    """
    return _error("median_absolute_error", y_true, y_pred, sample_weight, multioutput)


def mean_pinball_loss(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, alpha: float = 0.5, multioutput: Any = "uniform_average"
) -> Any:
    """The loss of a predicted quantile: the mean of ``alpha (y - p)`` where ``y >= p``, ``(1 - alpha) (p - y)`` elsewhere.

    Args:
        y_true: ``(N,)`` or ``(N, K)`` targets; other arguments are those of `mean_squared_error`.
        y_pred: predictions, of the same shape.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        alpha: which quantile was predicted, from 0 to 1; 0.5 is the median.
        multioutput: what becomes of several outputs.

    >>> mean_pinball_loss([1, 2, 3], [0, 2, 3], alpha=0.3)
    0.09999999999999999
    """
    _check_alpha(alpha, "mean_pinball_loss")
    return _error("mean_pinball_loss", y_true, y_pred, sample_weight, multioutput, float(alpha))


def max_error(y_true: Any, y_pred: Any) -> float:
    """The largest ``|y - p|``.

    Args:
        y_true: ``(N,)`` targets.
        y_pred: ``(N,)`` predictions.

    >>> max_error([3, 2, 7, 1], [4, 2, 7, 1])
    1.0
    """
    true, pred, _ = _check("max_error", y_true, y_pred, None)
    _one_output("max_error", true)
    return _metrics.regression_error("max_error", true, pred, None, "uniform_average", 0.0)


def r2_score(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    multioutput: Any = "uniform_average",
    force_finite: bool = True,
) -> Any:
    """R squared, the coefficient of determination: ``1 - sum w (y - p)^2 / sum w (y - mean y)^2``.

    1 is perfect, 0 as good as the mean; it may be negative. Fewer than two samples give NaN and a warning.

    Args:
        y_true: ``(N,)`` or ``(N, K)`` targets.
        y_pred: predictions, of the same shape.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        multioutput: ``"raw_values"`` for one number for each of ``K`` outputs, ``"uniform_average"`` for their mean,
            ``"variance_weighted"`` for their mean weighted by the targets' variances, or ``(K,)`` weights.
        force_finite: whether constant targets score 1 if they are met and 0 otherwise, instead of NaN and -infinity.

    >>> r2_score([1, 2, 3], [1, 2, 4])
    0.5
    """
    multioutput = "uniform_average" if multioutput is None else multioutput
    return _share("r2_score", y_true, y_pred, sample_weight, multioutput, force_finite, least=2)


def explained_variance_score(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    multioutput: Any = "uniform_average",
    force_finite: bool = True,
) -> Any:
    """``1 - var(y - p) / var(y)``: like R squared, but a constant shift of all predictions costs nothing.

    Arguments are those of `r2_score`.

    >>> explained_variance_score([1, 2, 3], [2, 3, 4])
    1.0
    """
    return _share("explained_variance_score", y_true, y_pred, sample_weight, multioutput, force_finite)


def d2_pinball_score(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, alpha: float = 0.5, multioutput: Any = "uniform_average"
) -> Any:
    """How much of the best constant quantile's pinball loss predictions explain.

    Args:
        y_true: ``(N,)`` or ``(N, K)`` targets; other arguments are those of `mean_squared_error`.
        y_pred: predictions, of the same shape.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        alpha: which quantile was predicted, from 0 to 1.
        multioutput: what becomes of several outputs.

    >>> d2_pinball_score([1, 2, 3], [1, 3, 3])
    0.5
    """
    _check_alpha(alpha, "d2_pinball_score")
    caller = "d2_pinball_score"
    return _share(caller, y_true, y_pred, sample_weight, multioutput, True, float(alpha), least=2, choices=_MEANS)


def d2_absolute_error_score(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, multioutput: Any = "uniform_average"
) -> Any:
    """How much of the median's absolute error predictions explain: ``1 - MAE(y, p) / MAE(y, median y)``.

    Arguments are those of `mean_squared_error`.

    >>> d2_absolute_error_score([1, 2, 3], [1, 3, 3])
    0.5
    """
    caller = "d2_pinball_score"
    return _share(caller, y_true, y_pred, sample_weight, multioutput, True, 0.5, least=2, choices=_MEANS)


def mean_tweedie_deviance(y_true: Any, y_pred: Any, *, sample_weight: Any = None, power: float = 0) -> float:
    """The mean deviance of a Tweedie distribution whose variance is the mean to this power.

    ``power`` 0 is the normal distribution, ``(y - p)^2``; 1 Poisson, ``2 (y ln(y/p) - y + p)``; 2 gamma,
    ``2 (ln(p/y) + y/p - 1)``; none lies between 0 and 1.

    Args:
        y_true: ``(N,)`` targets.
        y_pred: ``(N,)`` predictions.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        power: at most 0 or at least 1.

    >>> mean_tweedie_deviance([2, 0, 1, 4], [0.5, 0.5, 2.0, 2.0], power=1)
    1.4260151319598084
    """
    return _tweedie("mean_tweedie_deviance", y_true, y_pred, sample_weight, power)


def mean_poisson_deviance(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """The mean Poisson deviance, ``2 (y ln(y/p) - y + p)``, of targets that are not negative and positive predictions.

    Arguments are those of `mean_tweedie_deviance`.

    >>> mean_poisson_deviance([2, 0, 1, 4], [0.5, 0.5, 2.0, 2.0])
    1.4260151319598084
    """
    return _tweedie("mean_tweedie_deviance", y_true, y_pred, sample_weight, 1)


def mean_gamma_deviance(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """The mean gamma deviance, ``2 (ln(p/y) + y/p - 1)``, of positive numbers.

    Arguments are those of `mean_tweedie_deviance`.

    >>> mean_gamma_deviance([2, 0.5, 1, 4], [0.5, 0.5, 2.0, 2.0])
    1.0568528194400546
    """
    return _tweedie("mean_tweedie_deviance", y_true, y_pred, sample_weight, 2)


def d2_tweedie_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None, power: float = 0) -> float:
    """How much of the mean's Tweedie deviance predictions explain.

    Arguments are those of `mean_tweedie_deviance`.

    >>> d2_tweedie_score([1, 2, 3], [1, 2, 4])
    0.5
    """
    return _tweedie("d2_tweedie_score", y_true, y_pred, sample_weight, power, share=True)


def _check(
    caller: str, y_true: Any, y_pred: Any, sample_weight: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    for name, value in (("y_true", y_true), ("y_pred", y_pred)):
        check_array_like(name, value, caller)
    check_array_like("sample_weight", sample_weight, caller, optional=True)
    check_consistent_length(y_true, y_pred, sample_weight)
    true, pred = (check_array(y, ensure_2d=False, dtype=np.float64, order="C") for y in (y_true, y_pred))
    weight = None if sample_weight is None else check_sample_weight(sample_weight, true, ensure_non_negative=True)
    outputs = [y.shape[1] if y.ndim == 2 else 1 for y in (true, pred)]
    if outputs[0] != outputs[1]:
        raise ValueError(f"y_true and y_pred have different number of output ({outputs[0]}!={outputs[1]})")
    return true, pred.reshape(true.shape), weight


def _check_outputs(caller: str, multioutput: Any, true: np.ndarray, choices: tuple[str, ...]) -> Any:
    """How several outputs become one: a name, or a weight for each."""
    if isinstance(multioutput, str):
        if multioutput not in choices:
            raise exceptions.InvalidParameterError(
                f"The 'multioutput' parameter of {caller} must be a str among {{{', '.join(map(repr, sorted(choices)))}}} or an "
                f"array-like. Allowed 'multioutput' string values are {choices}. You provided multioutput={multioutput!r}"
            )
        return multioutput
    check_array_like("multioutput", multioutput, caller)
    weights = check_array(multioutput, ensure_2d=False, dtype=np.float64)
    outputs = true.shape[1] if true.ndim == 2 else 1
    if outputs == 1:
        raise ValueError("Custom weights are useful only in multi-output cases.")
    if weights.shape != (outputs,):
        raise ValueError(f"There must be equally many custom weights ({len(weights)}) as outputs ({outputs}).")
    return weights.tolist()


def _error(caller: str, y_true: Any, y_pred: Any, sample_weight: Any, multioutput: Any, parameter: float = 0.0) -> Any:
    true, pred, weight = _check(caller, y_true, y_pred, sample_weight)
    outputs = _check_outputs(caller, multioutput, true, _MEANS)
    if "log" in caller and (min(true.min(), pred.min()) <= -1):
        root = "Root " if caller.startswith("root") else ""
        raise ValueError(
            f"{root}Mean Squared Logarithmic Error cannot be used when targets contain values less than or equal to -1."
        )
    return _metrics.regression_error(caller, true, pred, weight, outputs, parameter)


def _share(
    caller: str,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    multioutput: Any,
    force_finite: bool,
    parameter: float = 0.0,
    *,
    least: int = 1,
    choices: tuple[str, ...] = (*_MEANS, "variance_weighted"),
) -> Any:
    check_parameters({"force_finite": [bool]}, {"force_finite": force_finite}, caller)
    true, pred, weight = _check(caller, y_true, y_pred, sample_weight)
    outputs = _check_outputs(caller, multioutput, true, choices)
    if len(true) < least:
        _warn_of_one_sample("R^2" if caller == "r2_score" else "D^2")
        return math.nan
    return _metrics.regression_share(caller, true, pred, weight, outputs, bool(force_finite), parameter)


def _warn_of_one_sample(score: str) -> None:
    warnings.warn(
        f"{score} score is not well-defined with less than two samples.",
        exceptions.UndefinedMetricWarning,
        stacklevel=4,
    )


def _one_output(caller: str, true: np.ndarray) -> None:
    if true.ndim == 2 and true.shape[1] > 1:
        raise ValueError(f"Multioutput not supported in {caller}")


def _check_alpha(alpha: float, caller: str) -> None:
    check_parameters({"alpha": [Interval(float, 0, 1, closed="both")]}, {"alpha": alpha}, caller)


def _tweedie(caller: str, y_true: Any, y_pred: Any, sample_weight: Any, power: float, *, share: bool = False) -> float:
    allowed = [Interval(float, None, 0, closed="right"), Interval(float, 1, None, closed="left")]
    check_parameters({"power": allowed}, {"power": power}, caller)
    true, pred, weight = _check(caller, y_true, y_pred, sample_weight)
    _one_output(caller, true)
    if share and len(true) < 2:
        _warn_of_one_sample("D^2")
        return math.nan
    message = f"Mean Tweedie deviance error with power={power} can only be used on "
    if power < 0 and (pred <= 0).any():
        raise ValueError(message + "strictly positive y_pred.")
    if 1 <= power < 2 and ((true < 0).any() or (pred <= 0).any()):
        raise ValueError(message + "non-negative y and strictly positive y_pred.")
    if power >= 2 and ((true <= 0).any() or (pred <= 0).any()):
        raise ValueError(message + "strictly positive y and y_pred.")
    return _metrics.tweedie(true, pred, weight, float(power), share)
