"""Folds that have the classes in the same shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from barehand._barehand import _learn
from barehand.model_selection._foundation import as_labels
from barehand.model_selection._k_fold import BaseKFold, RepeatedSplits
from barehand.model_selection._splitter import NoGroups, Split, check_class_labels, check_members, coded, warn_of_groups


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

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        _, classes = coded(check_class_labels(y))
        check_members(self.n_splits, classes)
        return _learn.stratified_k_fold(classes, self.n_splits, self._stream())

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
