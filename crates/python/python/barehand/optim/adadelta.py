"""Adadelta, which measures its steps by the steps before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012).

    g = gradient + weight_decay · param                      (gradient negated to maximize)
    s = rho s + (1 - rho) g²
    d = √(u + eps) / √(s + eps) · g
    u = rho u + (1 - rho) d²
    param = param - lr · d
    """

    _rule_name = "Adadelta"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})
