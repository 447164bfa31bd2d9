"""What `KMeans` and `MiniBatchKMeans` share: centers, and which one is nearest."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._param_validation import Interval
from barehand._random_state import RANDOM_STATE, check_random_state
from barehand._sparse import canonical
from barehand.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from barehand.validation import check_is_fitted, check_sample_weight, validate_data


class NearestCenter(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Samples belong to the nearest of a few centers."""

    _engine_type = _learn.Model
    _parameter_constraints = {
        "n_clusters": [Interval(int, 1, None)],
        "init": [{"k-means++", "random"}, callable, list, tuple, np.ndarray, np.str_],
        "n_init": [{"auto"}, Interval(int, 1, None)],
        "max_iter": [Interval(int, 1, None)],
        "tol": [Interval(float, 0, None)],
        "verbose": [bool, Interval(int, 0, None)],
        "random_state": RANDOM_STATE,
    }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.cluster_centers_.shape[0]

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        return self.fit(X, sample_weight=sample_weight).labels_

    def predict(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.predict(self._samples(X, reset=False)).astype(np.int32)

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._engine.transform(self._samples(X, reset=False))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        check_is_fitted(self)
        X = self._samples(X, reset=False)
        return _learn.k_means_score(self._engine, X, self._weights(sample_weight, X))

    def _samples(self, X: Any, *, reset: bool) -> Any:
        return canonical(validate_data(self, X, accept_sparse="csr", accept_large_sparse=False, reset=reset))

    @staticmethod
    def _weights(sample_weight: Any, X: Any) -> np.ndarray | None:
        if sample_weight is None:
            return None
        return check_sample_weight(sample_weight, X, dtype=np.float64)

    def _check_clusters(self, X: Any) -> None:
        if X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}.")

    def _check_n_init(self, default: int) -> int:
        """The number of starts."""
        given = not isinstance(self.init, str) and not callable(self.init)
        if self.n_init == "auto":
            return 1 if given or self.init == "k-means++" else default
        if given and self.n_init != 1:
            warnings.warn(
                f"Explicit initial center position passed: performing only one init in {type(self).__name__} instead of "
                f"n_init={self.n_init}.",
                RuntimeWarning,
                stacklevel=3,
            )
            return 1
        return self.n_init

    def _check_centers(self, X: Any, centers: Any) -> np.ndarray:
        centers = np.array(centers, dtype=np.float64, order="C")
        if centers.ndim != 2:
            raise ValueError(f"Expected 2D array of initial centers, got {centers.ndim}D array instead.")
        if not np.isfinite(centers).all():
            raise ValueError("The initial centers contain NaN or infinity.")
        for axis, what, expected in (
            (0, "number of clusters", self.n_clusters),
            (1, "number of features of the data", X.shape[1]),
        ):
            if centers.shape[axis] != expected:
                raise ValueError(
                    f"The shape of the initial centers {centers.shape} does not match the {what} {expected}."
                )
        return centers

    def _starts(self, X: Any, n_init: int, subset: int | None = None) -> tuple[str, list[np.ndarray]]:
        """The name of the start, and given centers of each run."""
        if isinstance(self.init, str):
            return str(self.init), []
        if not callable(self.init):
            return "given", [self._check_centers(X, self.init)]
        # A callable sees the samples as scikit-learn's does: dense ones without their mean, or some of them.
        random = check_random_state(self.random_state)
        mean = 0.0
        if subset is None and isinstance(X, np.ndarray):
            mean = X.mean(axis=0)
            X = X - mean
        starts = []
        for _ in range(n_init):
            seen = X
            if subset is not None and subset < X.shape[0]:
                seen = X[random.randint(0, X.shape[0], subset)]
            centers = self.init(seen, self.n_clusters, random_state=random)
            starts.append(self._check_centers(X, centers) + mean)
        return "given", starts

    def _say(self) -> None:
        if self.verbose:
            for line in self._engine.field("log"):
                print(line)
