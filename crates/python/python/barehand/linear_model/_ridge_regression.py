"""Ridge regression as a function."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import check_array
from barehand._param_validation import Interval, check_parameters
from barehand._sparse import canonical
from barehand.exceptions import ConvergenceWarning
from barehand.linear_model._linear import targets
from barehand.linear_model._ridge import CONSTRAINTS, EXACT, penalties
from barehand.validation import check_sample_weight

_CONSTRAINTS = {
    **{name: CONSTRAINTS[name] for name in ("alpha", "solver", "tol", "positive", "random_state")},
    "max_iter": [Interval(int, 0, None), None],
    "verbose": [int, bool],
    "return_n_iter": [bool],
    "return_intercept": [bool],
    "check_input": [bool],
}


def ridge_regression(
    X: Any,
    y: Any,
    alpha: Any,
    *,
    sample_weight: Any = None,
    solver: str = "auto",
    max_iter: int | None = None,
    tol: float = 1e-4,
    verbose: int = 0,
    positive: bool = False,
    random_state: Any = None,
    return_n_iter: bool = False,
    return_intercept: bool = False,
    check_input: bool = True,
) -> Any:
    """The coefficients of `Ridge`, without an intercept unless it is asked for.

    Args:
        X: samples.
        y: one target for each, or several.
        alpha: strength of the penalty, one number or one for each target.
        sample_weight: how much each sample counts.
        solver, max_iter, tol, positive, random_state: those of `Ridge`.
        verbose: whether to warn where conjugate gradients do not meet ``tol``.
        return_n_iter: whether to return iterations too, of solvers that count them.
        return_intercept: whether to fit an intercept and return it too; for ``"sag"`` and ``"auto"``, as in scikit-learn.
        check_input: a permission to take ``X`` as it is, which is never used.

    >>> print(ridge_regression([[-1.0], [0.0], [1.0]], [-1.0, 0.0, 1.0], 2.0))
    [0.5]
    """
    given = {name: value for name, value in locals().items() if name in _CONSTRAINTS}
    check_parameters(_CONSTRAINTS, given, "ridge_regression")
    X = canonical(check_array(X, accept_sparse="csr", dtype=(np.float64, np.float32), order="C"))
    y = check_array(y, dtype=X.dtype.type, ensure_2d=False)
    if y.ndim > 2:
        raise ValueError("Target y has the wrong shape %s" % str(y.shape))
    if len(y) != X.shape[0]:
        raise ValueError(f"Number of samples in X and y does not correspond: {X.shape[0]} != {len(y)}")
    sparse = hasattr(X, "indptr")
    if solver == "auto":
        solver = "lbfgs" if positive else "sag" if return_intercept else "sparse_cg" if sparse else "cholesky"
    if positive and solver != "lbfgs":
        raise ValueError(
            f"When positive=True, only 'lbfgs' solver can be used. Please change solver {solver} to 'lbfgs' or set"
            " positive=False."
        )
    if solver == "lbfgs" and not positive:
        raise ValueError("'lbfgs' solver can be used only when positive=True. Please use another solver.")
    if return_intercept and solver != "sag":
        raise ValueError(
            "In Ridge, only 'sag' solver can directly fit the intercept. Please change solver to 'sag' or set"
            " return_intercept=False."
        )
    if sparse and solver == "svd":
        raise TypeError("SVD solver does not support sparse inputs currently")
    alphas = penalties(alpha)
    outputs = 1 if y.ndim == 1 else y.shape[1]
    if len(alphas) not in (1, outputs):
        raise ValueError(f"Number of targets and number of penalties do not correspond: {len(alphas)} != {outputs}")
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
    ours, exact = solver, tol
    if solver in ("sag", "saga"):
        ours, exact = "sparse_cg" if sparse else "cholesky", EXACT
    elif solver == "lbfgs":
        ours = "auto"
    engine = _learn.ridge(X, targets(y, X), sample_weight, alphas, return_intercept, ours, max_iter, exact, positive)
    if verbose and max_iter is None and not engine.field("converged"):
        warnings.warn(
            f"sparse_cg did not converge after {10 * min(X.shape)} iterations.", ConvergenceWarning, stacklevel=2
        )
    coef, intercept, n_iter = engine.field("coef"), engine.field("intercept"), engine.field("n_iter")
    if outputs == 1:
        coef, intercept = coef[0], intercept[0]
    found = [coef]
    if return_n_iter:
        found.append(None if n_iter is None else n_iter.astype(np.int32))
    if return_intercept:
        found.append(intercept)
    return found[0] if len(found) == 1 else tuple(found)
