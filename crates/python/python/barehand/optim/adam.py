"""Adam, and AdamW, which shrinks weights apart from the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from barehand.optim.optimizer import Optimizer


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015).

        g = gradient + weight_decay · param                      (gradient negated to maximize)
        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g²
        param = param - lr · m / (1 - beta1^t) / (√(v / (1 - beta2^t)) + eps)

    `amsgrad` divides by the largest v so far (Reddi et al. 2018); `decoupled_weight_decay` makes it `AdamW`.
    """

    _rule_name = "Adam"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )


class AdamW(Adam):
    """`Adam` whose weight decay shrinks the parameter itself, param (1 - lr · weight_decay) (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)
