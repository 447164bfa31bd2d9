"""Gaussian mixtures."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import check_array
from barehand._param_validation import Interval
from barehand._random_state import RANDOM_STATE, seed_of
from barehand.base import BaseEstimator, DensityMixin
from barehand.exceptions import ConvergenceWarning
from barehand.validation import check_is_fitted, validate_data

_ARRAY = [list, tuple, np.ndarray, None]


class GaussianMixture(DensityMixin, BaseEstimator):
    """A sum of ``n_components`` normal distributions, fitted by expectation and maximisation.

    Args:
        n_components: how many.
        covariance_type: ``"full"`` (each its own matrix), ``"tied"`` (one for all), ``"diag"`` (each its own variances) or
            ``"spherical"`` (each one variance).
        tol: the change of the mean log density at which the fit ends.
        reg_covar: added to variances.
        max_iter: iterations at most; with 0 the start is the model.
        n_init: runs, of which the one of greatest density is kept.
        init_params: where responsibilities start: ``"kmeans"``, ``"k-means++"``, ``"random"`` or ``"random_from_data"``.
        weights_init, means_init, precisions_init: parameters to start from.
        random_state: seed of the draws. A whole number starts where scikit-learn starts.
        warm_start: whether ``fit`` goes on from where the last one stopped.
        verbose: whether to print each ``verbose_interval``-th iteration, after the fit.

    >>> X = [[1.0, 2.0], [1.0, 4.0], [1.0, 0.0], [10.0, 2.0], [10.0, 4.0], [10.0, 0.0]]
    >>> mixture = GaussianMixture(n_components=2, random_state=0).fit(X)
    >>> np.round(mixture.means_)
    array([[10.,  2.],
           [ 1.,  2.]])
    """

    _engine_type = _learn.Model
    _parameter_constraints = {
        "n_components": [Interval(int, 1, None)],
        "covariance_type": [{"full", "tied", "diag", "spherical"}],
        "tol": [Interval(float, 0, None)],
        "reg_covar": [Interval(float, 0, None)],
        "max_iter": [Interval(int, 0, None)],
        "n_init": [Interval(int, 1, None)],
        "init_params": [{"kmeans", "random", "random_from_data", "k-means++"}],
        "weights_init": _ARRAY,
        "means_init": _ARRAY,
        "precisions_init": _ARRAY,
        "random_state": RANDOM_STATE,
        "warm_start": [bool],
        "verbose": [bool, Interval(int, 0, None)],
        "verbose_interval": [Interval(int, 1, None)],
    }

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: Any = None,
        means_init: Any = None,
        precisions_init: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    def fit(self, X: Any, y: Any = None) -> GaussianMixture:
        self._validate_params()
        X = validate_data(self, X, ensure_min_samples=2)
        self._fit(X)
        return self

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        self._validate_params()
        X = validate_data(self, X, ensure_min_samples=2)
        self._fit(X)
        return self._engine.predict(X)

    def _fit(self, X: np.ndarray) -> None:
        if X.shape[0] < self.n_components:
            raise ValueError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, n_samples = {X.shape[0]}"
            )
        given = self._check_given(X.shape[1])
        self._engine = _learn.gaussian_mixture(
            X,
            getattr(self, "_engine", None) if self.warm_start else None,
            self.n_components,
            self.covariance_type,
            self.tol,
            self.reg_covar,
            self.max_iter,
            self.n_init,
            self.init_params,
            *given,
            seed_of(self.random_state),
            bool(self.verbose),
        )
        self._say()
        for name in ("weights", "means", "covariances", "precisions", "precisions_cholesky"):
            setattr(self, f"{name}_", self._engine.field(name))
        for name in ("converged", "n_iter", "lower_bound"):
            setattr(self, f"{name}_", self._engine.field(name))
        self.lower_bounds_ = self._engine.field("lower_bounds").tolist()
        if not self.converged_ and self.max_iter > 0:
            warnings.warn(
                "Best performing initialization did not converge. Try different init parameters, or increase max_iter, tol, "
                "or check for degenerate data.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.predict(validate_data(self, X, reset=False))

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.predict_proba(validate_data(self, X, reset=False))

    def score_samples(self, X: Any) -> np.ndarray:
        """The logarithm of the density of each sample."""
        check_is_fitted(self)
        return _learn.gaussian_mixture_score_samples(self._engine, validate_data(self, X, reset=False))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of ``score_samples``."""
        return float(self.score_samples(X).mean())

    def aic(self, X: Any) -> float:
        """Akaike's information criterion: less is better."""
        return -2 * self.score(X) * len(X) + 2 * self._n_parameters()

    def bic(self, X: Any) -> float:
        """The Bayesian information criterion: less is better."""
        return -2 * self.score(X) * len(X) + self._n_parameters() * float(np.log(len(X)))

    def _n_parameters(self) -> int:
        return _learn.gaussian_mixture_parameters(self._engine)

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """New samples, those of a component together, and the component of each."""
        check_is_fitted(self)
        if n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {self.n_components} . The sampling requires at least one sample."
            )
        return _learn.gaussian_mixture_sample(self._engine, n_samples, seed_of(self.random_state))

    def _check_given(self, n_features: int) -> list[np.ndarray | None]:
        """Given weights, means and precisions, checked."""
        k, d, kind = self.n_components, n_features, self.covariance_type
        precisions = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}[kind]
        found: list[np.ndarray | None] = []
        for name, value, shape in (
            ("weights", self.weights_init, (k,)),
            ("means", self.means_init, (k, d)),
            (f"{kind} precision", self.precisions_init, precisions),
        ):
            if value is None:
                found.append(None)
                continue
            value = check_array(value, dtype=[np.float64], ensure_2d=False, allow_nd=len(shape) == 3, order="C")
            if value.shape != shape:
                raise ValueError(f"The parameter '{name}' should have the shape of {shape}, but got {value.shape}")
            if name == "weights":
                _check_weights(value)
            elif name != "means":
                _check_precisions(value, kind)
            found.append(value)
        return found

    def _say(self) -> None:
        if not self.verbose:
            return
        for line in self._engine.field("log"):
            words = line.split()
            if words[0] == "Iteration" and int(words[1]) % self.verbose_interval:
                continue
            print(line if self.verbose > 1 or words[0] != "Iteration" else f"  Iteration {words[1]}")


def _check_weights(weights: np.ndarray) -> None:
    if (weights < 0).any() or (weights > 1).any():
        raise ValueError(
            "The parameter 'weights' should be in the range [0, 1], but got max value "
            f"{weights.min():.5f}, min value {weights.max():.5f}"
        )
    if abs(1 - weights.sum()) > 1e-6:
        raise ValueError(f"The parameter 'weights' should be normalized, but got sum(weights) = {weights.sum():.5f}")


def _check_precisions(precisions: np.ndarray, kind: str) -> None:
    if kind in ("diag", "spherical"):
        if (precisions <= 0).any():
            raise ValueError(f"'{kind} precision' should be positive")
        return
    for precision in precisions if kind == "full" else [precisions]:
        if not (np.allclose(precision, precision.T) and (np.linalg.eigvalsh(precision) > 0).all()):
            raise ValueError(f"'{kind} precision' should be symmetric, positive-definite")
