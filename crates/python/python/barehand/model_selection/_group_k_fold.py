"""Folds that keep groups together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from barehand.model_selection._foundation import check_random_state
from barehand.model_selection._k_fold import BaseKFold
from barehand.model_selection._splitter import GroupsConsumer, Split, as_groups, check_class_labels, check_members


class GroupKFold(GroupsConsumer, BaseKFold):
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

    def _iter_test_indices(self, X: Any, y: Any, groups: Any) -> Iterator[np.ndarray]:
        names, codes = np.unique(as_groups(groups), return_inverse=True)
        if self.n_splits > len(names):
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number of groups: {len(names)}."
            )
        fold_of = np.empty(len(names), dtype=np.intp)
        if self.shuffle:
            order = check_random_state(self.random_state).permutation(len(names))
            for fold, members in enumerate(np.array_split(order, self.n_splits)):
                fold_of[members] = fold
        else:
            sizes, filled = np.bincount(codes), np.zeros(self.n_splits)
            for group in np.argsort(sizes, kind="stable")[::-1]:
                fold_of[group] = lightest = np.argmin(filled)
                filled[lightest] += sizes[group]
        folds = fold_of[codes]
        for fold in range(self.n_splits):
            yield np.where(folds == fold)[0]

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        return super().split(X, y, groups)


class StratifiedGroupKFold(GroupsConsumer, BaseKFold):
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

    def _iter_test_indices(self, X: Any, y: Any, groups: Any) -> Iterator[np.ndarray]:
        random = check_random_state(self.random_state)
        _, class_of, totals = np.unique(check_class_labels(y), return_inverse=True, return_counts=True)
        check_members(self.n_splits, totals)
        names, group_of = np.unique(groups, return_inverse=True)
        if self.n_splits > len(names):
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number of groups: {len(names)}."
            )
        per_group = np.zeros((len(names), len(totals)))
        np.add.at(per_group, (group_of, class_of), 1)
        order = np.arange(len(names))
        if self.shuffle:
            random.shuffle(order)
        order = order[np.argsort(-np.std(per_group[order], axis=1), kind="stable")]

        per_fold = np.zeros((self.n_splits, len(totals)))
        fold_of = np.empty(len(names), dtype=np.intp)
        for group in order:
            fold_of[group] = best = self._best_fold(per_fold, totals, per_group[group])
            per_fold[best] += per_group[group]
        folds = fold_of[group_of]
        for fold in range(self.n_splits):
            yield np.where(folds == fold)[0]

    def _best_fold(self, per_fold: np.ndarray, totals: np.ndarray, counts: np.ndarray) -> int:
        best, least, fewest = 0, np.inf, np.inf
        for fold in range(self.n_splits):
            per_fold[fold] += counts
            unequal = np.mean(np.std(per_fold / totals, axis=0))
            per_fold[fold] -= counts
            filled = np.sum(per_fold[fold])
            equal = abs(unequal - least) <= 1e-8 + 1e-5 * abs(least)
            if unequal < least or (equal and filled < fewest):
                best, least, fewest = fold, unequal, filled
        return best
