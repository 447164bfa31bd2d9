#!/usr/bin/env python3
"""Scores over thresholds, of numbers, clusters and rankings by scikit-learn, for the tests of crates/metrics.

    python3 proofs/goldens/scores.py

Writes crates/metrics/tests/goldens/scores.json: sections of cases, each with its inputs and what scikit-learn makes of
them. NaN is written as null, infinity as "inf".
"""

import json
import math
import platform
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

OUT = Path(__file__).resolve().parents[2] / "crates/metrics/tests/goldens/scores.json"
RNG = np.random.RandomState(20)


def plain(value):
    """Numbers and lists that JSON knows."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (np.integer, int)):
        return int(value)
    if isinstance(value, (np.floating, float)):
        return None if math.isnan(value) else "inf" if math.isinf(value) else float(value)
    return value


def binary(name, y_true, y_score, weights=None):
    options = {"sample_weight": weights}
    case = {"name": name, "y_true": y_true, "y_score": y_score, "weights": weights}
    case["roc_auc"] = metrics.roc_auc_score(y_true, y_score, **options)
    case["partial"] = {str(f): metrics.roc_auc_score(y_true, y_score, max_fpr=f, **options) for f in (0.1, 0.5, 1.0)}
    case["average_precision"] = metrics.average_precision_score(y_true, y_score, **options)
    for drop in (False, True):
        key = "dropped" if drop else "whole"
        case[f"roc_{key}"] = metrics.roc_curve(y_true, y_score, drop_intermediate=drop, **options)
        case[f"precision_recall_{key}"] = metrics.precision_recall_curve(
            y_true, y_score, drop_intermediate=drop, **options
        )
        case[f"det_{key}"] = metrics.det_curve(y_true, y_score, drop_intermediate=drop, **options)
    return case


def several(name, n, classes, weights=None, ties=False):
    y_true = RNG.permutation(np.arange(n) % classes)
    p = RNG.rand(n, classes).round(1) + 0.1 if ties else RNG.rand(n, classes)
    p /= p.sum(axis=1, keepdims=True)
    case = {"name": name, "y_true": y_true, "y_score": p, "weights": weights}
    for average in ("macro", "weighted", "micro"):
        case[f"ovr_{average}"] = metrics.roc_auc_score(
            y_true, p, multi_class="ovr", average=average, sample_weight=weights
        )
    for average in ("macro", "weighted"):
        case[f"ovo_{average}"] = metrics.roc_auc_score(y_true, p, multi_class="ovo", average=average)
    case["each"] = metrics.roc_auc_score(y_true, p, multi_class="ovr", average=None, sample_weight=weights)
    case["brier"] = metrics.brier_score_loss(y_true, p, sample_weight=weights)
    case["d2_brier"] = metrics.d2_brier_score(y_true, p, sample_weight=weights)
    case["d2_log_loss"] = metrics.d2_log_loss_score(y_true, p, sample_weight=weights)
    case["hinge"] = metrics.hinge_loss(y_true, p, sample_weight=weights)
    y_pred = p.argmax(axis=1)
    case["y_pred"] = y_pred
    case["matthews"] = metrics.matthews_corrcoef(y_true, y_pred, sample_weight=weights)
    for kind in (None, "linear", "quadratic"):
        case[f"kappa_{kind}"] = metrics.cohen_kappa_score(y_true, y_pred, weights=kind, sample_weight=weights)
    for average in ("macro", "weighted", "micro"):
        case[f"jaccard_{average}"] = metrics.jaccard_score(y_true, y_pred, average=average, sample_weight=weights)
    case["zero_one"] = metrics.zero_one_loss(y_true, y_pred, sample_weight=weights)
    return case


def labels(name, n, columns, weights=None, ties=False):
    y_true = RNG.rand(n, columns) < 0.4
    y_true[0], y_true[1] = True, False
    y_score = RNG.rand(n, columns).round(1) if ties else RNG.rand(n, columns)
    case = {"name": name, "y_true": y_true, "y_score": y_score, "weights": weights}
    for average in ("macro", "weighted", "micro"):
        case[f"roc_auc_{average}"] = metrics.roc_auc_score(y_true, y_score, average=average, sample_weight=weights)
    for average in ("macro", "weighted", "micro", "samples"):
        case[f"average_precision_{average}"] = metrics.average_precision_score(
            y_true, y_score, average=average, sample_weight=weights
        )
    case["label_ranking_average_precision"] = metrics.label_ranking_average_precision_score(
        y_true, y_score, sample_weight=weights
    )
    case["label_ranking_loss"] = metrics.label_ranking_loss(y_true, y_score, sample_weight=weights)
    case["coverage_error"] = metrics.coverage_error(y_true, y_score, sample_weight=weights)
    case["hamming"] = metrics.hamming_loss(y_true, y_score > 0.5, sample_weight=weights)
    gains = RNG.randint(0, 5, (n, columns)) * y_true
    case["gains"] = gains
    for k in (None, 2):
        for ignore in (False, True):
            options = {"k": k, "sample_weight": weights, "ignore_ties": ignore and not ties}
            key = f"{k}_{'ignore' if options['ignore_ties'] else 'average'}"
            case[f"dcg_{key}"] = metrics.dcg_score(gains, y_score, **options)
            case[f"ndcg_{key}"] = metrics.ndcg_score(gains, y_score, **options)
    return case


def numbers(name, y_true, y_pred, weights=None, positive=False):
    case = {"name": name, "y_true": y_true, "y_pred": y_pred, "weights": weights}
    options = {"sample_weight": weights, "multioutput": "raw_values"}
    for score in ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "median_absolute_error",
                  "mean_absolute_percentage_error", "r2_score", "explained_variance_score", "d2_absolute_error_score"):
        case[score] = np.atleast_1d(getattr(metrics, score)(y_true, y_pred, **options))
    for alpha in (0.1, 0.8):
        case[f"pinball_{alpha}"] = metrics.mean_pinball_loss(y_true, y_pred, alpha=alpha, **options)
        case[f"d2_pinball_{alpha}"] = np.atleast_1d(metrics.d2_pinball_score(y_true, y_pred, alpha=alpha, **options))
    options["multioutput"] = "variance_weighted"
    case["r2_variance_weighted"] = metrics.r2_score(y_true, y_pred, **options)
    if positive:
        case["mean_squared_log_error"] = metrics.mean_squared_log_error(y_true, y_pred, sample_weight=weights)
        for power in (-0.5, 0, 1, 1.5, 2, 3):
            case[f"tweedie_{power}"] = metrics.mean_tweedie_deviance(
                y_true, y_pred, power=power, sample_weight=weights
            )
            case[f"d2_tweedie_{power}"] = metrics.d2_tweedie_score(y_true, y_pred, power=power, sample_weight=weights)
    return case


def clusterings(name, a, b):
    case = {"name": name, "a": a, "b": b, "pairs": metrics.pair_confusion_matrix(a, b).ravel()}
    for score in ("rand_score", "adjusted_rand_score", "fowlkes_mallows_score", "mutual_info_score",
                  "homogeneity_score", "completeness_score", "v_measure_score"):
        case[score] = getattr(metrics, score)(a, b)
    for mean in ("arithmetic", "geometric", "min", "max"):
        case[f"normalized_{mean}"] = metrics.normalized_mutual_info_score(a, b, average_method=mean)
        case[f"adjusted_{mean}"] = metrics.adjusted_mutual_info_score(a, b, average_method=mean)
    table = contingency_matrix(a, b, sparse=True, dtype=np.int64)
    case["expected"] = expected_mutual_information(table, len(a))
    return case


def samples(name, x, clusters):
    case = {"name": name, "x": x, "labels": clusters}
    for metric in ("euclidean", "manhattan", "cosine"):
        case[metric] = metrics.silhouette_samples(x, clusters, metric=metric)
    case["calinski_harabasz"] = metrics.calinski_harabasz_score(x, clusters)
    case["davies_bouldin"] = metrics.davies_bouldin_score(x, clusters)
    return case


def calibration(name, y_true, y_prob):
    case = {"name": name, "y_true": y_true, "y_prob": y_prob}
    for strategy in ("uniform", "quantile"):
        for bins in (1, 3, 10):
            case[f"{strategy}_{bins}"] = calibration_curve(y_true, y_prob, n_bins=bins, strategy=strategy)
    return case


def main():
    warnings.simplefilter("ignore")
    weights = lambda n: RNG.rand(n).round(3)
    some_zero = np.array([0.0, 1.5, 0.25, 0.0, 2.0, 1.0, 0.5])
    small = ([0, 1, 1, 0, 1, 0, 0], [0.2, 0.4, 0.4, 0.4, 0.9, 0.1, 0.9])
    y60 = RNG.permutation(np.arange(60) % 2)
    binaries = [
        binary("ties", *small),
        binary("ties, weighted, some not at all", *small, weights=some_zero),
        binary("perfect", [0, 0, 1, 1], [1.0, 2.0, 3.0, 4.0]),
        binary("upside down", [1, 1, 0, 0], [-1.0, 2.0, 3.0, 4.5]),
        binary("all scores the same", [0, 1, 0, 1], [0.5] * 4),
        binary("zeros of both signs", [0, 1, 0, 1, 1], [0.0, -0.0, -1.0, 0.0, 1e-300]),
        binary("random", y60, RNG.randn(60)),
        binary("random with ties", y60, RNG.rand(60).round(1)),
        binary("random, weighted", y60, RNG.rand(60).round(1), weights=weights(60)),
    ]
    classes = [
        several("three classes", 24, 3),
        several("five classes with ties", 40, 5, ties=True),
        several("four classes, weighted", 40, 4, weights=weights(40)),
    ]
    label_cases = [
        labels("several labels", 12, 4),
        labels("several labels with ties", 12, 5, ties=True),
        labels("several labels, weighted", 12, 4, weights=weights(12)),
    ]
    positive = RNG.rand(20) + 0.1
    number_cases = [
        numbers("small", [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]),
        numbers("constant", [2.0, 2.0, 2.0], [2.0, 2.0, 1.0]),
        numbers("constant and met", [2.0, 2.0], [2.0, 2.0]),
        numbers("positive", positive, positive * (1 + 0.3 * RNG.randn(20)).clip(0.1), positive=True),
        numbers("positive, weighted", positive, positive[::-1], weights=weights(20), positive=True),
        numbers("two outputs", RNG.randn(15, 2), RNG.randn(15, 2)),
        numbers("two outputs, weighted", RNG.randn(15, 2), RNG.randn(15, 2), weights=weights(15)),
        numbers("weights of 0", [1.0, 5.0, 2.0, 9.0], [1.5, 4.0, 2.0, 0.0], weights=[1.0, 0.0, 2.0, 0.0]),
    ]
    cluster_cases = [
        clusterings("the same by other names", [0, 0, 1, 1], [7, 7, -1, -1]),
        clusterings("one cluster", [0, 0, 1, 1], [0, 0, 0, 0]),
        clusterings("each its own", [0, 0, 1, 1], [0, 1, 2, 3]),
        clusterings("both one", [4, 4, 4], [1, 1, 1]),
        clusterings("random", RNG.randint(0, 4, 50), RNG.randint(0, 6, 50)),
        clusterings("alike", RNG.randint(0, 3, 60).repeat(2), RNG.randint(0, 3, 60).repeat(2)),
    ]
    blobs = np.concatenate([RNG.randn(12, 3) + 4 * centre for centre in np.eye(3)])
    sample_cases = [
        samples("blobs", blobs.round(3), np.arange(3).repeat(12)),
        samples("labels at random", blobs.round(3), RNG.randint(0, 4, 36)),
        samples("a cluster of one", [[0.0, 1.0], [1.0, 1.5], [8.0, 0.0], [8.5, 1.0]], [0, 0, 1, 2]),
    ]
    p = RNG.rand(50).round(2)
    golden = {
        "script": "proofs/goldens/scores.py",
        "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "binary": binaries, "classes": classes, "labels": label_cases, "numbers": number_cases,
        "clusterings": cluster_cases, "samples": sample_cases,
        "calibration": [calibration("random", (RNG.rand(50) < p).astype(int), p)],
    }
    OUT.write_text(json.dumps(plain(golden), separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
