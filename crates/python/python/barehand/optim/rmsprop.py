"""RMSprop, which divides by the root of the mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012; centered: Graves 2013).

        g = gradient + weight_decay · param                      (gradient negated to maximize)
        s = alpha s + (1 - alpha) g²
        a = alpha a + (1 - alpha) g                              (centered)
        d = √s + eps, or centered √(s - a²) + eps
        v = momentum v + g / d                                   (with a momentum)
        param = param - lr · v                                   (without: - lr · g / d)

    Where rounding makes s - a² negative it counts as 0; PyTorch's parameter then is NaN.
    """

    _rule_name = "RMSprop"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )
