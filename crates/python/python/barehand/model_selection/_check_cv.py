"""A splitter for whatever was given in its place."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

from barehand.model_selection._foundation import type_of_target
from barehand.model_selection._k_fold import KFold
from barehand.model_selection._predefined_split import IterableSplits
from barehand.model_selection._stratified_k_fold import StratifiedKFold


def check_cv(
    cv: Any = 5, y: Any = None, *, classifier: bool = False, shuffle: bool = False, random_state: Any = None
) -> Any:
    """The splitter that ``cv`` stands for.

    Args:
        cv: a number of folds, None for five, a splitter, or splits as pairs of indices.
        y: the targets.
        classifier: whether classes are learned, so that folds are stratified.
        shuffle: whether folds made here are shuffled.
        random_state: the shuffle's seed.

    >>> check_cv(3, [0, 1, 0, 1, 0, 1], classifier=True)
    StratifiedKFold(n_splits=3, random_state=None, shuffle=False)
    """
    cv = 5 if cv is None else cv
    if isinstance(cv, numbers.Integral):
        stratified = classifier and y is not None and type_of_target(y, input_name="y") in ("binary", "multiclass")
        return (StratifiedKFold if stratified else KFold)(int(cv), shuffle=shuffle, random_state=random_state)
    if not hasattr(cv, "split") or isinstance(cv, str):
        if not isinstance(cv, Iterable) or isinstance(cv, str):
            raise ValueError(
                "Expected `cv` as an integer, a cross-validation object (from sklearn.model_selection), or an iterable "
                f"yielding (train, test) splits as arrays of indices. Got {cv}."
            )
        return IterableSplits(cv)
    return cv


def yields_constant_splits(cv: Any) -> bool:
    """Whether every call of ``split`` gives the same splits."""
    return isinstance(getattr(cv, "random_state", 0), numbers.Integral) or not getattr(cv, "shuffle", True)
