"""Folds that keep groups together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from barehand._barehand import _learn
from barehand.model_selection._k_fold import BaseKFold
from barehand.model_selection._splitter import (
    GroupsConsumer,
    Split,
    as_groups,
    check_class_labels,
    check_members,
    coded,
)


class BaseGroupKFold(GroupsConsumer, BaseKFold):
    """A splitter into folds of whole groups."""

    def _coded_groups(self, groups: Any) -> Any:
        """The position of each sample's group, of which there are enough."""
        names, codes = coded(groups)
        if self.n_splits > len(names):
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number of groups: {len(names)}."
            )
        return codes


class GroupKFold(BaseGroupKFold):
    """``n_splits`` folds, no group in more than one of them.

    The largest group first, each goes into the fold that has the fewest samples so far.

    Args:
        n_splits: how many folds, at least 2.
        shuffle: whether to deal out shuffled groups in equal numbers instead.
        random_state: the shuffle's seed or ``RandomState``.

    >>> for train, test in GroupKFold(n_splits=2).split([[0]] * 6, groups=[0, 0, 2, 2, 3, 3]):
    ...     print(train, test)
    [2 3] [0 1 4 5]
    [0 1 4 5] [2 3]
    """

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        return _learn.group_k_fold(self._coded_groups(as_groups(groups)), self.n_splits, self._stream())

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        return super().split(X, y, groups)


class StratifiedGroupKFold(BaseGroupKFold):
    """``n_splits`` folds, no group in more than one of them, each with about the share of every class that the whole has.

    The group whose classes vary most goes first, each into the fold where it leaves the shares of classes least unequal;
    among equals, into the smaller.

    Args:
        n_splits: how many folds, at least 2.
        shuffle: whether groups that vary equally come in shuffled order.
        random_state: the shuffle's seed or ``RandomState``.

    >>> y, groups = [0, 0, 1, 1, 0, 1], [1, 1, 2, 2, 3, 3]
    >>> for train, test in StratifiedGroupKFold(n_splits=2).split([[0]] * 6, y, groups):
    ...     print(train, test)
    [2 3] [0 1 4 5]
    [0 1 4 5] [2 3]
    """

    def __init__(self, n_splits: int = 5, shuffle: bool = False, random_state: Any = None) -> None:
        super().__init__(n_splits=n_splits, shuffle=shuffle, random_state=random_state)

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        _, classes = coded(check_class_labels(y))
        check_members(self.n_splits, classes)
        return _learn.stratified_group_k_fold(classes, self._coded_groups(groups), self.n_splits, self._stream())
