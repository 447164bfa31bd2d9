#!/usr/bin/env python3
"""Histogram gradient boosting by scikit-learn, for the tests of crates/learn.

    python3 proofs/goldens/hist_gradient_boosting.py

Writes crates/learn/tests/goldens/hist_gradient_boosting.json: samples with missing values, ties and a column of categories,
their weights and targets, and for every case of parameters the raw predictions of some rows, the training samples and others.
"""

import json
import os
import platform
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

OUT = Path(__file__).resolve().parents[2] / "crates/learn/tests/goldens/hist_gradient_boosting.json"

N = 120

CASES = [
    ("regression", {}),
    ("regression", {"loss": "absolute_error"}),
    ("regression", {"loss": "poisson"}),
    ("regression", {"loss": "gamma"}),
    ("regression", {"loss": "quantile", "quantile": 0.3}),
    ("regression", {"max_bins": 7, "max_leaf_nodes": 5}),
    ("regression", {"max_depth": 2, "max_leaf_nodes": None, "l2_regularization": 1.5}),
    ("regression", {"monotonic_cst": [0, 1, -1, 0]}),
    ("regression", {"interaction_cst": [[0, 1], [1, 2]]}),
    ("binary", {}),
    ("binary", {"learning_rate": 0.5}),
    ("multinomial", {}),
]


def main():
    rng = np.random.RandomState(7)
    x = np.column_stack([rng.randint(0, 5, N), rng.randn(N), rng.randint(-3, 4, N) / 4, rng.rand(N)]).round(3)
    x[rng.rand(*x.shape) < 0.08] = np.nan
    clean = np.nan_to_num(x)
    y = (2 + np.sin(3 * clean[:, 1]) + (clean[:, 0] % 2) - clean[:, 2] + rng.rand(N)).round(3)
    weights = rng.choice([0.5, 1, 2.5], N)
    targets = {"regression": y, "binary": (y > 2.5).astype(int), "multinomial": np.digitize(y, [2, 3])}
    others = np.array([[9, 0.1, 0.2, 0.3], [np.nan] * 4, [1, np.inf, -np.inf, 0.5]])
    shown = np.vstack([x[:20], others])
    cases = []
    for kind, options in CASES:
        for weighted in (False, True):
            chosen = HistGradientBoostingRegressor if kind == "regression" else HistGradientBoostingClassifier
            model = chosen(
                **options,
                max_iter=8,
                min_samples_leaf=6,
                categorical_features=[0],
                early_stopping=False,
                random_state=0,
            ).fit(x, targets[kind], weights if weighted else None)
            raw = model._raw_predict(shown)
            cases.append({"kind": kind, "options": options, "weighted": weighted, "raw": raw.ravel().tolist()})
    numbers = lambda rows: [
        None if np.isnan(v) else str(v) if np.isinf(v) else v for v in np.asarray(rows).ravel().tolist()
    ]  # noqa: E731
    golden = {
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "x": numbers(x),
        "weights": weights.tolist(),
        "targets": {kind: values.tolist() for kind, values in targets.items()},
        "shown": numbers(shown),
        "cases": cases,
    }
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
