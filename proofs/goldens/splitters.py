#!/usr/bin/env python3
"""Splits by scikit-learn, for the tests of crates/learn.

    python3 proofs/goldens/splitters.py

Writes crates/learn/tests/goldens/splitters.json: for every case the samples (how many, their classes and groups), the
splitter with its options, and the first and the last of the splits, and draws of parameters.
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
from scipy import stats
from sklearn import model_selection

OUT = Path(__file__).resolve().parents[2] / "crates/learn/tests/goldens/splitters.json"


def samples(name, n, classes, groups):
    """Classes and groups of very different sizes, in no order."""
    random = np.random.RandomState(n)
    y = random.geometric(0.5, n).clip(max=classes) - 1
    y[: 2 * classes] = np.tile(np.arange(classes), 2)[:n]
    g = random.geometric(0.2, n).clip(max=groups) * 3
    g[:groups] = np.arange(1, groups + 1)[:n] * 3
    return {"name": name, "n": n, "y": random.permutation(y).tolist(), "groups": random.permutation(g).tolist()}


SAMPLES = [samples("few", 24, 2, 5), samples("some", 61, 3, 9), samples("many", 200, 9, 40)]

CASES = [
    ("KFold", {"n_splits": 5}),
    ("KFold", {"n_splits": 7, "shuffle": True, "random_state": 3}),
    ("StratifiedKFold", {"n_splits": 3}),
    ("StratifiedKFold", {"n_splits": 4, "shuffle": True, "random_state": 0}),
    ("GroupKFold", {"n_splits": 4}),
    ("GroupKFold", {"n_splits": 3, "shuffle": True, "random_state": 5}),
    ("StratifiedGroupKFold", {"n_splits": 3}),
    ("StratifiedGroupKFold", {"n_splits": 4, "shuffle": True, "random_state": 2}),
    ("RepeatedKFold", {"n_splits": 3, "n_repeats": 2, "random_state": 1}),
    ("RepeatedStratifiedKFold", {"n_splits": 3, "n_repeats": 2, "random_state": 1}),
    ("TimeSeriesSplit", {"n_splits": 5}),
    ("TimeSeriesSplit", {"n_splits": 3, "max_train_size": 6, "test_size": 4, "gap": 2}),
    ("LeaveOneOut", {}),
    ("LeavePOut", {"p": 2}),
    ("LeaveOneGroupOut", {}),
    ("LeavePGroupsOut", {"n_groups": 2}),
    ("ShuffleSplit", {"n_splits": 3, "random_state": 0}),
    ("ShuffleSplit", {"n_splits": 2, "test_size": 5, "train_size": 0.5, "random_state": 4}),
    ("StratifiedShuffleSplit", {"n_splits": 3, "test_size": 0.4, "random_state": 0}),
    ("StratifiedShuffleSplit", {"n_splits": 2, "test_size": 10, "train_size": 11, "random_state": 7}),
    ("GroupShuffleSplit", {"n_splits": 3, "random_state": 0}),
    ("GroupShuffleSplit", {"n_splits": 2, "test_size": 0.5, "train_size": 0.3, "random_state": 9}),
    ("train_test_split", {"random_state": 0}),
    ("train_test_split", {"test_size": 11, "random_state": 1, "stratify": True}),
    ("train_test_split", {"train_size": 0.6, "shuffle": False}),
]


def case(samples, name, options):
    n, y, groups = samples["n"], np.array(samples["y"]), np.array(samples["groups"])
    if name == "train_test_split":
        given = dict(options)
        if given.pop("stratify", False):
            given["stratify"] = y
        splits = [model_selection.train_test_split(np.arange(n), **given)]
        count = 1
    else:
        splitter = getattr(model_selection, name)(**options)
        takes_groups = "Group" in name
        splits = list(splitter.split(np.zeros(n), y, groups if takes_groups else None))
        count = splitter.get_n_splits(np.zeros(n), y, groups if takes_groups else None)
    ends = [splits[0], splits[-1]]
    return {
        "samples": samples["name"],
        "splitter": name,
        "options": options,
        "n_splits": count,
        "splits": [{"train": np.array(a).tolist(), "test": np.array(b).tolist()} for a, b in ends],
    }


def draws():
    """Candidates of a randomised search: of lists, and of distributions."""
    lists = {"b": [1, 2, 3], "a": [0.5, 0.25], "c": ["x", "y", "z", "w"]}
    large = {"a": list(range(200)), "b": list(range(200))}
    mixed = {
        "c": stats.loguniform(1e-3, 1e2),
        "a": stats.uniform(-1, 3),
        "b": stats.randint(5, 20),
        "d": [10, 20, 30],
    }
    sampled = []
    for name, distributions, n_iter in [("lists", lists, 7), ("all", lists, 24), ("large", large, 3), ("mixed", mixed, 5)]:
        for seed in (0, 3):
            sampler = model_selection.ParameterSampler(distributions, n_iter, random_state=seed)
            candidates = [
                {key: value.item() if hasattr(value, "item") else value for key, value in one.items()} for one in sampler
            ]
            sampled.append({"name": name, "n_iter": n_iter, "random_state": seed, "candidates": candidates})
    return sampled


def main():
    warnings.simplefilter("ignore")
    document = {
        "script": "proofs/goldens/splitters.py",
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "sklearn": sklearn.__version__,
        },
        "samples": SAMPLES,
        "cases": [case(some, name, options) for some in SAMPLES for name, options in CASES],
        "draws": draws(),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes, {len(document['cases'])} cases")


if __name__ == "__main__":
    main()
