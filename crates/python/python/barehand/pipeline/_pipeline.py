"""Estimators one after another, as one."""

from __future__ import annotations

from functools import wraps
from typing import Any

from barehand import base

try:
    from sklearn import get_config
    from sklearn.pipeline import Pipeline as _Foundation
    from sklearn.pipeline import _name_estimators
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.validation import validate_data as _since_1_6  # noqa: F401
except ImportError:
    from barehand._standalone.pipeline import Pipeline as _Foundation
    from barehand._standalone.pipeline import _name_estimators, available_if, get_config


def _last_has(name: str) -> Any:
    def check(self: Any) -> bool:
        getattr(self._final_estimator, name)
        return True

    return check


def _straight(name: str) -> Any:
    """A method that, through fitted steps of ours, does the steps' work and nothing else."""
    foundation = getattr(_Foundation, name)

    @available_if(_last_has(name))
    @wraps(foundation)
    def method(self: Any, X: Any, **params: Any) -> Any:
        if not params and (last := self._last_of_plain_steps()) is not None:
            for _, step in self.steps[:-1]:
                if step is not None and not isinstance(step, str):
                    # Past `set_output`, which has nothing to do between steps.
                    X = getattr(type(step).transform, "__wrapped__", type(step).transform)(step, X)
            return getattr(last, name)(X)
        return foundation(self, X, **params)

    return method


class Pipeline(_Foundation):
    """Named steps: all but the last transform the features for the next one, the last does what it can.

    With scikit-learn installed this is its ``Pipeline`` (parameters, slices, caching, routing of metadata and HTML are its
    own), which predicts straight through steps that are models in Rust, and saves them to one file.

    Args:
        steps: a list of pairs of a name and an estimator, ``"passthrough"`` or None.
        transform_input: names of metadata that the steps before transform too (with scikit-learn).
        memory: where fitted transformers are cached (with scikit-learn).
        verbose: whether ``fit`` says how long each step took.

    >>> import numpy as np
    >>> from barehand.naive_bayes import GaussianNB
    >>> from barehand.preprocessing import StandardScaler
    >>> X, y = np.array([[1.0, 200.0], [2.0, 100.0], [8.0, 150.0], [9.0, 250.0]]), ["a", "a", "b", "b"]
    >>> pipeline = Pipeline([("scale", StandardScaler()), ("model", GaussianNB())]).fit(X, y)
    >>> print(pipeline.predict(X[:1]), pipeline.named_steps["scale"].mean_)
    ['a'] [  5. 175.]
    """

    predict = _straight("predict")
    predict_proba = _straight("predict_proba")
    predict_log_proba = _straight("predict_log_proba")
    decision_function = _straight("decision_function")
    score_samples = _straight("score_samples")

    def _last_of_plain_steps(self) -> Any:
        """The last step, where all of them are models in Rust and arrays go between them; else None."""
        for _, step in self.steps:
            if step is None or isinstance(step, str):
                continue
            known = getattr(step, "__dict__", {})
            if not isinstance(step, base.BaseEstimator) or "_engine" not in known or "_sklearn_output_config" in known:
                return None
        last = self.steps[-1][1]
        if last is None or isinstance(last, str) or get_config()["transform_output"] != "default":
            return None
        return last

    def save(self, path: Any) -> None:
        """Writes the fitted steps to one file, which `barehand.base.load_model` reads, and Rust's ``barehand_learn::load``."""
        base.save_model(self, path)


def make_pipeline(*steps: Any, memory: Any = None, transform_input: Any = None, verbose: bool = False) -> Pipeline:
    """A `Pipeline` whose steps are called as their classes in small letters, with ``-1``, ``-2``, ... where one comes twice.

    >>> from barehand.preprocessing import StandardScaler
    >>> make_pipeline(StandardScaler(), StandardScaler()).steps[1]
    ('standardscaler-2', StandardScaler())
    """
    return Pipeline(_name_estimators(steps), transform_input=transform_input, memory=memory, verbose=verbose)
