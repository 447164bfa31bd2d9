#!/usr/bin/env python3
"""Scores by scikit-learn, for the tests of crates/metrics.

    python3 proofs/goldens/metrics.py

Writes crates/metrics/tests/goldens/metrics.json: for every case its inputs, and what scikit-learn makes of them in
every variant. NaN is written as null.
"""

import json
import math
import platform
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics

OUT = Path(__file__).resolve().parents[2] / "crates/metrics/tests/goldens/metrics.json"
ZERO_DIVISIONS = {"zero": 0, "one": 1, "nan": np.nan}


def plain(value):
    """Numbers and lists that JSON knows."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (np.integer, int)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, (np.floating, float)):
        return None if math.isnan(value) else float(value)
    return value


def class_case(name, y_true, y_pred, labels=None, weights=None, pos_label=None):
    case = {"name": name, "y_true": y_true, "y_pred": y_pred, "labels": labels, "weights": weights}
    case["pos_label"] = pos_label
    case["accuracy"] = metrics.accuracy_score(y_true, y_pred, sample_weight=weights)
    case["accuracy_count"] = metrics.accuracy_score(y_true, y_pred, sample_weight=weights, normalize=False)
    case["balanced_accuracy"] = metrics.balanced_accuracy_score(y_true, y_pred, sample_weight=weights)
    case["balanced_accuracy_adjusted"] = metrics.balanced_accuracy_score(
        y_true, y_pred, sample_weight=weights, adjusted=True
    )
    case["confusion"] = {
        str(normalize).lower(): metrics.confusion_matrix(
            y_true, y_pred, labels=labels, sample_weight=weights, normalize=normalize
        )
        for normalize in [None, "true", "pred", "all"]
    }
    averages = [None, "micro", "macro", "weighted"] + (["binary"] if pos_label is not None else [])
    case["scores"] = []
    for average in averages:
        for zero_name, zero_division in ZERO_DIVISIONS.items():
            for beta in [1.0, 0.5, 2.0, 0.0, math.inf]:
                precision, recall, fbeta, support = metrics.precision_recall_fscore_support(
                    y_true, y_pred, beta=beta, labels=None if average == "binary" else labels, average=average,
                    pos_label=1 if pos_label is None else pos_label, sample_weight=weights,
                    zero_division=zero_division,
                )
                case["scores"].append({
                    "average": average or "none", "zero_division": zero_name, "beta": str(beta),
                    "precision": precision, "recall": recall, "fbeta": fbeta, "support": support,
                })
    case["reports"] = []
    for zero_name, zero_division in ZERO_DIVISIONS.items():
        for digits, named in [(2, False), (4, True)]:
            count = len(labels) if labels is not None else len(set(y_true) | set(y_pred))
            names = [f"class number {i}" for i in range(count)] if named else None
            case["reports"].append({
                "zero_division": zero_name, "digits": digits, "names": names,
                "text": metrics.classification_report(
                    y_true, y_pred, labels=labels, target_names=names, sample_weight=weights, digits=digits,
                    zero_division=zero_division,
                ),
            })
    return case


def top_k_case(name, y_true, y_score, labels=None, weights=None):
    columns = 2 if np.ndim(y_score) == 1 else np.shape(y_score)[1]
    return {
        "name": name, "y_true": y_true, "y_score": y_score, "labels": labels, "weights": weights,
        "scores": [
            {"k": k, "normalize": normalize, "score": metrics.top_k_accuracy_score(
                y_true, y_score, k=k, labels=labels, sample_weight=weights, normalize=normalize)}
            for k in range(1, columns + 1) for normalize in [True, False]
        ],
    }


def log_loss_case(name, y_true, y_proba, labels=None, weights=None):
    case = {"name": name, "y_true": y_true, "y_proba": y_proba, "labels": labels, "weights": weights}
    for dtype in ["float64", "float32"]:
        proba = np.asarray(y_proba, dtype=dtype)
        for normalize in [True, False]:
            case[f"{dtype}_{'mean' if normalize else 'sum'}"] = metrics.log_loss(
                y_true, proba, labels=labels, sample_weight=weights, normalize=normalize
            )
    return case


def main():
    warnings.simplefilter("ignore")
    rng = np.random.RandomState(0)

    def labels_of(classes, n, agreement):
        y_true = rng.randint(0, classes, n)
        y_pred = np.where(rng.rand(n) < agreement, y_true, rng.randint(0, classes, n))
        return y_true.tolist(), y_pred.tolist()

    def weights_of(n):
        return rng.rand(n).round(3).tolist()

    class_cases = [
        class_case("perfect", [0, 1, 2, 1], [0, 1, 2, 1]),
        class_case("all wrong", [0, 1, 2, 1], [1, 2, 0, 0]),
        class_case("binary", [0, 1, 1, 0, 1, 1, 0], [0, 1, 0, 0, 1, 1, 1], pos_label=1),
        class_case("binary, the other side", [0, 1, 1, 0, 1, 1, 0], [0, 1, 0, 0, 1, 1, 1], pos_label=0),
        class_case("binary by other names", [-1, 7, 7, -1, 7], [7, 7, -1, -1, 7], pos_label=7),
        class_case("binary without positives", [0, 0, 0], [0, 0, 0], pos_label=1),
        class_case("binary without a predicted positive", [0, 1, 1, 0], [0, 0, 0, 0], pos_label=1),
        class_case("binary weighted", [0, 1, 1, 0, 1, 1, 0], [0, 1, 0, 0, 1, 1, 1],
                   weights=[0.5, 1, 2, 0, 1.5, 3, 0.25], pos_label=1),
        class_case("a class never predicted", [0, 1, 2, 2, 1, 0], [0, 1, 1, 0, 1, 0]),
        class_case("a class never true", [0, 1, 1, 0, 1, 0], [0, 1, 2, 3, 1, 0]),
        class_case("a label in neither", [0, 1, 2, 2, 1, 0], [0, 2, 1, 2, 1, 0], labels=[0, 1, 2, 3]),
        class_case("some labels only", [0, 1, 2, 2, 1, 0, 3], [0, 2, 1, 2, 1, 0, 2], labels=[1, 2]),
        class_case("labels in their own order", [0, 1, 2, 2, 1, 0], [0, 2, 1, 2, 1, 0], labels=[2, 0, 1]),
        class_case("negative and distant labels", [-5, 1000, 3, -5, 3], [-5, 3, 3, 1000, 1000]),
        class_case("weights that rule out a class", [0, 1, 2, 2], [0, 1, 2, 1], weights=[1.0, 0.5, 0.0, 0.0]),
        class_case("one class", [4, 4, 4], [4, 4, 4]),
    ]
    for classes, n, agreement in [(2, 50, 0.7), (3, 100, 0.5), (10, 300, 0.8), (10, 40, 0.2), (25, 60, 0.4)]:
        y_true, y_pred = labels_of(classes, n, agreement)
        pos_label = 1 if classes == 2 else None
        class_cases.append(class_case(f"random, {classes} classes", y_true, y_pred, pos_label=pos_label))
        class_cases.append(
            class_case(f"random weighted, {classes} classes", y_true, y_pred, weights=weights_of(n),
                       pos_label=pos_label)
        )

    ties = [[0.5, 0.5, 0.5], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2], [0.0, 1.0, 1.0]]
    scores = rng.rand(60, 7).round(1)
    top_k_cases = [
        top_k_case("ties", [0, 1, 2, 0], [ties[0], ties[1], ties[2], ties[3]]),
        top_k_case("ties turned", [2, 0, 1, 1], [ties[0], ties[1], ties[2], ties[3]]),
        top_k_case("missing class", [0, 1, 1, 0], ties, labels=[0, 1, 2]),
        top_k_case("distant labels", [-3, 10, 5, 5], ties, labels=[-3, 5, 10]),
        top_k_case("weighted", [0, 1, 2, 2], ties, weights=[0.1, 2.0, 1.0, 0.5]),
        top_k_case("random with ties", rng.randint(0, 7, 60).tolist(), scores.tolist(), labels=list(range(7))),
        top_k_case("random weighted", rng.randint(0, 7, 60).tolist(), scores.tolist(), labels=list(range(7)),
                   weights=weights_of(60)),
        top_k_case("binary probabilities", [0, 1, 1, 0, 1], [0.1, 0.5, 0.7, 0.51, 0.4]),
        top_k_case("binary decisions", [0, 1, 1, 0, 1], [-0.1, 0.4, 2.0, 0.1, 0.0]),
    ]

    def probabilities(n, classes):
        p = rng.rand(n, classes)
        return (p / p.sum(axis=1, keepdims=True)).tolist()

    log_loss_cases = [
        log_loss_case("certain and right", [0, 1, 2], np.eye(3).tolist()),
        log_loss_case("certain and wrong", [0, 1, 2], np.eye(3)[::-1].tolist()),
        log_loss_case("binary", [0, 1, 1, 0], [0.1, 0.9, 0.8, 0.35]),
        log_loss_case("binary column", [0, 1, 1, 0], [[0.1], [0.9], [0.8], [0.35]]),
        log_loss_case("binary certain", [0, 1, 1, 0], [0.0, 1.0, 0.0, 1.0]),
        log_loss_case("binary, one class seen", [1, 1], [0.3, 0.6], labels=[0, 1]),
        log_loss_case("rows that do not sum to one", [0, 1, 1], [[0.2, 0.2], [0.1, 0.3], [0.0, 0.9]]),
        log_loss_case("missing class", [0, 2, 2], probabilities(3, 4), labels=[0, 1, 2, 3]),
        log_loss_case("distant labels", [-7, 100, 3, 3], probabilities(4, 3)),
        log_loss_case("random", rng.permutation(np.arange(50) % 5).tolist(), probabilities(50, 5)),
        log_loss_case("random weighted", rng.permutation(np.arange(50) % 5).tolist(), probabilities(50, 5),
                      weights=weights_of(50)),
    ]

    golden = {
        "script": "proofs/goldens/metrics.py",
        "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "classes": class_cases, "top_k": top_k_cases, "log_loss": log_loss_cases,
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(plain(golden), indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
