"""Least squares with L1 and L2 penalties."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._sparse import canonical
from barehand.base import BaseEstimator, Interval
from barehand.linear_model._elastic_net_path import enet_path, products, seed_of, warn_of_gap
from barehand.linear_model._linear import RANDOM_STATE, LinearRegressorMixin, flat_targets
from barehand.validation import check_sample_weight, validate_data


class ElasticNet(LinearRegressorMixin, BaseEstimator):
    """Minimises ``|y - X coef_ - intercept_|^2 / (2 n) + alpha (l1_ratio |coef_|_1 + (1 - l1_ratio) |coef_|^2 / 2)``.

    Coordinate descent to a duality gap; features that the gap proves to be 0 are left out on the way.

    Args:
        alpha: strength of the penalty.
        l1_ratio: part of the penalty that is L1; 1 for the lasso.
        fit_intercept: whether to fit an intercept.
        precompute: True for steps by products of columns, which are formed first; an array for products that are known:
            those of the columns as they are fitted, centred and with the roots of weights (if they are centred here, products
            are formed again, with a warning). False leaves the choice to what is faster: products of no more columns than
            rows, or the columns; steps are the same either way. Of sparse columns it is never more than that.
        max_iter: visits to every coordinate at most.
        copy_X: a permission to write to ``X``, which is never used.
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
    path = staticmethod(enet_path)
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
        """Fits the coefficients. ``check_input=False`` is a permission to take ``X`` as it is, which is never used."""
        self._validate_params()
        if self.alpha == 0:
            warnings.warn(
                "With alpha=0, this algorithm does not converge well. You are advised to use the LinearRegression estimator",
                stacklevel=2,
            )
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True, multi_output=True)
        X = canonical(X)
        if isinstance(sample_weight, numbers.Number):
            sample_weight = None
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        start = None
        if self.warm_start and hasattr(self, "coef_"):
            start = np.ascontiguousarray(self.coef_, dtype=np.float64)
        parameters = {
            "l1_ratio": float(self.l1_ratio),
            "fit_intercept": bool(self.fit_intercept),
            "max_iter": 1000 if self.max_iter is None else self.max_iter,
            "tol": float(self.tol),
            "positive": bool(self.positive),
            "seed": seed_of(self.selection, self.random_state),
            "precompute": products(self.precompute, X, sample_weight, self.fit_intercept),
            "start": start,
        }
        try:
            engine = _learn.elastic_net(X, flat_targets(y, X), sample_weight, float(self.alpha), parameters)
        except ValueError as error:
            if "finite" not in str(error):
                raise
            raise ValueError(
                "Coordinate descent iterations resulted in non-finite parameter values. The input data may contain large values"
                f" and need to be preprocessed: {error}"
            ) from error
        single = y.ndim == 1 or y.shape[1] == 1
        self._keep(engine, y.ndim == 1, flat=single)
        gaps, n_iter = engine.field("dual_gap").astype(X.dtype), engine.field("n_iter").tolist()
        self.dual_gap_ = gaps[0] if single else gaps
        self.n_iter_ = n_iter[0] if single else n_iter
        for gap, tolerance in zip(engine.field("dual_gap"), engine.field("tolerance"), strict=True):
            if gap > tolerance:
                warn_of_gap(gap * X.shape[0], tolerance * X.shape[0], self.alpha * self.l1_ratio)
        return self

    @property
    def sparse_coef_(self) -> Any:
        """``coef_`` as a sparse matrix."""
        from scipy import sparse

        return sparse.csr_matrix(np.atleast_2d(self.coef_))
