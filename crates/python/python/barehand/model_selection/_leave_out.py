"""Every choice of a few samples, or of a few groups, is a test set."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import Any

import numpy as np

from barehand._barehand import _learn
from barehand.model_selection._foundation import num_samples
from barehand.model_selection._splitter import BaseCrossValidator, GroupsConsumer, NoGroups, Split, as_groups, coded


class LeaveOneOut(NoGroups, BaseCrossValidator):
    """Each sample alone is the test set once.

    >>> for train, test in LeaveOneOut().split([[1], [2], [3]]):
    ...     print(train, test)
    [1 2] [0]
    [0 2] [1]
    [0 1] [2]
    """

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        n = num_samples(X)
        if n <= 1:
            raise ValueError(f"Cannot perform LeaveOneOut with n_samples={n}.")
        return _learn.leave_one_out(n)

    def get_n_splits(self, X: Any, y: Any = None, groups: Any = None) -> int:
        """As many as there are samples."""
        if X is None:
            raise ValueError("The 'X' parameter should not be None.")
        return num_samples(X)


class LeavePOut(NoGroups, BaseCrossValidator):
    """Every choice of ``p`` samples is the test set once.

    >>> LeavePOut(2).get_n_splits([[1], [2], [3], [4]])
    6
    """

    def __init__(self, p: int) -> None:
        self.p = p

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        n = num_samples(X)
        if n <= self.p:
            raise ValueError(f"p={self.p} must be strictly less than the number of samples={n}")
        return _learn.leave_p_out(n, self.p)

    def get_n_splits(self, X: Any, y: Any = None, groups: Any = None) -> int:
        """``n! / (p! (n - p)!)``"""
        if X is None:
            raise ValueError("The 'X' parameter should not be None.")
        return comb(num_samples(X), self.p)


class LeaveOneGroupOut(GroupsConsumer, BaseCrossValidator):
    """Each group alone is the test set once.

    >>> for train, test in LeaveOneGroupOut().split([[1], [2], [3], [4]], groups=[1, 1, 2, 2]):
    ...     print(train, test)
    [2 3] [0 1]
    [0 1] [2 3]
    """

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        names, codes = coded(as_groups(groups))
        if len(names) <= 1:
            raise ValueError(
                f"The groups parameter contains fewer than 2 unique groups ({names}). LeaveOneGroupOut expects at least 2."
            )
        return _learn.leave_p_groups_out(codes, 1)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """As many as there are groups."""
        return len(np.unique(as_groups(groups)))

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        return super().split(X, y, groups)


class LeavePGroupsOut(GroupsConsumer, BaseCrossValidator):
    """Every choice of ``n_groups`` groups is the test set once.

    >>> for train, test in LeavePGroupsOut(n_groups=2).split([[1], [2], [3]], groups=[1, 2, 3]):
    ...     print(train, test)
    [2] [0 1]
    [1] [0 2]
    [0] [1 2]
    """

    def __init__(self, n_groups: int) -> None:
        self.n_groups = n_groups

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        names, codes = coded(as_groups(groups))
        if self.n_groups >= len(names):
            raise ValueError(
                f"The groups parameter contains fewer than (or equal to) n_groups ({self.n_groups}) numbers of unique groups "
                f"({names}). LeavePGroupsOut expects that at least n_groups + 1 ({self.n_groups + 1}) unique groups be "
                "present"
            )
        return _learn.leave_p_groups_out(codes, self.n_groups)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many choices of groups there are."""
        return comb(len(np.unique(as_groups(groups))), self.n_groups)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        return super().split(X, y, groups)
