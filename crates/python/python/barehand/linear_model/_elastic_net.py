"""Least squares with L1 and L2 penalties."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.base import BaseEstimator, Interval
from barehand.exceptions import ConvergenceWarning
from barehand.linear_model._linear import RANDOM_STATE, LinearRegressorMixin, features, random_state, targets
from barehand.validation import check_sample_weight, validate_data

LARGEST_SEED = 2**31 - 1


class ElasticNet(LinearRegressorMixin, BaseEstimator):
    """Minimises ``|y - X coef_ - intercept_|^2 / (2 n) + alpha (l1_ratio |coef_|_1 + (1 - l1_ratio) |coef_|^2 / 2)``.

    Coordinate descent to a duality gap; features that the gap proves to be 0 are left out on the way.

    Args:
        alpha: strength of the penalty.
        l1_ratio: part of the penalty that is L1; 1 for the lasso.
        fit_intercept: whether to fit an intercept.
        precompute: says nothing new here: products of columns are formed where that is faster, and steps are the same either
            way. An array of them must have their shape.
        max_iter: visits to every coordinate at most.
        copy_X: has no effect: ``X`` is never written to.
        tol: the duality gap, in parts of ``|y|^2``, that is small enough.
        warm_start: whether to start from the last fit's coefficients.
        positive: whether coefficients may not be negative.
        random_state: the seed for ``selection="random"``.
        selection: ``"cyclic"``, or ``"random"`` coordinates.

    >>> model = ElasticNet(alpha=0.1, l1_ratio=1.0).fit([[-1.0, 0.1], [0.0, -0.2], [1.0, 0.1]], [1.0, 2.0, 3.0])
    >>> print(model.coef_.round(3), model.intercept_)
    [0.85 0.  ] 2.0
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "alpha": [Interval(float, 0, None)],
        "l1_ratio": [Interval(float, 0, 1, closed="both")],
        "fit_intercept": [bool],
        "precompute": [bool, np.ndarray, list, tuple],
        "max_iter": [Interval(int, 1, None), None],
        "copy_X": [bool],
        "tol": [Interval(float, 0, None)],
        "warm_start": [bool],
        "positive": [bool],
        "random_state": RANDOM_STATE,
        "selection": [{"cyclic", "random"}],
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> ElasticNet:
        self._validate_params()
        if self.alpha == 0:
            warnings.warn(
                "With alpha=0, this algorithm does not converge well. You are advised to use the LinearRegression estimator",
                stacklevel=2,
            )
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True, multi_output=True)
        X = features(X)
        if isinstance(sample_weight, numbers.Number):
            sample_weight = None
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        if not isinstance(self.precompute, (bool, np.bool_)) and np.shape(self.precompute) != (X.shape[1], X.shape[1]):
            raise ValueError("Shape mismatch of given precomputed Gram matrix and X")
        start = None
        if self.warm_start and hasattr(self, "coef_"):
            start = np.ascontiguousarray(self.coef_, dtype=np.float64)
        seed = None
        if self.selection == "random":
            seed = int(random_state(self.random_state).randint(0, LARGEST_SEED))
        engine = _learn.elastic_net(
            X,
            targets(y, X),
            sample_weight,
            alpha=self.alpha,
            l1_ratio=self.l1_ratio,
            fit_intercept=self.fit_intercept,
            max_iter=1000 if self.max_iter is None else self.max_iter,
            tol=self.tol,
            positive=self.positive,
            seed=seed,
            start=start,
        )
        single = y.ndim == 1 or y.shape[1] == 1
        self._keep(engine, y.ndim == 1)
        gaps, n_iter = engine.field("dual_gap").astype(X.dtype), engine.field("n_iter").tolist()
        if single:
            self.coef_ = self.coef_.ravel()
        self.dual_gap_ = gaps[0] if single else gaps
        self.n_iter_ = n_iter[0] if single else n_iter
        for gap, tolerance in zip(engine.field("dual_gap"), engine.field("tolerance"), strict=True):
            if gap > tolerance:
                self._warn(gap * X.shape[0], tolerance * X.shape[0])
        return self

    def _warn(self, gap: float, tolerance: float) -> None:
        message = (
            "Objective did not converge. You might want to increase the number of iterations, check the scale of the features"
            f" or consider increasing regularisation. Duality gap: {gap:.6e}, tolerance: {tolerance:.3e}"
        )
        if self.alpha * self.l1_ratio < np.finfo(np.float64).eps:
            message += (
                "\nLinear regression models with a zero l1 penalization strength are more efficiently fitted using one of the"
                " solvers implemented in sklearn.linear_model.Ridge/RidgeCV instead."
            )
        warnings.warn(message, ConvergenceWarning, stacklevel=3)

    @property
    def sparse_coef_(self) -> Any:
        """``coef_`` as a sparse matrix."""
        from scipy import sparse

        return sparse.csr_matrix(np.atleast_2d(self.coef_))
