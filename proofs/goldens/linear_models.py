#!/usr/bin/env python3
"""Linear models by scikit-learn, for the tests of crates/learn.

    python3 proofs/goldens/linear_models.py

Writes crates/learn/tests/goldens/linear_models.json: features with classes and values, and for every case an estimator with
its options, its coefficients and intercepts; and for every search also what it found, and what it looked at. What iterates has converged far below the tolerance of the test, or has taken a
stated number of steps.
"""

import json
import os
import platform
import warnings
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import scipy
import sklearn
from sklearn import linear_model
from sklearn.datasets import load_iris

OUT = Path(__file__).resolve().parents[2] / "crates/learn/tests/goldens/linear_models.json"

RIDGE = ["cholesky", "svd", "lsqr", "sparse_cg"]
SHORT = {"random_state": 3, "max_iter": 7, "tol": None}
EXACT = {"tol": 1e-12, "max_iter": 100_000}

CASES = [
    ("LinearRegression", {}),
    ("LinearRegression", {"fit_intercept": False}),
    ("LinearRegression", {"positive": True}),
    ("LinearRegression", {"weighted": True}),
    ("LinearRegression", {"dependent": True}),
    *[("Ridge", {"alpha": 2.5, "solver": solver, "tol": 1e-12}) for solver in RIDGE],
    *[("Ridge", {"alpha": 2.5, "solver": solver, "tol": 1e-12, "weighted": True, "rows": 4}) for solver in RIDGE],
    ("Ridge", {"alpha": 0.0}),
    ("Ridge", {"alpha": 2.5, "positive": True, "tol": 1e-12}),
    ("RidgeClassifier", {"alpha": 0.5}),
    ("RidgeClassifier", {"alpha": 0.5, "class_weight": "balanced"}),
    ("Lasso", {"alpha": 0.1, **EXACT}),
    ("Lasso", {"alpha": 0.1, "positive": True, **EXACT}),
    ("ElasticNet", {"alpha": 0.2, "l1_ratio": 0.3, **EXACT}),
    ("ElasticNet", {"alpha": 0.2, "l1_ratio": 0.3, "weighted": True, **EXACT}),
    ("ElasticNet", {"alpha": 0.2, "l1_ratio": 0.3, "rows": 4, **EXACT}),
    ("LogisticRegression", {"C": 0.7, "solver": "lbfgs", "tol": 1e-10, "max_iter": 10_000}),
    ("LogisticRegression", {"C": 0.7, "solver": "newton-cholesky", "tol": 1e-12}),
    ("LogisticRegression", {"C": 0.7, "solver": "newton-cholesky", "tol": 1e-12, "classes": 2}),
    ("LogisticRegression", {"C": 0.7, "solver": "newton-cholesky", "tol": 1e-12, "class_weight": "balanced"}),
    ("LogisticRegression", {"C": 0.7, "solver": "newton-cholesky", "tol": 1e-12, "weighted": True}),
    ("LogisticRegression", {"C": 0.2, "l1_ratio": 1.0, "solver": "saga", "tol": 1e-13, "max_iter": 200_000}),
    ("LogisticRegression", {"C": 0.2, "l1_ratio": 0.4, "solver": "saga", "tol": 1e-13, "max_iter": 200_000, "classes": 2}),
    ("SGDClassifier", SHORT),
    ("SGDClassifier", {**SHORT, "loss": "log_loss", "penalty": "elasticnet", "learning_rate": "constant", "classes": 2}),
    ("SGDClassifier", {**SHORT, "loss": "modified_huber", "average": 5, "penalty": "l1", "learning_rate": "constant"}),
    ("SGDRegressor", SHORT),
    ("SGDRegressor", {**SHORT, "max_iter": 200, "tol": 1e-3, "loss": "huber", "penalty": "l1", "learning_rate": "adaptive"}),
]

ALPHAS = {"alphas": [0.01, 1.0, 30.0]}
MULTINOMIAL = {"solver": "newton-cholesky", "tol": 1e-10, "l1_ratios": [0.0], "use_legacy_attributes": False}

SEARCHES = [
    ("RidgeCV", ALPHAS, ["alpha_", "best_score_"], "cv_results_"),
    ("RidgeCV", {**ALPHAS, "weighted": True}, ["alpha_", "best_score_"], "cv_results_"),
    ("RidgeCV", {**ALPHAS, "rows": 4, "fit_intercept": False}, ["alpha_", "best_score_"], "cv_results_"),
    ("RidgeClassifierCV", ALPHAS, ["alpha_", "best_score_"], "cv_results_"),
    ("LassoCV", {"alphas": 7, **EXACT}, ["alpha_"], "mse_path_"),
    ("ElasticNetCV", {"alphas": 5, "l1_ratio": [0.2, 0.9], "weighted": True, **EXACT}, ["alpha_", "l1_ratio_"], "mse_path_"),
    ("LogisticRegressionCV", {"Cs": [0.1, 1.0, 10.0], "scoring": "neg_log_loss", **MULTINOMIAL}, ["C_"], "scores_"),
    ("LogisticRegressionCV", {"Cs": [0.1, 10.0], "scoring": "accuracy", "refit": False, **MULTINOMIAL}, ["C_"], "scores_"),
]


def data():
    """Iris without its rounding ties: standardised, to three digits; and targets that depend on it, with noise."""
    X, classes = load_iris(return_X_y=True)
    random = np.random.RandomState(0)
    X = (X - X.mean(axis=0)) / X.std(axis=0) + 0.1 * random.randn(*X.shape) + [0, 3, 0, -50]
    X = X[::2].round(3)
    y = (X @ [1.0, -2.0, 0.0, 0.5] + random.randn(len(X))).round(3)
    return X, classes[::2], y, random.randint(0, 4, len(X)).astype(float)


def case(X, classes, y, weight, name, options):
    given = {k: v for k, v in options.items() if k not in ("weighted", "dependent", "rows", "classes")}
    estimator = getattr(linear_model, name)(**given)
    target = classes if "Classifier" in name or "Logistic" in name else y
    rows = np.arange(len(X))
    if "classes" in options:
        rows = rows[classes < options["classes"]]
    if "rows" in options:
        rows = rows[:: len(X) // options["rows"]][: options["rows"]]
    if options.get("dependent"):
        X = np.c_[X, X[:, 0] - 2 * X[:, 1]]
    if "Logistic" in name or "SGD" in name:
        X = X - [0, 3, 0, -50]
    fit = {"sample_weight": weight[rows] + 0.5} if options.get("weighted") else {}
    estimator.fit(X[rows], target[rows], **fit)
    return {
        "estimator": name,
        "options": options,
        "coef": np.atleast_2d(estimator.coef_).tolist(),
        "intercept": np.atleast_1d(estimator.intercept_).tolist(),
    }


def search(X, classes, y, weight, name, options, found, table):
    given = {**options, "store_cv_results": True} if name.startswith("Ridge") else options
    given = {k: v for k, v in given.items() if k not in ("weighted", "rows")}
    estimator = getattr(linear_model, name)(**given)
    target = classes if "Classifier" in name or "Logistic" in name else y
    rows = slice(None, None, len(X) // options["rows"]) if "rows" in options else slice(None)
    count = options.get("rows", len(X))
    X, target, weight = X[rows][:count], target[rows][:count], weight[rows][:count]
    if "Logistic" in name:
        X = X - [0, 3, 0, -50]
    fit = {"sample_weight": weight + 0.5} if options.get("weighted") else {}
    estimator.fit(X, target, **fit)
    return {
        "estimator": name,
        "options": options,
        "coef": np.atleast_2d(estimator.coef_).tolist(),
        "intercept": np.atleast_1d(estimator.intercept_).tolist(),
        "found": [float(getattr(estimator, attribute)) for attribute in found],
        "table": np.asarray(getattr(estimator, table)).tolist(),
    }


def main():
    warnings.simplefilter("ignore")
    X, classes, y, weight = data()
    document = {
        "script": "proofs/goldens/linear_models.py",
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "sklearn": sklearn.__version__,
        },
        "x": X.tolist(),
        "classes": classes.tolist(),
        "y": y.tolist(),
        "weight": weight.tolist(),
        "cases": [case(X, classes, y, weight, name, options) for name, options in CASES],
        "searches": [search(X, classes, y, weight, *each) for each in SEARCHES],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes, {len(document['cases'])} cases")


if __name__ == "__main__":
    main()
