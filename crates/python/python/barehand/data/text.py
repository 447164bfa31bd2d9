"""Text as numbers: a book as a string, its characters as a vocabulary, and windows of it as samples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from barehand import _barehand
from barehand._barehand import Tensor
from barehand.data import chance
from barehand.data.dataset import Dataset

CharVocabulary = _barehand._CharVocabulary

_LARGEST_SEED = 2**63 - 1


def read_text(path: str | os.PathLike[str]) -> str:
    """A UTF-8 text from a file, plain or gzipped."""
    return _barehand._read_text(path)


class TokenWindows(Dataset[tuple[Tensor, Tensor]]):
    """Windows of a long sequence of tokens: what a language model learns from.

    The inputs of a sample are `length` tokens that follow one another, its targets the same one token later. Sample `i`
    begins at token `i`; with `samples` there are that many an epoch, and each begins anywhere.

    >>> book = "to be, or not to be, that is the question"
    >>> characters = bh.data.CharVocabulary(book)
    >>> windows = TokenWindows(characters.encode(book), 8, samples=64)
    >>> inputs, targets = next(iter(bh.data.DataLoader(windows, batch_size=4)))
    >>> inputs.shape, bool((inputs[:, 1:] == targets[:, :-1]).all())
    ((4, 8), True)
    """

    def __init__(self, tokens: Tensor | Sequence[int], length: int, samples: int | None = None) -> None:
        self.length = length
        self.samples = samples
        self._windows = _barehand._token_windows(tokens, length, samples)

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of range for {n} windows")
        seed = 0 if self.samples is None else chance.below(_LARGEST_SEED)
        inputs, targets = self._windows.sample(index % n, seed)
        return inputs, targets

    def _source(self) -> Any | None:
        return self._windows
