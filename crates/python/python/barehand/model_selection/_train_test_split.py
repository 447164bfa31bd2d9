"""One training and one test set."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._param_validation import Interval, check_parameters
from barehand.model_selection._foundation import indexable, num_samples, take_rows
from barehand.model_selection._shuffle_split import ShuffleSplit, StratifiedShuffleSplit, split_sizes

_SIZE = [Interval(float, 0, 1, closed="neither"), Interval(int, 1, None), None]


def train_test_split(
    *arrays: Any,
    test_size: Any = None,
    train_size: Any = None,
    random_state: Any = None,
    shuffle: bool = True,
    stratify: Any = None,
) -> list[Any]:
    """Divides arrays, lists, sparse matrices or data frames of equal length: training and test part of each, in turn.

    Args:
        arrays: what to divide.
        test_size: how many samples (int) or which share (float) to test on; what ``train_size`` leaves, or 0.25.
        train_size: how many samples, or which share, to train on; all that are not tested on.
        random_state: the seed or ``RandomState``.
        shuffle: whether to draw at random; without, the first samples are trained on.
        stratify: labels whose shares both sets keep.

    >>> train_test_split([1, 2, 3, 4, 5], shuffle=False)
    [[1, 2, 3], [4, 5]]
    """
    values = {"test_size": test_size, "train_size": train_size, "shuffle": shuffle}
    check_parameters({"test_size": _SIZE, "train_size": _SIZE, "shuffle": [bool]}, values, "train_test_split")
    if not arrays:
        raise ValueError("At least one array required as input")
    arrays = tuple(indexable(*arrays))
    n_train, n_test = split_sizes(num_samples(arrays[0]), test_size, train_size, 0.25)
    if not shuffle:
        if stratify is not None:
            raise ValueError("Stratified train/test split is not implemented for shuffle=False")
        train, test = np.arange(n_train), np.arange(n_train, n_train + n_test)
    else:
        kind = ShuffleSplit if stratify is None else StratifiedShuffleSplit
        splitter = kind(test_size=n_test, train_size=n_train, random_state=random_state)
        train, test = next(splitter.split(arrays[0], stratify))
    return [part for array in arrays for part in (take_rows(array, train), take_rows(array, test))]


# Its name begins as tests' names do.
train_test_split.__test__ = False  # type: ignore[attr-defined]
