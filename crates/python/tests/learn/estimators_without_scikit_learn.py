"""Run by test_without_scikit_learn.py in a process of its own, in which scikit-learn cannot be imported."""

from __future__ import annotations

import importlib
import importlib.abc
import inspect
import sys
import warnings

import numpy as np

AREAS = ["cluster", "decomposition", "ensemble", "linear_model", "mixture", "naive_bayes", "neighbors"]
AREAS += ["preprocessing", "tree"]
METHODS = ["predict", "predict_proba", "transform", "decision_function", "score_samples", "kneighbors"]


class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("sklearn", "joblib"):
            raise ImportError(f"{name} is blocked")
        return None


def estimators():
    from barehand.base import BaseEstimator

    for area in AREAS:
        module = importlib.import_module(f"barehand.{area}")
        for name in module.__all__:
            kind = getattr(module, name)
            if inspect.isclass(kind) and issubclass(kind, BaseEstimator) and hasattr(kind, "fit"):
                yield name, kind


def boosting(X, classes, values):
    """Rounds that are judged: by the loss, by the model's own score, by a score by name, on samples that are set aside or not."""
    from barehand.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    for kind, y, score in (
        (HistGradientBoostingClassifier, classes, "accuracy"),
        (HistGradientBoostingRegressor, values, "r2"),
    ):
        for options in ({}, {"scoring": None}, {"scoring": score, "validation_fraction": None}):
            fitted = kind(max_iter=5, early_stopping=True, random_state=0, **options).fit(X, y)
            assert fitted.n_iter_ <= 5 and len(fitted.train_score_) == fitted.n_iter_ + 1


def main():
    sys.meta_path.insert(0, Blocker())
    rng = np.random.RandomState(0)
    X = np.abs(rng.randn(80, 4))
    classes, values = np.where(X[:, 0] > X[:, 1], "near", "far"), X @ [1.0, 2.0, 3.0, 4.0] + 1
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, kind in estimators():
            told_apart = any(part in name for part in ("Classifier", "NB", "Logistic"))
            fitted = (
                kind().fit(classes) if name.startswith("Label") else kind().fit(X, classes if told_apart else values)
            )
            for method in METHODS:
                if hasattr(fitted, method) and not name.startswith("Label"):
                    getattr(fitted, method)(X)
            assert repr(fitted).startswith(name)
            count += 1
        boosting(X, classes, values)
        # A scorer looks at 10,000 samples at most.
        boosting(np.repeat(X, 130, 0), np.repeat(classes, 130), np.repeat(values, 130))

        from barehand.inspection import partial_dependence, permutation_importance
        from barehand.linear_model import LogisticRegression

        model = LogisticRegression().fit(X, classes)
        found = permutation_importance(model, X, classes, scoring=["accuracy", "neg_log_loss"], random_state=0)
        assert sorted(found) == ["accuracy", "neg_log_loss"]
        assert partial_dependence(model, X, [0])["average"].shape[0] == 1
    assert count == 49 and not any(name.partition(".")[0] == "sklearn" for name in sys.modules)


if __name__ == "__main__":
    main()
