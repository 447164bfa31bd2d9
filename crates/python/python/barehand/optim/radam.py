"""RAdam, Adam that waits until the mean square rests on enough gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class RAdam(Optimizer):
    """Rectified Adam (Liu et al. 2020).

        g = gradient + weight_decay · param                      (gradient negated to maximize)
        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g²
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
        r = √((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        u = r √(1 - beta2^t) / (√v + eps) where rho > 5, else 1
        param = param - lr · m / (1 - beta1^t) · u

    `decoupled_weight_decay` shrinks the parameter itself, param (1 - lr · weight_decay), as `AdamW` does.
    """

    _rule_name = "RAdam"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
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
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )
