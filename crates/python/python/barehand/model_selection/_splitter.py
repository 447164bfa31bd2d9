"""What all splitters share: Rust makes the splits, and parameters show in the text."""

from __future__ import annotations

import inspect
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from barehand.model_selection._foundation import UNUSED, MetadataRequester, as_labels, indexable, num_samples

Split = tuple[np.ndarray, np.ndarray]


def build_repr(splitter: Any) -> str:
    """``KFold(n_splits=5, random_state=None, shuffle=False)``: every parameter, by name."""
    names = [
        name for name, p in inspect.signature(type(splitter).__init__).parameters.items() if p.kind != p.VAR_KEYWORD
    ]
    if type(splitter).__init__ is object.__init__:
        names = ["self"]
    values = {}
    for name in sorted(names[1:]):
        value = getattr(splitter, name, None)
        values[name] = getattr(splitter, "cvargs", {}).get(name) if value is None else value
    text, width = f"{type(splitter).__name__}(", len(type(splitter).__name__)
    lines = ""
    for i, (name, value) in enumerate(values.items()):
        with np.printoptions(precision=5, threshold=64, edgeitems=2):
            part = f"{name}={value!s}" if isinstance(value, float) else f"{name}={value!r}"
        part = part if len(part) <= 500 else part[:300] + "..." + part[-100:]
        if i > 0 and (width + len(part) >= 75 or "\n" in part):
            separator = ",\n" + (1 + len(type(splitter).__name__) // 2) * " "
            width = len(separator)
            lines += separator
        elif i > 0:
            width += 2
            lines += ", "
        lines += part
        width += len(part)
    return text + "\n".join(line.rstrip(" ") for line in lines.split("\n")) + ")"


class NoGroups:
    """Of splitters that have no use for groups: they warn where some are given."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split."""
        warn_of_groups(self, groups)
        return super().split(X, y, groups=groups)  # type: ignore[misc]


def warn_of_groups(splitter: Any, groups: Any) -> None:
    """Warns that groups make no difference."""
    if groups is not None:
        warnings.warn(f"The groups parameter is ignored by {type(splitter).__name__}", UserWarning, stacklevel=3)


class GroupsConsumer(MetadataRequester):
    """Of splitters that keep groups together: where metadata is routed, groups come without asking."""

    __metadata_request__split: ClassVar[dict[str, Any]] = {"groups": True}


class BaseCrossValidator(MetadataRequester, metaclass=ABCMeta):
    """A splitter; subclasses of one's own have ``_iter_test_masks`` or ``_iter_test_indices``, and ``get_n_splits``."""

    __metadata_request__split: ClassVar[dict[str, Any]] = {"groups": UNUSED}

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """The indices of the training and the test samples of every split, each when it is asked for.

        Args:
            X: the samples, of which only the number matters.
            y: their targets, for splitters that keep the shares of classes.
            groups: their groups, for splitters that keep groups together.
        """
        X, y, groups = indexable(X, y, groups)
        yield from self._splits(X, y, groups)

    def _splits(self, X: Any, y: Any, groups: Any) -> Iterator[Split]:
        """The splits: of barehand's splitters those that Rust makes, of others what the test sets leave."""
        indices = np.arange(num_samples(X))
        for mask in self._iter_test_masks(X, y, groups):
            yield indices[np.logical_not(mask)], indices[mask]

    def _iter_test_masks(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[np.ndarray]:
        for test in self._iter_test_indices(X, y, groups):
            mask = np.zeros(num_samples(X), dtype=bool)
            mask[test] = True
            yield mask

    def _iter_test_indices(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[np.ndarray]:
        raise NotImplementedError

    @abstractmethod
    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many splits there are."""

    def __repr__(self) -> str:
        return build_repr(self)


def as_groups(groups: Any) -> np.ndarray:
    """The group of each sample, which must be given."""
    if groups is None:
        raise ValueError("The 'groups' parameter should not be None.")
    return as_labels(groups, "groups")


def coded(labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """The labels that occur, sorted, and for each sample the position of its own, which is what Rust takes."""
    names, codes = np.unique(labels, return_inverse=True)
    return names, codes.astype(np.int64, copy=False)


def check_class_labels(y: Any) -> np.ndarray:
    """Labels of classes ``(N,)``."""
    from barehand.model_selection._foundation import column_or_1d, type_of_target

    y = np.asarray(y)
    kind, allowed = type_of_target(y), ("binary", "multiclass")
    if kind not in allowed:
        raise ValueError(f"Supported target types are: {allowed}. Got {kind!r} instead.")
    return column_or_1d(y)


def check_members(n_splits: int, classes: np.ndarray) -> None:
    """Raises where no class has a sample for every fold, warns where one has not."""
    counts = np.bincount(classes)
    if np.all(n_splits > counts):
        raise ValueError(f"n_splits={n_splits} cannot be greater than the number of members in each class.")
    if n_splits > np.min(counts):
        warnings.warn(
            f"The least populated class in y has only {np.min(counts)} members, which is less than n_splits={n_splits}.",
            UserWarning,
            stacklevel=2,
        )
