"""Folds that have the classes in the same shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from barehand.model_selection._foundation import as_labels, check_random_state
from barehand.model_selection._k_fold import BaseKFold, RepeatedSplits
from barehand.model_selection._splitter import NoGroups, Split, check_class_labels, check_members, warn_of_groups


class StratifiedKFold(BaseKFold):
    """``n_splits`` folds, each with the share of every class that the whole has, as near as whole samples allow.

    Args:
        n_splits: how many folds, at least 2.
        shuffle: whether to shuffle the samples of each class first.
        random_state: the shuffle's seed or ``RandomState``.

    >>> for train, test in StratifiedKFold(n_splits=2).split([[0]] * 6, [0, 0, 0, 0, 1, 1]):
    ...     print(train, test)
    [2 3 5] [0 1 4]
    [0 1 4] [2 3 5]
    """

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None) -> None:
        super().__init__(n_splits=n_splits, shuffle=shuffle, random_state=random_state)

    def _folds(self, y: Any) -> np.ndarray:
        """The fold of each sample."""
        random = check_random_state(self.random_state)
        y = check_class_labels(y)
        # Classes are counted by first appearance, so that shuffling labels' names changes nothing.
        _, first, codes = np.unique(y, return_index=True, return_inverse=True)
        codes = np.argsort(np.argsort(first))[codes]
        counts = np.bincount(codes)
        check_members(self.n_splits, counts)
        folds = np.empty(len(y), dtype=np.int32)
        place = 0
        for code, count in enumerate(counts):
            # Of the sorted labels, every n_splits-th goes into one fold: so many of each class it gets.
            given = np.sort(np.arange(place, place + count) % self.n_splits)
            place += count
            if self.shuffle:
                random.shuffle(given)
            folds[codes == code] = given
        return folds

    def _iter_test_masks(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[np.ndarray]:
        folds = self._folds(y)
        for fold in range(self.n_splits):
            yield folds == fold

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        warn_of_groups(self, groups)
        return super().split(X, as_labels(y, "y"), groups)


class RepeatedStratifiedKFold(NoGroups, RepeatedSplits):
    """`StratifiedKFold` with shuffling, ``n_repeats`` times over.

    >>> RepeatedStratifiedKFold(n_splits=2, n_repeats=3).get_n_splits()
    6
    """

    def __init__(self, *, n_splits: int = 5, n_repeats: int = 10, random_state: Any = None) -> None:
        super().__init__(StratifiedKFold, n_repeats=n_repeats, random_state=random_state, n_splits=n_splits)

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        return super().split(X, as_labels(y, "y"), groups=groups)
