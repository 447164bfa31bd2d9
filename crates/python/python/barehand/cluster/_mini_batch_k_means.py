"""k-means by small batches."""

from __future__ import annotations

import warnings
from typing import Any

from barehand._barehand import _learn
from barehand._param_validation import Interval
from barehand._random_state import seed_of
from barehand.cluster._nearest_center import NearestCenter


class MiniBatchKMeans(NearestCenter):
    """`KMeans` by small random batches: each moves the centers a little, the less the more samples a center has seen.

    Args:
        n_clusters: how many centers.
        init: where they start, as of `KMeans`.
        max_iter: passes over the samples at most.
        batch_size: samples of a batch.
        verbose: whether to print a line for each batch, after the fit.
        compute_labels: whether ``labels_`` and ``inertia_`` are those of all samples.
        random_state: seed of the draws. A whole number draws what scikit-learn draws.
        tol: the fit ends when the centers' squared movement is at most this times the mean variance of the features; 0: not
            by this.
        max_no_improvement: batches without a better smoothed inertia after which the fit ends; None: not by this.
        init_size: samples of which the start is picked; by default three batches, at least three for each cluster.
        n_init: how many starts are compared; ``"auto"``: 3 for ``"random"`` and callables, else 1.
        reassignment_ratio: centers with less than this share of the largest count are moved to random samples now and then.

    >>> X = [[0.0, 0.1], [0.1, 0.0], [9.0, 9.1], [9.1, 9.0]]
    >>> kmeans = MiniBatchKMeans(n_clusters=2, random_state=0).fit(X)
    >>> kmeans.predict([[0.0, 0.0]]) == kmeans.labels_[:1]
    array([ True])
    """

    _parameter_constraints = {
        **NearestCenter._parameter_constraints,
        "batch_size": [Interval(int, 1, None)],
        "compute_labels": [bool],
        "max_no_improvement": [Interval(int, 0, None), None],
        "init_size": [Interval(int, 1, None), None],
        "reassignment_ratio": [Interval(float, 0, None)],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        max_iter: int = 100,
        batch_size: int = 1024,
        verbose: int = 0,
        compute_labels: bool = True,
        random_state: Any = None,
        tol: float = 0.0,
        max_no_improvement: int | None = 10,
        init_size: int | None = None,
        n_init: Any = "auto",
        reassignment_ratio: float = 0.01,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.n_init = n_init
        self.verbose = verbose
        self.random_state = random_state
        self.max_no_improvement = max_no_improvement
        self.batch_size = batch_size
        self.compute_labels = compute_labels
        self.init_size = init_size
        self.reassignment_ratio = reassignment_ratio

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        self._validate_params()
        X = self._samples(X, reset=True)
        self._fit(X, sample_weight, before=None, partial=False)
        self.n_iter_ = self._engine.field("n_iter")
        self.inertia_ = self._engine.field("inertia")
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Moves the centers by one batch; the first one starts them."""
        self._validate_params()
        before = getattr(self, "_engine", None)
        X = self._samples(X, reset=before is None)
        self._fit(X, sample_weight, before=before, partial=True)
        if self.compute_labels:
            self.inertia_ = self._engine.field("inertia")
        return self

    def _fit(self, X: Any, sample_weight: Any, *, before: Any, partial: bool) -> None:
        if before is None:
            self._check_clusters(X)
            self._n_init = self._check_n_init(3)
            self._init_size = self._check_init_size(X.shape[0])
            init, centers = self._starts(X, 1 if partial else self._n_init, self._init_size)
            seed = seed_of(self.random_state)
        else:
            init, centers, seed = "k-means++", [], 0
        self._engine = _learn.mini_batch_k_means(
            X,
            self._weights(sample_weight, X),
            before,
            partial,
            self.n_clusters,
            init,
            centers,
            self._n_init,
            self._init_size,
            self.max_iter,
            self.batch_size,
            self.compute_labels,
            self.tol,
            self.max_no_improvement,
            self.reassignment_ratio,
            seed,
            bool(self.verbose),
        )
        self._say()
        self.cluster_centers_ = self._engine.field("centers")
        self.n_steps_ = self._engine.field("n_steps")
        if self.compute_labels:
            self.labels_ = self._engine.field("labels")

    def _check_init_size(self, n_samples: int) -> int:
        size = self.init_size
        if size is None:
            size = 3 * min(self.batch_size, n_samples)
        elif size < self.n_clusters:
            warnings.warn(
                f"init_size={size} should be larger than n_clusters={self.n_clusters}. Setting it to min(3*n_clusters, "
                "n_samples)",
                RuntimeWarning,
                stacklevel=4,
            )
        if size < self.n_clusters:
            size = 3 * self.n_clusters
        return min(size, n_samples)
