"""The multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from barehand._barehand import Tensor
from barehand.nn import functional as F
from barehand.nn.container import ModuleList
from barehand.nn.linear import Linear
from barehand.nn.module import Module
from barehand.nn.normalization import Dropout


class MLP(Module):
    """Linear layers `layers.0`, `layers.1`, ... with an activation, and dropout where asked for, after each but the last.

    `sizes` are the features of the input, of each hidden layer and of the output. Inputs of more than two axes, such as
    images, are flattened to (N, features).

    >>> bh.nn.models.MLP([28 * 28, 64, 10], dropout=0.1)(bh.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """

    def __init__(
        self, sizes: Sequence[int], activation: Callable[[Tensor], Tensor] = F.relu, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if len(sizes) < 2:
            raise ValueError(f"sizes {list(sizes)}: those of the input and the output at least")
        self.layers = ModuleList([Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)])
        self.activation = activation
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.layers
        x = x.flatten(1) if x.dim() > 2 else x
        for layer in hidden:
            x = self.dropout(self.activation(layer(x)))
        return last(x)
