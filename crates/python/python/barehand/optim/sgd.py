"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum in its three forms.

        g = gradient + weight_decay · param                      (gradient negated to maximize)
        v = g on the first step, else momentum · v + (1 - dampening) · g
        param = param - lr · (g + momentum · v if nesterov, else v)

    >>> w = bh.tensor([2.0], requires_grad=True)
    >>> optimizer = bh.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([1.6000], requires_grad=True)
    """

    _rule_name = "SGD"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )
