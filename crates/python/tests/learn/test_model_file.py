"""Estimators in files: read by Python and by Rust, the same predictions to the bit; nothing that could be run."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import Pipeline as TheirPipeline

from barehand import exceptions
from barehand._barehand import _learn
from barehand.base import BaseEstimator, load_model
from barehand.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from barehand.pipeline import make_pipeline
from barehand.preprocessing import LabelEncoder, MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler

X, CODES = load_iris(return_X_y=True)
Y = np.array(["setosa", "versicolor", "virginica"])[CODES]
COUNTS = np.floor(X)

CLASSIFIERS = [
    GaussianNB(priors=[0.2, 0.3, 0.5]),
    MultinomialNB(alpha=[1.0, 2.0, 3.0, 4.0]),
    ComplementNB(norm=True),
    BernoulliNB(binarize=3.0),
    CategoricalNB(),
]
TRANSFORMERS = [StandardScaler(), MinMaxScaler(feature_range=(-1, 1)), MaxAbsScaler(), Normalizer(norm="l1")]


def rewritten(path, change):
    """Changes the JSON beside the model."""
    model, text, arrays = _learn.Model.load_beside(path)
    tree = json.loads(text)
    change(tree)
    _learn.Model.save_beside(path, "X", model, json.dumps(tree), list(arrays.items()))


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_classifiers(tmp_path, estimator, dtype):
    path, data = tmp_path / "model.safetensors", COUNTS.astype(dtype)
    estimator.fit(data, Y).save(path)
    same = load_model(path)
    assert type(same) is type(estimator) and repr(same.get_params()) == repr(estimator.get_params())
    assert list(same.classes_) == list(estimator.classes_) and vars(same).keys() == vars(estimator).keys()
    np.testing.assert_array_equal(same.predict(data), estimator.predict(data))
    np.testing.assert_array_equal(same.predict_proba(data), estimator.predict_proba(data))
    # Rust's `barehand_learn::load` reads the file as it is.
    rust = _learn.Model.load(path)
    np.testing.assert_array_equal(same.classes_[rust.predict(data.astype(rust.dtype))], estimator.predict(data))
    np.testing.assert_array_equal(rust.predict_proba(data.astype(rust.dtype)), estimator.predict_proba(data))


@pytest.mark.parametrize("estimator", TRANSFORMERS, ids=lambda e: type(e).__name__)
def test_transformers(tmp_path, estimator):
    path = tmp_path / "model.safetensors"
    frame = pd.DataFrame(X, columns=["sepal l", "sepal w", "petal l", "petal w"])
    expected = estimator.fit(frame).transform(frame)
    estimator.save(path)
    same = load_model(path)
    np.testing.assert_array_equal(same.transform(frame), expected)
    assert list(same.feature_names_in_) == list(frame.columns)
    np.testing.assert_array_equal(_learn.Model.load(path).transform(X), expected)
    if hasattr(same, "partial_fit"):
        np.testing.assert_array_equal(same.partial_fit(X).scale_, estimator.partial_fit(X).scale_)


def test_pipelines(tmp_path):
    path = tmp_path / "pipeline.safetensors"
    pipeline = make_pipeline(StandardScaler(), "passthrough", make_pipeline(MinMaxScaler(), GaussianNB())).fit(X, Y)
    pipeline.save(path)
    same = load_model(path)
    assert repr(same) == repr(pipeline) and same[0].n_samples_seen_ == 150
    np.testing.assert_array_equal(same.predict(X), pipeline.predict(X))
    np.testing.assert_array_equal(same.predict_proba(X), pipeline.predict_proba(X))
    rust = _learn.Model.load(path)
    assert rust.name == "Pipeline" and [step.name for step in rust.steps()] == ["StandardScaler", "Pipeline"]
    np.testing.assert_array_equal(rust.predict_proba(X), pipeline.predict_proba(X))


def test_what_rust_wrote(tmp_path):
    path = tmp_path / "rust.safetensors"
    pipeline = make_pipeline(StandardScaler(), GaussianNB()).fit(X, CODES)
    _learn.pipeline(["scale", "model"], [pipeline[0]._engine, pipeline[1]._engine]).save(path)
    np.testing.assert_array_equal(load_model(path).predict(X), pipeline.predict(X))


def test_labels_of_every_kind(tmp_path):
    path = tmp_path / "encoder.safetensors"
    for labels in (["b", "a"], [3, 1], [0.5, float("nan")], np.array(["x", None], dtype=object), [True, False]):
        encoder = LabelEncoder().fit(labels)
        encoder.save(path)
        np.testing.assert_array_equal(load_model(path).classes_, encoder.classes_)
        assert load_model(path).classes_.dtype == encoder.classes_.dtype


class Mine(BaseEstimator):
    def fit(self, X, y=None):
        self.done_ = True
        return self


def test_what_cannot_be_saved(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(exceptions.NotFittedError):
        GaussianNB().save(path)
    with pytest.raises(TypeError, match="Mine is not an estimator of barehand"):
        Mine().fit(X).save(path)
    model = GaussianNB().fit(X, Y)
    model.callback_ = print
    with pytest.raises(TypeError, match="'callback_' holds a builtin_function_or_method"):
        model.save(path)
    with pytest.raises(TypeError, match="is no model in Rust"):
        make_pipeline(TheirPipeline([("a", StandardScaler())]), GaussianNB()).fit(X, Y).save(path)
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree.update(version=2),
        lambda tree: tree["estimator"].update({"class": "system"}),
        lambda tree: tree["estimator"].update({"module": "os", "class": "system"}),
        lambda tree: tree["estimator"].update({"module": "barehand._model_file", "class": "load"}),
        lambda tree: tree["estimator"].update({"module": "barehand.base", "class": "clone"}),
        lambda tree: tree["estimator"]["attributes"].update({"__class__": 3}),
        lambda tree: tree["estimator"]["parameters"].update({"gamma": 3}),
        lambda tree: tree["estimator"].update(model=[4]),
        lambda tree: tree["estimator"]["attributes"].update(theta_={"array": "none"}),
        lambda tree: tree["estimator"]["attributes"].update(theta_={"values": [1], "dtype": "V8", "shape": [1]}),
        lambda tree: tree.update(estimator=[]),
    ],
)
def test_files_that_lie_are_refused(tmp_path, change):
    path = tmp_path / "model.safetensors"
    GaussianNB().fit(X, Y).save(path)
    rewritten(path, change)
    with pytest.raises(ValueError, match="not an estimator of this barehand"):
        load_model(path)
