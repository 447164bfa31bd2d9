"""Optimizers: six steps, with every option."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from parity.arguments import constant, flag, one_of, real
from parity.rows import Minimizer, Operator, Optimizer, Row

optimizer = partial(
    Optimizer, second_lr=one_of(None, 0.003), resumed=flag, weight_decay=one_of(0.0, 0.1, 0.01), maximize=flag
)
decoupled = {"eps": one_of(1e-8, 1e-3), "decoupled_weight_decay": flag}
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


def averaged(words: str, options: Callable[[Any], dict[str, Any]]) -> Row:
    """What an average of three weights and running means computes."""

    def call(lib: Any, *inputs: Any) -> Any:
        swa = lib.optim.swa_utils
        # The type of PyTorch's share of the mean.
        before = lib.get_default_dtype()
        lib.set_default_dtype(inputs[0].dtype)
        try:
            model = lib.nn.BatchNorm1d(inputs[0].shape[1])
            average = swa.AveragedModel(model, **options(swa))
            for x in inputs:
                with lib.no_grad():
                    model.weight += x.mean(0)
                model(x)
                average.update_parameters(model)
            swa.update_bn([inputs[0], (inputs[1], None)], model)
        finally:
            lib.set_default_dtype(before)
        # PyTorch averages the counts of batches too, as whole numbers.
        states = [*average.state_dict().items(), *model.state_dict().items()]
        return [value for name, value in states if not name.endswith("num_batches_tracked")]

    inputs = [constant(real("N C")) for _ in range(3)]
    return Operator(f"optim.swa_utils.AveragedModel [{words}]", *inputs, call=call, magnifies=10.0)


ROWS: list[Row] = [
    optimizer("optim.SGD", lr=one_of(0.1, 0.01), momentum=one_of(0.0, 0.9, 0.5), dampening=one_of(0.0, 0.3)),
    optimizer("optim.SGD [nesterov]", lr=one_of(0.1, 0.01), momentum=one_of(0.9, 0.5), nesterov=one_of(True)),
    optimizer("optim.Adam", lr=one_of(0.001, 0.1), betas=betas, eps=one_of(1e-8, 1e-3), amsgrad=flag),
    optimizer("optim.AdamW", lr=one_of(0.001, 0.1), betas=betas, eps=one_of(1e-8, 1e-3), amsgrad=flag),
    optimizer("optim.Adadelta", lr=one_of(1.0, 0.1), rho=one_of(0.9, 0.5), eps=one_of(1e-6, 1e-3)),
    optimizer(
        "optim.Adagrad",
        lr=one_of(0.1, 0.01),
        lr_decay=one_of(0.0, 0.1),
        initial_accumulator_value=one_of(0.0, 0.5),
        eps=one_of(1e-10, 1e-3),
    ),
    optimizer("optim.Adamax", lr=one_of(0.002, 0.1), betas=betas, eps=one_of(1e-8, 1e-3)),
    optimizer(
        "optim.ASGD", lr=one_of(0.1, 0.01), lambd=one_of(1e-4, 0.1), alpha=one_of(0.75, 0.5), t0=one_of(1e6, 2.0)
    ),
    optimizer("optim.NAdam", lr=one_of(0.002, 0.1), betas=betas, momentum_decay=one_of(4e-3, 0.3), **decoupled),
    optimizer("optim.RAdam", lr=one_of(0.001, 0.1), betas=one_of((0.9, 0.999), (0.5, 0.8)), **decoupled),
    optimizer("optim.RMSprop", lr=one_of(0.1, 0.01), alpha=one_of(0.99, 0.5), momentum=one_of(0.0, 0.9), centered=flag),
    Optimizer(
        "optim.Rprop",
        lr=one_of(0.1, 0.01),
        second_lr=one_of(None, 0.003),
        resumed=flag,
        maximize=flag,
        etas=one_of((0.5, 1.2), (0.25, 2.0)),
        step_sizes=one_of((1e-6, 50.0), (0.02, 0.15)),
    ),
    # The line search compares losses that are nearly equal.
    Minimizer(
        "optim.LBFGS",
        magnifies=1e3,
        lr=one_of(1.0, 0.3),
        resumed=flag,
        max_iter=one_of(3, 5),
        history_size=one_of(100, 2),
        line_search_fn=one_of(None, "strong_wolfe"),
        maximize=flag,
    ),
    averaged("exponential", lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.75)}),
    averaged("one by one", lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.75)}),
    averaged("mean", lambda swa: {"multi_avg_fn": swa.get_swa_multi_avg_fn()}),
    averaged("buffers", lambda swa: {"avg_fn": swa.get_swa_avg_fn(), "use_buffers": True}),
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
