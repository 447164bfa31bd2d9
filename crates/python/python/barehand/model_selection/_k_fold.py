"""Folds of consecutive or shuffled samples."""

from __future__ import annotations

import numbers
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from barehand._barehand import _learn
from barehand.model_selection._foundation import UNUSED, MetadataRequester, check_random_state, indexable, num_samples
from barehand.model_selection._splitter import BaseCrossValidator, NoGroups, Split, build_repr


class BaseKFold(BaseCrossValidator, metaclass=ABCMeta):
    """A splitter into ``n_splits`` folds."""

    @abstractmethod
    def __init__(self, n_splits: int, *, shuffle: bool, random_state: Any) -> None:
        if not isinstance(n_splits, numbers.Integral):
            raise ValueError(
                f"The number of folds must be of Integral type. {n_splits} of type {type(n_splits)} was passed."
            )
        if n_splits <= 1:
            raise ValueError(
                "k-fold cross-validation requires at least one train/test split by setting n_splits=2 or more, got "
                f"n_splits={n_splits}."
            )
        if not isinstance(shuffle, bool):
            raise TypeError(f"shuffle must be True or False; got {shuffle}")
        if not shuffle and random_state is not None:
            raise ValueError(
                "Setting a random_state has no effect since shuffle is False. You should leave random_state to its default "
                "(None), or set shuffle=True."
            )
        self.n_splits = int(n_splits)
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        X, y, groups = indexable(X, y, groups)
        if self.n_splits > num_samples(X):
            raise ValueError(
                f"Cannot have number of splits n_splits={self.n_splits} greater than the number of samples: "
                f"n_samples={num_samples(X)}."
            )
        yield from super().split(X, y, groups)

    def _stream(self) -> Any:
        """NumPy's stream, where folds are shuffled."""
        return check_random_state(self.random_state) if self.shuffle else None

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many splits there are."""
        return self.n_splits


class KFold(NoGroups, BaseKFold):
    """``n_splits`` folds of consecutive samples, each the test set once; the first ones have one sample more.

    Args:
        n_splits: how many folds, at least 2.
        shuffle: whether to shuffle the samples first.
        random_state: the shuffle's seed or ``RandomState``.

    >>> for train, test in KFold(n_splits=2).split([[1], [2], [3], [4]]):
    ...     print(train, test)
    [2 3] [0 1]
    [0 1] [2 3]
    """

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None) -> None:
        super().__init__(n_splits=n_splits, shuffle=shuffle, random_state=random_state)

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        return _learn.k_fold(num_samples(X), self.n_splits, self._stream())


class RepeatedSplits(MetadataRequester, metaclass=ABCMeta):
    """A splitter that shuffles, several times over, with one stream of random numbers through all of it."""

    __metadata_request__split: ClassVar[dict[str, Any]] = {"groups": UNUSED}

    def __init__(self, cv: Any, *, n_repeats: int = 10, random_state: Any = None, **cvargs: Any) -> None:
        if not isinstance(n_repeats, numbers.Integral):
            raise ValueError("Number of repetitions must be of Integral type.")
        if n_repeats <= 0:
            raise ValueError("Number of repetitions must be greater than 0.")
        self.cv = cv
        self.n_repeats = n_repeats
        self.random_state = random_state
        self.cvargs = cvargs

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        random = check_random_state(self.random_state)
        for _ in range(self.n_repeats):
            yield from self.cv(random_state=random, shuffle=True, **self.cvargs).split(X, y, groups)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many splits there are."""
        random = check_random_state(self.random_state)
        return self.cv(random_state=random, shuffle=True, **self.cvargs).get_n_splits(X, y, groups) * self.n_repeats

    def __repr__(self) -> str:
        return build_repr(self)


class RepeatedKFold(NoGroups, RepeatedSplits):
    """`KFold` with shuffling, ``n_repeats`` times over.

    >>> RepeatedKFold(n_splits=2, n_repeats=3).get_n_splits()
    6
    """

    def __init__(self, *, n_splits: int = 5, n_repeats: int = 10, random_state: Any = None) -> None:
        super().__init__(KFold, n_repeats=n_repeats, random_state=random_state, n_splits=n_splits)
