"""Training and test sets drawn at random, again and again."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterator
from math import ceil, floor
from typing import Any, ClassVar

import numpy as np

from barehand._barehand import _learn
from barehand.model_selection._foundation import (
    UNUSED,
    MetadataRequester,
    as_labels,
    check_random_state,
    indexable,
    num_samples,
)
from barehand.model_selection._splitter import (
    GroupsConsumer,
    NoGroups,
    Split,
    as_groups,
    build_repr,
    coded,
    warn_of_groups,
)


def split_sizes(n_samples: int, test_size: Any, train_size: Any, default: float) -> tuple[int, int]:
    """How many samples are trained and tested on, of shares (test rounded up, training down) or numbers."""
    if test_size is None and train_size is None:
        test_size = default
    for name, size in (("test_size", test_size), ("train_size", train_size)):
        kind = np.asarray(size).dtype.kind
        if (kind == "i" and not 0 < size < n_samples) or (kind == "f" and not 0 < size < 1):
            raise ValueError(
                f"{name}={size} should be either positive and smaller than the number of samples {n_samples} or a float in "
                "the (0, 1) range"
            )
        if size is not None and kind not in "if":
            raise ValueError(f"Invalid value for {name}: {size}")
    shares = [np.asarray(size).dtype.kind == "f" for size in (test_size, train_size)]
    if all(shares) and test_size + train_size > 1:
        raise ValueError(
            f"The sum of test_size and train_size = {train_size + test_size}, should be in the (0, 1) range. Reduce test_size "
            "and/or train_size."
        )
    n_test = None if test_size is None else ceil(test_size * n_samples) if shares[0] else int(test_size)
    n_train = None if train_size is None else floor(train_size * n_samples) if shares[1] else int(train_size)
    n_train = n_samples - n_test if n_train is None else n_train  # type: ignore[operator]
    n_test = n_samples - n_train if n_test is None else n_test
    if n_train + n_test > n_samples:
        raise ValueError(
            f"The sum of train_size and test_size = {n_train + n_test}, should be smaller than the number of samples "
            f"{n_samples}. Reduce test_size and/or train_size."
        )
    if n_train == 0:
        raise ValueError(
            f"With n_samples={n_samples}, test_size={test_size} and train_size={train_size}, the resulting train set will be "
            "empty. Adjust any of the aforementioned parameters."
        )
    return n_train, n_test


class BaseShuffleSplit(MetadataRequester, metaclass=ABCMeta):
    """A splitter that draws; subclasses may have their own ``_iter_indices``."""

    __metadata_request__split: ClassVar[dict[str, Any]] = {"groups": UNUSED}
    _default_test_size = 0.1

    def __init__(
        self, n_splits: int = 10, *, test_size: Any = None, train_size: Any = None, random_state: Any = None
    ) -> None:
        self.n_splits = n_splits
        self.test_size = test_size
        self.train_size = train_size
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        X, y, groups = indexable(X, y, groups)
        yield from self._iter_indices(X, y, groups)

    def _iter_indices(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        n = num_samples(X)
        return _learn.shuffle_split(n, self.n_splits, self._sizes(n), check_random_state(self.random_state))

    def _sizes(self, n: int) -> tuple[int, int]:
        """How many of ``n`` are trained and tested on."""
        return split_sizes(n, self.test_size, self.train_size, self._default_test_size)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many splits there are."""
        return self.n_splits

    def __repr__(self) -> str:
        return build_repr(self)


class ShuffleSplit(NoGroups, BaseShuffleSplit):
    """Random training and test sets; different test sets may share samples.

    Args:
        n_splits: how many splits.
        test_size: how many samples (int) or which share (float) to test on; what ``train_size`` leaves, or 0.1.
        train_size: how many samples, or which share, to train on; all that are not tested on.
        random_state: the seed or ``RandomState``.

    >>> for train, test in ShuffleSplit(n_splits=1, test_size=0.25, random_state=0).split([[0]] * 6):
    ...     print(train, test)
    [1 3 0 4] [5 2]
    """

    def __init__(
        self, n_splits: int = 10, *, test_size: Any = None, train_size: Any = None, random_state: Any = None
    ) -> None:
        super().__init__(n_splits=n_splits, test_size=test_size, train_size=train_size, random_state=random_state)


class GroupShuffleSplit(GroupsConsumer, BaseShuffleSplit):
    """As `ShuffleSplit`, but whole groups are drawn, and sizes are shares or numbers of groups; by default 0.2 of them.

    >>> splitter = GroupShuffleSplit(n_splits=1, random_state=0)
    >>> for train, test in splitter.split([[0]] * 6, groups=[1, 1, 2, 2, 3, 3]):
    ...     print(train, test)
    [0 1 2 3] [4 5]
    """

    _default_test_size = 0.2

    def __init__(
        self, n_splits: int = 5, *, test_size: Any = None, train_size: Any = None, random_state: Any = None
    ) -> None:
        super().__init__(n_splits=n_splits, test_size=test_size, train_size=train_size, random_state=random_state)

    def _iter_indices(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        names, codes = coded(as_groups(groups))
        sizes = self._sizes(len(names))
        return _learn.group_shuffle_split(codes, self.n_splits, sizes, check_random_state(self.random_state))

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        return super().split(X, y, groups)


class StratifiedShuffleSplit(BaseShuffleSplit):
    """As `ShuffleSplit`, but both sets have the classes in the shares that the whole has, as near as whole samples allow.

    >>> splitter = StratifiedShuffleSplit(n_splits=1, test_size=0.5, random_state=0)
    >>> for train, test in splitter.split([[0]] * 6, [0, 0, 0, 1, 1, 1]):
    ...     print(train, test)
    [5 2 3] [4 1 0]
    """

    def __init__(
        self, n_splits: int = 10, *, test_size: Any = None, train_size: Any = None, random_state: Any = None
    ) -> None:
        super().__init__(n_splits=n_splits, test_size=test_size, train_size=train_size, random_state=random_state)

    def _iter_indices(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:  # type: ignore[override]
        y = as_labels(y, "y")
        n_train, n_test = sizes = self._sizes(num_samples(X))
        if y.ndim == 2:
            # Every distinct row is a class of its own.
            y = np.array([" ".join(row.astype("str")) for row in y])
        classes, codes = coded(y)
        counts = np.bincount(codes)
        if np.min(counts) < 2:
            raise ValueError(
                "The least populated classes in y have only 1 member, which is too few. The minimum number of groups for any "
                f"class cannot be less than 2. Classes with too few members are: {classes[counts < 2].tolist()}"
            )
        for name, size in (("train_size", n_train), ("test_size", n_test)):
            if size < len(classes):
                raise ValueError(
                    f"The {name} = {size} should be greater or equal to the number of classes = {len(classes)}"
                )
        return _learn.stratified_shuffle_split(codes, self.n_splits, sizes, check_random_state(self.random_state))

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        warn_of_groups(self, groups)
        return super().split(X, as_labels(y, "y"), groups)
