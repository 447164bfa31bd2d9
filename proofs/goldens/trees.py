#!/usr/bin/env python3
"""Trees and forests by scikit-learn, for the tests of crates/learn.

    python3 proofs/goldens/trees.py

Writes crates/learn/tests/goldens/trees.json: data sets, and for every case the estimator with its options, the arrays of its
tree, or what the forest predicts. Seeds are scikit-learn's: the same seed must look at the same features in the same order.
"""

import json
import os
import platform
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import sklearn
from sklearn import ensemble, tree
from sklearn.datasets import load_diabetes, load_iris
from sklearn.inspection import partial_dependence, permutation_importance

OUT = Path(__file__).resolve().parents[2] / "crates/learn/tests/goldens/trees.json"


def data_sets():
    random = np.random.RandomState(0)
    iris = load_iris()
    rows = random.permutation(150)[:90]
    yield "iris", iris.data[rows], iris.target[rows], None
    holes = iris.data[rows].copy()
    holes[random.uniform(size=holes.shape) < 0.15] = np.nan
    yield "iris with holes", holes, iris.target[rows], random.randint(0, 3, 90).astype(float)
    diabetes = load_diabetes()
    rows = random.permutation(442)[:80]
    # Few digits: the data are written as decimals.
    x = np.round(diabetes.data[rows], 3)
    yield "diabetes", x, diabetes.target[rows], None
    yield "diabetes, weighted", x[:, :4], diabetes.target[rows], np.round(random.uniform(0, 2, 80), 2)
    yield "two outputs", x[:, :3], np.stack([x[:, 0] > 0, x[:, 2] * 1000 // 30], axis=1).astype(int) + 2, None


CLASSES = [
    ("DecisionTreeClassifier", {"random_state": 0}),
    ("DecisionTreeClassifier", {"random_state": 3, "criterion": "entropy", "max_depth": 4}),
    ("DecisionTreeClassifier", {"random_state": 1, "max_features": "sqrt", "min_samples_leaf": 3}),
    ("DecisionTreeClassifier", {"random_state": 2, "max_leaf_nodes": 6}),
    ("DecisionTreeClassifier", {"random_state": 4, "ccp_alpha": 0.02}),
    ("DecisionTreeClassifier", {"random_state": 5, "min_samples_split": 0.2, "min_weight_fraction_leaf": 0.05}),
    ("DecisionTreeClassifier", {"random_state": 6, "min_impurity_decrease": 0.01, "class_weight": "balanced"}),
    ("ExtraTreeClassifier", {"random_state": 7}),
    ("ExtraTreeClassifier", {"random_state": 8, "max_features": 2, "max_depth": 6}),
    ("RandomForestClassifier", {"random_state": 9, "n_estimators": 7}),
    ("RandomForestClassifier", {"random_state": 10, "n_estimators": 5, "max_samples": 0.5, "criterion": "log_loss"}),
    ("RandomForestClassifier", {"random_state": 11, "n_estimators": 5, "class_weight": "balanced_subsample"}),
    ("ExtraTreesClassifier", {"random_state": 12, "n_estimators": 6, "bootstrap": True, "max_depth": 3}),
]
VALUES = [
    ("DecisionTreeRegressor", {"random_state": 0, "max_depth": 4}),
    ("DecisionTreeRegressor", {"random_state": 1, "criterion": "absolute_error", "max_depth": 3}),
    ("DecisionTreeRegressor", {"random_state": 2, "criterion": "poisson", "max_depth": 3}),
    ("DecisionTreeRegressor", {"random_state": 3, "max_leaf_nodes": 7, "min_samples_leaf": 2}),
    ("DecisionTreeRegressor", {"random_state": 4, "monotonic_cst": [1, 0, -1, 0], "max_depth": 4}),
    ("RandomForestRegressor", {"random_state": 5, "n_estimators": 4, "max_depth": 3}),
    ("ExtraTreesRegressor", {"random_state": 6, "n_estimators": 4, "max_depth": 3, "max_features": 0.5}),
]


def plain(values):
    """Lists, with null for what is not finite."""
    values = np.asarray(values, dtype=float)
    if values.ndim > 1:
        return [plain(row) for row in values]
    return [float(x) if np.isfinite(x) else None for x in values]


def fitted(name, options, x, y, weights):
    options = dict(options)
    if "monotonic_cst" in options:
        options["monotonic_cst"] = (options["monotonic_cst"] * 3)[: x.shape[1]]
    kind = getattr(tree, name, None) or getattr(ensemble, name)
    return options, kind(**options).fit(x, y, sample_weight=weights)


def case(data, name, options, x, y, weights):
    options, model = fitted(name, options, x, y, weights)
    found = {"data": data, "estimator": name, "options": options}
    found["importances"] = plain(model.feature_importances_)
    if hasattr(model, "tree_"):
        nodes = model.tree_
        leaf = nodes.children_left < 0
        found["tree"] = {
            "children_left": nodes.children_left.tolist(),
            "feature": nodes.feature.tolist(),
            "threshold": plain(nodes.threshold),
            "impurity": plain(nodes.impurity),
            "n_node_samples": nodes.n_node_samples.tolist(),
            "leaves": plain(nodes.value[leaf].reshape(leaf.sum(), -1)),
            "missing_go_to_left": np.where(leaf, 0, nodes.missing_go_to_left).tolist(),
        }
    elif hasattr(model, "predict_proba") and model.n_outputs_ == 1:
        found["answers"] = plain(model.predict_proba(x))
    elif not hasattr(model, "predict_proba"):
        found["answers"] = plain(np.reshape(model.predict(x), (len(x), -1)))
    else:
        return None
    return found


def main():
    sets, cases, extra = {}, [], {}
    for data, x, y, weights in data_sets():
        x = x.astype(np.float32)
        sets[data] = {
            "x": plain(x),
            "y": np.asarray(y).tolist(),
            "weights": None if weights is None else weights.tolist(),
        }
        table = CLASSES if np.asarray(y).dtype.kind == "i" else VALUES
        for name, options in table:
            # Of equally good cuts, sums of weights that are not whole let rounding decide.
            if (data == "two outputs" or weights is not None) and options.get("class_weight"):
                continue
            if weights is not None and "Extra" in name:
                continue
            if made := case(data, name, options, x, y, weights):
                cases.append(made)
        if data == "iris":
            path = tree.DecisionTreeClassifier(random_state=0).cost_complexity_pruning_path(x, y)
            extra["pruning"] = {"ccp_alphas": plain(path.ccp_alphas), "impurities": plain(path.impurities)}
            forest = ensemble.RandomForestClassifier(9, random_state=0, oob_score=True).fit(x, y)
            extra["oob"] = plain(forest.oob_decision_function_)
            model = tree.DecisionTreeClassifier(random_state=0, max_depth=2).fit(x, y)
            importance = permutation_importance(model, x, y, n_repeats=3, random_state=5)
            extra["permutation"] = plain(importance.importances)
            extra["text"] = tree.export_text(model, show_weights=True, decimals=3)
            extra["dot"] = tree.export_graphviz(model, filled=True, rounded=True, proportion=True)
            extra["plain dot"] = tree.export_graphviz(model, class_names=True, node_ids=True, max_depth=1)
        if data == "diabetes":
            model = ensemble.RandomForestRegressor(3, random_state=0, max_depth=3).fit(x, y)
            brute = partial_dependence(model, x, [2, 3], grid_resolution=4, method="brute")
            extra["dependence"] = {
                "grid": [plain(axis) for axis in brute.grid_values],
                "brute": plain(brute.average[0].ravel()),
                "recursion": plain(partial_dependence(model, x, [2, 3], grid_resolution=4).average[0].ravel()),
            }
    versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "python": platform.python_version()}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(
        json.dumps({"versions": versions, "sets": sets, "cases": cases, **extra}, separators=(",", ":")) + "\n"
    )
    print(OUT, OUT.stat().st_size)


if __name__ == "__main__":
    main()
