"""The part of a transformer that works on each token by itself."""

from __future__ import annotations

from collections.abc import Callable

from barehand._barehand import Tensor, device as Device, dtype as DType
from barehand.nn import functional as F
from barehand.nn.linear import Linear
from barehand.nn.module import Module


class FeedForward(Module):
    """W₂ f(W₁ x + b₁) + b₂ (Vaswani et al. 2017).

    >>> bh.nn.FeedForward(4, 16, F.gelu)(bh.ones(2, 3, 4)).shape
    (2, 3, 4)
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        activation: Callable[[Tensor], Tensor] = F.relu,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.linear1 = Linear(width, hidden, device=device, dtype=dtype)
        self.activation = activation
        self.linear2 = Linear(hidden, width, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.activation(self.linear1(x)))


class SwiGLUFeedForward(Module):
    """W_down (silu(W_gate x) · W_up x), without biases (Shazeer 2020; Llama, whose names these are).

    >>> part = bh.nn.SwiGLUFeedForward(4, 11)
    >>> part(bh.ones(2, 3, 4)).shape
    (2, 3, 4)
    >>> [name for name, _ in part.named_parameters()]
    ['gate_proj.weight', 'up_proj.weight', 'down_proj.weight']
    """

    def __init__(self, width: int, hidden: int, device: Device | str | None = None, dtype: DType | None = None) -> None:
        super().__init__()
        self.gate_proj = Linear(width, hidden, bias=False, device=device, dtype=dtype)
        self.up_proj = Linear(width, hidden, bias=False, device=device, dtype=dtype)
        self.down_proj = Linear(hidden, width, bias=False, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
