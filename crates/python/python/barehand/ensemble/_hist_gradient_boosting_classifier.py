"""Gradient boosting of classes, on histograms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import ClassifierMixin
from barehand.ensemble._hist_gradient_boosting import BaseHistGradientBoosting
from barehand.validation import encode_classes


class HistGradientBoostingClassifier(ClassifierMixin, BaseHistGradientBoosting):
    """Tells classes apart by sums of trees, each of which corrects those before it; missing values and categories are taken.

    Args:
        loss: ``"log_loss"``.
        learning_rate: what each tree's leaves are multiplied by.
        max_iter: how many rounds.
        max_leaf_nodes: the most leaves of a tree.
        max_depth: the most edges from the root to a leaf.
        min_samples_leaf: the fewest samples of a leaf.
        l2_regularization: what is added to the hessians in a leaf's value.
        max_features: the share of features among which each split is chosen.
        max_bins: the most bins of a feature, beside the one for missing values.
        categorical_features: a mask, indices or names of columns of categories; ``"from_dtype"``: those of that type in a
            data frame.
        monotonic_cst: for each feature 1 (the prediction may only rise with it), -1 (only fall) or 0; or a dict by name.
        interaction_cst: sets of features that may stand in one branch, ``"pairwise"`` or ``"no_interactions"``.
        warm_start: whether ``fit`` goes on from the trees of the last one.
        early_stopping: whether to stop when nothing gets better; ``"auto"``: with more than 10,000 samples.
        scoring: what judges a round: ``"loss"``, a scorer or its name, None for the estimator's own score.
        validation_fraction: the share (or number) of samples that are set aside for it; None judges by training samples.
        n_iter_no_change: how many rounds nothing may get better.
        tol: what counts as better.
        verbose: 1 for a summary, 2 for a line a round.
        random_state: seed of the samples set aside and of the features drawn.
        class_weight: a dict from classes to their weights, or ``"balanced"``.

    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = HistGradientBoostingClassifier(min_samples_leaf=1).fit(X, ["no", "no", "yes", "no"])
    >>> print(model.predict([[2.0], [float("nan")]]))
    ['yes' 'no']
    """

    _parameter_constraints = {
        **BaseHistGradientBoosting._parameter_constraints,
        "loss": [{"log_loss"}],
        "class_weight": [dict, {"balanced"}, None],
    }

    def __init__(
        self,
        loss: str = "log_loss",
        *,
        learning_rate: float = 0.1,
        max_iter: int = 100,
        max_leaf_nodes: int | None = 31,
        max_depth: int | None = None,
        min_samples_leaf: int = 20,
        l2_regularization: float = 0.0,
        max_features: float = 1.0,
        max_bins: int = 255,
        categorical_features: Any = "from_dtype",
        monotonic_cst: Any = None,
        interaction_cst: Any = None,
        warm_start: bool = False,
        early_stopping: str | bool = "auto",
        scoring: Any = "loss",
        validation_fraction: float | int | None = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-7,
        verbose: int = 0,
        random_state: Any = None,
        class_weight: Any = None,
    ) -> None:
        self.loss = loss
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.max_bins = max_bins
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.class_weight = class_weight

    def predict(self, X: Any) -> np.ndarray:
        raw = self._raw_predict(X)
        return self.classes_[self._codes_of(raw)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, ``(n_samples, n_classes)``."""
        return self._probabilities(self._raw_predict(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """The sums of the trees: ``(n_samples,)`` for two classes, else ``(n_samples, n_classes)``."""
        raw = self._raw_predict(X)
        return raw.ravel() if raw.shape[1] == 1 else raw

    def staged_predict(self, X: Any) -> Iterator[np.ndarray]:
        """What is predicted after each round."""
        for raw in self._staged_raw_predict(X):
            yield self.classes_[self._codes_of(raw)]

    def staged_predict_proba(self, X: Any) -> Iterator[np.ndarray]:
        """The probabilities after each round."""
        for raw in self._staged_raw_predict(X):
            yield self._probabilities(raw)

    def staged_decision_function(self, X: Any) -> Iterator[np.ndarray]:
        """The sums of the trees after each round."""
        for raw in self._staged_raw_predict(X):
            yield raw.ravel() if raw.shape[1] == 1 else raw

    def _codes_of(self, raw: np.ndarray) -> np.ndarray:
        return _learn.boosted_codes(self._engine, raw)

    def _probabilities(self, raw: np.ndarray) -> np.ndarray:
        return _learn.boosted_probabilities(self._engine, raw)

    def _targets(self, y: np.ndarray, *, reset: bool) -> np.ndarray:
        if reset:
            self.classes_, codes = encode_classes(y)
            self.n_trees_per_iteration_ = 1 if len(self.classes_) <= 2 else len(self.classes_)
            return codes.astype(np.float64)
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(f"y contains previously unseen labels: {unseen}")
        return np.searchsorted(self.classes_, y).astype(np.float64)

    def _weights(self, sample_weight: np.ndarray | None, y: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return sample_weight
        if self.class_weight == "balanced":
            counts = np.bincount(y.astype(np.int64))
            of_class = len(y) / (len(counts) * counts)
        else:
            of_class = np.array([self.class_weight.get(label, 1.0) for label in self.classes_.tolist()], dtype=float)
        weights = of_class[y.astype(np.int64)]
        return weights if sample_weight is None else sample_weight * weights

    def _labels(self, y: np.ndarray) -> np.ndarray:
        return self.classes_[y.astype(np.int64)]

    def _loss_options(self) -> dict[str, Any]:
        return {"loss": self.loss, "quantile": None, "classes": len(self.classes_)}
