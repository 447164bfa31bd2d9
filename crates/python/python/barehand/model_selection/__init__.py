"""Splits of samples, scores on samples not seen, and searches for parameters, under scikit-learn's names.

Splitters give scikit-learn's indices for the same ``random_state``; scores and searches take any estimator with
scikit-learn's methods. Fits run on threads (``n_jobs``): estimators of barehand let go of the interpreter's lock.

>>> import numpy as np
>>> from barehand.model_selection import KFold
>>> [test.tolist() for _, test in KFold(3).split(np.zeros(6))]
[[0, 1], [2, 3], [4, 5]]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from barehand.model_selection._check_cv import check_cv
from barehand.model_selection._cross_val_predict import cross_val_predict
from barehand.model_selection._cross_validate import cross_val_score, cross_validate
from barehand.model_selection._curves import learning_curve, validation_curve
from barehand.model_selection._group_k_fold import GroupKFold, StratifiedGroupKFold
from barehand.model_selection._k_fold import KFold, RepeatedKFold
from barehand.model_selection._leave_out import LeaveOneGroupOut, LeaveOneOut, LeavePGroupsOut, LeavePOut
from barehand.model_selection._parameters import ParameterGrid, ParameterSampler
from barehand.model_selection._permutation_test import permutation_test_score
from barehand.model_selection._predefined_split import PredefinedSplit
from barehand.model_selection._shuffle_split import (
    BaseShuffleSplit,
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
)
from barehand.model_selection._splitter import BaseCrossValidator
from barehand.model_selection._stratified_k_fold import RepeatedStratifiedKFold, StratifiedKFold
from barehand.model_selection._time_series_split import TimeSeriesSplit
from barehand.model_selection._train_test_split import train_test_split

if TYPE_CHECKING:
    from barehand.model_selection._halving import HalvingGridSearchCV, HalvingRandomSearchCV
    from barehand.model_selection._search import BaseSearchCV, GridSearchCV, RandomizedSearchCV

__all__ = [
    "BaseCrossValidator",
    "BaseSearchCV",
    "BaseShuffleSplit",
    "GridSearchCV",
    "GroupKFold",
    "GroupShuffleSplit",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "KFold",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "LeavePGroupsOut",
    "LeavePOut",
    "ParameterGrid",
    "ParameterSampler",
    "PredefinedSplit",
    "RandomizedSearchCV",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "ShuffleSplit",
    "StratifiedGroupKFold",
    "StratifiedKFold",
    "StratifiedShuffleSplit",
    "TimeSeriesSplit",
    "check_cv",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "learning_curve",
    "permutation_test_score",
    "train_test_split",
    "validation_curve",
]

# Searches stand on scikit-learn's, whose module takes a while to load.
_LAZY = {
    "BaseSearchCV": "_search",
    "GridSearchCV": "_search",
    "HalvingGridSearchCV": "_halving",
    "HalvingRandomSearchCV": "_halving",
    "RandomizedSearchCV": "_search",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"barehand.model_selection.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
