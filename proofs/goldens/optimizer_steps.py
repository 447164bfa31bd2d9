"""Trajectories of torch.optim's SGD, Adam, AdamW and Adadelta: crates/kernels/tests/goldens/optimizer_steps.json."""

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

rng = np.random.RandomState(0)
start = rng.randn(SIZE)
# Gradients shrink, so that the running maximum of amsgrad differs from the mean square.
grads = rng.randn(STEPS, SIZE) * np.linspace(2.0, 0.1, STEPS)[:, None]


def trajectory(optimizer, options, dtype):
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
    families.append((torch.optim.Adadelta, ADADELTA))
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
