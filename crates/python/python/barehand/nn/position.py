"""Where a token stands: fixed waves, or a trained vector for each position."""

from __future__ import annotations

from barehand._barehand import Tensor, device as Device, dtype as DType, empty
from barehand.nn import functional as F
from barehand.nn import init
from barehand.nn.module import Module
from barehand.nn.parameter import Parameter


def _rows(name: str, table: Tensor, x: Tensor, start: int) -> Tensor:
    """The rows of a table for the positions of `x`."""
    most, dim = table.shape
    length = x.shape[-2] if x.dim() > 1 else 0
    if x.dim() < 2 or x.shape[-1] != dim or start < 0 or start + length > most:
        raise ValueError(
            f"{name}: {tuple(x.shape)} from position {start}: (..., length, {dim}) expected, up to position {most}"
        )
    return table[start : start + length]


class SinusoidalPositions(Module):
    """Adds `functional.sinusoidal_encoding` to sequences (..., length, dim) (Vaswani et al. 2017).

    The waves are no part of the state dict.

    >>> bh.nn.SinusoidalPositions(10, 4)(bh.zeros(2, 4))
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])
    """

    waves: Tensor

    def __init__(self, max_length: int, dim: int, dtype: DType | None = None) -> None:
        super().__init__()
        self.register_buffer("waves", F.sinusoidal_encoding(max_length, dim, dtype=dtype), persistent=False)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x + the waves of its positions, of which the first is number `start`: the length of what came before."""
        return x + _rows("SinusoidalPositions", self.waves, x, start)


class LearnedPositions(Module):
    """Adds a trained vector for each position to sequences (..., length, dim), as BERT and GPT do.

    The weight (max_length, dim) begins normal with mean 0 and standard deviation 0.02.

    >>> bh.nn.LearnedPositions(64, 8)(bh.zeros(2, 5, 8)).shape
    (2, 5, 8)
    """

    weight: Parameter

    def __init__(
        self, max_length: int, dim: int, device: Device | str | None = None, dtype: DType | None = None
    ) -> None:
        super().__init__()
        self.weight = Parameter(empty(max_length, dim, device=device, dtype=dtype))
        init.normal_(self.weight, 0.0, 0.02)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x + the vectors of its positions, of which the first is number `start`: the length of what came before."""
        return x + _rows("LearnedPositions", self.weight, x, start)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.weight.shape))
