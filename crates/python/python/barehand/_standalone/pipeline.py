"""`sklearn.pipeline` without scikit-learn: steps by name, parameters of steps, slices; no caching and no routing."""

from __future__ import annotations

import time
from typing import Any

from barehand._standalone.base import BaseEstimator, clone
from barehand.exceptions import NotFittedError


def get_config() -> dict[str, Any]:
    """What scikit-learn's ``get_config`` says where nobody has changed it."""
    return {"transform_output": "default"}


class available_if:
    """A method that is there only where a check of its object says so."""

    def __init__(self, check: Any) -> None:
        self._check = check
        self._method: Any = None

    def __call__(self, method: Any) -> available_if:
        self._method = method
        self.__doc__ = method.__doc__
        return self

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        if owner is None:
            return self._method
        self._check(owner)
        return self._method.__get__(owner, kind)


def _last_has(name: str) -> Any:
    def check(self: Any) -> None:
        getattr(self._final_estimator, name)

    return check


def _of_last(name: str) -> Any:
    def method(self: Any, X: Any, **params: Any) -> Any:
        return getattr(self._final_estimator, name)(self._transformed(X), **params)

    method.__name__ = name
    method.__doc__ = f"The last step's ``{name}`` of what the others make of ``X``."
    return available_if(_last_has(name))(method)


def _name_estimators(estimators: Any) -> list[tuple[str, Any]]:
    names = [step if isinstance(step, str) else type(step).__name__.lower() for step in estimators]
    numbered = [
        f"{name}-{names[: i + 1].count(name)}" if names.count(name) > 1 else name for i, name in enumerate(names)
    ]
    return list(zip(numbered, estimators, strict=True))


def _skipped(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


class Pipeline(BaseEstimator):
    """Named steps, one after another."""

    def __init__(self, steps: Any, *, transform_input: Any = None, memory: Any = None, verbose: bool = False) -> None:
        self.steps = steps
        self.transform_input = transform_input
        self.memory = memory
        self.verbose = verbose

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Those of the pipeline and, with ``deep``, its steps by name and theirs as ``name__parameter``."""
        params: dict[str, Any] = {name: getattr(self, name) for name in self._get_param_names()}
        if deep:
            for name, step in self.steps:
                params[name] = step
                if hasattr(step, "get_params"):
                    params.update({f"{name}__{key}": value for key, value in step.get_params().items()})
        return params

    def set_params(self, **params: Any) -> Pipeline:
        """Sets parameters of the pipeline, whole steps, and parameters of steps."""
        if "steps" in params:
            self.steps = params.pop("steps")
        for key, value in params.items():
            name, delimiter, inner = key.partition("__")
            names = [step_name for step_name, _ in self.steps]
            if name in names and delimiter:
                self.named_steps[name].set_params(**{inner: value})
            elif name in names:
                self.steps = [(other, value if other == name else step) for other, step in self.steps]
            elif name in self._get_param_names() and not delimiter:
                setattr(self, name, value)
            else:
                valid = sorted([*self._get_param_names(), *names])
                raise ValueError(f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {valid!r}.")
        return self

    @property
    def named_steps(self) -> dict[str, Any]:
        """The steps by name."""
        return dict(self.steps)

    @property
    def _final_estimator(self) -> Any:
        return self.steps[-1][1]

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            if index.step not in (1, None):
                raise ValueError("Pipeline slicing only supports a step of 1")
            return type(self)(self.steps[index], memory=self.memory, verbose=self.verbose)
        return self.named_steps[index] if isinstance(index, str) else self.steps[index][1]

    def _check_steps(self) -> None:
        if not self.steps:
            raise ValueError("The pipeline is empty. Please add steps.")
        if self.memory is not None or self.transform_input is not None:
            raise ValueError("memory and transform_input of a Pipeline need scikit-learn installed.")
        names = [name for name, _ in self.steps]
        if len(set(names)) != len(names):
            raise ValueError(f"Names provided are not unique: {names!r}")
        if wrong := [name for name in names if "__" in name]:
            raise ValueError(f"Estimator names must not contain __: got {wrong!r}")
        for _, step in self.steps[:-1]:
            if not _skipped(step) and not (hasattr(step, "fit") and hasattr(step, "transform")):
                raise TypeError(
                    "All intermediate steps should be transformers and implement fit and transform or be the string "
                    f"'passthrough' '{step}' (type {type(step)}) doesn't"
                )

    def fit(self, X: Any, y: Any = None, **params: Any) -> Pipeline:
        """Fits one step after the other; ``params`` are ``name__parameter`` of the steps' ``fit``."""
        self._check_steps()
        of_step: dict[str, dict[str, Any]] = {name: {} for name, _ in self.steps}
        for key, value in params.items():
            name, delimiter, inner = key.partition("__")
            if not delimiter or name not in of_step:
                raise ValueError(
                    f"Pipeline.fit does not accept the {key} parameter. You can pass parameters to specific steps of "
                    "your pipeline using the stepname__parameter format, e.g. `Pipeline.fit(X, y, "
                    "logisticregression__sample_weight=sample_weight)`."
                )
            of_step[name][inner] = value
        fitted = []
        for i, (name, step) in enumerate(self.steps):
            start = time.perf_counter()
            if not _skipped(step):
                step = clone(step) if i + 1 < len(self.steps) else step
                step.fit(X, y, **of_step[name])
                X = step.transform(X) if i + 1 < len(self.steps) else X
            fitted.append((name, step))
            if self.verbose:
                done = time.perf_counter() - start
                print(f"[Pipeline] (step {i + 1} of {len(self.steps)}) Processing {name}, total= {done:.1f}s")
        self.steps = fitted
        return self

    def __sklearn_is_fitted__(self) -> bool:
        last = self._final_estimator
        return _skipped(last) or (last.__sklearn_is_fitted__() if hasattr(last, "__sklearn_is_fitted__") else True)

    def _transformed(self, X: Any) -> Any:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                "This Pipeline instance is not fitted yet. Call 'fit' with appropriate arguments before using this "
                "estimator."
            )
        for _, step in self.steps[:-1]:
            X = X if _skipped(step) else step.transform(X)
        return X

    predict = _of_last("predict")
    predict_proba = _of_last("predict_proba")
    predict_log_proba = _of_last("predict_log_proba")
    decision_function = _of_last("decision_function")
    score_samples = _of_last("score_samples")

    def transform(self, X: Any) -> Any:
        """What all steps make of ``X``."""
        X = self._transformed(X)
        return X if _skipped(self._final_estimator) else self._final_estimator.transform(X)

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """``fit(X, y).transform(X)``."""
        return self.fit(X, y, **params).transform(X)

    def fit_predict(self, X: Any, y: Any = None, **params: Any) -> Any:
        """``fit(X, y).predict(X)``."""
        return self.fit(X, y, **params).predict(X)

    def inverse_transform(self, X: Any) -> Any:
        """Back through all steps."""
        for _, step in reversed(self.steps):
            X = X if _skipped(step) else step.inverse_transform(X)
        return X

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """The last step's score."""
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        return self._final_estimator.score(self._transformed(X), y, **weight)

    @property
    def classes_(self) -> Any:
        """The last step's classes."""
        return self._final_estimator.classes_

    @property
    def n_features_in_(self) -> int:
        """How many features the first step has seen."""
        return self.steps[0][1].n_features_in_
