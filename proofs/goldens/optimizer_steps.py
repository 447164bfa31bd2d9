"""Trajectories of torch.optim's rules: crates/kernels/tests/goldens/optimizer_steps.json."""

import numpy as np
import torch
from golden import write_json

STEPS, SIZE = 8, 5

SGD = [
    {},
    {"weight_decay": 0.1},
    {"maximize": True, "weight_decay": 0.1},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05},
    {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
    {"momentum": 0.8, "nesterov": True, "maximize": True},
]
ADAM = [
    {},
    {"weight_decay": 0.1},
    {"amsgrad": True, "weight_decay": 0.02},
    {"maximize": True, "weight_decay": 0.1},
    {"betas": (0.3, 0.7), "eps": 1e-3},
    {"betas": (0.0, 0.5), "amsgrad": True, "maximize": True},
]
ADADELTA = [{}, {"weight_decay": 0.1, "rho": 0.8}, {"maximize": True, "eps": 1e-3}]
ADAGRAD = [{}, {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}]
ADAMAX = [{}, {"betas": (0.5, 0.8), "weight_decay": 0.1, "eps": 1e-3, "maximize": True}]
ASGD = [{}, {"lambd": 0.1, "alpha": 0.5, "t0": 3, "weight_decay": 0.1, "maximize": True}]
NADAM = [{}, {"weight_decay": 0.1, "momentum_decay": 0.3}]
NADAM += [{"betas": (0.5, 0.8), "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}]
RADAM = [{}, {"betas": (0.5, 0.8), "weight_decay": 0.1}]
RADAM += [{"betas": (0.5, 0.9), "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}]
RMSPROP = [{}, {"momentum": 0.9, "alpha": 0.7, "weight_decay": 0.1}, {"centered": True, "alpha": 0.7}]
RMSPROP += [{"centered": True, "momentum": 0.5, "eps": 1e-3, "maximize": True}]
RPROP = [{}, {"etas": (0.3, 1.5), "step_sizes": (0.02, 0.2), "maximize": True}]

rng = np.random.RandomState(0)
start = rng.randn(SIZE)
# Gradients shrink, so that the running maximum of amsgrad differs from the mean square.
grads = rng.randn(STEPS, SIZE) * np.linspace(2.0, 0.1, STEPS)[:, None]


def trajectory(optimizer, options, dtype):
    # The type in which NAdam and ASGD keep their numbers.
    torch.set_default_dtype(dtype)
    param = torch.nn.Parameter(torch.tensor(start, dtype=dtype))
    steps = []
    opt = optimizer([param], lr=0.05, foreach=False, **options)
    for grad in grads:
        param.grad = torch.tensor(grad, dtype=dtype)
        opt.step()
        steps.append(param.detach().double().tolist())
    return steps


def main():
    families = [(torch.optim.SGD, SGD), (torch.optim.Adam, ADAM), (torch.optim.AdamW, ADAM)]
    families += [(torch.optim.Adadelta, ADADELTA), (torch.optim.Adagrad, ADAGRAD), (torch.optim.Adamax, ADAMAX)]
    families += [(torch.optim.ASGD, ASGD), (torch.optim.NAdam, NADAM), (torch.optim.RAdam, RADAM)]
    families += [(torch.optim.RMSprop, RMSPROP), (torch.optim.Rprop, RPROP)]
    cases = [
        {
            "optimizer": optimizer.__name__,
            "options": options,
            "f64": trajectory(optimizer, options, torch.float64),
            "f32": trajectory(optimizer, options, torch.float32),
        }
        for optimizer, grid in families
        for options in grid
    ]
    write_json(
        "kernels", "optimizer_steps", {"lr": 0.05, "start": start.tolist(), "grads": grads.tolist(), "cases": cases}
    )


if __name__ == "__main__":
    main()
