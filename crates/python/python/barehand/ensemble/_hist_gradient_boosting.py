"""What the classifier and the regressor by histogram gradient boosting share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from time import time
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import check_consistent_length, check_sample_weight, column_or_1d
from barehand._random_state import check_random_state
from barehand.base import BaseEstimator, ClassifierMixin, Interval
from barehand.ensemble._categories import CategoryCodes, check_categorical_features, has_names_for_numbers
from barehand.validation import check_is_fitted, validate_data

BINNING_SAMPLES = 200_000
"""With more samples, this many are drawn for the quantiles that bound the bins."""

SCORED_SAMPLES = 10_000
"""A scorer looks at no more training samples than these."""


class BaseHistGradientBoosting(BaseEstimator):
    """Parameters, validation, early stopping and stages; what is learned is said by `_targets` and `_loss_options`."""

    _engine_type = _learn.Model
    _parameter_constraints = {
        "learning_rate": [Interval(float, 0, None, closed="neither")],
        "max_iter": [Interval(int, 1, None)],
        "max_leaf_nodes": [Interval(int, 2, None), None],
        "max_depth": [Interval(int, 1, None), None],
        "min_samples_leaf": [Interval(int, 1, None)],
        "l2_regularization": [Interval(float, 0, None)],
        "max_features": [Interval(float, 0, 1, closed="right")],
        "monotonic_cst": [list, tuple, np.ndarray, dict, None],
        "interaction_cst": [list, tuple, {"pairwise", "no_interactions"}, None],
        "n_iter_no_change": [Interval(int, 1, None)],
        "validation_fraction": [
            Interval(float, 0, 1, closed="neither"),
            Interval(int, 1, None),
            None,
        ],
        "tol": [Interval(float, 0, None)],
        "max_bins": [Interval(int, 2, 255, closed="both")],
        "categorical_features": [list, tuple, np.ndarray, {"from_dtype"}, None],
        "warm_start": [bool],
        "early_stopping": [{"auto"}, bool],
        "scoring": [str, callable, None],
        "verbose": [bool, Interval(int, 0, None)],
        "random_state": [None, Interval(int, 0, None), np.random.RandomState],
    }

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> BaseHistGradientBoosting:
        began = time()
        self._validate_params()
        continued = self.warm_start and "_engine" in vars(self)
        X, categories = self._preprocess_X(X, reset=True)
        y = self._targets(_checked_targets(y, self), reset=True)
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
            # Partial dependence by recursion would have to know the weights of nodes.
            self._fitted_with_sw = True
        sample_weight = self._weights(sample_weight, y)
        validation = self._given_validation(X_val, y_val, sample_weight_val)

        rng = check_random_state(self.random_state)
        if not continued:
            self._random_seed = rng.randint(np.iinfo(np.uint32).max, dtype="u8")
            self._feature_seed = int(rng.randint(np.iinfo(np.uint32).max, dtype="u8"))
        if self.monotonic_cst is not None and self.n_trees_per_iteration_ != 1:
            raise ValueError("monotonic constraints are not supported for multiclass classification.")
        parameters = self._engine_parameters()

        self.do_early_stopping_ = len(X) > 10_000 if self.early_stopping == "auto" else bool(self.early_stopping)
        self._use_validation_data = self.validation_fraction is not None or validation is not None
        if self.do_early_stopping_ and self._use_validation_data and validation is None:
            X, y, sample_weight, validation = self._split(X, y, sample_weight)
        elif validation is not None and not self.do_early_stopping_:
            validation = None

        binning_rows = None
        if len(X) > BINNING_SAMPLES:
            shares = None if sample_weight is None else sample_weight / np.sum(sample_weight)
            seeded = np.random.RandomState(self._random_seed)
            binning_rows = seeded.choice(len(X), BINNING_SAMPLES, p=shares, replace=True)

        previous = self._engine if continued else None
        if previous is not None and self.max_iter < self.n_iter_:
            raise ValueError(
                f"max_iter={self.max_iter} must be larger than or equal to n_iter_={self.n_iter_} when warm_start==True"
            )
        booster = _learn.Booster(
            X,
            y,
            sample_weight,
            **self._loss_options(),
            parameters=parameters,
            validation=validation,
            categories=categories,
            binning_rows=binning_rows,
            previous=previous,
        )
        if continued:
            booster.resume_scores(list(self.train_score_), list(self.validation_score_))
        by_scorer = self.do_early_stopping_ and self.scoring != "loss"
        if by_scorer:
            self._run_with_scorer(booster, X, y, sample_weight, validation, continued)
        elif self.verbose >= 2:
            self._run_aloud(booster)
        else:
            booster.run(self.do_early_stopping_)
        self._engine = booster.model()
        self.n_iter_ = booster.n_iter
        if not by_scorer:
            self.train_score_ = np.asarray(booster.train_score)
            self.validation_score_ = np.asarray(booster.validation_score)
        if self.verbose:
            print(f"Fit {self.n_iter_ * self.n_trees_per_iteration_} trees in {time() - began:.3f} s")
        return self

    def _preprocess_X(self, X: Any, *, reset: bool) -> Any:
        """``X`` as numbers; with ``reset`` also the categories of each column that has them."""
        checked = {"ensure_all_finite": False}
        if not reset:
            if self._codes is None:
                return validate_data(self, X, reset=False, **checked)
            # Names and number of columns are compared as they were given.
            validate_data(self, X, reset=False, skip_check_array=True)
            return self._codes.encode(X)
        self._codes = None
        self.is_categorical_ = check_categorical_features(X, self.categorical_features)
        if self.is_categorical_ is None:
            return validate_data(self, X, **checked), []
        if has_names_for_numbers(X):
            validate_data(self, X, skip_check_array=True)
            self._codes = CategoryCodes(X, self.is_categorical_)
            X = self._codes.encode(X)
            categories = [np.arange(len(values), dtype=np.float64) for values in self._codes.categories.values()]
        else:
            X = validate_data(self, X, **checked)
            columns = (X[:, column] for column in np.flatnonzero(self.is_categorical_))
            categories = [np.unique(column[~np.isnan(column)]).astype(np.float64) for column in columns]
        for column, values in zip(np.flatnonzero(self.is_categorical_), categories, strict=True):
            if len(values) > self.max_bins:
                names = getattr(self, "feature_names_in_", None)
                name = f"at index {column}" if names is None else repr(names[column])
                raise ValueError(
                    f"Categorical feature {name} is expected to have a cardinality <= {self.max_bins} but actually has "
                    f"a cardinality of {len(values)}."
                )
        return X, categories

    def _given_validation(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> Any:
        if X_val is None and y_val is None:
            return None
        if y_val is None:
            raise ValueError("X_val is provided, but y_val was not provided.")
        if X_val is None:
            raise ValueError("y_val is provided, but X_val was not provided.")
        X_val = self._preprocess_X(X_val, reset=False)
        y_val = self._targets(_checked_targets(y_val, self), reset=False)
        check_consistent_length(X_val, y_val)
        if sample_weight_val is not None:
            sample_weight_val = check_sample_weight(sample_weight_val, X_val, dtype=np.float64)
        if self.early_stopping is False:
            raise ValueError(
                "X_val and y_val are passed to fit while at the same time early_stopping is False. When passing X_val "
                "and y_val to fit,early_stopping should be set to either 'auto' or True."
            )
        return X_val, y_val, sample_weight_val

    def _split(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None) -> Any:
        """Training samples, and those that are set aside."""
        from barehand.model_selection import train_test_split

        arrays = [X, y] if sample_weight is None else [X, y, sample_weight]
        parts = train_test_split(
            *arrays,
            test_size=self.validation_fraction,
            stratify=y if isinstance(self, ClassifierMixin) else None,
            random_state=self._random_seed,
        )
        weights = (None, None) if sample_weight is None else (parts[4], parts[5])
        return parts[0], parts[2], weights[0], (parts[1], parts[3], weights[1])

    def _engine_parameters(self) -> dict[str, Any]:
        names = ("learning_rate", "max_iter", "max_leaf_nodes", "max_depth", "min_samples_leaf", "l2_regularization")
        names += ("max_features", "max_bins", "n_iter_no_change", "tol")
        parameters = {name: getattr(self, name) for name in names}
        interactions = self._check_interaction_cst(self.n_features_in_)
        monotonic = _check_monotonic_cst(self, self.monotonic_cst)
        if self.is_categorical_ is not None and np.any(monotonic[self.is_categorical_]):
            raise ValueError("Categorical features cannot have monotonic constraints.")
        mask = self.is_categorical_
        return {
            **parameters,
            "categorical_features": [] if mask is None else np.flatnonzero(mask).tolist(),
            "monotonic_cst": [] if self.monotonic_cst is None else monotonic.tolist(),
            "interaction_cst": [] if interactions is None else [sorted(map(int, group)) for group in interactions],
            "seed": self._feature_seed,
        }

    def _check_interaction_cst(self, n_features: int) -> list[set[int]] | None:
        """Sets of features that may stand in one branch; those in none are a set of their own."""
        if self.interaction_cst is None:
            return None
        if self.interaction_cst == "no_interactions":
            groups: Any = [[i] for i in range(n_features)]
        elif self.interaction_cst == "pairwise":
            groups = itertools.combinations(range(n_features), 2)
        else:
            groups = self.interaction_cst
        try:
            constraints = [set(group) for group in groups]
        except TypeError:
            raise ValueError(
                f"Interaction constraints must be a sequence of tuples or lists, got: {self.interaction_cst!r}."
            ) from None
        for group in constraints:
            if not all(isinstance(x, Integral) and 0 <= x < n_features for x in group):
                raise ValueError(
                    "Interaction constraints must consist of integer indices in [0, n_features - 1] = "
                    f"[0, {n_features - 1}], specifying the position of features, got invalid indices: {group!r}"
                )
        rest = set(range(n_features)) - set().union(*constraints)
        return [*constraints, rest] if rest else constraints

    def _run_aloud(self, booster: Any) -> None:
        """Round by round, each of which is spoken of."""
        more = True
        while more:
            began = time()
            more = booster.round(self.do_early_stopping_)
            score = "".join(
                f", {name} loss: {-scores[-1]:.5f}"
                for name, scores in (("train", booster.train_score), ("val", booster.validation_score))
                if scores
            )
            print(f"[{booster.n_iter}/{self.max_iter}] in {time() - began:.3f}s{score}")

    def _run_with_scorer(
        self, booster: Any, X: Any, y: Any, sample_weight: Any, validation: Any, continued: bool
    ) -> None:
        """Round by round, each of which a scorer judges."""
        from barehand.metrics import get_scorer_names
        from barehand.model_selection._scoring import check_scoring

        by_name = self.scoring in get_scorer_names() if isinstance(self.scoring, str) else False
        X_small, y_small, weight_small, small = self._get_small_trainset(X, y, sample_weight, self._random_seed)
        if continued:
            self.train_score_, self.validation_score_ = self.train_score_.tolist(), self.validation_score_.tolist()
        else:
            self.train_score_, self.validation_score_ = [], []
            self._scorer = check_scoring(self, self.scoring)
        self._in_fit = True

        def judged() -> bool:
            self._engine = booster.model()
            raw = booster.raw()[small] if by_name else None
            score = self._score_with_raw_predictions(X_small, self._labels(y_small), weight_small, raw)
            self.train_score_.append(score)
            if validation is None:
                return self._should_stop(self.train_score_)
            X_val, y_val, weight_val = validation
            raw = booster.validation_raw() if by_name else None
            score = self._score_with_raw_predictions(X_val, self._labels(y_val), weight_val, raw)
            self.validation_score_.append(score)
            return self._should_stop(self.validation_score_)

        try:
            if not continued:
                judged()
            for _ in range(booster.n_iter, self.max_iter):
                booster.step()
                if judged():
                    break
        finally:
            del self._in_fit
        self.train_score_, self.validation_score_ = np.asarray(self.train_score_), np.asarray(self.validation_score_)

    def _score_with_raw_predictions(self, X: Any, y: Any, sample_weight: Any, raw: Any) -> float:
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if raw is None:
            return self._scorer(self, X, y, **weights)
        with _raw_predictions(self, raw):
            return self._scorer(self, X, y, **weights)

    def _get_small_trainset(self, X_binned_train: Any, y_train: Any, sample_weight_train: Any, seed: Any) -> Any:
        """The training samples that a scorer looks at."""
        if len(X_binned_train) <= SCORED_SAMPLES:
            return X_binned_train, y_train, sample_weight_train, slice(None)
        classes = y_train.astype(np.int64) if isinstance(self, ClassifierMixin) else None
        indices = _learn.subsample(len(X_binned_train), classes, SCORED_SAMPLES, check_random_state(seed))
        weights = None if sample_weight_train is None else sample_weight_train[indices]
        return X_binned_train[indices], y_train[indices], weights, indices

    def _should_stop(self, scores: Any) -> bool:
        """Whether none of the last scores is better than the one before them."""
        before = self.n_iter_no_change + 1
        if len(scores) < before:
            return False
        return not any(score > scores[-before] + self.tol for score in scores[-before + 1 :])

    def _raw_predict(self, X: Any) -> np.ndarray:
        """The sums of all trees, ``(n_samples, n_trees_per_iteration_)``."""
        check_is_fitted(self)
        if not getattr(self, "_in_fit", False):
            X = self._preprocess_X(X, reset=False)
        return _learn.boosted_raw(self._engine, X, None, 0, 2**62)

    def _staged_raw_predict(self, X: Any) -> Iterator[np.ndarray]:
        """The sums of the first trees, after each round."""
        check_is_fitted(self)
        X = self._preprocess_X(X, reset=False)
        raw = None
        for iteration in range(self.n_iter_):
            raw = _learn.boosted_raw(self._engine, X, raw, iteration, iteration + 1)
            yield raw.copy()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


@contextmanager
def _raw_predictions(estimator: Any, raw: np.ndarray) -> Iterator[None]:
    """Lets a scorer see predictions that are known already."""
    estimator._raw_predict = lambda X: raw
    try:
        yield
    finally:
        del estimator._raw_predict


def _checked_targets(y: Any, estimator: Any) -> np.ndarray:
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        kind = "NaN" if np.isnan(y).any() else f"infinity or a value too large for {y.dtype!r}"
        raise ValueError(f"Input y contains {kind}.")
    return y


def _check_monotonic_cst(estimator: Any, monotonic_cst: Any) -> np.ndarray:
    """-1, 0 or 1 for each feature; errors are scikit-learn's."""
    n_features = estimator.n_features_in_
    directions = np.zeros(n_features, dtype=np.int8)
    if monotonic_cst is None:
        return directions
    if not isinstance(monotonic_cst, dict):
        unexpected = np.setdiff1d(monotonic_cst, [-1, 0, 1])
        if unexpected.shape[0]:
            raise ValueError(
                f"monotonic_cst must be an array-like of -1, 0 or 1. Observed values: {unexpected.tolist()}."
            )
        directions = np.asarray(monotonic_cst, dtype=np.int8)
        if directions.shape[0] != n_features:
            raise ValueError(
                f"monotonic_cst has shape {directions.shape} but the input data X has {n_features} features."
            )
        return directions
    if not hasattr(estimator, "feature_names_in_"):
        raise ValueError(
            f"{type(estimator).__name__} was not fitted on data with feature names. Pass monotonic_cst as an integer "
            "array instead."
        )
    names = list(estimator.feature_names_in_)
    unexpected_names = sorted(set(monotonic_cst) - set(names))
    if unexpected_names:
        shown = [*unexpected_names[:5], "..."] if len(unexpected_names) > 5 else unexpected_names
        raise ValueError(f"monotonic_cst contains {len(unexpected_names)} unexpected feature names: {shown}.")
    for name, direction in monotonic_cst.items():
        if direction not in (-1, 0, 1):
            raise ValueError(f"monotonic_cst['{name}'] must be either -1, 0 or 1. Got {direction!r}.")
        directions[names.index(name)] = direction
    return directions
