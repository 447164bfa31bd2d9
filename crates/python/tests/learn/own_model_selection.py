"""scikit-learn's own tests of splitters, cross-validation and searches."""

from __future__ import annotations

from own import Own

_SPLITTERS = [
    "GroupKFold",
    "GroupShuffleSplit",
    "KFold",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavePGroupsOut",
    "LeavePOut",
    "PredefinedSplit",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
    "check_cv",
    "train_test_split",
]
_SCORES = [
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "learning_curve",
    "permutation_test_score",
    "validation_curve",
]
_SEARCHES = ["GridSearchCV", "ParameterGrid", "ParameterSampler", "RandomizedSearchCV"]
# `enable_halving_search_cv` takes them from here.
_HALVING = ["HalvingGridSearchCV", "HalvingRandomSearchCV"]
_REPLACED = {
    "sklearn.model_selection": [*_SPLITTERS, *_SCORES, *_SEARCHES],
    "sklearn.model_selection._search_successive_halving": _HALVING,
}

OWN = [
    Own("sklearn.model_selection.tests.test_split", _REPLACED, at_least=226),
    Own("sklearn.model_selection.tests.test_validation", _REPLACED, at_least=121),
    Own("sklearn.model_selection.tests.test_search", _REPLACED, at_least=140),
    Own("sklearn.model_selection.tests.test_successive_halving", _REPLACED, at_least=98),
]
