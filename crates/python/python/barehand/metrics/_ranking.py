"""Scores of rankings: is what is relevant near the top?"""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import check_array, check_consistent_length, is_sparse
from barehand._param_validation import Interval, check_parameters
from barehand.metrics._targets import check_array_like, read_scores, read_target, weights

_K = [Interval(int, 1, None), None]


def dcg_score(
    y_true: Any,
    y_score: Any,
    *,
    k: int | None = None,
    log_base: float = 2,
    sample_weight: Any = None,
    ignore_ties: bool = False,
) -> float:
    """Discounted cumulative gain: ``sum over ranks r of gain at r / log(r + 1)``, the mean over rows.

    Args:
        y_true: ``(N, K)`` gains of ``K`` documents.
        y_score: ``(N, K)`` their scores. Equal scores share their ranks: each counts with their mean gain.
        k: how many of the first ranks count; None: all.
        log_base: the base of the logarithm.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        ignore_ties: whether to take the later of equally scored documents first instead.

    >>> round(dcg_score([[10, 0, 0, 1, 5]], [[0.1, 0.2, 0.3, 4, 70]]), 4)
    9.4995
    """
    caller = "dcg_score"
    check_parameters(
        {"k": _K, "log_base": [Interval(float, 0.0, None, closed="neither")], "ignore_ties": [bool]},
        {"k": k, "log_base": log_base, "ignore_ties": ignore_ties},
        caller,
    )
    return _gain(caller, y_true, y_score, k, float(log_base), sample_weight, ignore_ties, False)


def ndcg_score(
    y_true: Any, y_score: Any, *, k: int | None = None, sample_weight: Any = None, ignore_ties: bool = False
) -> float:
    """Discounted cumulative gain as a share of that of the best order, the mean over rows; 0 for a row without gains.

    Args:
        y_true: ``(N, K)`` gains of two documents or more, not negative; other arguments are those of `dcg_score`.
        y_score: ``(N, K)`` their scores.
        k: how many of the first ranks count; None: all.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.
        ignore_ties: whether to take the later of equally scored documents first instead of their mean.

    >>> round(ndcg_score([[10, 0, 0, 1, 5]], [[0.1, 0.2, 0.3, 4, 70]]), 4)
    0.6957
    """
    caller = "ndcg_score"
    check_parameters({"k": _K, "ignore_ties": [bool]}, {"k": k, "ignore_ties": ignore_ties}, caller)
    return _gain(caller, y_true, y_score, k, 2.0, sample_weight, ignore_ties, True)


def label_ranking_average_precision_score(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """For each label that is set, the share of those ranked as high or higher that is set too; the mean over all.

    Args:
        y_true: ``(N, K)`` indicator matrix of several labels for each sample.
        y_score: ``(N, K)`` scores.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    >>> round(label_ranking_average_precision_score([[1, 0, 0], [0, 0, 1]], [[0.75, 0.5, 1], [1, 0.2, 0.1]]), 4)
    0.4167
    """
    return _labels("label_ranking_average_precision_score", y_true, y_score, sample_weight)


def label_ranking_loss(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """The share of pairs of a label that is set and one that is not which are ordered wrong; equal scores count as wrong.

    Args:
        y_true: ``(N, K)`` indicator matrix of several labels for each sample.
        y_score: ``(N, K)`` scores.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    >>> label_ranking_loss([[1, 0, 0], [0, 0, 1]], [[0.75, 0.5, 1], [1, 0.2, 0.1]])
    0.75
    """
    return _labels("label_ranking_loss", y_true, y_score, sample_weight)


def coverage_error(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """How far down the ranking one has to go to meet every label that is set, on average.

    Args:
        y_true: ``(N, K)`` indicator matrix of several labels for each sample.
        y_score: ``(N, K)`` scores.
        sample_weight: ``(N,)`` finite weights, not negative; None: all 1.

    >>> coverage_error([[1, 0, 0], [0, 1, 1]], [[1, 0, 0], [0, 1, 1]])
    1.5
    """
    return _labels("coverage_error", y_true, y_score, sample_weight)


def mean_reciprocal_rank(relevant: Any, scores: Any, *, k: int | None = None, query_weight: Any = None) -> float:
    """The mean of ``1 / rank`` of the first relevant document; 0 where it is not among the first ``k``.

    Equal scores have no order: the score is the mean over all orders of the ties. Queries without relevant documents score 0.

    Args:
        relevant: ``(queries, documents)``: which are relevant, bools or 0 and 1.
        scores: ``(queries, documents)``.
        k: how many of the first documents count; None: all.
        query_weight: a weight for each query; None: all 1.

    >>> mean_reciprocal_rank([[0, 1, 0], [1, 0, 0]], [[0.9, 0.5, 0.1], [0.2, 0.3, 0.1]])
    0.5
    """
    return _retrieval("mean_reciprocal_rank", relevant, scores, k, query_weight)


def mean_average_precision_at_k(relevant: Any, scores: Any, *, k: int | None = None, query_weight: Any = None) -> float:
    """The mean over queries of the average precision at ``k``.

    ``AP@k = sum over ranks i to k of [relevant at i] hits up to i / i, divided by min(k, relevant documents)``

    Arguments are those of `mean_reciprocal_rank`.

    >>> round(mean_average_precision_at_k([[1, 0, 1]], [[0.9, 0.5, 0.1]]), 4)
    0.8333
    """
    return _retrieval("mean_average_precision_at_k", relevant, scores, k, query_weight)


def recall_at_k(relevant: Any, scores: Any, *, k: int, query_weight: Any = None) -> float:
    """The mean share of the relevant documents that are among the first ``k``.

    Arguments are those of `mean_reciprocal_rank`.

    >>> recall_at_k([[1, 0, 1]], [[0.9, 0.5, 0.1]], k=2)
    0.5
    """
    return _retrieval("recall_at_k", relevant, scores, k, query_weight)


def hit_rate(relevant: Any, scores: Any, *, k: int, query_weight: Any = None) -> float:
    """The share of queries with a relevant document among the first ``k``.

    Arguments are those of `mean_reciprocal_rank`.

    >>> hit_rate([[1, 0, 1], [0, 0, 1]], [[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]], k=2)
    0.5
    """
    return _retrieval("hit_rate", relevant, scores, k, query_weight)


def _gain(
    caller: str,
    y_true: Any,
    y_score: Any,
    k: int | None,
    log_base: float,
    sample_weight: Any,
    ignore_ties: bool,
    normalized: bool,
) -> float:
    for name, value in (("y_true", y_true), ("y_score", y_score)):
        check_array_like(name, value, caller)
    gains, scores = (check_array(y, ensure_2d=False, dtype=np.float64, order="C") for y in (y_true, y_score))
    check_consistent_length(gains, scores, sample_weight)
    if normalized:
        if gains.min() < 0:
            raise ValueError("ndcg_score should not be used on negative y_true values.")
        if gains.ndim > 1 and gains.shape[1] <= 1:
            raise ValueError(
                f"Computing NDCG is only meaningful when there is more than 1 document. Got {gains.shape[1]} instead."
            )
    kind = read_target("y_true", gains, caller)[1]
    supported = ("multilabel-indicator", "continuous-multioutput", "multiclass-multioutput")
    if kind not in supported:
        raise ValueError(f"Only {supported} formats are supported. Got {kind} instead")
    if gains.shape != scores.shape:
        raise ValueError(f"y_true and y_score have different shapes, {gains.shape} and {scores.shape}")
    weight = weights(sample_weight, gains, caller)
    return _metrics.gain(gains, scores, None if k is None else int(k), log_base, weight, bool(ignore_ties), normalized)


def _labels(caller: str, y_true: Any, y_score: Any, sample_weight: Any) -> float:
    check_array_like("y_true", y_true, caller)
    if is_sparse(y_true) and caller != "coverage_error":
        y_true = y_true.toarray()
    two_dimensional = caller == "coverage_error"
    truth = check_array(y_true, ensure_2d=two_dimensional)
    check_array_like("y_score", y_score, caller)
    scores = check_array(y_score, ensure_2d=two_dimensional, dtype=(np.float64, np.float32), order="C")
    check_consistent_length(truth, scores, sample_weight)
    kind = read_target("y_true", truth, caller)[1]
    column = caller == "label_ranking_average_precision_score" and kind == "binary" and truth.ndim == 2
    if caller == "label_ranking_average_precision_score" and truth.shape != scores.shape:
        raise ValueError("y_true and y_score have different shape")
    if kind != "multilabel-indicator" and not column:
        raise ValueError(f"{kind} format is not supported")
    if truth.shape != scores.shape:
        raise ValueError("y_true and y_score have different shape")
    weight = weights(sample_weight, truth, caller)
    return _metrics.label_ranking(caller, np.ascontiguousarray(truth != 0), scores, weight)


def _retrieval(caller: str, relevant: Any, scores: Any, k: int | None, query_weight: Any) -> float:
    check_parameters({"k": _K if caller.startswith("mean") else _K[:1]}, {"k": k}, caller)
    check_array_like("relevant", relevant, caller)
    truth = check_array(relevant)
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("`relevant` says of each document whether it is relevant: bools, or 0 and 1, were expected")
    scores = read_scores("scores", scores, caller)
    if truth.shape != scores.shape:
        raise ValueError(f"relevant and scores have different shapes, {truth.shape} and {scores.shape}")
    weight = weights(query_weight, truth, caller)
    return _metrics.retrieval(caller, truth.astype(bool), scores, None if k is None else int(k), weight)
