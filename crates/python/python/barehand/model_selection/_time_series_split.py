"""Training on the past, testing on what follows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from barehand._barehand import _learn
from barehand.model_selection._foundation import indexable, num_samples
from barehand.model_selection._k_fold import BaseKFold
from barehand.model_selection._splitter import Split, warn_of_groups


class TimeSeriesSplit(BaseKFold):
    """Samples in the order of time: each test set lies right behind its training set, and the training sets grow.

    Args:
        n_splits: how many splits, at least 2.
        max_train_size: how many samples to train on at most, the latest ones.
        test_size: how many samples to test on; by default ``n_samples // (n_splits + 1)``.
        gap: how many samples between training and test to leave out.

    >>> for train, test in TimeSeriesSplit(n_splits=2).split([[0]] * 6):
    ...     print(train, test)
    [0 1] [2 3]
    [0 1 2 3] [4 5]
    """

    def __init__(
        self, n_splits: int = 5, *, max_train_size: int | None = None, test_size: int | None = None, gap: int = 0
    ) -> None:
        super().__init__(n_splits, shuffle=False, random_state=None)
        self.max_train_size = max_train_size
        self.test_size = test_size
        self.gap = gap

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        warn_of_groups(self, groups)
        return self._split(X)

    def _split(self, X: Any) -> Iterator[Split]:
        (X,) = indexable(X)
        n, folds = num_samples(X), self.n_splits + 1
        test_size = self.test_size if self.test_size is not None else n // folds
        if folds > n:
            raise ValueError(f"Cannot have number of folds={folds} greater than the number of samples={n}.")
        if n - self.gap - test_size * self.n_splits <= 0:
            raise ValueError(
                f"Too many splits={self.n_splits} for number of samples={n} with test_size={test_size} and gap={self.gap}."
            )
        if self.gap < 0:
            raise ValueError(f"gap={self.gap} must be at least 0: samples that are tested on must not be trained on.")
        yield from _learn.time_series_split(n, self.n_splits, self.max_train_size or None, test_size, self.gap)
