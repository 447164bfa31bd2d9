"""Least squares with an L2 penalty."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._sparse import canonical
from barehand.base import BaseEstimator, Interval
from barehand.linear_model._linear import RANDOM_STATE, LinearRegressorMixin, flat_targets
from barehand.validation import check_sample_weight, in_scikit_learns_words, validate_data

SOLVERS = {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}

CONSTRAINTS = {
    "alpha": [Interval(float, 0, None), np.ndarray, list, tuple],
    "fit_intercept": [bool],
    "copy_X": [bool],
    "max_iter": [Interval(int, 1, None), None],
    "tol": [Interval(float, 0, None)],
    "solver": [SOLVERS],
    "positive": [bool],
    "random_state": RANDOM_STATE,
}

EXACT = 1e-12
"""The tolerance of conjugate gradients where scikit-learn's solver is one that is not here."""


def way(estimator: Any, sparse: bool) -> tuple[str, str, float]:
    """scikit-learn's name of the solver that a ridge regression uses, the one of Rust's, and its tolerance.

    ``sag`` and ``saga`` minimise the same objective as the others, and are done by them, exactly; so is ``lbfgs``, for
    coefficients that may not be negative, by active sets.
    """
    solver, tol = estimator.solver, estimator.tol
    if solver == "lbfgs" and not estimator.positive:
        raise ValueError("'lbfgs' solver can be used only when positive=True. Please use another solver.")
    if estimator.positive:
        if solver not in ("auto", "lbfgs"):
            raise ValueError(
                f"solver='{solver}' does not support positive fitting. Please set the solver to 'auto' or 'lbfgs', or set"
                " `positive=False`"
            )
        return "lbfgs", "auto", tol
    if sparse and estimator.fit_intercept and solver not in ("auto", "lsqr", "sag", "sparse_cg"):
        raise ValueError(
            f"solver='{solver}' does not support fitting the intercept on sparse data. Please set the solver to 'auto' or"
            " 'lsqr', 'sparse_cg', 'sag', 'lbfgs' or set `fit_intercept=False`"
        )
    if sparse and solver == "svd":
        raise TypeError("SVD solver does not support sparse inputs currently")
    if solver in ("sag", "saga"):
        return solver, "sparse_cg" if sparse else "cholesky", EXACT
    if solver == "auto":
        solver = "sparse_cg" if sparse else "cholesky"
    return solver, solver, tol


def penalties(alpha: Any) -> list[float]:
    """The penalties as a list."""
    return np.ravel(np.asarray(alpha, dtype=np.float64)).tolist()


class Ridge(LinearRegressorMixin, BaseEstimator):
    """Minimises ``sum_i w_i |y_i - x_i coef_ - intercept_|^2 + alpha |coef_|^2``; the intercept is free.

    Args:
        alpha: strength of the penalty, one number or one for each target.
        fit_intercept: whether to fit an intercept.
        copy_X: a permission to write to ``X``, which is never used.
        max_iter: iterations of ``"lsqr"`` and ``"sparse_cg"`` at most.
        tol: when these two stop.
        solver: ``"cholesky"``, ``"svd"``, ``"lsqr"``, ``"sparse_cg"``, or ``"auto"``. ``"sag"`` and ``"saga"`` have the
            minimum of the same objective, found by the others; ``"lbfgs"`` is for ``positive=True``, where active sets
            find it.
        positive: whether coefficients may not be negative.
        random_state: has no effect: no solver here is random.

    >>> model = Ridge(alpha=2.0).fit([[-1.0], [0.0], [1.0]], [1.0, 2.0, 3.0])
    >>> print(model.coef_, model.intercept_)
    [0.5] 2.0
    """

    _engine_type = _learn.Model
    _parameter_constraints = CONSTRAINTS

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Ridge:
        self._validate_params()
        options = {"accept_sparse": "csr", "y_numeric": True, "multi_output": True}
        given = X, y
        X, y = validate_data(self, X, y, seen_by_engine=True, **options)
        X = canonical(X)
        solver, ours, tol = way(self, hasattr(X, "indptr"))
        alphas = penalties(self.alpha)
        outputs = 1 if y.ndim == 1 else y.shape[1]
        if len(alphas) not in (1, outputs):
            raise ValueError(f"Number of targets and number of penalties do not correspond: {len(alphas)} != {outputs}")
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        with in_scikit_learns_words(self, *given, **options):
            engine = _learn.ridge(
                X,
                flat_targets(y, X),
                sample_weight,
                alphas,
                self.fit_intercept,
                ours,
                self.max_iter,
                tol,
                self.positive,
            )
        # A single column of targets gives flat coefficients, as scikit-learn's do.
        self._keep(engine, y.ndim == 1, flat=outputs == 1)
        n_iter = engine.field("n_iter")
        self.n_iter_ = None if n_iter is None else n_iter.astype(np.int32)
        used = engine.field("solver")
        self.solver_ = used if used != ours and not self.positive else solver
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd" and (self.solver != "cholesky" or not self.fit_intercept)
        return tags
