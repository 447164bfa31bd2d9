"""The elastic net for many penalties, from the strongest on, and what its estimators share."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import check_array
from barehand._param_validation import Interval, check_parameters
from barehand._sparse import canonical
from barehand.exceptions import ConvergenceWarning
from barehand.linear_model._linear import random_state

LARGEST_SEED = 2**31 - 1


def seed_of(selection: str, state: Any) -> int | None:
    """The seed for ``selection="random"``, as scikit-learn draws it."""
    return int(random_state(state).randint(0, LARGEST_SEED)) if selection == "random" else None


def products(precompute: Any, X: Any, sample_weight: Any, fit_intercept: bool, Xy: Any = None) -> Any:
    """A ``precompute`` parameter as Rust takes it: ``"auto"``, True, or what is known of the columns' products."""
    sparse = hasattr(X, "indptr")
    if sparse or isinstance(precompute, (bool, np.bool_, str)):
        return True if precompute is True and not sparse else "auto"
    gram = np.ascontiguousarray(precompute, dtype=np.float64)
    if gram.shape != (X.shape[1], X.shape[1]):
        raise ValueError("Shape mismatch of given precomputed Gram matrix and X")
    if fit_intercept and not np.allclose(np.average(X, axis=0, weights=sample_weight), 0):
        warnings.warn(
            "Gram matrix was provided but X was centered to fit intercept: recomputing Gram matrix.", stacklevel=3
        )
        return "auto"
    return gram, None if Xy is None else np.ascontiguousarray(Xy, dtype=np.float64)


def warn_of_gap(gap: float, tolerance: float, l1: float, stacklevel: int = 3) -> None:
    """Warns of a descent that was stopped before its gap was small enough."""
    message = (
        "Objective did not converge. You might want to increase the number of iterations, check the scale of the features"
        f" or consider increasing regularisation. Duality gap: {gap:.6e}, tolerance: {tolerance:.3e}"
    )
    if l1 < np.finfo(np.float64).eps:
        message += (
            "\nLinear regression models with a zero l1 penalization strength are more efficiently fitted using one of the"
            " solvers implemented in sklearn.linear_model.Ridge/RidgeCV instead."
        )
    warnings.warn(message, ConvergenceWarning, stacklevel=stacklevel)


def penalties(alphas: Any, eps: float) -> Any:
    """An ``alphas`` parameter as Rust takes it: how many and how far down, or all of them."""
    if isinstance(alphas, numbers.Integral):
        return int(alphas), float(eps)
    return np.asarray(alphas, dtype=np.float64).tolist()


CONSTRAINTS = {
    "l1_ratio": [Interval(float, 0, 1, closed="both")],
    "eps": [Interval(float, 0, None, closed="neither"), None],
    "n_alphas": [Interval(int, 1, None), {"deprecated"}],
    "alphas": [Interval(int, 1, None), np.ndarray, list, tuple, None, {"warn"}],
    "precompute": [{"auto"}, bool, np.ndarray, list, tuple],
    "copy_X": [bool],
    "verbose": [int, bool],
    "return_n_iter": [bool],
    "positive": [bool],
    "check_input": [bool],
}


def enet_path(
    X: Any,
    y: Any,
    *,
    l1_ratio: float = 0.5,
    eps: float = 1e-3,
    n_alphas: Any = "deprecated",
    alphas: Any = "warn",
    precompute: Any = "auto",
    Xy: Any = None,
    copy_X: bool = True,
    coef_init: Any = None,
    verbose: Any = False,
    return_n_iter: bool = False,
    positive: bool = False,
    check_input: bool = True,
    tol: float = 1e-4,
    max_iter: int = 1000,
    random_state: Any = None,
    selection: str = "cyclic",
    **params: Any,
) -> tuple[Any, ...]:
    """The coefficients of `ElasticNet` without an intercept, for many penalties, each found from the last one's.

    Args:
        X: samples, dense or sparse.
        y: one target for each, or several, whose coefficients of a feature are 0 together.
        l1_ratio: part of the penalty that is L1.
        eps: what the last penalty of a grid is of the first, the weakest that leaves no coefficient.
        n_alphas: deprecated; ``alphas`` says it.
        alphas: how many penalties (default: 100), or all of them.
        precompute: as in `ElasticNet`; ``"auto"`` is its False.
        Xy: ``X.T @ y``, where ``precompute`` is an array; it is not looked at elsewhere, as in scikit-learn.
        copy_X: a permission to write to ``X``, which is never used.
        coef_init: where the first descent starts, instead of zeros.
        verbose: 1 prints a dot for each penalty, 2 or more its number.
        return_n_iter: whether to return cycles too.
        positive: whether coefficients may not be negative.
        check_input: a permission to take ``X`` as it is, which is never used.
        tol, max_iter, random_state, selection: those of `ElasticNet`.

    Returns:
        Penalties in descending order, coefficients ``(features, penalties)`` or ``(targets, features, penalties)``, duality
        gaps, and cycles if asked for.

    >>> X, y = [[-1.0, 0.1], [0.0, -0.2], [1.0, 0.1]], [1.0, 2.0, 3.0]
    >>> alphas, coefs, gaps = enet_path(X, y, l1_ratio=1.0, alphas=[0.1, 1.0])
    >>> print(alphas, coefs[0].round(3))
    [1.  0.1] [0.   0.85]
    """
    given = {name: value for name, value in locals().items() if name in CONSTRAINTS}
    check_parameters(CONSTRAINTS, given, "enet_path")
    if params:
        raise ValueError("Unexpected parameters in params", params.keys())
    if selection not in ("random", "cyclic"):
        raise ValueError("selection should be either random or cyclic.")
    number = _of_penalties(n_alphas, alphas)
    X = canonical(check_array(X, accept_sparse="csr", dtype=(np.float64, np.float32), order="C"))
    y = check_array(y, dtype=X.dtype.type, ensure_2d=False)
    if len(y) != X.shape[0]:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[X.shape[0], len(y)]}")
    if y.ndim != 1 and positive:
        raise ValueError("positive=True is not allowed for multi-output (y.ndim != 1)")
    if isinstance(number, numbers.Integral) and l1_ratio == 0:
        raise ValueError(NO_GRID)
    found = _learn.elastic_net_path(
        X,
        y,
        penalties(number, eps),
        {
            "l1_ratio": float(l1_ratio),
            "fit_intercept": False,
            "max_iter": max_iter,
            "tol": float(tol),
            "positive": bool(positive),
            "seed": seed_of(selection, random_state),
            "precompute": products(precompute, X, None, False, Xy),
            "start": None if coef_init is None else np.ascontiguousarray(coef_init, dtype=np.float64),
        },
    )
    strengths, coef, gaps, tolerances, n_iter = found
    for i, (alpha, gap, tolerance) in enumerate(zip(strengths, gaps, tolerances, strict=True)):
        if gap > tolerance:
            warn_of_gap(gap * X.shape[0], tolerance * X.shape[0], alpha * l1_ratio)
        if verbose:
            print(
                f"Path: {i + 1:03} out of {len(strengths):03}" if verbose > 1 else ".", end="\n" if verbose > 1 else ""
            )
    coefs = np.ascontiguousarray(np.moveaxis(coef, 0, -1), dtype=X.dtype)
    return (strengths, coefs, gaps, n_iter) if return_n_iter else (strengths, coefs, gaps)


def lasso_path(
    X: Any,
    y: Any,
    *,
    eps: float = 1e-3,
    n_alphas: Any = "deprecated",
    alphas: Any = "warn",
    precompute: Any = "auto",
    Xy: Any = None,
    copy_X: bool = True,
    coef_init: Any = None,
    verbose: Any = False,
    return_n_iter: bool = False,
    positive: bool = False,
    **params: Any,
) -> tuple[Any, ...]:
    """`enet_path` with L1 alone.

    Args:
        X, y, eps, n_alphas, alphas, precompute, Xy, copy_X, coef_init, verbose, return_n_iter, positive: those of `enet_path`.
        params: ``tol``, ``max_iter``, ``random_state`` and ``selection``.

    >>> alphas, coefs, gaps = lasso_path([[-1.0], [0.0], [1.0]], [1.0, 2.0, 3.0], alphas=[0.1, 1.0])
    >>> print(coefs.round(3))
    [[0.   0.85]]
    """
    return enet_path(
        X,
        y,
        l1_ratio=1.0,
        eps=eps,
        alphas=_of_penalties(n_alphas, alphas),
        precompute=precompute,
        Xy=Xy,
        copy_X=copy_X,
        coef_init=coef_init,
        verbose=verbose,
        return_n_iter=return_n_iter,
        positive=positive,
        **params,
    )


NO_GRID = (
    "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid by providing your estimator with the"
    " appropriate `alphas=` argument."
)


def _of_penalties(n_alphas: Any, alphas: Any) -> Any:
    """How many penalties there are to be, or all of them, with scikit-learn's warnings."""
    number = 100
    if n_alphas != "deprecated":
        warnings.warn(
            "'n_alphas' was deprecated in 1.9 and will be removed in 1.11. 'alphas' now accepts an integer value which removes"
            " the need to pass 'n_alphas'. The default value of 'alphas' will change from None to 100 in 1.11. Pass an explicit"
            " value to 'alphas' and leave 'n_alphas' to its default value to silence this warning.",
            FutureWarning,
            stacklevel=3,
        )
        number = n_alphas
    if isinstance(alphas, str):
        return number
    if alphas is None:
        warnings.warn(
            "'alphas=None' is deprecated and will be removed in 1.11, at which point the default value will be set to 100. Set"
            " 'alphas=100' to silence this warning.",
            FutureWarning,
            stacklevel=3,
        )
        return number
    return alphas
