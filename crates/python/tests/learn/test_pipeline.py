"""Pipelines: straight through the models in Rust, with the answers of the steps one by one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.pipeline
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

import barehand
from barehand import exceptions
from barehand.naive_bayes import GaussianNB
from barehand.pipeline import Pipeline, make_pipeline
from barehand.preprocessing import MinMaxScaler, StandardScaler


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


def test_the_way_straight_through_gives_the_same_bits(iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), MinMaxScaler(), GaussianNB()).fit(X, y)
    step_by_step = X
    for step in (pipeline[0], pipeline[1]):
        step_by_step = step.transform(step_by_step)
    assert pipeline._last_of_plain_steps() is pipeline[-1]
    for method in ("predict", "predict_proba", "predict_log_proba"):
        np.testing.assert_array_equal(getattr(pipeline, method)(X), getattr(pipeline[-1], method)(step_by_step))
        np.testing.assert_array_equal(getattr(pipeline, method)(X[:1]), getattr(pipeline, method)(X)[:1])
    assert not hasattr(pipeline, "decision_function")
    assert isinstance(pipeline, sklearn.pipeline.Pipeline)


def test_whatever_else_takes_scikit_learns_way(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler(), GaussianNB()).fit(frame, y)
    np.testing.assert_array_equal(
        pipeline.predict(frame), make_pipeline(StandardScaler(), GaussianNB()).fit(X, y).predict(X)
    )
    with pytest.raises(ValueError, match="feature names should match"):
        pipeline.predict(frame[list("dcba")])
    named = make_pipeline(StandardScaler(), GaussianNB()).set_output(transform="pandas").fit(frame, y)
    assert named._last_of_plain_steps() is None and list(named[-1].feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(named.predict(frame), pipeline.predict(frame))
    with pytest.raises(exceptions.NotFittedError):
        make_pipeline(StandardScaler(), GaussianNB()).predict(X)
    for bad, message in [
        (X[:, :3], "X has 3 features, but StandardScaler is expecting 4"),
        (X * np.inf, "infinity|NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            pipeline.predict(bad)
    theirs = make_pipeline(sklearn.preprocessing.StandardScaler(), GaussianNB()).fit(X, y)
    assert theirs._last_of_plain_steps() is None and theirs.score(X, y) > 0.9


def test_search_over_steps(iris):
    X, y = iris
    pipeline = Pipeline([("scale", StandardScaler()), ("model", GaussianNB())])
    grid = {"scale": [StandardScaler(), "passthrough", None], "model__var_smoothing": [1e-9, 1e-2]}
    search = GridSearchCV(pipeline, grid, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.9
    assert isinstance(pipeline[:1], Pipeline)


def test_weights_reach_the_steps_that_are_named(iris):
    X, y = iris
    weight = np.where(y == "virginica", 0.0, 1.0)
    pipeline = make_pipeline(StandardScaler(), GaussianNB())
    pipeline.fit(X, y, standardscaler__sample_weight=weight)
    np.testing.assert_allclose(pipeline[0].mean_, X[y != "virginica"].mean(axis=0))


def test_all_of_it_works_without_scikit_learn():
    script = Path(__file__).parent / "pipeline_without_scikit_learn.py"
    package = str(Path(barehand.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": package}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "pipelines work without scikit-learn", done.stderr
