"""Splitters beside scikit-learn's on random samples; scores and searches on threads, in frames, and without scikit-learn."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.model_selection as theirs
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import barehand
from barehand import model_selection as ours

HERE = Path(__file__).parent
PACKAGE = Path(barehand.__file__).parent.parent

SPLITTERS = [
    ("KFold", {"n_splits": 4}),
    ("KFold", {"n_splits": 4, "shuffle": True, "random_state": 1}),
    ("StratifiedKFold", {"n_splits": 3}),
    ("StratifiedKFold", {"n_splits": 3, "shuffle": True, "random_state": 1}),
    ("GroupKFold", {"n_splits": 3}),
    ("GroupKFold", {"n_splits": 3, "shuffle": True, "random_state": 1}),
    ("StratifiedGroupKFold", {"n_splits": 3}),
    ("StratifiedGroupKFold", {"n_splits": 3, "shuffle": True, "random_state": 1}),
    ("RepeatedKFold", {"n_splits": 3, "n_repeats": 2, "random_state": 1}),
    ("RepeatedStratifiedKFold", {"n_splits": 3, "n_repeats": 2, "random_state": 1}),
    ("TimeSeriesSplit", {"n_splits": 3, "max_train_size": 7, "gap": 1}),
    ("LeaveOneOut", {}),
    ("LeavePOut", {"p": 2}),
    ("LeaveOneGroupOut", {}),
    ("LeavePGroupsOut", {"n_groups": 2}),
    ("ShuffleSplit", {"n_splits": 2, "test_size": 0.3, "random_state": 1}),
    ("StratifiedShuffleSplit", {"n_splits": 2, "test_size": 0.5, "random_state": 1}),
    ("GroupShuffleSplit", {"n_splits": 2, "train_size": 0.5, "random_state": 1}),
]


def splits_of(module, name, options, labels):
    """All splits, or the error."""
    y, groups = (np.array(column) for column in zip(*labels, strict=True))
    names = np.array(["owl", "cat", "elk", "ant", "bee"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            splitter = getattr(module, name)(**options)
            given_groups = groups if "Group" in name else None
            splits = list(splitter.split(np.zeros((len(y), 1)), names[y], given_groups))
            return [(train.tolist(), test.tolist()) for train, test in splits] + [
                splitter.get_n_splits(np.zeros(len(y)), y, given_groups)
            ]
        except ValueError as error:
            return str(error)


@pytest.mark.parametrize(("name", "options"), SPLITTERS, ids=lambda value: str(value))
@given(labels=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_splits_and_errors_are_those_of_scikit_learn(name, options, labels):
    assert splits_of(ours, name, options, labels) == splits_of(theirs, name, options, labels)


@given(
    n=st.integers(1, 60),
    test_size=st.one_of(st.none(), st.floats(0.01, 0.99), st.integers(1, 60)),
    train_size=st.one_of(st.none(), st.floats(0.01, 0.99), st.integers(1, 60)),
)
@settings(max_examples=200, deadline=None)
def test_train_test_split_is_that_of_scikit_learn(n, test_size, train_size):
    def parts(module):
        try:
            found = module.train_test_split(np.arange(n), test_size=test_size, train_size=train_size, random_state=3)
        except ValueError as error:
            return str(error)
        return [part.tolist() for part in found]

    assert parts(ours) == parts(theirs)


def test_scores_do_not_depend_on_the_number_of_threads_and_are_those_of_scikit_learn():
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    expected = theirs.cross_validate(model, X, y, scoring=["roc_auc", "neg_log_loss"], return_train_score=True)
    for n_jobs in (None, 2, 5):
        found = ours.cross_validate(
            model, X, y, scoring=["roc_auc", "neg_log_loss"], return_train_score=True, n_jobs=n_jobs
        )
        for name in ("test_roc_auc", "train_roc_auc", "test_neg_log_loss", "train_neg_log_loss"):
            np.testing.assert_array_equal(found[name], expected[name])
    for method in ("predict", "predict_proba", "decision_function"):
        np.testing.assert_array_equal(
            ours.cross_val_predict(model, X, y, method=method, n_jobs=3),
            theirs.cross_val_predict(model, X, y, method=method),
        )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("GridSearchCV", {"param_grid": {"alpha": [0.1, 1.0, 10.0, 1.0], "fit_intercept": [True, False]}}),
        ("RandomizedSearchCV", {"param_distributions": {"alpha": list(np.logspace(-3, 3, 40))}, "random_state": 0}),
        ("HalvingGridSearchCV", {"param_grid": {"alpha": list(np.logspace(-3, 3, 12))}, "random_state": 0}),
        ("HalvingRandomSearchCV", {"param_distributions": {"alpha": list(np.logspace(-3, 3, 40))}, "random_state": 0}),
    ],
)
def test_results_of_searches_are_those_of_scikit_learn(name, options):
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401

    X, y = load_breast_cancer(return_X_y=True)
    expected = getattr(theirs, name)(Ridge(), return_train_score=True, **options).fit(X, y)
    found = getattr(ours, name)(Ridge(), return_train_score=True, n_jobs=2, **options).fit(X, y)
    assert list(found.cv_results_) == list(expected.cv_results_)
    for key, values in expected.cv_results_.items():
        if key == "params":
            assert list(found.cv_results_[key]) == list(values)
        elif "time" not in key:
            np.testing.assert_array_equal(found.cv_results_[key], values)
    assert found.best_params_ == expected.best_params_
    assert found.best_score_ == expected.best_score_
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.predict(X), expected.predict(X))


def test_progress_is_shown(capfd):
    X, y = load_breast_cancer(return_X_y=True)
    ours.cross_val_score(Ridge(), X, y, cv=3, verbose=1)
    assert "fit" in capfd.readouterr().err


def test_all_of_it_works_without_scikit_learn():
    path = os.pathsep.join([str(PACKAGE), str(HERE.parent)])
    done = subprocess.run(
        [sys.executable, str(HERE / "model_selection_without_scikit_learn.py")],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
