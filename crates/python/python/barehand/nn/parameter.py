"""Tensors that a module trains."""

from __future__ import annotations

from typing import Any

from barehand._barehand import Tensor, zeros


class Parameter(Tensor):
    """A tensor that a module registers as its own when it is assigned to an attribute.

    It requires a gradient unless told otherwise, and shares the memory of `data` until one of them is written to.

    >>> bh.nn.Parameter(bh.tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        parameter = Tensor.__new__(cls, zeros(0) if data is None else data)
        if requires_grad:
            parameter.requires_grad_()
        return parameter

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()
