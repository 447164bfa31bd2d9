"""Logistic regression whose penalty cross-validation finds."""

from __future__ import annotations

import inspect
import numbers
import warnings
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand._callbacks import fit_task
from barehand._sparse import canonical
from barehand.base import Interval
from barehand.exceptions import ConvergenceWarning
from barehand.linear_model._elastic_net_cv import folds
from barehand.linear_model._linear import show
from barehand.linear_model._logistic_regression import LogisticRegression
from barehand.linear_model._routing import UNUSED, Routed, refuse_params, routed
from barehand.metrics import get_scorer, get_scorer_names, make_scorer
from barehand.model_selection._check_cv import check_cv
from barehand.model_selection._foundation import check_method_params, routing_enabled
from barehand.model_selection._scoring import check_scoring
from barehand.validation import check_sample_weight, encode_classes, validate_data

_OF_ONE = ("C", "l1_ratio", "warm_start")


class LogisticRegressionCV(Routed, LogisticRegression):
    """`LogisticRegression` with the ``C`` and ``l1_ratio`` whose score of held-out samples is best.

    Each fold goes from one ``C`` to the next, each fit from the last one's coefficients (under ``"liblinear"``, from zeros).

    Args:
        Cs: how many are tried, evenly spaced by their logarithms from 1e-4 to 1e4; or all of them.
        l1_ratios: the parts of the penalty for L1 that are tried (default: L2 alone).
        fit_intercept, dual, penalty, solver, tol, max_iter, class_weight, intercept_scaling, random_state: those of
            `LogisticRegression`; ``"balanced"`` weights are those of all samples.
        cv: a splitter, a number of folds, or None for five that keep the shares of classes.
        scoring: a score by name or a callable (default: accuracy).
        n_jobs: a permission to use more processes, which is not used: fits go on the threads of `barehand.set_num_threads`.
        verbose: a permission to print, which is not used.
        refit: whether the best parameters are fitted on all samples; else coefficients, and parameters, are the means of each
            fold's best ones.
        use_legacy_attributes: whether attributes are as in scikit-learn up to 1.9: by class.

    Attributes:
        C_, l1_ratio_: what was found (legacy: for each class).
        Cs_, l1_ratios_: what was tried.
        scores_: the scores of held-out samples, ``(folds, ratios, Cs)`` (legacy: for each class, and without ratios if there
            are none).
        coefs_paths_: coefficients with intercepts at their end, ``(folds, ratios, Cs, classes, features + 1)``; one class for
            two (legacy: likewise).
        n_iter_: iterations, ``(folds, ratios, Cs)``.
        coef_, intercept_, classes_: those of `LogisticRegression`.

    >>> X = np.arange(10.0)[:, None]
    >>> model = LogisticRegressionCV(
    ...     Cs=[0.01, 1.0, 100.0], l1_ratios=(0,), scoring="neg_log_loss", use_legacy_attributes=False
    ... ).fit(X, X[:, 0] > 4)
    >>> print(model.C_, model.scores_.shape)
    100.0 (5, 1, 3)
    """

    _scores_in = ("fit", "score")
    # What `score` is given is the scorer's.
    __metadata_request__score = {"sample_weight": UNUSED}
    _parameter_constraints = {
        **{name: value for name, value in LogisticRegression._parameter_constraints.items() if name not in _OF_ONE},
        "Cs": [Interval(int, 1, None), np.ndarray, list, tuple],
        "l1_ratios": [np.ndarray, list, tuple, None, {"warn"}],
        "scoring": [set(get_scorer_names()), callable, None, {"warn"}],
        "refit": [bool],
        "penalty": [{"l1", "l2", "elasticnet"}, {"deprecated"}],
        "use_legacy_attributes": [bool, {"warn"}],
    }

    def __init__(
        self,
        *,
        Cs: Any = 10,
        l1_ratios: Any = "warn",
        fit_intercept: bool = True,
        cv: Any = None,
        dual: bool = False,
        penalty: str | None = "deprecated",
        scoring: Any = "warn",
        solver: str = "lbfgs",
        tol: float = 1e-4,
        max_iter: int = 100,
        class_weight: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        refit: bool = True,
        intercept_scaling: float = 1.0,
        random_state: Any = None,
        use_legacy_attributes: Any = "warn",
    ) -> None:
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.dual = dual
        self.penalty = penalty
        self.scoring = scoring
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.refit = refit
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> LogisticRegressionCV:
        """Finds the penalty on held-out samples, and fits all of them with it.

        Args:
            X: samples.
            y: the class of each.
            sample_weight: how much each counts, in fits and in scores.
            params: what splitter and score are given, where metadata is routed.
        """
        self._validate_params()
        refuse_params(params, self, "fit")
        ratios, penalty = self._ratios()
        legacy = self._warn_of_defaults()
        self._check_solver(penalty)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        X = canonical(X)
        self.classes_, codes = encode_classes(y)
        if len(self.classes_) < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data contains only one class:"
                f" {self.classes_[0]}."
            )
        self._check_classes(X)
        if isinstance(self.class_weight, dict) and not set(self.class_weight) <= set(self.classes_.tolist()):
            raise ValueError(
                "The given class_weight dict must have the class labels as keys; "
                f"classes={self.classes_} but key={self.class_weight.keys()}"
            )
        given = routed(self, "fit", sample_weight, params, scored=True)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64)
        cs = (
            np.logspace(-4, 4, self.Cs)
            if isinstance(self.Cs, numbers.Integral)
            else np.asarray(self.Cs, dtype=np.float64)
        )
        splits = folds(check_cv(self.cv, y, classifier=True), X, y, given.split)
        found = 1.0 if penalty == "l1" else 0.0
        tried = [found if ratio is None or penalty != "elasticnet" else float(ratio) for ratio in ratios]
        parameters = self._parameters(1.0, tried[0], max(tried) > 0, X.shape[1])
        parameters["class_weight"] = self._weights_of_all(codes, sample_weight)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        with fit_task(self, X, y, metadata):
            engine, C, ratio, scores, paths, n_iter, unconverged = _learn.logistic_regression_cv(
                X,
                codes,
                sample_weight,
                parameters,
                cs.tolist(),
                tried,
                splits,
                bool(self.refit),
                self.solver != "liblinear",
                self._score_of(X, y, splits, given.score),
            )
            self._engine = engine
            for count in unconverged:
                warnings.warn(self._not_converged(count), ConvergenceWarning, stacklevel=2)
            show(self, engine.field("coef"), engine.field("intercept"))
            self.Cs_, self.C_, self.l1_ratio_ = cs, C, ratio
            self.l1_ratios_ = np.asarray(ratios)
            self.scores_, self.coefs_paths_, self.n_iter_ = scores, paths, n_iter.astype(np.int32)
            if legacy:
                self._by_class(self.l1_ratios is None or isinstance(self.l1_ratios, str))
        return self

    def _ratios(self) -> tuple[list[Any], str]:
        """The ratios that are tried and the kind of penalty, by scikit-learn's rules, with its warnings."""
        ratios = self.l1_ratios
        if isinstance(ratios, str):
            ratios = None
            warnings.warn(
                "The default value for l1_ratios will change from None to (0.0,) in version 1.10. From version 1.10 onwards,"
                " only array-like with values in [0, 1] will be allowed, None will be forbidden. To avoid this warning,"
                " explicitly set a value, e.g. l1_ratios=(0,).",
                FutureWarning,
                stacklevel=3,
            )
        if self.penalty == "deprecated":
            if self.l1_ratios is None:
                warnings.warn(
                    "'l1_ratios=None' was deprecated in version 1.8 and will trigger an error in 1.10. Use an array-like with"
                    " values in [0, 1] instead.",
                    FutureWarning,
                    stacklevel=3,
                )
            if ratios is None or np.all(np.asarray(ratios) == 0):
                penalty = "l2"
            else:
                penalty = "l1" if np.all(np.asarray(ratios) == 1) else "elasticnet"
        else:
            penalty = str(self.penalty)
            warnings.warn(
                "'penalty' was deprecated in version 1.8 and will be removed in 1.10. To avoid this warning, leave 'penalty'"
                " set to its default value and use 'l1_ratios' and 'Cs' instead. Use l1_ratios=(0,) instead of penalty='l2',"
                " l1_ratios=(1,) instead of penalty='l1', l1_ratios set to floats between 0 and 1 instead of"
                " penalty='elasticnet', and Cs=(np.inf,) instead of penalty=None.",
                FutureWarning,
                stacklevel=3,
            )
        if penalty == "elasticnet":
            numbers_ = ratios is not None and all(isinstance(ratio, numbers.Number) for ratio in ratios)
            if not numbers_ or len(ratios) == 0 or min(ratios) < 0 or max(ratios) > 1:
                raise ValueError(
                    f"l1_ratios must be an array-like of numbers between 0 and 1; got (l1_ratios={ratios!r})"
                )
        elif ratios is not None and self.penalty != "deprecated":
            warnings.warn(
                f"l1_ratios parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})", stacklevel=3
            )
        return [None] if ratios is None else list(ratios), penalty

    def _warn_of_defaults(self) -> bool:
        """scikit-learn's warnings of defaults that will change; whether attributes are by class."""
        if isinstance(self.scoring, str) and self.scoring == "warn":
            warnings.warn(
                "The default value of the parameter 'scoring' will change from None, i.e. accuracy, to 'neg_log_loss' in"
                " version 1.11. To silence this warning, explicitly set the scoring parameter: scoring='neg_log_loss' for the"
                " new, scoring='accuracy' or scoring=None for the old default.",
                FutureWarning,
                stacklevel=3,
            )
        if self.use_legacy_attributes == "warn":
            warnings.warn(
                f"The fitted attributes of {type(self).__name__} will be simplified in scikit-learn 1.10 to remove redundancy."
                " Set`use_legacy_attributes=False` to enable the new behavior now, or set it to `True` to silence this warning"
                " during the transition period while keeping the deprecated behavior for the time being. The default value of"
                " use_legacy_attributes will change from True to False in scikit-learn 1.10. See the docstring of"
                f" {type(self).__name__} for more details.",
                FutureWarning,
                stacklevel=3,
            )
        return bool(self.use_legacy_attributes)

    def _weights_of_all(self, codes: np.ndarray, sample_weight: Any) -> Any:
        """Weights of classes, ``"balanced"`` ones by all samples, so that folds have the same."""
        if self.class_weight != "balanced":
            return self._parameters(1.0, 0.0, False, 1)["class_weight"]
        totals = np.bincount(codes, weights=sample_weight, minlength=len(self.classes_))
        return totals.sum() / (len(totals) * totals)

    def _get_scorer(self) -> Any:
        scoring = None if isinstance(self.scoring, str) and self.scoring == "warn" else self.scoring
        if routing_enabled():
            from sklearn.metrics import get_scorer as theirs

            return theirs(scoring or "accuracy")
        return check_scoring(self, scoring) if callable(scoring) else get_scorer(scoring or "accuracy")

    def _splitter(self) -> Any:
        return self.cv

    def _score_of(self, X: Any, y: np.ndarray, splits: list[Any], options: dict[str, Any]) -> Any:
        """The score of a fold's model on the samples it has not seen, as Rust asks for it."""
        scorer = self._get_scorer()
        function = getattr(scorer, "_score_func", None)
        known = inspect.signature(function).parameters if function is not None else {}
        if "labels" in known:
            # Held-out samples need not be of all classes.
            more = dict(getattr(scorer, "_kwargs", {}))
            if len(self.classes_) == 2 and "pos_label" in known:
                more["pos_label"] = self.classes_[-1]
            scorer = make_scorer(
                function,
                greater_is_better=scorer._sign == 1,
                response_method=scorer._response_method,
                labels=self.classes_,
                **more,
            )
        regression = LogisticRegression(solver=self.solver)
        regression.classes_, regression.n_features_in_ = self.classes_, X.shape[1]

        def score(place: int, engine: Any) -> float:
            test = splits[place][1]
            regression._engine = engine
            show(regression, engine.field("coef"), engine.field("intercept"))
            return float(scorer(regression, X[test], y[test], **check_method_params(X, params=options, indices=test)))

        return score

    def _by_class(self, without_ratios: bool) -> None:
        """Attributes as scikit-learn has had them: by class, and as ``(folds, Cs, ratios)``."""
        named = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        scores = np.swapaxes(self.scores_, 1, 2)
        paths = np.moveaxis(self.coefs_paths_, (3, 0, 2, 1), (0, 1, 2, 3))
        n_iter = np.swapaxes(self.n_iter_, 1, 2)[None]
        if without_ratios:
            scores, paths, n_iter = scores[:, :, 0], paths[:, :, :, 0], n_iter[..., 0]
        self.scores_ = dict.fromkeys(named, scores)
        self.coefs_paths_ = dict(zip(named, paths, strict=True))
        self.n_iter_ = n_iter
        self.C_ = np.tile(self.C_, len(named))
        self.l1_ratio_ = np.tile(self.l1_ratio_, len(named))

    def score(self, X: Any, y: Any, *, sample_weight: Any = None, **score_params: Any) -> Any:
        """The score that ``scoring`` stands for, of samples ``X`` of classes ``y``."""
        refuse_params(score_params, self, "score")
        if sample_weight is not None:
            score_params["sample_weight"] = sample_weight
        given = routed(self, "score", None, score_params, scored=True).score if routing_enabled() else score_params
        return self._get_scorer()(self, X, y, **given)
