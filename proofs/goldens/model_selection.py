#!/usr/bin/env python3
"""Cross-validation and searches by scikit-learn, for the tests of crates/learn.

    python3 proofs/goldens/model_selection.py

Writes crates/learn/tests/goldens/model_selection.json: one small set of samples, and what scikit-learn makes of them.
"""

import json
import os
import platform
import warnings
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import sklearn
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)

OUT = Path(__file__).resolve().parents[2] / "crates/learn/tests/goldens/model_selection.json"
ALPHAS = [0.01, 1.0, 3.0, 100.0, 1.0]


def main():
    warnings.simplefilter("ignore")
    random = np.random.RandomState(0)
    X = random.randn(60, 4).round(3)
    values = (X @ [1.0, -2.0, 0.5, 0.0] + 0.5 * random.randn(60)).round(3)
    labels = (values > 0).astype(int) + (values > 1.5)
    weight = random.randint(0, 4, 60).astype(float)
    folds = KFold(4, shuffle=True, random_state=1)
    regression = ["r2", "neg_mean_squared_error", "neg_mean_absolute_error", "neg_max_error", "explained_variance"]
    classification = ["accuracy", "f1_macro", "balanced_accuracy", "precision_weighted", "matthews_corrcoef"]
    ridge = cross_validate(Ridge(), X, values, cv=folds, scoring=regression, return_train_score=True)
    classes = cross_validate(RidgeClassifier(), X, labels, cv=StratifiedKFold(3), scoring=classification)
    grid = GridSearchCV(
        Ridge(), {"alpha": ALPHAS, "fit_intercept": [True, False]}, cv=folds, scoring=regression, refit="r2"
    ).fit(X, values)
    halving = HalvingGridSearchCV(
        Ridge(), {"alpha": list(np.logspace(-2, 3, 11))}, cv=folds, random_state=5, factor=2, min_resources=16
    ).fit(X, values)
    sizes, train, test = learning_curve(Ridge(), X, values, cv=folds, shuffle=True, random_state=2)
    validation = validation_curve(Ridge(), X, values, param_name="alpha", param_range=ALPHAS, cv=folds)
    score, scores, p_value = permutation_test_score(Ridge(), X, values, cv=folds, n_permutations=6, random_state=3)
    document = {
        "script": "proofs/goldens/model_selection.py",
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "sklearn": sklearn.__version__,
        },
        "x": X.ravel().tolist(),
        "values": values.tolist(),
        "labels": labels.tolist(),
        "weight": weight.tolist(),
        "alphas": ALPHAS,
        "regression": {
            name: {"test": ridge[f"test_{name}"].tolist(), "train": ridge[f"train_{name}"].tolist()} for name in regression
        },
        "classification": {name: classes[f"test_{name}"].tolist() for name in classification},
        "predicted": cross_val_predict(Ridge(), X, values, cv=folds).tolist(),
        "grid": {
            "alpha": [float(params["alpha"]) for params in grid.cv_results_["params"]],
            "fit_intercept": [params["fit_intercept"] for params in grid.cv_results_["params"]],
            "mean": grid.cv_results_["mean_test_r2"].tolist(),
            "std": grid.cv_results_["std_test_r2"].tolist(),
            "rank": grid.cv_results_["rank_test_r2"].tolist(),
            "rank_by_largest_error": grid.cv_results_["rank_test_neg_max_error"].tolist(),
            "best_index": int(grid.best_index_),
        },
        "halving": {
            "iteration": halving.cv_results_["iter"].tolist(),
            "resources": halving.cv_results_["n_resources"].tolist(),
            "alpha": [float(params["alpha"]) for params in halving.cv_results_["params"]],
            "mean": halving.cv_results_["mean_test_score"].tolist(),
            "best_index": int(halving.best_index_),
        },
        "learning_curve": {"sizes": sizes.tolist(), "train": train.tolist(), "test": test.tolist()},
        "validation_curve": {"train": validation[0].tolist(), "test": validation[1].tolist()},
        "permutation_test": {"score": score, "scores": scores.tolist(), "p_value": p_value},
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
