"""Small estimators that hang on `barehand.base`: one of each kind, written in NumPy and tensors, for the tests only.

Their models stand in for the extension module's: an `ArrayEngine` has the two methods of `barehand.base.Engine`.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

import barehand
from barehand.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    Interval,
    OneToOneFeatureMixin,
    RegressorMixin,
    TransformerMixin,
)
from barehand.validation import check_is_fitted, check_sample_weight, encode_classes, validate_data


class ArrayEngine:
    """Named arrays that can be nothing but bytes and back: pickling it by any other way fails."""

    def __init__(self, **arrays: np.ndarray) -> None:
        self.arrays = arrays

    def to_bytes(self) -> bytes:
        file = io.BytesIO()
        np.savez(file, **self.arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> ArrayEngine:
        return cls(**np.load(io.BytesIO(data)))

    def __reduce__(self) -> Any:
        raise TypeError("an engine goes through to_bytes")


class CentroidClassifier(ClassifierMixin, BaseEstimator):
    """The class whose weighted mean, shrunk towards the mean of all, is nearest."""

    _engine_type = ArrayEngine
    _parameter_constraints = {"shrinkage": [Interval(float, 0, 1, closed="both")]}

    def __init__(self, *, shrinkage: float = 0.0) -> None:
        self.shrinkage = shrinkage

    def fit(self, X, y, sample_weight=None):
        self._validate_params()
        X, y = validate_data(self, X, y)
        weight = check_sample_weight(sample_weight, X, dtype=X.dtype)
        self.classes_, codes = encode_classes(y)
        if len(self.classes_) < 2:
            raise ValueError(f"The number of classes has to be greater than one; got {len(self.classes_)} class")
        of_class = (codes == np.arange(len(self.classes_))[:, None]) * weight
        total = of_class.sum(axis=1, keepdims=True)
        means = (of_class @ X) / np.where(total == 0, 1, total)
        means += self.shrinkage * ((weight @ X) / weight.sum() - means)
        self._engine = ArrayEngine(centroids=means.astype(X.dtype))
        return self

    def decision_function(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        centroids = self._engine.arrays["centroids"].astype(X.dtype)
        scores = 2 * X @ centroids.T - (centroids**2).sum(axis=1)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X):
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]


class RidgeRegressor(RegressorMixin, BaseEstimator):
    """Weighted least squares with an L2 penalty, one output or several."""

    _engine_type = ArrayEngine
    _parameter_constraints = {"alpha": [Interval(float, 0, None)], "fit_intercept": [bool]}

    def __init__(self, *, alpha: float = 1e-3, fit_intercept: bool = True) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def fit(self, X, y, sample_weight=None):
        self._validate_params()
        X, y = validate_data(self, X, y, y_numeric=True, multi_output=True)
        y = np.ascontiguousarray(y, dtype=X.dtype)
        weight = check_sample_weight(sample_weight, X, dtype=X.dtype)
        x_mean = (weight @ X) / weight.sum() if self.fit_intercept else np.zeros_like(X[0])
        y_mean = (weight @ y) / weight.sum() if self.fit_intercept else np.zeros_like(y[0])
        A = X - x_mean
        normal = (A.T * weight) @ A + self.alpha * np.eye(X.shape[1], dtype=X.dtype)
        coef = np.linalg.solve(normal, (A.T * weight) @ (y - y_mean))
        self.coef_, self.intercept_ = coef.T, y_mean - x_mean @ coef
        self._engine = ArrayEngine(coef=coef, intercept=np.asarray(self.intercept_))
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        model = self._engine.arrays
        product = barehand.from_numpy(X) @ barehand.from_numpy(model["coef"].astype(X.dtype))
        return np.array(product) + model["intercept"].astype(X.dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class Projection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The first principal axes."""

    _engine_type = ArrayEngine
    _parameter_constraints = {"n_components": [Interval(int, 1, None), None]}

    def __init__(self, n_components: int | None = None) -> None:
        self.n_components = n_components

    def fit(self, X, y=None):
        self._validate_params()
        X = validate_data(self, X, ensure_min_samples=2)
        mean = X.mean(axis=0)
        axes = np.linalg.svd(X - mean, full_matrices=False)[2][: self.n_components]
        signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
        self.components_ = axes * signs[:, None]
        self._engine = ArrayEngine(axes=self.components_, mean=mean)
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        model = self._engine.arrays
        return (X - model["mean"].astype(X.dtype)) @ model["axes"].T.astype(X.dtype)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)


class Clusterer(ClusterMixin, BaseEstimator):
    """k-means from centres chosen farthest first."""

    _engine_type = ArrayEngine
    _parameter_constraints = {"n_clusters": [Interval(int, 1, None)], "max_iter": [Interval(int, 1, None)]}

    def __init__(self, n_clusters: int = 3, *, max_iter: int = 100) -> None:
        self.n_clusters = n_clusters
        self.max_iter = max_iter

    def fit(self, X, y=None, sample_weight=None):
        self._validate_params()
        X = validate_data(self, X)
        weight = check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        if self.n_clusters > len(X):
            raise ValueError(f"n_samples={len(X)} should be >= n_clusters={self.n_clusters}.")
        # Neither the order of the rows nor repeating one changes the first centre: the row farthest from the mean.
        from_mean = ((X - (weight @ X) / weight.sum()) ** 2).sum(axis=1)
        centers = X[[np.argmax(from_mean * (weight > 0))]]
        while len(centers) < self.n_clusters:
            nearest = ((X[:, None] - centers) ** 2).sum(axis=2).min(axis=1)
            centers = np.vstack([centers, X[[np.argmax(nearest * (weight > 0))]]])
        for self.n_iter_ in range(1, self.max_iter + 1):
            labels = ((X[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
            inside = (labels == np.arange(len(centers))[:, None]) * weight
            total = inside.sum(axis=1, keepdims=True)
            moved = np.where(total > 0, (inside @ X) / np.where(total > 0, total, 1), centers).astype(X.dtype)
            if np.array_equal(moved, centers):
                break
            centers = moved
        self.cluster_centers_, self.labels_ = centers, labels.astype(np.int32)
        self._engine = ArrayEngine(centers=centers)
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return ((X[:, None] - self._engine.arrays["centers"]) ** 2).sum(axis=2).argmin(axis=1).astype(np.int32)


class Scaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Columns of mean 0 and deviation 1; without an engine: its attributes are all there is to it."""

    _parameter_constraints = {"with_mean": [bool], "with_std": [bool]}

    def __init__(self, *, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean = with_mean
        self.with_std = with_std

    def fit(self, X, y=None, sample_weight=None):
        self._validate_params()
        X = validate_data(self, X)
        weight = check_sample_weight(sample_weight, X, dtype=X.dtype)
        self.mean_ = (weight @ X) / weight.sum()
        self.scale_ = np.sqrt((weight @ (X - self.mean_) ** 2) / weight.sum())
        self.scale_[self.scale_ == 0] = 1
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        X = X - self.mean_.astype(X.dtype) if self.with_mean else X
        return X / self.scale_.astype(X.dtype) if self.with_std else X.copy()


class NonZeroCounter(TransformerMixin, BaseEstimator):
    """How many entries of each row are not 0; takes sparse rows."""

    def fit(self, X, y=None):
        validate_data(self, X, accept_sparse="csr")
        self.fitted_ = True
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr")
        return np.asarray((X != 0).sum(axis=1)).reshape(-1, 1).astype(X.dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


ALL = [CentroidClassifier(), RidgeRegressor(), Projection(), Clusterer(), Scaler(), NonZeroCounter()]
