"""Folds that somebody else has made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.model_selection._foundation import column_or_1d
from barehand.model_selection._splitter import BaseCrossValidator, Split, warn_of_groups


class PredefinedSplit(BaseCrossValidator):
    """The fold of each sample, given; samples of fold -1 are always trained on.

    >>> for train, test in PredefinedSplit([0, 1, -1, 1]).split():
    ...     print(train, test)
    [1 2 3] [0]
    [0 2] [1 3]
    """

    def __init__(self, test_fold: Any) -> None:
        self.test_fold = column_or_1d(np.array(test_fold, dtype=int))
        folds = np.unique(self.test_fold)
        self.unique_folds = folds[folds != -1]

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        warn_of_groups(self, groups)
        return _learn.predefined_split(self.test_fold)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """As many as there are folds."""
        return len(self.unique_folds)


class IterableSplits(BaseCrossValidator):
    """Splits that are there already, as a splitter."""

    def __init__(self, cv: Iterable[Any]) -> None:
        self.cv = list(cv)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many splits there are."""
        return len(self.cv)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The splits."""
        yield from self.cv
