"""What decision trees have in common."""

from __future__ import annotations

import numbers
from functools import cached_property
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._bunch import Bunch
from barehand._random_state import RANDOM_STATE, seed_of
from barehand.base import BaseEstimator, Interval, clone
from barehand.tree._tree import Tree
from barehand.validation import check_is_fitted, check_sample_weight, validate_data

__all__ = ["BaseDecisionTree", "Share"]

UNUSED = "$UNUSED$"
"""scikit-learn's mark of arguments that are not routed."""


class Share(Interval):
    """Real numbers between two bounds that are no ints: an int is a count."""

    def __contains__(self, value: Any) -> bool:
        return not isinstance(value, numbers.Integral) and super().__contains__(value)


GROWING: dict[str, list[Any]] = {
    "max_depth": [Interval(int, 1, None), None],
    "min_samples_split": [Interval(int, 2, None), Share(float, 0.0, 1.0, closed="right")],
    "min_samples_leaf": [Interval(int, 1, None), Share(float, 0.0, 1.0, closed="neither")],
    "min_weight_fraction_leaf": [Interval(float, 0.0, 0.5, closed="both")],
    "max_features": [Interval(int, 1, None), Share(float, 0.0, 1.0, closed="right"), {"sqrt", "log2"}, None],
    "random_state": RANDOM_STATE,
    "max_leaf_nodes": [Interval(int, 2, None), None],
    "min_impurity_decrease": [Interval(float, 0.0, None)],
    "ccp_alpha": [Interval(float, 0.0, None)],
    "monotonic_cst": [list, tuple, np.ndarray, None],
}
"""What the parameters may be that trees and forests share."""

GROWING_OPTIONS = (
    "criterion",
    "max_depth",
    "min_samples_split",
    "min_samples_leaf",
    "min_weight_fraction_leaf",
    "max_features",
    "max_leaf_nodes",
    "min_impurity_decrease",
    "ccp_alpha",
)


def growing(estimator: Any, splitter: str, n_features: int, n_classes: list[int] | None, seed: int) -> dict[str, Any]:
    """The parameters of a tree or a forest as Rust takes them; ``n_classes`` of each output of a classifier."""
    options = {name: getattr(estimator, name) for name in GROWING_OPTIONS}
    for name in ("max_depth", "max_leaf_nodes"):
        if options[name] is not None:
            # Counts beyond what a machine holds are no limit.
            options[name] = min(int(options[name]), 2**62)
    monotonic = estimator.monotonic_cst
    if monotonic is not None:
        monotonic = np.asarray(monotonic)
        if monotonic.shape[0] != n_features:
            raise ValueError(
                f"monotonic_cst has shape {monotonic.shape[0]} but the input data X has {n_features} features."
            )
        if not np.isin(monotonic, (-1, 0, 1)).all():
            raise ValueError(
                f"monotonic_cst must be None or an array-like of -1, 0 or 1, but got {np.unique(monotonic)}"
            )
        if n_classes is not None and n_classes[0] > 2:
            raise ValueError("Monotonicity constraints are not supported with multiclass classification")
        monotonic = [int(sign) for sign in monotonic]
    categorical = getattr(estimator, "categorical_features", None)
    if categorical is None:
        categorical = []
    else:
        categorical = np.asarray(categorical)
        categorical = (np.flatnonzero(categorical) if categorical.dtype == bool else categorical).tolist()
    return {
        **options,
        "splitter": splitter,
        "monotonic_cst": monotonic,
        "categorical_features": categorical,
        "seed": seed,
    }


def n_features_drawn(max_features: Any, n_features: int) -> int:
    """How many features a node looks at: ``max_features_``."""
    if max_features is None:
        return n_features
    if isinstance(max_features, str):
        return max(1, int(np.sqrt(n_features) if max_features == "sqrt" else np.log2(n_features)))
    if isinstance(max_features, numbers.Integral):
        return int(max_features)
    return max(1, int(max_features * n_features))


def check_features(estimator: Any, X: Any, y: Any = "no_validation", **options: Any) -> Any:
    """``X`` as float32 rows, dense with missing values or sparse without; in ``fit`` with ``y``."""
    if options.get("reset") is False and (rows := _plain_rows(estimator, X)) is not None:
        return rows
    if hasattr(X, "tocsr"):
        if hasattr(X, "indices") and (X.indices.dtype == np.int64 or X.indptr.dtype == np.int64):
            raise ValueError("No support for np.int64 index based sparse matrices")
        finite: Any = True
    else:
        finite = "allow-nan"
    if not isinstance(y, str):
        options["multi_output"] = True
    checked = validate_data(estimator, X, y, dtype=np.float32, accept_sparse="csr", ensure_all_finite=finite, **options)
    X = checked[0] if isinstance(checked, tuple) else checked
    if hasattr(X, "tocsr") and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
        checked = (X, checked[1]) if isinstance(checked, tuple) else X
    return checked


def _plain_rows(estimator: Any, X: Any) -> np.ndarray | None:
    """Rows of which one look says that they are what `validate_data` would return: it takes longer than many a tree."""
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in (np.float32, np.float64) or not len(X):
        return None
    if X.shape[1] != estimator.n_features_in_ or hasattr(estimator, "feature_names_in_"):
        return None
    with np.errstate(over="ignore"):
        X = np.ascontiguousarray(X, dtype=np.float32)
    return None if np.isinf(X).any() else X


def check_poisson(y: np.ndarray, strictly: str = "") -> None:
    """Refuses targets that have no Poisson deviance."""
    if (y < 0).any():
        raise ValueError("Some value(s) of y are negative which is not allowed for Poisson regression.")
    if y.sum() <= 0:
        raise ValueError(f"Sum of y is not {strictly}positive which is necessary for Poisson regression.")


class BaseDecisionTree(BaseEstimator):
    """Growing, leaves and paths; classifiers and regressors derive from it."""

    _engine_type = _learn.Model
    __metadata_request__fit = {"check_input": UNUSED}
    __metadata_request__predict = {"check_input": UNUSED}
    __metadata_request__predict_proba = {"check_input": UNUSED}

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("tree_", None)
        return state

    def _check_fit(self, X: Any, y: Any, sample_weight: Any, check_input: bool) -> tuple[Any, np.ndarray, Any]:
        self._validate_params()
        if hasattr(y, "tocsr"):
            raise TypeError(
                "Sparse data was passed for y, but dense data is required. Use '.toarray()' to convert to a dense array."
            )
        if self.criterion == "poisson" and (given := np.asarray(y)).dtype.kind in "biuf":
            check_poisson(given)
        if check_input:
            X, y = check_features(self, X, y)
        else:
            if not hasattr(X, "tocsr"):
                X = np.asarray(X, dtype=np.float32)
            y = np.asarray(y)
            self.n_features_in_ = X.shape[1]
        y = np.atleast_1d(y)
        if len(y) != X.shape[0]:
            raise ValueError(f"Number of labels={len(y)} does not match number of samples={X.shape[0]}")
        self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
        if self.monotonic_cst is not None and self.n_outputs_ > 1:
            raise ValueError("Monotonicity constraints are not supported with multiple outputs.")
        if sample_weight is not None:
            if isinstance(sample_weight, np.ndarray) and sample_weight.ndim == 0:
                raise TypeError(
                    "Input should have at least 1 dimension i.e. satisfy `len(x.shape) > 0`, got scalar "
                    f"`{sample_weight.astype(np.float64)!r}` instead."
                )
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self.max_features_ = n_features_drawn(self.max_features, self.n_features_in_)
        self.__dict__.pop("tree_", None)
        return X, y.reshape(len(y), -1), sample_weight

    def _growing(self, n_classes: list[int] | None) -> dict[str, Any]:
        return growing(self, self.splitter, self.n_features_in_, n_classes, seed_of(self.random_state))

    def _check_predict(self, X: Any, check_input: bool = True) -> Any:
        check_is_fitted(self)
        if check_input:
            return check_features(self, X, reset=False)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} features "
                "as input."
            )
        return X

    @cached_property
    def tree_(self) -> Tree:
        """The nodes of the tree."""
        if "_engine" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'tree_'")
        return Tree(self._engine)

    @property
    def feature_importances_(self) -> np.ndarray:
        """The decrease of impurity that each feature brought, in shares of their sum."""
        check_is_fitted(self)
        return _learn.tree_importances(self._engine, True)

    def get_depth(self) -> int:
        """Questions on the longest way to a leaf."""
        check_is_fitted(self)
        return self.tree_.max_depth

    def get_n_leaves(self) -> int:
        """How many leaves there are."""
        check_is_fitted(self)
        return self.tree_.n_leaves

    def apply(self, X: Any, check_input: bool = True) -> np.ndarray:
        """The leaf of each row."""
        X = self._check_predict(X, check_input)
        return _learn.tree_apply(self._engine, X)

    def decision_path(self, X: Any, check_input: bool = True) -> Any:
        """The nodes on each row's way, as a sparse indicator ``(N, nodes)``."""
        X = self._check_predict(X, check_input)
        return self.tree_.decision_path(X)

    def cost_complexity_pruning_path(self, X: Any, y: Any, sample_weight: Any = None) -> Bunch:
        """The prices of a leaf (``ccp_alphas``) at which the tree becomes smaller, and the ``impurities`` of its leaves."""
        twin = clone(self).set_params(ccp_alpha=0.0).fit(X, y, sample_weight=sample_weight)
        ccp_alphas, impurities = _learn.tree_pruning_path(twin._engine)
        return Bunch(ccp_alphas=ccp_alphas, impurities=impurities)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


def log(proba: Any) -> Any:
    """Logarithms of probabilities, or of each output's."""
    with np.errstate(divide="ignore"):
        return [np.log(own) for own in proba] if isinstance(proba, list) else np.log(proba)
