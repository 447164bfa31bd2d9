"""Seeds for k-means."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._check_array import check_array, check_sample_weight
from barehand._param_validation import Interval, check_parameters
from barehand._random_state import RANDOM_STATE, seed_of
from barehand._sparse import canonical


def kmeans_plusplus(
    X: Any,
    n_clusters: int,
    *,
    sample_weight: Any = None,
    x_squared_norms: Any = None,
    random_state: Any = None,
    n_local_trials: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Picks ``n_clusters`` samples far from each other: the centers, and which samples they are.

    Args:
        X: samples, dense or sparse rows.
        n_clusters: how many.
        sample_weight: how much each sample counts.
        x_squared_norms: one for each sample; distances are computed from differences and do not need them.
        random_state: seed of the draws. A whole number draws what scikit-learn draws.
        n_local_trials: candidates for each center, of which the best is taken; by default ``2 + log(n_clusters)``.

    >>> centers, picked = kmeans_plusplus([[1.0, 2.0], [1.0, 4.0], [10.0, 2.0], [10.0, 4.0]], 2, random_state=0)
    >>> picked.shape
    (2,)
    """
    constraints = {
        "n_clusters": [Interval(int, 1, None)],
        "random_state": RANDOM_STATE,
        "n_local_trials": [Interval(int, 1, None), None],
    }
    values = {"n_clusters": n_clusters, "random_state": random_state, "n_local_trials": n_local_trials}
    check_parameters(constraints, values, "kmeans_plusplus")
    X = canonical(check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], order="C"))
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
    if X.shape[0] < n_clusters:
        raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={n_clusters}.")
    if x_squared_norms is not None and len(x_squared_norms) != X.shape[0]:
        raise ValueError(
            f"The length of x_squared_norms {len(x_squared_norms)} should be equal to the length of n_samples {X.shape[0]}."
        )
    centers, picked = _learn.k_means_plus_plus(X, sample_weight, n_clusters, n_local_trials, seed_of(random_state))
    return centers, np.array(picked)
