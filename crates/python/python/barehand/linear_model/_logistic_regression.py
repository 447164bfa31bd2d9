"""Logistic regression."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._callbacks import CallbackSupportMixin, fit_task
from barehand._sparse import canonical
from barehand.base import BaseEstimator, Interval
from barehand.exceptions import ConvergenceWarning
from barehand.linear_model._linear import CLASS_WEIGHT, RANDOM_STATE, LinearClassifierMixin, class_weights, show
from barehand.validation import (
    check_is_fitted,
    check_sample_weight,
    encode_classes,
    in_scikit_learns_words,
    validate_data,
)

SMALL_HESSIAN = 1000
"""Parameters up to which all second derivatives are formed where scikit-learn's solver is one that is not here."""


class LogisticRegression(CallbackSupportMixin, LinearClassifierMixin, BaseEstimator):
    """Minimises ``C * sum_i w_i * cross_entropy_i + l1_ratio |coef_|_1 + (1 - l1_ratio) |coef_|^2 / 2``.

    The cross entropy is that of one logit for two classes and of a softmax for more; intercepts are free, but for
    ``"liblinear"``.

    Args:
        penalty: deprecated, as in scikit-learn: ``"l2"``, ``"l1"``, ``"elasticnet"`` or None. ``l1_ratio`` and ``C`` say it.
        C: how weak the penalty is; ``np.inf`` for none.
        l1_ratio: part of the penalty that is L1.
        dual: for ``"liblinear"`` with L2: the same minimum.
        tol: solvers stop where no slope of the objective, divided by the sum of weights, is above it.
        fit_intercept: whether to fit intercepts.
        intercept_scaling: for ``"liblinear"``, whose intercept is the penalised coefficient of a feature of this value.
        class_weight: a dict of weights, or ``"balanced"`` for classes that count alike as a whole.
        random_state: has no effect: no solver here is random.
        solver: ``"lbfgs"``, ``"newton-cholesky"``; the others minimise what scikit-learn's do, by other ways: with L2 or no
            penalty Newton's method (L-BFGS for more than a thousand parameters), with L1 Newton steps by coordinate descent.
        max_iter: iterations at most.
        verbose: a permission to print, which is not used.
        warm_start: whether to start from the last fit's coefficients.
        n_jobs: deprecated, without effect, as in scikit-learn.

    >>> model = LogisticRegression().fit([[1.0], [2.0], [3.0], [4.0]], [0, 0, 1, 1])
    >>> print(model.predict([[1.5], [3.5]]))
    [0 1]
    >>> model.predict_proba([[2.5]]).round(3)
    array([[0.5, 0.5]])
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "penalty": [{"l1", "l2", "elasticnet", "deprecated"}, None],
        "C": [Interval(float, 0, None, closed="right")],
        "l1_ratio": [Interval(float, 0, 1, closed="both"), None],
        "dual": [bool],
        "tol": [Interval(float, 0, None)],
        "fit_intercept": [bool],
        "intercept_scaling": [Interval(float, 0, None, closed="neither")],
        "class_weight": CLASS_WEIGHT,
        "random_state": RANDOM_STATE,
        "solver": [{"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}],
        "max_iter": [Interval(int, 0, None)],
        "verbose": [int, bool],
        "warm_start": [bool],
        "n_jobs": [None, int],
    }

    def __init__(
        self,
        penalty: str | None = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticRegression:
        self._validate_params()
        penalty = self._penalty()
        self._check_solver(penalty)
        if penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
        l1_ratio = {"l1": 1.0, "l2": 0.0, None: 0.0}.get(penalty, self.l1_ratio)
        C = np.inf if penalty is None else float(self.C)
        if self.n_jobs is not None:
            warnings.warn(
                "'n_jobs' has no effect since 1.8 and will be removed in 1.10. "
                f"You provided 'n_jobs={self.n_jobs}', please leave it unspecified.",
                FutureWarning,
                stacklevel=2,
            )
        # liblinear knows float64 only, and so do models under its name.
        dtype = np.float64 if self.solver == "liblinear" else (np.float64, np.float32)
        given = X, y
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=dtype, seen_by_engine=True)
        X = canonical(X)
        self.classes_, codes = encode_classes(y)
        self._check_classes(X)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        with fit_task(self, X, y, metadata, max(self.max_iter, 1) + 1) as task:
            watch = None
            if task is not None and self.solver == "lbfgs":
                watch = _Iterations(self, task, {"X": X, "y": y, "metadata": metadata})
            parameters = self._parameters(C, l1_ratio, l1_ratio > 0, X.shape[1])
            with in_scikit_learns_words(self, *given, accept_sparse="csr"):
                self._engine = _learn.logistic_regression(
                    X, codes, sample_weight, parameters, self._last_coefficients(), watch
                )
            n_iter = self._engine.field("n_iter")
            self.n_iter_ = np.array([n_iter], dtype=np.int32)
            show(self, self._engine.field("coef"), self._engine.field("intercept"))
            if watch is not None:
                watch.close()
        if not self._engine.field("converged") and not (watch is not None and watch.stopped):
            warnings.warn(self._not_converged(n_iter), ConvergenceWarning, stacklevel=2)
        return self

    def set_callbacks(self, *callbacks: Any) -> LogisticRegression:
        """Has scikit-learn's callbacks told of ``fit``, and of each iteration of ``"lbfgs"``, which they may end (1.9)."""
        if self.solver != "lbfgs":
            warnings.warn(
                f"Callbacks are only supported in {type(self).__name__} for solver='lbfgs'. This estimator has"
                f" solver='{self.solver}', callbacks will be ignored during the solving of the regression.",
                stacklevel=2,
            )
        return super().set_callbacks(*callbacks)

    def _last_coefficients(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Where a warm start begins."""
        if not (self.warm_start and hasattr(self, "coef_")) or self.solver == "liblinear":
            return None
        coef = self.coef_.toarray() if hasattr(self.coef_, "toarray") else self.coef_
        return coef.astype(np.float64), np.atleast_1d(self.intercept_).astype(np.float64)

    def _parameters(self, C: float, l1_ratio: float, l1: bool, n_features: int) -> dict[str, Any]:
        """What Rust asks for; ``l1`` says whether any penalty is partly L1."""
        outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        return {
            "C": C,
            "l1_ratio": float(l1_ratio),
            "tol": float(self.tol),
            "fit_intercept": bool(self.fit_intercept),
            "penalized_intercept": float(self.intercept_scaling) if self.solver == "liblinear" else None,
            "class_weight": class_weights(self.class_weight, self.classes_),
            "solver": self._way(l1, outputs * (n_features + 1)),
            "max_iter": self.max_iter,
        }

    def _penalty(self) -> str | None:
        """The kind of penalty, by scikit-learn's rules, with its warnings."""
        if self.penalty == "deprecated":
            penalty = "l2" if not self.l1_ratio else "l1" if self.l1_ratio == 1 else "elasticnet"
            if self.l1_ratio is None:
                warnings.warn(
                    "'l1_ratio=None' was deprecated in version 1.8 and will trigger an error in 1.10. Use 0<=l1_ratio<=1"
                    " instead.",
                    FutureWarning,
                    stacklevel=3,
                )
            if np.inf == self.C:
                penalty = None
        else:
            penalty = self.penalty
            warnings.warn(
                "'penalty' was deprecated in version 1.8 and will be removed in 1.10. To avoid this warning, leave 'penalty'"
                " set to its default value and use 'l1_ratio' or 'C' instead. Use l1_ratio=0 instead of penalty='l2',"
                " l1_ratio=1 instead of penalty='l1', l1_ratio set to a float between 0 and 1 instead of"
                " penalty='elasticnet', and C=np.inf instead of penalty=None.",
                FutureWarning,
                stacklevel=3,
            )
        if penalty != "elasticnet" and self.l1_ratio is not None and 0 < self.l1_ratio < 1:
            warnings.warn(
                f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})", stacklevel=3
            )
        if (self.penalty == "l2" and self.l1_ratio != 0) or (self.penalty == "l1" and self.l1_ratio != 1):
            warnings.warn(
                f"Inconsistent values: penalty={self.penalty} with l1_ratio={self.l1_ratio}. penalty is deprecated. Please"
                " use l1_ratio only.",
                stacklevel=3,
            )
        if self.penalty is None and self.C != 1.0:
            warnings.warn("Setting penalty=None will ignore the C and l1_ratio parameters", stacklevel=3)
        return penalty

    def _check_solver(self, penalty: str | None) -> None:
        solver = self.solver
        if solver not in ("liblinear", "saga") and penalty not in ("l2", None):
            raise ValueError(f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty.")
        if solver != "liblinear" and self.dual:
            raise ValueError(f"Solver {solver} supports only dual=False, got dual={self.dual}")
        if penalty == "elasticnet" and solver != "saga":
            raise ValueError(f"Only 'saga' solver supports elasticnet penalty, got solver={solver}.")
        if solver == "liblinear" and penalty is None:
            raise ValueError("C=np.inf as well as penalty=None is not supported for the liblinear solver")
        if solver == "liblinear" and penalty == "l1" and self.dual:
            raise ValueError(
                "Unsupported set of arguments: The combination of penalty='l1' and loss='logistic_regression' are not"
                " supported when dual=True, Parameters: penalty='l1', loss='logistic_regression', dual=True"
            )

    def _check_classes(self, X: Any) -> None:
        if self.solver == "liblinear":
            if len(self.classes_) != 2:
                raise ValueError(
                    "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). Either use another"
                    " solver or wrap the estimator in a OneVsRestClassifier to keep applying a one-versus-rest scheme."
                )
            if X.max() > 1e30:
                raise ValueError(
                    "Using the 'liblinear' solver while X contains a maximum value > 1e30 results in a frozen fit. Please"
                    " choose another solver or rescale the input X."
                )
        if len(self.classes_) < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data contains only one class:"
                f" {self.classes_[0]!r}"
            )

    def _way(self, l1: bool, parameters: int) -> str:
        if l1:
            return "coordinate-descent"
        if self.solver in ("lbfgs", "newton-cholesky"):
            return self.solver
        return "newton-cholesky" if parameters <= SMALL_HESSIAN or self.solver == "liblinear" else "lbfgs"

    def _not_converged(self, n_iter: int) -> str:
        if self._engine.field("solver") == "lbfgs":
            return (
                f"lbfgs failed to converge after {n_iter} iteration(s) (status=1):\n"
                "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT\n\n"
                f"Increase the number of iterations to improve the convergence (max_iter={self.max_iter}).\n"
                "You might also want to scale the data as shown in:\n"
                "    https://scikit-learn.org/stable/modules/preprocessing.html"
            )
        if self.solver == "newton-cholesky":
            return f"Newton solver did not converge after {n_iter} iterations."
        if self.solver == "newton-cg":
            return "newton-cg failed to converge. Increase the number of iterations."
        if self.solver == "liblinear":
            return "Liblinear failed to converge, increase the number of iterations."
        return "The max_iter was reached which means the coef_ did not converge"

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of ``classes_``."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return self._engine.predict_proba(canonical(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of `predict_proba`."""
        return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.solver == "liblinear":
            tags.classifier_tags.multi_class = False
        return tags


class _Iterations:
    """Tells callbacks of each iteration: that it ends, and that the next one begins."""

    def __init__(self, regression: LogisticRegression, fit: Any, samples: dict[str, Any]) -> None:
        self.regression, self.fit, self.samples = regression, fit, samples
        self.iteration: Any = None
        self.first: Any = None
        self.stopped = False

    def __call__(self, engine: Any) -> bool:
        """Takes the model as an iteration left it, the one before all of them first; whether to go on."""
        told = {
            "estimator": self.regression,
            **self.samples,
            # Of a copy of the estimator, which predicts as if the fit had ended here.
            "reconstruction_attributes": lambda: {
                "_engine": engine,
                "coef_": engine.field("coef"),
                "intercept_": engine.field("intercept"),
            },
        }
        if self.iteration is None:
            self.first = engine
        else:
            self.first = None
            self.stopped = self.iteration.call_on_fit_task_end(**told)
        self.iteration = self.fit.subcontext(task_name="lbfgs-iter")
        self.iteration.call_on_fit_task_begin(**told)
        return not self.stopped

    def close(self) -> None:
        """Ends the iteration that did not come to be; scikit-learn tells of one that did at least."""
        if self.first is not None:
            self(self.first)
        self.iteration.call_on_fit_task_end(estimator=self.regression)
