"""Least squares with L1 and L2 penalties that cross-validation finds."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import column_or_1d
from barehand._sparse import canonical
from barehand.base import BaseEstimator, Interval
from barehand.linear_model._elastic_net_path import (
    NO_GRID,
    enet_path,
    lasso_path,
    penalties,
    products,
    seed_of,
    warn_of_gap,
)
from barehand.linear_model._linear import RANDOM_STATE, LinearRegressorMixin, targets
from barehand.linear_model._routing import Routed, refuse_params, routed
from barehand.validation import check_sample_weight, validate_data

CONSTRAINTS = {
    "eps": [Interval(float, 0, None, closed="neither")],
    "alphas": [Interval(int, 1, None), np.ndarray, list, tuple],
    "fit_intercept": [bool],
    "precompute": [{"auto"}, np.ndarray, list, tuple, bool],
    "max_iter": [Interval(int, 1, None)],
    "tol": [Interval(float, 0, None)],
    "copy_X": [bool],
    "verbose": [int, bool],
    "n_jobs": [int, None],
    "positive": [bool],
    "random_state": RANDOM_STATE,
    "selection": [{"cyclic", "random"}],
}


def check_penalty(value: Any, name: str, closed: bool = True) -> None:
    """Raises for a penalty that is no number, negative, or (not ``closed``) 0."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be an instance of float, not {type(value).__name__}.")
    if not (value >= 0 if closed else value > 0):
        raise ValueError(f"{name} == {value}, must be {'>=' if closed else '>'} 0.0.")


def folds(cv: Any, X: Any, y: Any, given: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The splits as pairs of positions, whatever the splitter names samples by."""
    positions = np.arange(X.shape[0])
    return [(positions[train], positions[test]) for train, test in cv.split(X, y, **given)]


class PathCV(LinearRegressorMixin, Routed, BaseEstimator):
    """What `ElasticNetCV` and `LassoCV` share."""

    _engine_type = _learn.Model

    def _ratios(self) -> list[float]:
        """The parts of the penalty that are tried for L1."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Any:
        """Finds the penalty on held-out samples, and fits all of them with it.

        Args:
            X: samples.
            y: one target for each.
            sample_weight: how much each counts, in fits and in errors.
            params: what the splitter is given, where metadata is routed.
        """
        self._validate_params()
        refuse_params(params, self, "fit")
        several = getattr(y, "ndim", 1) > 1 and y.shape[1] > 1
        if several:
            raise ValueError(f"For multi-task outputs, use MultiTask{type(self).__name__}")
        X, y = validate_data(self, X, column_or_1d(y, warn=True), accept_sparse="csr", y_numeric=True)
        X, y = canonical(X), np.asarray(y)
        if isinstance(sample_weight, numbers.Number):
            sample_weight = None
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        ratios = self._ratios()
        if not isinstance(self.alphas, numbers.Integral):
            for i, alpha in enumerate(self.alphas):
                check_penalty(alpha, f"alphas[{i}]")
        elif 0 in ratios:
            raise ValueError(NO_GRID)
        given = routed(self, "fit", sample_weight, params, scored=False)
        engine, alpha, ratio, alphas, errors, gaps = _learn.elastic_net_cv(
            X,
            targets(y, X),
            sample_weight,
            {
                "l1_ratio": ratios[0],
                "fit_intercept": bool(self.fit_intercept),
                "max_iter": self.max_iter,
                "tol": float(self.tol),
                "positive": bool(self.positive),
                "seed": seed_of(self.selection, self.random_state),
                "precompute": products(self.precompute, X, sample_weight, self.fit_intercept),
                "start": None,
            },
            ratios,
            penalties(self.alphas, self.eps),
            folds(self._splitter(), X, y, given.split),
        )
        self._keep(engine, single=True)
        self.alpha_ = alpha
        self._keep_ratio(ratio)
        self.alphas_ = alphas[0] if len(ratios) == 1 or not isinstance(self.alphas, numbers.Integral) else alphas
        self.mse_path_ = np.squeeze(errors)
        self.dual_gap_ = engine.field("dual_gap").astype(X.dtype)[0]
        self.n_iter_ = int(engine.field("n_iter")[0])
        n = X.shape[0]
        for gap, tolerance in [*gaps, (self.dual_gap_ * n, engine.field("tolerance")[0] * n)]:
            if gap > tolerance:
                warn_of_gap(gap, tolerance, alpha * ratio)
        return self

    def _keep_ratio(self, ratio: float) -> None:
        """Shows the ratio that was found, where there was a choice."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags


class ElasticNetCV(PathCV):
    """`ElasticNet` with the ``alpha`` and ``l1_ratio`` whose mean squared error on held-out samples is smallest.

    Each fold goes along a path of penalties, each fit from the last one's coefficients; folds go side by side.

    Args:
        l1_ratio: part of the penalty that is L1, or a list of those to try.
        eps: what the last penalty of a grid is of the first, the weakest that leaves no coefficient.
        alphas: how many penalties are tried, or all of them.
        fit_intercept: whether to fit an intercept.
        precompute: as in `ElasticNet`; ``"auto"`` is its False. An array is used for the last fit, of all samples.
        max_iter, tol, positive, random_state, selection: those of `ElasticNet`.
        cv: a splitter, a number of folds, or None for five.
        copy_X: a permission to write to ``X``, which is never used.
        verbose: a permission to print, which is not used.
        n_jobs: a permission to use more processes, which is not used: folds go side by side on the threads of
            `barehand.set_num_threads`.

    Attributes:
        alpha_, l1_ratio_: what was found.
        alphas_: what was tried, for each ratio.
        mse_path_: the mean squared errors, ``(ratios, penalties, folds)``, without the first for one ratio.
        coef_, intercept_, dual_gap_, n_iter_: those of the fit of all samples.

    >>> X = np.arange(10.0)[:, None]
    >>> model = ElasticNetCV(alphas=[1.0, 0.01], l1_ratio=[0.5, 1.0]).fit(X, 1 + 2 * X[:, 0])
    >>> print(model.alpha_, model.l1_ratio_, model.coef_.round(2))
    0.01 1.0 [2.]
    """

    path = staticmethod(enet_path)
    _parameter_constraints = {
        **CONSTRAINTS,
        "l1_ratio": [Interval(float, 0, 1, closed="both"), np.ndarray, list, tuple],
    }

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: Any = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def _ratios(self) -> list[float]:
        return np.atleast_1d(np.asarray(self.l1_ratio, dtype=np.float64)).tolist()

    def _keep_ratio(self, ratio: float) -> None:
        self.l1_ratio_ = ratio


class LassoCV(PathCV):
    """`Lasso` with the ``alpha`` whose mean squared error on held-out samples is smallest.

    Args:
        eps, alphas, fit_intercept, precompute, max_iter, tol, copy_X, cv, verbose, n_jobs, positive, random_state, selection:
            those of `ElasticNetCV`, whose attributes it has, but for ratios.

    >>> X = np.arange(10.0)[:, None]
    >>> model = LassoCV(alphas=[1.0, 0.01]).fit(X, 1 + 2 * X[:, 0])
    >>> print(model.alpha_, model.mse_path_.shape)
    0.01 (2, 5)
    """

    path = staticmethod(lasso_path)
    _parameter_constraints = CONSTRAINTS

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: Any = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def _ratios(self) -> list[float]:
        return [1.0]
