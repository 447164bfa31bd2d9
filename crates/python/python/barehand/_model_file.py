"""Fitted estimators in files: the model in Rust's own format, and beside it what Python needs, as JSON and arrays.

Nothing in a file is code. A class is one of barehand's public estimators, found by name; attributes are numbers, text, arrays,
lists, dicts and further estimators.
"""

from __future__ import annotations

import importlib
import json
import math
import re
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import is_sparse
from barehand.base import BaseEstimator
from barehand.pipeline import Pipeline
from barehand.validation import check_is_fitted

VERSION = 1
"""One more whenever an older barehand could not read what is written."""

_STORED = ("float32", "float64", "int64", "int32", "uint8", "bool")
"""Arrays that are stored as they are; others are lists of numbers or strings in the JSON."""

_PUBLIC = re.compile(r"barehand(\.[a-z][a-z0-9_]*)+")


def save(estimator: Any, path: Any) -> None:
    """Writes the estimator to a file, whole or not at all."""
    check_is_fitted(estimator)
    writer = _Writer()
    model = writer.model_of(estimator, ())
    tree = {"version": VERSION, "estimator": writer.estimator(estimator)}
    text = json.dumps(tree, allow_nan=False)
    _learn.Model.save_beside(path, type(estimator).__name__, model, text, list(writer.arrays.items()))


def load(path: Any) -> Any:
    """The estimator in a file."""
    model, text, arrays = _learn.Model.load_beside(path)
    if text is None:
        return model
    try:
        tree = json.loads(text)
        version = tree["version"]
        if version > VERSION:
            raise ValueError(f"its Python part is of version {version}; this barehand reads versions up to {VERSION}")
        return _Reader(model, arrays).estimator(tree["estimator"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError(f"{path}: not an estimator of this barehand: {error}") from error


class _Writer:
    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.paths: dict[int, tuple[int, ...]] = {}

    def model_of(self, estimator: Any, path: tuple[int, ...]) -> Any:
        """The model in Rust that is the file's own, or a part of it; notes where which estimator's lies."""
        if not isinstance(estimator, Pipeline):
            model = vars(estimator).get("_engine")
            if model is not None:
                self.paths[id(estimator)] = path
            return model
        steps = [(name, step) for name, step in estimator.steps if step is not None and not isinstance(step, str)]
        models = []
        for i, (name, step) in enumerate(steps):
            model = self.model_of(step, (*path, i))
            if model is None:
                raise TypeError(f"step {name!r} of the pipeline, {type(step).__name__}, is no model in Rust")
            models.append(model)
        return _learn.pipeline([name for name, _ in steps], models)

    def estimator(self, estimator: Any) -> dict[str, Any]:
        kind = type(estimator)
        module = ".".join(part for part in kind.__module__.split(".") if not part.startswith("_"))
        if _class(module, kind.__name__) is not kind:
            raise TypeError(f"{kind.__module__}.{kind.__name__} is not an estimator of barehand, so it cannot be saved")
        parameters = estimator.get_params(deep=False)
        attributes = {
            name: value
            for name, value in vars(estimator).items()
            if name not in parameters and name not in ("_engine", "_skl_callbacks") and not name.startswith("__")
        }
        node: dict[str, Any] = {
            "module": module,
            "class": kind.__name__,
            "parameters": {name: self.value(name, value) for name, value in parameters.items()},
            "attributes": {name: self.value(name, value) for name, value in attributes.items()},
        }
        if id(estimator) in self.paths:
            node["model"] = list(self.paths[id(estimator)])
        elif (model := vars(estimator).get("_engine")) is not None:
            node["bytes"] = self.array(np.frombuffer(model.to_bytes(), dtype=np.uint8))
        return node

    def array(self, array: np.ndarray) -> str:
        name = str(len(self.arrays))
        self.arrays[name] = array
        return name

    def value(self, name: str, value: Any) -> Any:
        """JSON of a value; what is not plain is an object with one tag."""
        if value is None or isinstance(value, (bool, str)) or type(value) is int:
            return value
        if isinstance(value, float) and type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, np.generic):
            return {"scalar": self.value(name, value.item()), "dtype": value.dtype.str}
        if isinstance(value, np.ndarray):
            if value.dtype.name in _STORED:
                return {"array": self.array(value)}
            if value.dtype.kind in "iufUO" and not value.dtype.names:
                values = [self.value(name, item) for item in value.ravel().tolist()]
                return {"values": values, "dtype": value.dtype.str, "shape": list(value.shape)}
        if is_sparse(value):
            rows = value.tocsr()
            parts = [self.value(name, part) for part in (rows.data, rows.indices, rows.indptr)]
            return {"sparse": parts, "shape": list(value.shape), "kind": type(rows).__name__}
        if isinstance(value, list):
            return [self.value(name, item) for item in value]
        if isinstance(value, tuple) and type(value) is tuple:
            return {"tuple": [self.value(name, item) for item in value]}
        if isinstance(value, dict):
            return {"dict": [[self.value(name, key), self.value(name, item)] for key, item in value.items()]}
        if isinstance(value, (BaseEstimator, Pipeline)):
            return {"estimator": self.estimator(value)}
        raise TypeError(f"{name!r} holds a {type(value).__name__}, which a model's file cannot hold")


class _Reader:
    def __init__(self, model: Any, arrays: dict[str, np.ndarray]) -> None:
        self.model = model
        self.arrays = arrays

    def estimator(self, node: dict[str, Any]) -> Any:
        kind = _class(node["module"], node["class"])
        if kind is None:
            raise ValueError(f"there is no estimator {node['module']}.{node['class']}")
        estimator = kind(**{str(name): self.value(value) for name, value in node["parameters"].items()})
        for name, value in node["attributes"].items():
            if name.startswith("__") or name == "_engine":
                raise ValueError(f"an attribute is called {name!r}")
            vars(estimator)[name] = self.value(value)
        if "model" in node:
            model = self.model
            for i in node["model"]:
                model = model.steps()[i]
            vars(estimator)["_engine"] = model
        elif "bytes" in node:
            vars(estimator)["_engine"] = _learn.Model.from_bytes(self.arrays[node["bytes"]].tobytes())
        return estimator

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "float" in value:
            return float(value["float"])
        if "scalar" in value:
            return _dtype(value["dtype"]).type(self.value(value["scalar"]))
        if "array" in value:
            return self.arrays[value["array"]]
        if "values" in value:
            array = np.empty(len(value["values"]), dtype=_dtype(value["dtype"]))
            array[:] = [self.value(item) for item in value["values"]]
            return array.reshape(value["shape"])
        if "sparse" in value:
            return self.sparse(value)
        if "tuple" in value:
            return tuple(self.value(item) for item in value["tuple"])
        if "dict" in value:
            return {self.value(key): self.value(item) for key, item in value["dict"]}
        return self.estimator(value["estimator"])

    def sparse(self, value: dict[str, Any]) -> Any:
        from scipy import sparse

        kinds = {"csr_array": sparse.csr_array, "csr_matrix": sparse.csr_matrix}
        data, indices, indptr = (self.value(part) for part in value["sparse"])
        rows = kinds[value["kind"]]((data, indices, indptr), shape=tuple(value["shape"]))
        rows.check_format(full_check=True)
        return rows


def _dtype(name: str) -> np.dtype:
    dtype = np.dtype(name)
    if dtype.kind not in "biufUO":
        raise ValueError(f"an array of dtype {name!r}")
    return dtype


def _class(module: str, name: str) -> Any:
    """A public estimator of barehand; None where there is none of this name."""
    if not isinstance(module, str) or not _PUBLIC.fullmatch(module):
        return None
    try:
        found = importlib.import_module(module)
    except ImportError:
        return None
    if name not in getattr(found, "__all__", ()):
        return None
    kind = getattr(found, name)
    return kind if isinstance(kind, type) and issubclass(kind, (BaseEstimator, Pipeline)) else None
