"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class ASGD(Optimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky 1992).

        g = gradient + weight_decay · param                      (gradient negated to maximize)
        param = param (1 - lambd eta) - eta g
        ax = param where mu = 1, else ax + mu (param - ax)
        eta = lr / (1 + lambd lr t)^alpha, mu = 1 / max(1, t - t0)    for the next step; at first lr and 1

    The averages are in the state, under "ax".
    """

    _rule_name = "ASGD"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )
