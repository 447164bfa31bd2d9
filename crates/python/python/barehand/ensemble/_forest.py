"""What forests have in common."""

from __future__ import annotations

import numbers
import os
import time
import warnings
from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from barehand._barehand import _learn
from barehand._random_state import LARGEST_SEED, check_random_state
from barehand.base import BaseEstimator, ClassifierMixin, Interval, RegressorMixin
from barehand.exceptions import DataConversionWarning
from barehand.metrics import accuracy_score
from barehand.tree._base import GROWING, Share, check_features, check_poisson, growing, log
from barehand.tree._class_weight import expand_class_weight
from barehand.tree._decision_tree_classifier import by_output, decode, encode_outputs
from barehand.tree._tree import to_csr
from barehand.validation import check_is_fitted, check_sample_weight

PLANTING: dict[str, list[Any]] = {
    **GROWING,
    "n_estimators": [Interval(int, 1, None)],
    "bootstrap": [bool],
    "oob_score": [bool, callable],
    "n_jobs": [int, None],
    "verbose": [Interval(int, 0, None), bool],
    "warm_start": [bool],
    "max_samples": [None, Share(float, 0.0, None, closed="neither"), Interval(int, 1, None)],
}
"""What the parameters of a forest may be."""


class BaseForest(BaseEstimator):
    """Growing many trees at once, and what all of them say."""

    _engine_type = _learn.Model
    _tree_type: ClassVar[Any]
    _tree_options: ClassVar[tuple[str, ...]] = (
        "criterion",
        "max_depth",
        "min_samples_split",
        "min_samples_leaf",
        "min_weight_fraction_leaf",
        "max_features",
        "max_leaf_nodes",
        "min_impurity_decrease",
        "ccp_alpha",
        "monotonic_cst",
    )

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("estimators_", None)
        return state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self._validate_params()
        if hasattr(y, "tocsr"):
            raise ValueError("sparse multilabel-indicator for y is not supported.")
        X, y = check_features(self, X, y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        y = np.atleast_1d(y)
        if y.ndim == 2 and y.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
                "(n_samples,), for example using ravel().",
                DataConversionWarning,
                stacklevel=2,
            )
        y = y.reshape(len(y), -1)
        self._n_samples, self.n_outputs_ = y.shape
        if self.monotonic_cst is not None and self.n_outputs_ > 1:
            raise ValueError("Monotonicity constraints are not supported with multiple outputs.")
        y, weight = self._targets(y, sample_weight)
        self._sample_weight = weight
        if not self.bootstrap and self.max_samples is not None:
            raise ValueError(
                "`max_sample` cannot be set if `bootstrap=False`. Either switch to `bootstrap=True` or set "
                "`max_sample=None`."
            )
        self._n_samples_bootstrap = self._draws(weight) if self.bootstrap else None
        if not self.bootstrap and self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        random_state = check_random_state(self.random_state)
        grown = len(self) if self.warm_start and "_engine" in self.__dict__ else 0
        more = self.n_estimators - grown
        if more < 0:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to len(estimators_)={grown} when "
                "warm_start==True"
            )
        if more == 0:
            warnings.warn("Warm-start fitting without increasing n_estimators does not fit new trees.", stacklevel=2)
        else:
            # The seeds of the trees that are there already are drawn again, so that the others are as without them.
            seeds = [int(random_state.randint(LARGEST_SEED)) for _ in range(self.n_estimators)]
            began = time.perf_counter()
            engine = self._grow(X, y, weight, seeds[grown:])
            if self.verbose:
                print(f"grew {more} trees in {time.perf_counter() - began:.1f} s")
            if grown:
                engine = _learn.forest_joined(self._engine, engine)
                seeds = self._seeds + seeds[grown:]
            self._engine = engine
            self._seeds = seeds
        self.__dict__.pop("estimators_", None)
        self.estimator_ = self._tree_type()
        if self.oob_score and (more > 0 or not hasattr(self, "oob_score_")):
            scoring = {"scoring_function": self.oob_score} if callable(self.oob_score) else {}
            self._set_oob_score_and_attributes(X, y, **scoring)
        self._finish()
        return self

    def _targets(self, y: np.ndarray, sample_weight: Any) -> tuple[np.ndarray, Any]:
        raise NotImplementedError

    def _fit(self, *arguments: Any) -> Any:
        raise NotImplementedError

    def _set_oob_score_and_attributes(self, X: Any, y: np.ndarray, scoring_function: Any = None) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        pass

    def _draws(self, weight: Any) -> int:
        """How many samples are drawn for a tree."""
        if self.max_samples is None:
            return self._n_samples
        if isinstance(self.max_samples, numbers.Integral):
            return int(self.max_samples)
        if weight is None:
            total, said = self._n_samples, f"the number of samples is {self._n_samples} "
        else:
            total = weight.sum()
            said = f"the total sum of sample weights is {total} "
        draws = max(int(self.max_samples * total), 1)
        if draws < max(10, self._n_samples ** (1 / 3)):
            warnings.warn(
                f"Using the fractional value self.max_samples={self.max_samples} when {said}results in a low number "
                f"({draws}) of bootstrap samples. We recommend passing `max_samples` as an integer instead.",
                stacklevel=3,
            )
        return draws

    def _grow(self, X: Any, y: np.ndarray, weight: Any, seeds: list[int]) -> Any:
        classifier = hasattr(self, "n_classes_") and isinstance(self, ClassifierMixin)
        n_classes = [int(count) for count in np.atleast_1d(self.n_classes_)] if classifier else None
        extra = self._tree_type.__name__.startswith("Extra")
        options = growing(self, "random" if extra else "best", self.n_features_in_, n_classes, 0)
        planting = {
            "extra": extra,
            "seeds": seeds,
            "bootstrap": self.bootstrap,
            "max_samples": self._n_samples_bootstrap,
            "n_jobs": _jobs(self.n_jobs),
            "balanced_subsample": getattr(self, "class_weight", None) == "balanced_subsample" and self.bootstrap,
        }
        return self._fit(X, y, weight, options, planting)

    def _check_predict(self, X: Any) -> Any:
        check_is_fitted(self)
        return check_features(self, X, reset=False)

    def __len__(self) -> int:
        return len(self._seeds)

    def __getitem__(self, index: Any) -> Any:
        return self.estimators_[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.estimators_)

    @property
    def estimator(self) -> Any:
        """A tree of the kind that the forest grows, with its defaults."""
        return self._tree_type()

    @cached_property
    def estimators_(self) -> list[Any]:
        """The trees, each an estimator of its own."""
        if "_engine" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'estimators_'")
        options = {name: getattr(self, name) for name in self._tree_options}
        trees = []
        for seed, engine in zip(self._seeds, _learn.forest_trees(self._engine), strict=True):
            tree = self._tree_type(**options, random_state=seed)
            tree._engine = engine
            tree.n_features_in_, tree.n_outputs_ = self.n_features_in_, self.n_outputs_
            self._finish_tree(tree)
            trees.append(tree)
        return trees

    def _finish_tree(self, tree: Any) -> None:
        pass

    @property
    def estimators_samples_(self) -> list[np.ndarray]:
        """The samples that each tree grew on."""
        check_is_fitted(self)
        return [self._drawn(seed) for seed in self._seeds]

    def _drawn(self, seed: int) -> np.ndarray:
        n = self._n_samples
        if not self.bootstrap:
            return np.arange(n, dtype=np.int32)
        random_state = check_random_state(seed)
        if self._sample_weight is None:
            drawn = random_state.randint(0, n, self._n_samples_bootstrap)
        else:
            shares = self._sample_weight / np.sum(self._sample_weight)
            drawn = random_state.choice(n, self._n_samples_bootstrap, replace=True, p=shares)
        return drawn.astype(np.int32)

    @property
    def feature_importances_(self) -> np.ndarray:
        """The decrease of impurity that each feature brought, the mean over the trees, in shares of their sum."""
        check_is_fitted(self)
        return _learn.tree_importances(self._engine, True)

    def apply(self, X: Any) -> np.ndarray:
        """The leaf of each row in each tree."""
        X = self._check_predict(X)
        return _learn.tree_apply(self._engine, X)

    def decision_path(self, X: Any) -> tuple[Any, np.ndarray]:
        """The nodes on each row's way, the trees side by side, and where the nodes of each tree begin."""
        import scipy.sparse

        X = self._check_predict(X)
        paths, counts = [], [0]
        for tree in self.estimators_:
            indptr, indices = _learn.tree_decision_path(tree._engine, X)
            paths.append(to_csr(indptr, indices, (len(indptr) - 1, tree.tree_.node_count)))
            counts.append(tree.tree_.node_count)
        return scipy.sparse.hstack(paths).tocsr(), np.cumsum(counts)

    def _out_of_bag(self, X: Any) -> np.ndarray:
        """What the trees that did not see a sample say of it: ``(N, classes)`` or ``(N, outputs, classes)``."""
        predictions, counts = _learn.forest_out_of_bag(self._engine, X, self._sample_weight)
        if (counts == 0).any():
            warnings.warn(
                "Some inputs do not have OOB scores. This probably means too few trees were used to compute any reliable "
                "OOB estimates.",
                UserWarning,
                stacklevel=4,
            )
        return predictions

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


def _jobs(n_jobs: int | None) -> int | None:
    """Threads; None leaves it to the library."""
    if n_jobs is None or n_jobs > 0:
        return n_jobs
    return max(1, (os.cpu_count() or 1) + 1 + int(n_jobs))


class ForestClassifier(ClassifierMixin, BaseForest):
    """Forests that tell classes apart."""

    def _targets(self, y: np.ndarray, sample_weight: Any) -> tuple[np.ndarray, Any]:
        self.classes_, codes = encode_outputs(y)
        self.n_classes_ = [len(own) for own in self.classes_]
        class_weight = self.class_weight
        if class_weight is None:
            return codes, sample_weight
        if isinstance(class_weight, str):
            if self.warm_start:
                warnings.warn(
                    'class_weight presets "balanced" or "balanced_subsample" are not recommended for warm_start if the '
                    'fitted data differs from the full dataset. In order to use "balanced" weights, use '
                    'compute_class_weight ("balanced", classes, y). In place of y you can use a large enough sample of '
                    "the full training set target to properly estimate the class frequency distributions. Pass the "
                    "resulting weights as the class_weight parameter.",
                    stacklevel=3,
                )
            if class_weight == "balanced_subsample" and self.bootstrap:
                return codes, sample_weight
            expanded = expand_class_weight("balanced", self.classes_, codes, sample_weight)
        else:
            expanded = expand_class_weight(class_weight, self.classes_, codes)
        return codes, expanded if sample_weight is None else sample_weight * expanded

    def _fit(self, *arguments: Any) -> Any:
        return _learn.forest_classifier(*arguments)

    def _finish(self) -> None:
        if self.n_outputs_ == 1 and isinstance(self.classes_, list):
            self.n_classes_ = self.n_classes_[0]
            self.classes_ = self.classes_[0]

    def _finish_tree(self, tree: Any) -> None:
        counts = np.atleast_1d(self.n_classes_)
        classes = [np.arange(count, dtype=np.float64) for count in counts]
        tree.classes_ = classes if self.n_outputs_ > 1 else classes[0]
        tree.n_classes_ = counts if self.n_outputs_ > 1 else counts[0]

    def _set_oob_score_and_attributes(self, X: Any, y: np.ndarray, scoring_function: Any = None) -> None:
        if y.shape[1] > 1 and max(self.n_classes_) > 2:
            raise ValueError(
                "The type of target cannot be used to compute OOB estimates. Got multiclass-multioutput while only the "
                "following are supported: continuous, continuous-multioutput, binary, multiclass, multilabel-indicator."
            )
        decision = self._out_of_bag(X)
        self.oob_decision_function_ = decision if decision.ndim == 2 else np.swapaxes(decision, 1, 2)
        predicted = np.argmax(self.oob_decision_function_, axis=1)
        self.oob_score_ = (scoring_function or _mean_accuracy)(y, predicted)

    def predict(self, X: Any) -> np.ndarray:
        X = self._check_predict(X)
        return decode(self.classes_, _learn.tree_predict(self._engine, X))

    def predict_proba(self, X: Any) -> Any:
        X = self._check_predict(X)
        return by_output(_learn.tree_values(self._engine, X), self.n_classes_)

    def predict_log_proba(self, X: Any) -> Any:
        return log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _mean_accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    if y.shape[1] == 1:
        return accuracy_score(y[:, 0], predicted)
    return float((y == predicted).all(axis=1).mean())


class ForestRegressor(RegressorMixin, BaseForest):
    """Forests that predict numbers."""

    def _targets(self, y: np.ndarray, sample_weight: Any) -> tuple[np.ndarray, Any]:
        y = np.ascontiguousarray(y, dtype=np.float64)
        if self.criterion == "poisson":
            check_poisson(y, "strictly ")
        return y, sample_weight

    def _fit(self, *arguments: Any) -> Any:
        return _learn.forest_regressor(*arguments)

    def _set_oob_score_and_attributes(self, X: Any, y: np.ndarray, scoring_function: Any = None) -> None:
        predicted = self._out_of_bag(X)
        self.oob_prediction_ = predicted[..., 0]
        self.oob_score_ = (scoring_function or _r2)(y, self.oob_prediction_)

    def predict(self, X: Any) -> np.ndarray:
        X = self._check_predict(X)
        return _learn.tree_predict(self._engine, X)

    def _compute_partial_dependence_recursion(self, grid: Any, target_features: Any) -> np.ndarray:
        grid = np.asarray(grid, dtype=np.float32, order="C")
        return _learn.tree_partial_dependence(self._engine, grid, [int(j) for j in target_features])


def _r2(y: np.ndarray, predicted: np.ndarray) -> float:
    predicted = predicted.reshape(y.shape)
    missed = ((y - predicted) ** 2).sum(axis=0)
    spread = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(spread > 0, 1 - missed / spread, np.where(missed > 0, 0.0, 1.0))
    return float(scores.mean())
