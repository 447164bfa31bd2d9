"""Numbered samples (`torch.utils.data.dataset`).

A data set in Python defines `__len__` and `__getitem__`. Those of this module, of `TensorDataset`s and of images with
our own transforms, also know themselves as data sets of the library, which gives a loader whole batches at once.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from barehand import _barehand
from barehand._barehand import Generator, Tensor
from barehand.data import chance

__all__ = ["ConcatDataset", "Dataset", "IterableDataset", "Subset", "TensorDataset", "random_split"]

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Numbered samples: a subclass defines `__getitem__` and `__len__`.

    A subclass may define `__getitems__(indices)`, a list of samples, where many at once are cheaper than one by one.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 100
    ...     def __getitem__(self, index):
    ...         return float(index), float(index**2)
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Samples that come one after another: a subclass defines `__iter__`, and `__len__` where it is known."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")


def source_of(dataset: Any) -> Any | None:
    """The data set of the library behind one of Python; `None` where samples must be asked for one by one."""
    source = getattr(dataset, "_source", None)
    return source() if callable(source) else None


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Tensors whose first axes run together: sample `i` is the tuple of their rows `i`.

    >>> TensorDataset(barehand.zeros(10, 3), barehand.arange(10))[4]
    (tensor([0., 0., 0.]), tensor(4))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: expected at least one tensor")
        for x in tensors:
            if not isinstance(x, Tensor):
                raise TypeError(f"TensorDataset: expected tensors, found {type(x).__name__}")
        if any(x.dim() == 0 or len(x) != len(tensors[0]) for x in tensors):
            shapes = [tuple(x.shape) for x in tensors]
            raise ValueError(f"TensorDataset: expected first axes of one length, found shapes {shapes}")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(x[index] for x in self.tensors)

    def _source(self) -> Any | None:
        # Rows of recorded tensors carry gradients, which batches of the library do not.
        return None if any(x.requires_grad for x in self.tensors) else _barehand._Source.of_tensors(list(self.tensors))


class Subset(Dataset[T_co]):
    """The samples of `dataset` at `indices`, in that order."""

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def _source(self) -> Any | None:
        source = source_of(self.dataset)
        if source is None:
            return None
        n = len(source)
        return source.subset([i + n if i < 0 else i for i in map(int, self.indices)])


class ConcatDataset(Dataset[T_co]):
    """Data sets one after another."""

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: expected at least one data set")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise TypeError("ConcatDataset: an IterableDataset has no numbered samples")
        sizes = (len(dataset) for dataset in self.datasets)  # type: ignore[arg-type]
        self.cumulative_sizes = list(itertools.accumulate(sizes))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of range for {n} samples")
        index %= n
        part = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[part][index - (self.cumulative_sizes[part - 1] if part else 0)]

    def _source(self) -> Any | None:
        sources = [source_of(dataset) for dataset in self.datasets]
        return None if any(source is None for source in sources) else _barehand._Source.chain(sources)


def random_split(
    dataset: Dataset[T_co], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[T_co]]:
    """Disjoint random parts of the given `lengths`, or of the shares in them where they add up to 1.

    Shares are rounded down; the samples left over go to the first parts, one each.

    >>> train, validation = random_split(range(20), [0.9, 0.1], generator=barehand.Generator().manual_seed(0))
    >>> len(train), len(validation)
    (18, 2)
    """
    n = len(dataset)  # type: ignore[arg-type]
    if any(length < 0 for length in lengths):
        raise ValueError(f"random_split: a length is negative in {list(lengths)}")
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1 and n != 1:
        sizes = [int(n * share) for share in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    else:
        sizes = [int(length) for length in lengths]
    if sum(sizes) != n:
        raise ValueError(f"random_split: lengths {list(lengths)} do not add up to the {n} samples, nor to 1")
    order = _barehand._epoch_order(n, chance.seed(generator))
    ends = list(itertools.accumulate(sizes))
    return [Subset(dataset, order[end - size : end]) for end, size in zip(ends, sizes, strict=True)]
