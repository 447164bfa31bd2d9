"""Run by test_pipeline.py in a process of its own, in which scikit-learn cannot be imported."""

from __future__ import annotations

import importlib.abc
import os
import sys
import tempfile

import numpy as np


class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sklearn":
            raise ImportError(f"{name} is blocked")
        return None


def raises(kind, text, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error!s}"
        return
    raise AssertionError(f"{kind.__name__} {text!r} was not raised")


def main():
    sys.meta_path.insert(0, Blocker())
    from barehand.base import clone, load_model
    from barehand.exceptions import NotFittedError
    from barehand.naive_bayes import GaussianNB, MultinomialNB
    from barehand.pipeline import Pipeline, make_pipeline
    from barehand.preprocessing import LabelEncoder, MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.repeat(["far", "near"], 30)
    X[:30] += 4
    pipeline = Pipeline([("scale", StandardScaler()), ("skip", "passthrough"), ("model", GaussianNB())])
    raises(NotFittedError, "not fitted", pipeline.predict, X)
    assert pipeline.fit(X, y) is pipeline and (pipeline.predict(X) == y).mean() > 0.95
    assert pipeline.score(X, y) > 0.95 and list(pipeline.classes_) == ["far", "near"]
    np.testing.assert_array_equal(pipeline.predict_proba(X), pipeline[-1].predict_proba(pipeline[:1].transform(X)))
    assert not hasattr(pipeline, "decision_function")
    assert pipeline["scale"] is pipeline.named_steps["scale"] and len(pipeline) == 3
    pipeline.set_params(model__var_smoothing=1e-3, scale=MinMaxScaler())
    assert clone(pipeline).get_params()["model__var_smoothing"] == 1e-3
    raises(ValueError, "Invalid parameter", pipeline.set_params, nothing=1)
    weight = np.r_[np.zeros(10), np.ones(50)]
    pipeline.fit(X, y, model__sample_weight=weight)
    np.testing.assert_array_equal(pipeline[-1].class_count_, [20, 30])
    raises(ValueError, "does not accept the sample_weight parameter", pipeline.fit, X, y, sample_weight=weight)
    raises(ValueError, "not unique", Pipeline([("a", StandardScaler()), ("a", GaussianNB())]).fit, X, y)
    raises(ValueError, "infinity", pipeline.predict, X + np.inf)
    scaled = make_pipeline(MaxAbsScaler(), MinMaxScaler(), Normalizer())
    assert scaled.fit_transform(X).shape == X.shape
    back = make_pipeline(MaxAbsScaler(), StandardScaler()).fit(X)
    np.testing.assert_allclose(back.inverse_transform(back.transform(X)), X)
    assert list(LabelEncoder().fit_transform(["b", "a"])) == [1, 0]
    counts = MultinomialNB().fit(np.floor(np.abs(X)), y)
    with tempfile.TemporaryDirectory() as directory:
        for model, data in ((pipeline, X), (counts, np.floor(np.abs(X)))):
            path = os.path.join(directory, "model")
            model.save(path)
            np.testing.assert_array_equal(load_model(path).predict_proba(data), model.predict_proba(data))
    assert "sklearn" not in sys.modules
    print("pipelines work without scikit-learn")


if __name__ == "__main__":
    main()
