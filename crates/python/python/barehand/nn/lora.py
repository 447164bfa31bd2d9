"""Low-rank adaptation."""

from __future__ import annotations

from barehand._barehand import Tensor, zeros
from barehand.autograd import no_grad
from barehand.nn.functional import linear
from barehand.nn.linear import Linear
from barehand.nn.module import Module
from barehand.nn.normalization import Dropout
from barehand.nn.parameter import Parameter


class Lora(Module):
    """A trained correction of low rank beside a frozen linear layer (Hu et al. 2022).

        y = x weightᵀ + bias + alpha / rank · dropout(x) lora_Aᵀ lora_Bᵀ

    lora_A (rank, in) begins as a linear layer's weight does, lora_B (out, rank) with 0, so that at first nothing changes. The
    names are those of `peft`'s files: base_layer.weight, lora_A.weight, lora_B.weight.

    >>> layer = bh.nn.Lora(bh.nn.Linear(64, 32), rank=4)
    >>> sum(p.numel() for p in layer.parameters() if p.requires_grad)
    384
    """

    def __init__(self, base_layer: Linear, rank: int = 8, alpha: float = 8.0, dropout: float = 0.0) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"the rank must be 1 or more, not {rank}")
        self.base_layer = base_layer
        for parameter in base_layer.parameters():
            parameter.requires_grad = False
        inputs, outputs = base_layer.in_features, base_layer.out_features
        make = {"device": base_layer.weight.device, "dtype": base_layer.weight.dtype}
        self.lora_A = Linear(inputs, rank, bias=False, **make)
        self.lora_B = Linear(rank, outputs, bias=False, **make)
        self.lora_B.weight = Parameter(zeros(outputs, rank, **make))
        self.lora_dropout = Dropout(dropout)
        self.scaling = alpha / rank
        self.merged = False

    def _add_to_base(self, scale: float) -> None:
        with no_grad():
            self.base_layer.weight += scale * (self.lora_B.weight @ self.lora_A.weight)

    def merge(self) -> None:
        """Adds the correction to the base layer's weight, so that the layer costs no more than that."""
        if self.merged:
            raise RuntimeError("the correction is merged already")
        self._add_to_base(self.scaling)
        self.merged = True

    def unmerge(self) -> None:
        """Takes the correction out of the base layer's weight again, exactly up to rounding."""
        if not self.merged:
            raise RuntimeError("the correction is not merged")
        self._add_to_base(-self.scaling)
        self.merged = False

    def forward(self, input: Tensor) -> Tensor:
        output = self.base_layer(input)
        if self.merged:
            return output
        inner = linear(self.lora_dropout(input), self.lora_A.weight)
        return output + linear(inner, self.lora_B.weight) * self.scaling

    def extra_repr(self) -> str:
        return f"scaling={self.scaling}, merged={self.merged}"
