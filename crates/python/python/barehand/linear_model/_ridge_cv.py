"""Ridge regression whose penalty is found on samples that it has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._sparse import canonical
from barehand.base import BaseEstimator, Interval, RegressorMixin
from barehand.linear_model._elastic_net_cv import check_penalty
from barehand.linear_model._linear import LinearRegressorMixin, flat_targets, show
from barehand.linear_model._ridge import Ridge, penalties
from barehand.linear_model._routing import Routed, refuse_params, routed
from barehand.metrics import get_scorer_names
from barehand.model_selection._foundation import routing_enabled
from barehand.model_selection._scoring import check_scoring
from barehand.validation import check_sample_weight, validate_data

CONSTRAINTS = {
    "alphas": [np.ndarray, list, tuple, Interval(float, 0, None, closed="neither")],
    "fit_intercept": [bool],
    "scoring": [set(get_scorer_names()), callable, None],
    "gcv_mode": [{"auto", "svd", "eigen"}, None],
    "store_cv_results": [bool],
    "alpha_per_target": [bool],
}


class Said(RegressorMixin, BaseEstimator):
    """What a score asks for predictions, which are its samples."""

    def predict(self, X: Any) -> Any:
        """The predictions."""
        return X

    def __sklearn_is_fitted__(self) -> bool:
        return True


class SearchOfAlpha(Routed):
    """What `RidgeCV` and `RidgeClassifierCV` share: they leave one sample out after another, or search a grid on folds."""

    alphas: Any
    scoring: Any
    store_cv_results: bool
    fit_intercept: bool
    _scores_in = ("fit",)

    def _check_alphas(self) -> list[float]:
        alphas = penalties(self.alphas)
        given = np.ravel(np.asarray(self.alphas, dtype=object))
        for i, alpha in enumerate(given):
            check_penalty(alpha, f"alphas[{i}]" if len(given) > 1 else "alphas", closed=self.cv is not None)
        return alphas

    def _get_scorer(self) -> Any:
        if self.scoring is None and routing_enabled():
            from sklearn.metrics import get_scorer as theirs

            return theirs(self._usual_score).set_score_request(sample_weight=True)  # type: ignore[attr-defined]
        return check_scoring(self, self.scoring)

    def _splitter(self) -> Any:
        return self.cv

    def _search(self, estimator: Any, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> Any:
        """The best of a grid of penalties on the folds of ``cv``."""
        from barehand.model_selection import GridSearchCV

        if self.store_cv_results:
            raise ValueError("cv!=None and store_cv_results=True are incompatible")
        if sample_weight is not None:
            params = {**params, "sample_weight": sample_weight}
        if routing_enabled():
            estimator.set_fit_request(sample_weight=True)
        scoring = self._get_scorer()
        grid = GridSearchCV(estimator, {"alpha": penalties(self.alphas)}, cv=self.cv, scoring=scoring)
        grid.fit(X, y, **params)
        best = grid.best_estimator_
        self._engine = best._engine
        show(self, best.coef_, best.intercept_)
        self.alpha_, self.best_score_ = best.alpha, grid.best_score_
        return best


class RidgeCV(LinearRegressorMixin, SearchOfAlpha, BaseEstimator):
    """`Ridge` with the penalty whose predictions of left-out samples are best.

    Without ``cv``, each sample is left out in turn, which takes one decomposition for all of them and all penalties.

    Args:
        alphas: the penalties that are tried.
        fit_intercept: whether to fit an intercept.
        scoring: a score by name or a callable; None for the mean squared error (with ``cv``: the coefficient of
            determination).
        cv: None for each sample in turn; or a splitter, a number of folds, or splits.
        gcv_mode: ``"svd"`` decomposes dense samples themselves; ``"eigen"`` (or ``"auto"``, or None) products of rows or
            columns, whichever are fewer.
        store_cv_results: whether to keep ``cv_results_``; not with ``cv``.
        alpha_per_target: whether each target has a penalty of its own; not with ``cv``.

    Attributes:
        alpha_, best_score_: the penalty that was found, and its score; of each target, if each has its own.
        cv_results_: for each sample, target (if several) and penalty, the squared error, or with ``scoring`` the prediction.
        coef_, intercept_: those of all samples.

    >>> model = RidgeCV(alphas=[0.1, 1.0, 10.0]).fit([[-2.0], [-1.0], [1.0], [2.0]], [-4.0, -2.0, 2.0, 4.0])
    >>> print(model.alpha_, model.coef_.round(2))
    0.1 [1.98]
    """

    _engine_type = _learn.Model
    _parameter_constraints = CONSTRAINTS
    _usual_score = "r2"

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> RidgeCV:
        """Finds the penalty, and fits all samples with it.

        Args:
            X: samples.
            y: one target for each, or several.
            sample_weight: how much each counts; in scores too where samples are left out in turn.
            params: what the score is given, where metadata is routed.
        """
        self._validate_params()
        refuse_params(params, self, "fit")
        alphas = self._check_alphas()
        if self.cv is not None:
            if self.alpha_per_target:
                raise ValueError("cv!=None and alpha_per_target=True are incompatible")
            solver = "sparse_cg" if hasattr(X, "indptr") else "auto"
            best = self._search(Ridge(fit_intercept=self.fit_intercept, solver=solver), X, y, sample_weight, params)
            self.n_features_in_ = best.n_features_in_
            if hasattr(best, "feature_names_in_"):
                self.feature_names_in_ = best.feature_names_in_
            return self
        given = routed(self, "fit", sample_weight, params, scored=True)
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True, multi_output=True)
        X = canonical(X)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        if self.gcv_mode == "svd" and hasattr(X, "indptr"):
            warnings.warn(
                "The 'svd' mode is not supported for sparse X, we fallback to `gcv_mode='eigen'`. Passing `gcv_mode='svd'` on"
                " sparse X will raise an error in 1.11, use the default or pass `gcv_mode='eigen'` to suppress this warning.",
                FutureWarning,
                stacklevel=2,
            )
        several = y.ndim == 2 and y.shape[1] > 1
        per_target = self.alpha_per_target and several
        score = self._score_of(y, per_target, given.score) if self.scoring is not None else None
        engine, found, best_scores, results = _learn.ridge_cv(
            X,
            flat_targets(y, X),
            sample_weight,
            alphas,
            bool(self.fit_intercept),
            per_target,
            self.gcv_mode == "svd",
            bool(self.store_cv_results),
            score,
        )
        self._keep(engine, y.ndim == 1, flat=not several)
        self.alpha_ = np.array(found) if per_target else found[0]
        self.best_score_ = np.array(best_scores) if per_target else best_scores[0]
        if results is not None:
            self.cv_results_ = (results[:, 0] if y.ndim == 1 else results).astype(X.dtype, copy=False)
        return self

    def _score_of(
        self, y: np.ndarray, per_target: bool, options: dict[str, Any]
    ) -> Callable[[np.ndarray], list[float]]:
        """The scores of predictions ``(n, targets)``, as Rust asks for them."""
        scorer = self._get_scorer()

        def score(predictions: np.ndarray) -> list[float]:
            if per_target:
                columns = zip(predictions.T, y.T, strict=True)
                return [float(scorer(Said(), said, true, **options)) for said, true in columns]
            return [float(scorer(Said(), predictions.reshape(y.shape), y, **options))]

        return score
