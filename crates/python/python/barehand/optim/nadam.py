"""NAdam, Adam with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class NAdam(Optimizer):
    """NAdam (Dozat 2016).

        g = gradient + weight_decay · param                      (gradient negated to maximize)
        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g²
        mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2),  M(t) = mu(1) ... mu(t)
        d = √(v / (1 - beta2^t)) + eps
        param = param - lr ((1 - mu(t)) / (1 - M(t)) · g + mu(t + 1) / (1 - M(t + 1)) · m) / d

    `decoupled_weight_decay` shrinks the parameter itself, param (1 - lr · weight_decay), as `AdamW` does.
    """

    _rule_name = "NAdam"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
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
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )
