"""Samples into batches (`torch.utils.data.default_collate`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from barehand import _barehand
from barehand._barehand import Tensor

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Stacks samples along a new first axis, inside whatever containers they come in.

    Tensors and NumPy arrays are stacked; whole numbers become an int64 tensor, reals a float64 tensor; text stays a
    list. Tuples and lists become a list with one entry for each place, named tuples and dicts stay what they are.

    >>> default_collate([(barehand.zeros(2), 1), (barehand.ones(2), 0)])
    [tensor([[0., 0.],
            [1., 1.]]), tensor([1, 0])]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return _barehand.stack(list(batch), 0)
    if isinstance(first, np.ndarray):
        if first.dtype.kind not in "biuf":
            raise TypeError(f"default_collate: arrays of dtype {first.dtype} hold no numbers")
        return _barehand.from_numpy(np.stack(batch))
    if isinstance(first, np.generic) and first.dtype.kind in "biuf":
        return _barehand.from_numpy(np.asarray(batch))
    if isinstance(first, float):
        return _barehand.tensor(list(batch), dtype=_barehand.float64)
    if isinstance(first, int):
        return _barehand.tensor([int(value) for value in batch], dtype=_barehand.int64)
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        collated = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return collated if type(first) is dict else _as(type(first), collated)
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise ValueError("default_collate: the samples of a batch differ in how many parts they have")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError(
        f"default_collate: samples of type {type(first).__name__} cannot be put into a batch: expected tensors, "
        "arrays, numbers, text, or dicts and sequences of them; give a collate_fn"
    )


def default_convert(sample: Any) -> Any:
    """NumPy arrays as tensors, inside whatever containers they come in; all else as it is."""
    if isinstance(sample, (np.ndarray, np.generic)) and sample.dtype.kind in "biuf":
        return _barehand.from_numpy(np.asarray(sample))
    if isinstance(sample, Mapping):
        return {key: default_convert(value) for key, value in sample.items()}
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*(default_convert(value) for value in sample))
    if isinstance(sample, Sequence) and not isinstance(sample, (str, bytes)):
        return [default_convert(value) for value in sample]
    return sample


def _as(kind: Any, items: dict[Any, Any]) -> Any:
    try:
        return kind(items)
    except TypeError:
        return items
