#!/usr/bin/env python3
"""Scalers and naive Bayes by scikit-learn, for the tests of crates/learn.

    python3 proofs/goldens/preprocessing.py

Writes crates/learn/tests/goldens/preprocessing.json: samples with missing values and weights, what every scaler learns of
them and makes of them, and counts with what every naive Bayes classifier says of them.
"""

import json
import os
import platform
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import sklearn
from sklearn import naive_bayes, preprocessing

OUT = Path(__file__).resolve().parents[2] / "crates/learn/tests/goldens/preprocessing.json"

SCALERS = [
    ("StandardScaler", {}, ["mean_", "var_", "scale_"]),
    ("StandardScaler", {"with_mean": False}, ["mean_", "var_", "scale_"]),
    ("MinMaxScaler", {"feature_range": [-1, 2]}, ["data_min_", "data_max_", "scale_", "min_"]),
    ("MinMaxScaler", {"clip": True}, ["scale_", "min_"]),
    ("MaxAbsScaler", {}, ["max_abs_", "scale_"]),
    ("Normalizer", {"norm": "l1"}, []),
    ("Normalizer", {"norm": "l2"}, []),
    ("Normalizer", {"norm": "max"}, []),
]
CLASSIFIERS = [
    ("GaussianNB", {}),
    ("GaussianNB", {"priors": [0.2, 0.3, 0.5], "var_smoothing": 0.01}),
    ("MultinomialNB", {"alpha": 0.5}),
    ("MultinomialNB", {"fit_prior": False}),
    ("ComplementNB", {}),
    ("ComplementNB", {"norm": True}),
    ("BernoulliNB", {"binarize": 1.0}),
    ("CategoricalNB", {"min_categories": 7}),
]


def numbers(array):
    """Nested lists; NaN is null."""
    return [None if value != value else value for value in np.asarray(array, dtype=float).ravel().tolist()]


def scaler(name, options, shown, x, late, weight):
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    fitted = getattr(preprocessing, name)(**given)
    clean = name == "Normalizer"
    x, late = (np.nan_to_num(x), np.nan_to_num(late)) if clean else (x, late)
    fitted.fit(x, sample_weight=weight) if name == "StandardScaler" else fitted.fit(x)
    case = {"name": name, "options": options, "transformed": numbers(fitted.transform(late))}
    return case | {"learned": {attribute: numbers(getattr(fitted, attribute)) for attribute in shown}}


def classifier(name, options, x, y, weight):
    fitted = getattr(naive_bayes, name)(**options).fit(x, y, sample_weight=weight)
    return {
        "name": name,
        "options": options,
        "joint": numbers(fitted.predict_joint_log_proba(x)),
        "log_proba": numbers(fitted.predict_log_proba(x)),
        "predicted": fitted.predict(x).tolist(),
    }


def main():
    random = np.random.RandomState(0)
    x = random.randn(12, 5) * [1, 100, 1e-3, 1, 1] + [0, 3, 0, 1e7, 0]
    x[:, 4] = 0.1
    x[random.rand(*x.shape) < 0.15] = np.nan
    late = random.randn(4, 5) * 3
    late[1, 2] = np.nan
    weight = random.randint(0, 4, 12).astype(float)
    counts, y = random.poisson(1.2, (20, 4)).astype(float), random.choice([-3, 0, 8], 20)
    count_weight = random.rand(20) + 0.5
    data = {
        "versions": {"python": platform.python_version(), "sklearn": sklearn.__version__, "numpy": np.__version__},
        "columns": 5,
        "x": numbers(x),
        "late": numbers(late),
        "weight": numbers(weight),
        "scalers": [scaler(*case, x, late, weight) for case in SCALERS],
        "counts": numbers(counts),
        "count_columns": 4,
        "y": y.tolist(),
        "count_weight": numbers(count_weight),
        "classifiers": [classifier(*case, counts, y, count_weight) for case in CLASSIFIERS],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(data, separators=(",", ":")) + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
