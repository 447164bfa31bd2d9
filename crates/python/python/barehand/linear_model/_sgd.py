"""Linear models that learn from one sample after another."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._sparse import canonical
from barehand.base import BaseEstimator, Interval
from barehand.exceptions import ConvergenceWarning
from barehand.linear_model._linear import (
    CLASS_WEIGHT,
    RANDOM_STATE,
    LinearClassifierMixin,
    LinearRegressorMixin,
    class_weights,
    random_state,
    show,
    targets,
)
from barehand.validation import check_is_fitted, check_sample_weight, encode_classes, validate_data

LARGEST_SEED = np.iinfo(np.int32).max

NO_WEIGHT = "The sample weights for validation set are all zero, consider using a different random state."

CONSTRAINTS = {
    "fit_intercept": [bool],
    "max_iter": [Interval(int, 1, None)],
    "tol": [Interval(float, 0, None), None],
    "shuffle": [bool],
    "verbose": [int, bool],
    "random_state": RANDOM_STATE,
    "warm_start": [bool],
    "average": [Interval(int, 0, None, closed="neither"), bool],
    "eta0": [Interval(float, 0, None, closed="neither")],
    "penalty": [{"l2", "l1", "elasticnet"}, None],
    "alpha": [Interval(float, 0, None)],
    "l1_ratio": [Interval(float, 0, 1, closed="both"), None],
    "power_t": [Interval(float, None, None, closed="neither")],
    "epsilon": [Interval(float, 0, None)],
    "learning_rate": [{"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"}],
    "early_stopping": [bool],
    "validation_fraction": [Interval(float, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(int, 1, None)],
}

REGRESSION_LOSSES = {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"}


def seed_of(state: Any) -> int:
    """The seed of the orders of a classifier's samples, as scikit-learn draws it."""
    state = random_state(state)
    state.randint(1, LARGEST_SEED)  # scikit-learn's data set draws one first
    return int(state.randint(LARGEST_SEED))


class Sgd(BaseEstimator):
    """What the classifier and the regressor share."""

    _engine_type = _learn.Model

    def _check(self, loss_of_aggressive: str, *, partial: bool = False) -> None:
        if self.early_stopping and partial:
            raise ValueError("early_stopping should be False with partial_fit")
        if self.learning_rate == "optimal" and self.alpha == 0:
            raise ValueError(
                "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute the optimal learning rate."
            )
        if self.learning_rate in ("pa1", "pa2") and self.loss != loss_of_aggressive:
            raise ValueError(f"Learning rate '{self.learning_rate}' only works with loss '{loss_of_aggressive}'.")
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")

    def _parameters(self, max_iter: int) -> dict[str, Any]:
        return {
            "loss": self.loss,
            "epsilon": float(self.epsilon),
            "penalty": self.penalty,
            "alpha": float(self.alpha),
            "l1_ratio": 0.0 if self.l1_ratio is None else float(self.l1_ratio),
            "fit_intercept": bool(self.fit_intercept),
            "max_iter": max_iter,
            "tol": None if self.tol is None else float(self.tol),
            "shuffle": bool(self.shuffle),
            "learning_rate": self.learning_rate,
            "eta0": float(self.eta0),
            "power_t": float(self.power_t),
            "n_iter_no_change": self.n_iter_no_change,
            "average": int(self.average),
        }

    def _weights(self, sample_weight: Any, X: Any) -> Any:
        """Checked weights, or None."""
        if sample_weight is None:
            return None
        if self.early_stopping and not np.any(sample_weight):
            raise ValueError(NO_WEIGHT)
        return check_sample_weight(sample_weight, X, dtype=np.float64)

    def _held_out(self, split: Callable[[np.ndarray], np.ndarray], y: np.ndarray, weight: Any) -> list[bool] | None:
        """Which samples are held out for early stopping."""
        if not self.early_stopping:
            return None
        n = len(y)
        rows = split(y)
        if weight is not None and not np.any(weight[rows] > 0):
            raise ValueError(NO_WEIGHT)
        if len(rows) in (0, n):
            raise ValueError(
                f"Splitting {n} samples into a train set and a validation set with"
                f" validation_fraction={self.validation_fraction!r} led to an empty set ({n - len(rows)} and {len(rows)}"
                " samples). Please either change validation_fraction, increase number of samples, or disable early_stopping."
            )
        held = np.zeros(n, dtype=bool)
        held[rows] = True
        return held.tolist()

    def _start(self, coef: Any, intercept: Any, outputs: int, n_features: int) -> Any:
        """The arguments of ``fit``, or a warm start's, as Rust takes them."""
        if self.warm_start and hasattr(self, "coef_"):
            last = self.coef_.toarray() if hasattr(self.coef_, "toarray") else self.coef_
            coef = last if coef is None else coef
            intercept = self.intercept_ if intercept is None else intercept
        if coef is None and intercept is None:
            return None
        shape = (outputs, n_features)
        coef = np.zeros(shape) if coef is None else np.asarray(coef, dtype=np.float64)
        intercept = np.zeros(outputs) if intercept is None else np.asarray(intercept, dtype=np.float64).ravel()
        if coef.size != outputs * n_features or (outputs > 1 and coef.ndim == 2 and coef.shape != shape):
            raise ValueError("Provided coef_init does not match dataset.")
        if intercept.shape != (outputs,):
            raise ValueError("Provided intercept_init does not match dataset.")
        return np.ascontiguousarray(coef), intercept

    def _warn(self) -> None:
        if self.tol is not None and self.n_iter_ == self.max_iter:
            warnings.warn(
                "Maximum number of iteration reached before convergence. Consider increasing max_iter to improve the fit.",
                ConvergenceWarning,
                stacklevel=3,
            )
        if self.power_t < 0:
            warnings.warn(
                "Negative values for `power_t` are deprecated in version 1.8 and will raise an error in 1.10. "
                "Use values in the range [0.0, inf) instead.",
                FutureWarning,
                stacklevel=3,
            )

    def _show(self, single: bool) -> None:
        """Copies what scikit-learn shows."""
        engine = self._engine
        coef = engine.field("coef")
        show(self, coef[0] if single else coef, engine.field("intercept"))
        self.n_iter_ = engine.field("n_iter")
        self.t_ = engine.field("standing")["t"]


class SGDClassifier(LinearClassifierMixin, Sgd):
    """A linear classifier that learns from one sample after another; of more than two classes each against the rest.

    The steps are scikit-learn's, in the same order for the same ``random_state``.

    Args:
        loss: ``"hinge"`` (a linear support vector machine), ``"log_loss"``, ``"modified_huber"``, ``"squared_hinge"``,
            ``"perceptron"``, or one of `SGDRegressor`.
        penalty: ``"l2"``, ``"l1"``, ``"elasticnet"`` or None.
        alpha: strength of the penalty; also the length of ``"optimal"`` steps.
        l1_ratio: part of the elastic net that is L1.
        fit_intercept: whether to fit intercepts.
        max_iter: epochs at most.
        tol: what an epoch must gain; None for ``max_iter`` epochs.
        shuffle: whether each epoch has an order of its own.
        verbose: a permission to print, which is not used.
        epsilon: of the losses that have one.
        n_jobs: a permission to use more processes, which is not used: classes go side by side on the threads of
            `barehand.set_num_threads`.
        random_state: seeds the orders.
        learning_rate: ``"optimal"``, ``"constant"``, ``"invscaling"``, ``"adaptive"``, ``"pa1"``, ``"pa2"``.
        eta0, power_t: the first length of steps and the power of ``"invscaling"``.
        early_stopping: whether to hold out a ``validation_fraction`` and stop when its accuracy gains less than ``tol``.
        n_iter_no_change: epochs without a gain after which to stop.
        class_weight: a dict of weights, or ``"balanced"``.
        warm_start: whether to start from the last fit's coefficients.
        average: whether, or from which step on, coefficients are the average of all steps.

    >>> model = SGDClassifier(random_state=0).fit([[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0]], [1, 1, 2, 2])
    >>> print(model.predict([[-0.8, -1.0]]))
    [1]
    """

    _parameter_constraints = {
        **CONSTRAINTS,
        "loss": [{"hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"} | REGRESSION_LOSSES],
        "n_jobs": [int, None],
        "class_weight": CLASS_WEIGHT,
    }

    def __init__(
        self,
        loss: str = "hinge",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: Any = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Any = None,
        warm_start: bool = False,
        average: bool | int = False,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average

    def fit(
        self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None, sample_weight: Any = None
    ) -> SGDClassifier:
        self._validate_params()
        self._check("hinge")
        X, y = validate_data(self, X, y, accept_sparse="csr")
        classes, codes = encode_classes(y)
        if len(classes) < 2:
            raise ValueError(f"The number of classes has to be greater than one; got {len(classes)} class")
        outputs = 1 if len(classes) == 2 else len(classes)
        start = self._start(coef_init, intercept_init, outputs, X.shape[1])
        self.classes_ = classes
        self._descend(X, codes, sample_weight, self.max_iter, None, start)
        self._warn()
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> SGDClassifier:
        """One epoch from where the last one stopped; the first call is told all ``classes``."""
        self._validate_params()
        first = not hasattr(self, "classes_")
        if first:
            self._check("hinge", partial=True)
            if self.class_weight == "balanced":
                raise ValueError(
                    "class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' weights, use"
                    " compute_class_weight('balanced', classes=classes, y=y). In place of y you can use a large enough sample"
                    " of the full training set target to properly estimate the class frequency distributions. Pass the"
                    " resulting weights as the class_weight parameter."
                )
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
        X, y = validate_data(self, X, y, accept_sparse="csr", reset=first)
        if classes is not None:
            classes = np.unique(classes)
            if first:
                self.classes_ = classes
            elif not np.array_equal(self.classes_, classes):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
                )
        codes = np.searchsorted(self.classes_, y)
        known = np.isin(y, self.classes_)
        if not known.all():
            raise ValueError(f"y holds labels that are not among the classes: {np.unique(np.asarray(y)[~known])}")
        self._descend(X, codes.astype(np.int64), sample_weight, 1, getattr(self, "_engine", None), None)
        return self

    def _descend(self, X: Any, codes: Any, sample_weight: Any, max_iter: int, previous: Any, start: Any) -> None:
        X = canonical(X)
        sample_weight = self._weights(sample_weight, X)
        count = len(self.classes_)
        held = self._held_out(self._split, codes, sample_weight)
        if count == 2:
            seeds = [seed_of(self.random_state)]
        else:
            seeds = [seed_of(int(seed)) for seed in random_state(self.random_state).randint(LARGEST_SEED, size=count)]
        weights = class_weights(self.class_weight, self.classes_)
        self._engine = _learn.sgd_classifier(
            X, codes, sample_weight, self._parameters(max_iter), count, weights, held, seeds, previous, start
        )
        self._show(single=False)

    def _split(self, y: np.ndarray) -> np.ndarray:
        from barehand.model_selection import StratifiedShuffleSplit

        split = StratifiedShuffleSplit(test_size=self.validation_fraction, random_state=self.random_state)
        return next(split.split(np.zeros((len(y), 1)), y))[1]

    @property
    def predict_proba(self) -> Callable[[Any], np.ndarray]:
        """Probabilities, for ``loss="log_loss"`` and ``"modified_huber"``."""
        self._check_proba()
        return self._predict_proba

    @property
    def predict_log_proba(self) -> Callable[[Any], np.ndarray]:
        """Their logarithms."""
        self._check_proba()
        return lambda X: np.log(self._predict_proba(X))

    def _check_proba(self) -> None:
        if self.loss not in ("log_loss", "modified_huber"):
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")

    def _predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return self._engine.predict_proba(canonical(X))


class SGDRegressor(LinearRegressorMixin, Sgd):
    """A linear regression that learns from one sample after another, with any of its losses.

    The steps are scikit-learn's, in the same order for the same ``random_state``.

    Args:
        loss: ``"squared_error"``, ``"huber"``, ``"epsilon_insensitive"`` or ``"squared_epsilon_insensitive"``.
        early_stopping: whether to hold out a ``validation_fraction`` and stop when its R² gains less than ``tol``.
        penalty, alpha, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, epsilon, random_state, learning_rate, eta0,
            power_t, validation_fraction, n_iter_no_change, warm_start, average: those of `SGDClassifier`.

    >>> model = SGDRegressor(random_state=0).fit([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0])
    >>> bool(model.coef_[0] > 1)
    True
    """

    _parameter_constraints = {**CONSTRAINTS, "loss": [REGRESSION_LOSSES]}

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: Any = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        average: bool | int = False,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average

    def fit(
        self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None, sample_weight: Any = None
    ) -> SGDRegressor:
        self._validate_params()
        self._check("epsilon_insensitive")
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True)
        start = self._start(coef_init, intercept_init, 1, X.shape[1])
        self._descend(X, y, sample_weight, self.max_iter, None, start)
        self._warn()
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> SGDRegressor:
        """One epoch from where the last one stopped."""
        self._validate_params()
        first = not hasattr(self, "_engine")
        self._check("epsilon_insensitive", partial=True)
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True, reset=first)
        self._descend(X, y, sample_weight, 1, getattr(self, "_engine", None), None)
        return self

    def _descend(self, X: Any, y: Any, sample_weight: Any, max_iter: int, previous: Any, start: Any) -> None:
        X = canonical(X)
        sample_weight = self._weights(sample_weight, X)
        held = self._held_out(self._split, y, sample_weight)
        seed = int(random_state(self.random_state).randint(0, LARGEST_SEED))
        self._engine = _learn.sgd_regressor(
            X, targets(y, X), sample_weight, self._parameters(max_iter), held, seed, previous, start
        )
        self._show(single=True)

    def _split(self, y: np.ndarray) -> np.ndarray:
        from barehand.model_selection import ShuffleSplit

        split = ShuffleSplit(test_size=self.validation_fraction, random_state=self.random_state)
        return next(split.split(np.zeros((len(y), 1)), y))[1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags
