"""k-means."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._random_state import seed_of
from barehand.cluster._nearest_center import NearestCenter
from barehand.exceptions import ConvergenceWarning


class KMeans(NearestCenter):
    """``n_clusters`` centers such that the samples are near to one of them.

    Each iteration gives every sample to the nearest center, and moves every center to the mean of its samples, until no sample
    changes its center. A center without samples is moved to the sample that is farthest from its own.

    Args:
        n_clusters: how many centers.
        init: where they start: ``"k-means++"`` (samples far from each other), ``"random"`` (different samples), an array
            ``(n_clusters, n_features)``, or a callable of ``X``, ``n_clusters`` and ``random_state`` that returns one.
        n_init: how many runs, of which the one of least inertia is kept; ``"auto"``: 10 for ``"random"`` and callables, else 1.
        max_iter: iterations of a run at most.
        tol: a run ends when the centers' squared movement is at most this times the mean variance of the features.
        verbose: whether to print a line for each iteration, after the fit.
        random_state: seed of the draws. A whole number draws what scikit-learn draws.
        copy_x: samples are never written to, whichever it is.
        algorithm: ``"lloyd"`` computes every distance, by matrix products; ``"elkan"`` leaves out most of them by the triangle
            inequality, and needs memory for a bound of each. They find the same.

    >>> X = np.array([[1.0, 2.0], [1.0, 4.0], [1.0, 0.0], [10.0, 2.0], [10.0, 4.0], [10.0, 0.0]])
    >>> kmeans = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> kmeans.labels_
    array([1, 1, 1, 0, 0, 0], dtype=int32)
    >>> kmeans.predict([[0.0, 0.0], [12.0, 3.0]])
    array([1, 0], dtype=int32)
    >>> kmeans.cluster_centers_
    array([[10.,  2.],
           [ 1.,  2.]])
    """

    _parameter_constraints = {
        **NearestCenter._parameter_constraints,
        "copy_x": [bool],
        "algorithm": [{"lloyd", "elkan"}],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: Any = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: Any = None,
        copy_x: bool = True,
        algorithm: str = "lloyd",
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.n_init = n_init
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        self._validate_params()
        X = self._samples(X, reset=True)
        self._check_clusters(X)
        self._n_init = self._check_n_init(10)
        elkan = self.algorithm == "elkan"
        if elkan and self.n_clusters == 1:
            warnings.warn(
                "algorithm='elkan' doesn't make sense for a single cluster. Using 'lloyd' instead.",
                RuntimeWarning,
                stacklevel=2,
            )
        weights = self._weights(sample_weight, X)
        init, centers = self._starts(X, self._n_init)
        self._engine = _learn.k_means(
            X,
            weights,
            self.n_clusters,
            init,
            centers,
            self._n_init,
            self.max_iter,
            self.tol,
            seed_of(self.random_state),
            elkan,
            bool(self.verbose),
        )
        self._say()
        self.cluster_centers_ = self._engine.field("centers")
        self.labels_ = self._engine.field("labels")
        self.inertia_ = self._engine.field("inertia")
        self.n_iter_ = self._engine.field("n_iter")
        distinct = len(np.unique(self.labels_))
        if distinct < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({distinct}) found smaller than n_clusters ({self.n_clusters}). Possibly due to "
                "duplicate points in X.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self


def k_means(
    X: Any,
    n_clusters: int,
    *,
    sample_weight: Any = None,
    init: Any = "k-means++",
    n_init: Any = "auto",
    max_iter: int = 300,
    verbose: bool = False,
    tol: float = 1e-4,
    random_state: Any = None,
    copy_x: bool = True,
    algorithm: str = "lloyd",
    return_n_iter: bool = False,
) -> tuple[Any, ...]:
    """The centers, labels and inertia that `KMeans` finds, and its iterations where ``return_n_iter`` is set.

    >>> centers, labels, inertia = k_means([[0.0], [1.0], [9.0], [10.0]], 2, random_state=0)
    >>> inertia
    1.0
    """
    model = KMeans(
        n_clusters,
        init=init,
        n_init=n_init,
        max_iter=max_iter,
        verbose=verbose,
        tol=tol,
        random_state=random_state,
        copy_x=copy_x,
        algorithm=algorithm,
    ).fit(X, sample_weight=sample_weight)
    found = (model.cluster_centers_, model.labels_, model.inertia_)
    return (*found, model.n_iter_) if return_n_iter else found
