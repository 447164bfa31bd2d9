"""Sequences of different lengths as one tensor: padded to the longest, or packed without padding.

>>> from barehand.nn.utils.rnn import pack_padded_sequence, pad_sequence
>>> x = pad_sequence([bh.tensor([1.0]), bh.tensor([2.0, 3.0, 4.0])], batch_first=True)
>>> pack_padded_sequence(x, [1, 3], batch_first=True, enforce_sorted=False).data
tensor([2., 1., 3., 4.])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from barehand import _barehand
from barehand._barehand import Tensor, tensor

_recurrent = _barehand._recurrent


class PackedSequence(NamedTuple):
    """A batch of sequences of different lengths without padding.

    `data` has the elements of all of them at step 0, then those at step 1 of the sequences that are that long, and so on,
    longest sequences first; `batch_sizes` says how many rows each step has. `sorted_indices` says which sequence of the
    batch became the i-th longest, `unsorted_indices` is the way back; both are None for a batch that came sorted.
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with `data` of another type."""
        return self._replace(data=self.data.to(*args, **kwargs))


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes one.

    >>> bh.nn.utils.rnn.invert_permutation(bh.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else permutation.argsort()


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs a padded batch (T, N, *), or (N, T, *) with `batch_first`, of which sequence n has `lengths[n]` elements.

    With `enforce_sorted` the lengths must come in decreasing order; without it they may come in any.
    """
    sizes = [int(length) for length in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    if any(size <= 0 for size in sizes):
        raise RuntimeError(f"pack_padded_sequence: every length of {sizes} has to be greater than 0")
    if enforce_sorted and any(first < second for first, second in zip(sizes, sizes[1:], strict=False)):
        raise RuntimeError(
            f"pack_padded_sequence: lengths {sizes} must be sorted in decreasing order when enforce_sorted is True; "
            "pass enforce_sorted=False for lengths in any order"
        )
    data, batch_sizes, order = _recurrent.pack_padded(input, sizes, batch_first)
    if enforce_sorted:
        return PackedSequence(data, tensor(batch_sizes))
    order = tensor(order)
    return PackedSequence(data, tensor(batch_sizes), order, invert_permutation(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The padded batch, (T, N, *) or (N, T, *), and the length of every sequence.

    Steps beyond a sequence hold `padding_value`; `total_length` asks for more steps than the longest has.
    """
    order = sequence.sorted_indices
    padded, lengths = _recurrent.pad_packed_sequence(
        sequence.data,
        sequence.batch_sizes.tolist(),
        None if order is None else order.tolist(),
        batch_first,
        padding_value,
        total_length,
    )
    return padded, tensor(lengths)


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (length, *) padded to the longest: (T, N, *), or (N, T, *) with `batch_first`.

    >>> bh.nn.utils.rnn.pad_sequence([bh.tensor([1, 2]), bh.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if padding_side not in ("left", "right"):
        raise ValueError(f"pad_sequence: padding_side is 'left' or 'right', not {padding_side!r}")
    return _recurrent.pad_sequence(list(sequences), batch_first, padding_value, padding_side == "left")


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each at its own length: the way back from `pad_sequence`."""
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [batch[n][: int(length)] for n, length in enumerate(lengths.tolist())]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences (length, *)."""
    return pack_padded_sequence(
        pad_sequence(sequences), [len(sequence) for sequence in sequences], enforce_sorted=enforce_sorted
    )


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch: the way back from `pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
