"""Adamax, Adam by the largest gradient instead of the mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class Adamax(Optimizer):
    """Adamax (Kingma and Ba 2015).

    g = gradient + weight_decay · param                      (gradient negated to maximize)
    m = beta1 m + (1 - beta1) g
    u = max(beta2 u, |g| + eps)
    param = param - lr / (1 - beta1^t) · m / u
    """

    _rule_name = "Adamax"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )
