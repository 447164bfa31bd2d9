"""Least squares with an L1 penalty."""

from __future__ import annotations

from typing import Any

from barehand.linear_model._elastic_net import ElasticNet


class Lasso(ElasticNet):
    """`ElasticNet` whose penalty is L1 alone: minimises ``|y - X coef_ - intercept_|^2 / (2 n) + alpha |coef_|_1``.

    Args:
        alpha, fit_intercept, precompute, copy_X, max_iter, tol, warm_start, positive, random_state, selection: those of
            `ElasticNet`.

    >>> print(Lasso(alpha=0.1).fit([[-1.0], [0.0], [1.0]], [1.0, 2.0, 3.0]).coef_.round(3))
    [0.85]
    """

    _parameter_constraints = {k: v for k, v in ElasticNet._parameter_constraints.items() if k != "l1_ratio"}

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
        )
