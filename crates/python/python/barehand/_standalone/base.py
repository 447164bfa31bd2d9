"""`sklearn.base` without scikit-learn: parameters, cloning, and what each kind of estimator can do."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np

from barehand._standalone.validation import check_is_fitted


def clone(estimator: Any, *, safe: bool = True) -> Any:
    """A new, unfitted estimator with the same parameters; a list, tuple or set of estimators is cloned one by one.

    With ``safe=False`` whatever is not an estimator is deep-copied, which is how parameters are cloned.
    """
    if isinstance(estimator, dict):
        return {key: clone(value, safe=safe) for key, value in estimator.items()}
    if type(estimator) in (list, tuple, set, frozenset):
        return type(estimator)([clone(item, safe=safe) for item in estimator])
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        if safe:
            raise TypeError(f"Cannot clone {estimator!r} (type {type(estimator)}): it has no 'get_params' method.")
        return copy.deepcopy(estimator)
    parameters = {key: clone(value, safe=False) for key, value in estimator.get_params(deep=False).items()}
    twin = type(estimator)(**parameters)
    kept = twin.get_params(deep=False)
    for key, value in parameters.items():
        if kept[key] is not value:
            raise RuntimeError(
                f"Cannot clone object {estimator}, as the constructor either does not set or modifies parameter {key}"
            )
    return twin


class BaseEstimator:
    """Parameters by name: the constructor's arguments, stored unchanged under their names."""

    @classmethod
    def _get_param_names(cls) -> list[str]:
        if cls.__init__ is object.__init__:
            return []
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        if any(p.kind == p.VAR_POSITIONAL for p in parameters):
            raise RuntimeError(f"{cls.__name__} must name its parameters in __init__, without *args.")
        return sorted(p.name for p in parameters if p.kind != p.VAR_KEYWORD)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameter names and values; with ``deep``, also ``name__inner`` of parameters that are estimators."""
        parameters: dict[str, Any] = {}
        for name in self._get_param_names():
            value = getattr(self, name)
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                parameters.update({f"{name}__{inner}": v for inner, v in value.get_params().items()})
            parameters[name] = value
        return parameters

    def set_params(self, **params: Any) -> BaseEstimator:
        """Sets parameters by name, ``name__inner`` for those of a parameter that is an estimator; returns ``self``."""
        known = self.get_params(deep=False)
        nested: dict[str, dict[str, Any]] = {}
        for key, value in params.items():
            name, delimiter, inner = key.partition("__")
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {self._get_param_names()!r}."
                )
            if delimiter:
                nested.setdefault(name, {})[inner] = value
            else:
                setattr(self, name, value)
        for name, inner_params in nested.items():
            getattr(self, name).set_params(**inner_params)
        return self

    def __repr__(self) -> str:
        """The constructor call, with the parameters that differ from their defaults."""
        defaults = inspect.signature(type(self).__init__).parameters
        shown = [
            f"{name}={value!r}"
            for name, value in self.get_params(deep=False).items()
            if repr(value) != repr(defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class ClassifierMixin:
    """Classifiers score by accuracy."""

    _estimator_type = "classifier"

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy of ``predict(X)`` against the labels ``y``."""
        from barehand.metrics import accuracy_score

        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)  # type: ignore[attr-defined]


class RegressorMixin:
    """Regressors score by the coefficient of determination."""

    _estimator_type = "regressor"

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2 of ``predict(X)`` against the targets ``y``: ``1 - sum w (y - p)^2 / sum w (y - mean)^2``.

        As in scikit-learn, constant targets score 1 if they are met exactly and 0 otherwise, fewer than two samples NaN,
        and several outputs their mean.
        """
        p = np.asarray(self.predict(X), dtype=np.float64)  # type: ignore[attr-defined]
        y = np.asarray(y, dtype=np.float64).reshape(p.shape)
        if len(y) < 2:
            return float("nan")
        p, y = p.reshape(len(y), -1), y.reshape(len(y), -1)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        residual = weight @ (y - p) ** 2
        spread = weight @ (y - np.average(y, axis=0, weights=weight)) ** 2
        constant = spread == 0
        score = 1 - residual / np.where(constant, 1, spread)
        return float(np.where(constant, np.where(residual == 0, 1.0, 0.0), score).mean())


class TransformerMixin:
    """Transformers can fit and transform in one call."""

    def __init_subclass__(cls, auto_wrap_output_keys: Any = None, **kwargs: Any) -> None:
        # Only scikit-learn wraps outputs; its option may be named all the same.
        super().__init_subclass__(**kwargs)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """``fit(X, y).transform(X)``."""
        fitted = self.fit(X, **fit_params) if y is None else self.fit(X, y, **fit_params)  # type: ignore[attr-defined]
        return fitted.transform(X)


class ClusterMixin:
    """Clusterers can fit and give the labels in one call."""

    _estimator_type = "clusterer"

    def fit_predict(self, X: Any, y: Any = None, **kwargs: Any) -> Any:
        """``fit(X).labels_``."""
        self.fit(X, **kwargs)  # type: ignore[attr-defined]
        return self.labels_  # type: ignore[attr-defined]


class DensityMixin:
    """Densities have a ``score`` of their own."""

    _estimator_type = "DensityEstimator"


class OneToOneFeatureMixin:
    """Transformers whose output columns are their input columns, names included."""

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The names of the output columns: ``input_features``, those seen in ``fit``, or ``x0, x1, ...``."""
        check_is_fitted(self, attributes="n_features_in_")
        seen = getattr(self, "feature_names_in_", None)
        if input_features is None:
            names = seen if seen is not None else [f"x{i}" for i in range(self.n_features_in_)]  # type: ignore[attr-defined]
            return np.asarray(names, dtype=object)
        names = np.asarray(input_features, dtype=object)
        if seen is not None and not np.array_equal(seen, names):
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(names) != self.n_features_in_:  # type: ignore[attr-defined]
            raise ValueError("input_features should have length equal to number of features")
        return names


class ClassNamePrefixFeaturesOutMixin:
    """Transformers whose output columns are named after them, such as ``pca0, pca1, ...``.

    The number of columns is ``self._n_features_out``.
    """

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """``classname0, classname1, ...``; ``input_features`` is only there for the other transformers' sake."""
        check_is_fitted(self, attributes="n_features_in_")
        prefix = type(self).__name__.lower()
        return np.asarray([f"{prefix}{i}" for i in range(self._n_features_out)], dtype=object)  # type: ignore[attr-defined]
