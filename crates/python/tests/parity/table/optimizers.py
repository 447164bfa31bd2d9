"""Optimizers: six steps, with every option."""

import math
from functools import partial
from typing import Any

from parity.arguments import constant, flag, one_of, real
from parity.rows import Operator, Optimizer, Row

optimizer = partial(
    Optimizer, second_lr=one_of(None, 0.003), resumed=flag, weight_decay=one_of(0.0, 0.1, 0.01), maximize=flag
)
betas = one_of((0.9, 0.999), (0.5, 0.8), (0.0, 0.9))


def clipped(function: str, **options: Any) -> Row:
    """What is left of gradients, and what the function returned."""

    def call(lib: Any, *gradients: Any, **given: Any) -> Any:
        parameters = [lib.nn.Parameter(lib.zeros_like(gradient)) for gradient in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        returned = getattr(lib.nn.utils, function)(parameters, **given)
        return [*(parameter.grad for parameter in parameters), *([] if returned is None else [returned])]

    return Operator(f"nn.utils.{function}", constant(real("n m")), constant(real("k")), call=call, **options)


ROWS: list[Row] = [
    optimizer("optim.SGD", lr=one_of(0.1, 0.01), momentum=one_of(0.0, 0.9, 0.5), dampening=one_of(0.0, 0.3)),
    optimizer("optim.SGD [nesterov]", lr=one_of(0.1, 0.01), momentum=one_of(0.9, 0.5), nesterov=one_of(True)),
    optimizer("optim.Adam", lr=one_of(0.001, 0.1), betas=betas, eps=one_of(1e-8, 1e-3), amsgrad=flag),
    optimizer("optim.AdamW", lr=one_of(0.001, 0.1), betas=betas, eps=one_of(1e-8, 1e-3), amsgrad=flag),
    optimizer("optim.Adadelta", lr=one_of(1.0, 0.1), rho=one_of(0.9, 0.5), eps=one_of(1e-6, 1e-3)),
    optimizer("optim.Adam [decoupled]", lr=one_of(0.1), decoupled_weight_decay=one_of(True)),
    clipped("clip_grad_norm_", max_norm=one_of(0.5, 100.0), norm_type=one_of(2.0, 1.0, math.inf)),
    clipped("clip_grad_value_", clip_value=one_of(0.5, 10.0)),
    Operator(
        "nn.utils.parameters_to_vector",
        real("n m"),
        real("k"),
        call=lambda lib, *tensors: lib.nn.utils.parameters_to_vector(tensors),
    ),
]
