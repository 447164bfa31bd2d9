"""The sides of run.py that fit estimators from Python: scikit-learn, barehand through its Python package, LightGBM.

    estimators.py sklearn
    estimators.py barehand
    estimators.py lightgbm

It is the same code for the first two, for barehand has scikit-learn's names. `protocol/src/lib.rs` tells the lines that come
and go. `start` says what is timed: `do=fit`, `do=predict`, or `do=one`, the prediction of a single row.
"""

import importlib
import os
import sys
import time

import numpy as np
from safetensors.numpy import load_file

PACKAGE = sys.argv[1]
THREADS = int(os.environ["OMP_NUM_THREADS"])


def module(name):
    return importlib.import_module(f"{PACKAGE}.{name}")


def linear_model(name, **options):
    return lambda data: getattr(module("linear_model"), name)(**options)


def coefficients(model, data):
    return [float(np.abs(model.coef_).mean()), float(np.mean(model.intercept_))]


def accuracy(model, data):
    return [float((model.predict(data["X_test"]) == data["y_test"]).mean())]


def kmeans(data):
    init = data["init"]
    return module("cluster").KMeans(len(init), init=init, n_init=1, max_iter=25, tol=0.0)


def hist_gradient_boosting(data):
    if PACKAGE == "lightgbm":
        return module("sklearn").LGBMClassifier(
            n_estimators=100, num_leaves=31, min_child_samples=20, max_bin=255, n_jobs=THREADS, verbose=-1
        )
    return module("ensemble").HistGradientBoostingClassifier(max_iter=100, early_stopping=False)


def log_loss(model, data):
    proba = model.predict_proba(data["X_test"])
    return [float(-np.log(proba[np.arange(len(proba)), data["y_test"]]).mean())]


def scaled(estimator):
    def make(data):
        return module("pipeline").make_pipeline(module("preprocessing").StandardScaler(), estimator(data))

    return make


# For each work: what makes the estimator, and the numbers that all sides must agree on.
ESTIMATORS = {
    "linear_regression": (linear_model("LinearRegression"), coefficients),
    "ridge": (linear_model("Ridge"), coefficients),
    "lasso": (linear_model("Lasso", alpha=0.1), coefficients),
    "logistic_regression": (linear_model("LogisticRegression", tol=1e-4, max_iter=1000), coefficients),
    "logistic_mixed": (linear_model("LogisticRegression", tol=1e-4, max_iter=1000), coefficients),
    "logistic_fashion": (linear_model("LogisticRegression", C=0.01, tol=1e-3, max_iter=1000), accuracy),
    "sgd_classifier": (linear_model("SGDClassifier", max_iter=5, tol=None, random_state=0), accuracy),
    "standard_scaler": (
        lambda data: module("preprocessing").StandardScaler(),
        lambda model, data: [float(np.abs(model.mean_).mean()), float(model.scale_.mean())],
    ),
    "kmeans_10": (kmeans, lambda model, data: [float(model.inertia_) / len(data["X"])]),
    "kmeans_100": (kmeans, lambda model, data: [float(model.inertia_) / len(data["X"])]),
    "pca": (
        lambda data: module("decomposition").PCA(50),
        lambda model, data: [float(model.explained_variance_[:10].sum()), float(model.explained_variance_[-1])],
    ),
    "decision_tree": (lambda data: module("tree").DecisionTreeClassifier(random_state=0), accuracy),
    "decision_tree_small": (lambda data: module("tree").DecisionTreeClassifier(max_depth=8, random_state=0), accuracy),
    "random_forest_small": (
        lambda data: module("ensemble").RandomForestClassifier(10, n_jobs=THREADS, random_state=0),
        accuracy,
    ),
    "random_forest": (
        lambda data: module("ensemble").RandomForestClassifier(100, n_jobs=THREADS, random_state=0),
        accuracy,
    ),
    "hist_gradient_boosting": (hist_gradient_boosting, log_loss),
    "nearest_neighbors": (lambda data: module("neighbors").KNeighborsClassifier(n_jobs=THREADS), accuracy),
    "scaled_logistic": (scaled(linear_model("LogisticRegression")), accuracy),
}
OF_LIGHTGBM = ["hist_gradient_boosting"]


class Estimator:
    """An estimator that is fitted anew, or asked, again and again."""

    def __init__(self, work, file):
        self.data = load_file(file)
        self.make, self.numbers = ESTIMATORS[work]
        self.fits = work == "standard_scaler"

    def start(self, settings):
        self.does = settings["do"]
        if self.does != "fit":
            self.fit()
            self.row = self.data["X_test"][:1].copy()
        return True

    def fit(self):
        estimator = self.make(self.data)
        if self.fits:
            estimator.fit_transform(self.data["X"])
            self.model = estimator
        else:
            self.model = estimator.fit(self.data["X"], self.data.get("y"))

    def check(self):
        if self.does == "fit":
            self.fit()
        return self.numbers(self.model, self.data)

    def run(self, count):
        if self.does == "fit":
            for _ in range(count):
                self.fit()
        elif self.does == "predict":
            for _ in range(count):
                self.model.predict(self.data["X_test"])
        else:
            for _ in range(count):
                self.model.predict(self.row)


class Score:
    """The area under the ROC curve."""

    def __init__(self, file):
        data = load_file(file)
        self.y, self.score = data["y"], data["score"]
        self.of = module("metrics").roc_auc_score

    def start(self, settings):
        return True

    def check(self):
        return [float(self.of(self.y, self.score))]

    def run(self, count):
        for _ in range(count):
            self.of(self.y, self.score)


class CrossValidation:
    """Five folds of a scaler and a ridge."""

    def __init__(self, file):
        self.data = load_file(file)
        self.pipeline = scaled(linear_model("Ridge"))(self.data)
        self.of = module("model_selection").cross_val_score

    def start(self, settings):
        return True

    def check(self):
        return self.of(self.pipeline, self.data["X"], self.data["y"], cv=5).tolist()

    def run(self, count):
        for _ in range(count):
            self.of(self.pipeline, self.data["X"], self.data["y"], cv=5)


def load(work, file):
    if PACKAGE == "lightgbm" and work not in OF_LIGHTGBM:
        return None
    if work == "roc_auc":
        return Score(file)
    if work == "cross_validation":
        return CrossValidation(file)
    return Estimator(work, file) if work in ESTIMATORS else None


def main():
    package = importlib.import_module(PACKAGE)
    if PACKAGE == "barehand":
        package.set_num_threads(THREADS)
    python = f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    names = {"sklearn": "scikit-learn", "barehand": "barehand", "lightgbm": "LightGBM"}
    answer = f"ok {names[PACKAGE]} {package.__version__}, {python}, {THREADS} threads"
    work = None
    while True:
        print(answer, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        command, *words = line.split()
        if command == "load":
            work = load(*words)
            answer = "ok" if work else "unknown"
        elif command == "start":
            answer = "ok" if work.start(dict(word.split("=") for word in words)) else "unknown"
        elif command == "check":
            answer = " ".join(["ok", *map(repr, work.check())])
        else:
            start = time.perf_counter()
            work.run(int(words[0]))
            answer = f"ok {time.perf_counter() - start}"


if __name__ == "__main__":
    main()
