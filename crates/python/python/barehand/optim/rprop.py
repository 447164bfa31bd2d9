"""Rprop, which looks at the signs of gradients only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class Rprop(Optimizer):
    """Resilient backpropagation (Riedmiller and Braun 1993), for gradients of the whole data set.

        g = gradient                                             (negated to maximize)
        size = size · etas[1] where g has the sign of the gradient before, · etas[0] where it has the other
        g = 0 where it has the other
        param = param - sign(g) · size

    The sizes begin with lr and stay within `step_sizes`.
    """

    _rule_name = "Rprop"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "maximize": maximize,
            },
        )
