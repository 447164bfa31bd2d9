"""Run by test_model_selection.py in a process of its own, in which scikit-learn cannot be imported."""

from __future__ import annotations

import importlib.abc
import sys

import numpy as np


class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("sklearn", "joblib"):
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
    import estimators
    from barehand import model_selection as ms
    from barehand.exceptions import InvalidParameterError, NotFittedError

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=60)
    labels = np.where(y > 0, "a", "b")
    ridge, classifier = estimators.RidgeRegressor(), estimators.CentroidClassifier()

    scores = ms.cross_validate(ridge, X, y, return_train_score=True, n_jobs=2, cv=3)
    assert scores["test_score"].shape == scores["train_score"].shape == (3,) and scores["test_score"].min() > 0.9
    np.testing.assert_array_equal(scores["test_score"], ms.cross_val_score(ridge, X, y, cv=3))
    assert (ms.cross_val_score(ridge, X, y, scoring="neg_mean_squared_error") < 0).all()
    assert ms.cross_val_score(classifier, X, labels, cv=ms.StratifiedShuffleSplit(4, random_state=0)).shape == (4,)
    assert ms.cross_val_predict(ridge, X, y).shape == (60,)
    grid = {"alpha": [0.1, 1, 10]}
    search = ms.GridSearchCV(ridge, grid, n_jobs=2)
    raises(NotFittedError, "not fitted", search.predict, X)
    search.fit(X, y)
    assert search.best_params_ == {"alpha": 0.1} and list(search.cv_results_["rank_test_score"]) == [1, 2, 3]
    np.testing.assert_array_equal(search.predict(X), ridge.set_params(alpha=0.1).fit(X, y).predict(X))
    assert search.score(X, y) == search.best_estimator_.score(X, y) and search.n_features_in_ == 3
    raises(AttributeError, "refit=False", lambda: ms.GridSearchCV(ridge, grid, refit=False).fit(X, y).predict(X))
    raises(InvalidParameterError, "n_iter", ms.RandomizedSearchCV(ridge, grid, n_iter=0).fit, X, y)
    assert ms.RandomizedSearchCV(ridge, grid, n_iter=2, random_state=0).fit(X, y).best_params_["alpha"] in grid["alpha"]
    assert ms.HalvingGridSearchCV(ridge, grid).fit(X, y).n_resources_ == [20, 60]
    assert ms.learning_curve(ridge, X, y)[1].shape == (5, 5)
    assert ms.validation_curve(ridge, X, y, param_name="alpha", param_range=[1, 2])[0].shape == (2, 5)
    assert ms.permutation_test_score(ridge, X, y, n_permutations=9)[2] == 0.1
    parts = ms.train_test_split(X, labels, X.tolist(), stratify=labels, random_state=0)
    assert [len(part) for part in parts] == [45, 15] * 3 and isinstance(parts[4], list)
    for splitter in (ms.GroupKFold(2), ms.StratifiedGroupKFold(2), ms.LeaveOneGroupOut()):
        assert sum(len(test) for _, test in splitter.split(X, labels, np.arange(60) // 6)) == 60
    assert not any(name.partition(".")[0] == "sklearn" for name in sys.modules)


if __name__ == "__main__":
    main()
