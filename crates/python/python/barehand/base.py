"""The classes on which every estimator hangs.

With scikit-learn 1.6 or later installed, they *are* scikit-learn's: subclasses of its ``BaseEstimator`` and mixins, with its
tags, ``set_output``, metadata routing and HTML. Without it they are the same classes on a foundation of our own, with the
same rules. ``import barehand`` loads neither; an estimator's module does.

An estimator is a Python class over a fitted model in Rust. It lives in the module that scikit-learn keeps it in
(``barehand/linear_model.py``, a package where a module becomes too long), which imports this one, and does four things:

1. ``__init__`` stores its arguments unchanged; ``_parameter_constraints`` says what they may be.
2. ``fit`` calls ``self._validate_params()``, then `validate_data` on ``X`` and ``y`` (`encode_classes` and
   `check_sample_weight` where it has labels and weights), hands the arrays to Rust, keeps the model as ``self._engine`` and
   copies what scikit-learn shows into attributes that end with an underscore. It returns ``self``.
3. ``predict`` and the like call `check_is_fitted`, then `validate_data` with ``reset=False``, then ``self._engine``.
4. ``_engine_type`` names the extension module's class (an `Engine`), so that a pickle holds the model's own bytes.

Mixins stand to the left of `BaseEstimator`:

>>> import numpy as np
>>> from barehand.base import BaseEstimator, RegressorMixin
>>> from barehand.validation import check_is_fitted, validate_data
>>> class MeanRegressor(RegressorMixin, BaseEstimator):
...     _parameter_constraints = {"shrinkage": [Interval(float, 0, 1, closed="both")]}
...
...     def __init__(self, *, shrinkage=0.0):
...         self.shrinkage = shrinkage
...
...     def fit(self, X, y):
...         self._validate_params()
...         X, y = validate_data(self, X, y, y_numeric=True)
...         self.mean_ = (1 - self.shrinkage) * float(y.mean())
...         return self
...
...     def predict(self, X):
...         check_is_fitted(self)
...         X = validate_data(self, X, reset=False)
...         return np.full(len(X), self.mean_)
>>> MeanRegressor().fit([[0.0], [1.0]], [1.0, 3.0]).predict([[5.0]])
array([2.])
>>> MeanRegressor(shrinkage=2).fit([[0.0], [1.0]], [1.0, 3.0])
Traceback (most recent call last):
...
barehand.exceptions.InvalidParameterError: The 'shrinkage' parameter of MeanRegressor must be a float in the range [0.0, 1.0]. Got 2 instead.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

from barehand import __version__, exceptions
from barehand._param_validation import Interval, check_parameters

try:
    from sklearn import base as _foundation
    from sklearn.base import ClassifierMixin, ClusterMixin, DensityMixin, RegressorMixin, clone
    from sklearn.utils.validation import validate_data as _since_1_6  # noqa: F401
except ImportError:
    from barehand._standalone import base as _foundation
    from barehand._standalone.base import ClassifierMixin, ClusterMixin, DensityMixin, RegressorMixin, clone

__all__ = [
    "BaseEstimator",
    "ClassNamePrefixFeaturesOutMixin",
    "ClassifierMixin",
    "ClusterMixin",
    "DensityMixin",
    "Engine",
    "Interval",
    "OneToOneFeatureMixin",
    "RegressorMixin",
    "TransformerMixin",
    "clone",
    "load_model",
    "save_model",
]

OneToOneFeatureMixin = _foundation.OneToOneFeatureMixin
ClassNamePrefixFeaturesOutMixin = _foundation.ClassNamePrefixFeaturesOutMixin

_STATE_FORMAT = 1
"""Of what `BaseEstimator.__getstate__` returns; one more whenever an older barehand could not read it."""


class Engine(Protocol):
    """A fitted model of the extension module: bytes out, the same model back.

    The bytes are the model's versioned file format, so they outlive the Python attributes around them.
    """

    def to_bytes(self) -> bytes:
        """The model in its file format; equal models give equal bytes."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Engine:
        """The model; ``ValueError`` where the bytes are not one, or of a format that is too new."""


class BaseEstimator(_foundation.BaseEstimator):
    """Parameters by name, their validation, and pickling of the fitted model in Rust.

    ``get_params``, ``set_params``, ``clone``, the text and the HTML of an estimator work as in scikit-learn.
    """

    _engine_type: ClassVar[type[Engine] | None] = None
    """The class of ``self._engine``; None for an estimator without one, whose attributes are all there is to it."""

    _parameter_constraints: ClassVar[Mapping[str, Iterable[Any]]] = {}
    """For each parameter what it may be: types, None, ``callable``, sets of values, `Interval`."""

    def _validate_params(self) -> None:
        """Raises `InvalidParameterError` for a parameter that `_parameter_constraints` rules out."""
        check_parameters(self._parameter_constraints, self.get_params(deep=False), type(self).__name__)

    def __sklearn_is_fitted__(self) -> bool:
        # A fit that Rust refuses has set n_features_in_ already: only the model says that there is one.
        if self._engine_type is not None:
            return "_engine" in vars(self)
        return any(name.endswith("_") and not name.startswith("__") for name in vars(self))

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_engine" in state:
            state["_engine"] = state["_engine"].to_bytes()
        return {**state, "_barehand_version": __version__, "_barehand_format": _STATE_FORMAT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version, name = state.pop("_barehand_version"), type(self).__name__
        state_format = state.pop("_barehand_format")
        if state_format > _STATE_FORMAT:
            raise ValueError(
                f"{name} was pickled by barehand {version} in format {state_format}, which barehand {__version__} cannot "
                f"read (it knows formats up to {_STATE_FORMAT}): load it with barehand {version} or later."
            )
        if version != __version__:
            warnings.warn(
                exceptions.InconsistentVersionWarning(
                    estimator_name=name, current_version=__version__, original_version=version
                ),
                stacklevel=2,
            )
        if "_engine" in state:
            if self._engine_type is None:
                raise ValueError(f"{name} was pickled with a model in Rust, but this {name} has none.")
            state["_engine"] = self._engine_type.from_bytes(state["_engine"])
        super().__setstate__(state)

    def save(self, path: Any) -> None:
        """Writes the fitted estimator to one file: the model in Rust, and in its header parameters, classes and names as JSON.

        `load_model` reads it; so does ``barehand_learn::load`` in Rust, with the same predictions to the bit. There is no code
        in it.

        Raises:
            TypeError: something that the estimator holds is neither numbers, text nor an estimator of barehand.
            NotFittedError: there is nothing to save.
        """
        save_model(self, path)


def save_model(estimator: Any, path: Any) -> None:
    """Writes a fitted estimator, or pipeline of estimators, to one file; `BaseEstimator.save` says more."""
    from barehand import _model_file

    _model_file.save(estimator, path)


def load_model(path: Any) -> Any:
    """Reads the estimator that ``save`` wrote; of a file that Rust wrote, the model itself, which predicts class labels.

    >>> import os, tempfile
    >>> from barehand.preprocessing import MaxAbsScaler
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = os.path.join(directory, "scaler.safetensors")
    ...     MaxAbsScaler().fit([[2.0], [-4.0]]).save(path)
    ...     load_model(path).transform([[1.0]])
    array([[0.25]])

    Raises:
        ValueError: the file is none of barehand's, says something impossible, or is of a later version.
    """
    from barehand import _model_file

    return _model_file.load(path)


class TransformerMixin(_foundation.TransformerMixin):
    """``fit_transform`` and, with scikit-learn, ``set_output``; float32 in, float32 out."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
