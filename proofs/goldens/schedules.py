"""Learning-rate schedules: the rate of each of 60 steps.

`rates[t]` is the rate with which step t (from 0) is taken: read, then `optimizer.step()`, then `scheduler.step()`.
OneCycleLR cycles momentum too (beta1 under Adam): `momenta`. ReduceLROnPlateau is fed `metrics[t]` after step t; a
`null` there is NaN. OneCycleLR allows no step past `total_steps`, so its list may be shorter.
"""

import math

import numpy as np
import torch
from golden import stream, write_json
from torch.optim import lr_scheduler as schedule
from torch.optim.swa_utils import SWALR

STEPS = 60
LR = 0.1
PLAIN = {
    "step": (schedule.StepLR, [{"step_size": 10}, {"step_size": 7, "gamma": 0.5}, {"step_size": 1, "gamma": 0.9}]),
    "multi_step": (schedule.MultiStepLR, [{"milestones": [10, 25, 40]}, {"milestones": [5, 5, 30], "gamma": 0.3}]),
    "constant": (schedule.ConstantLR, [{}, {"factor": 0.5, "total_iters": 12}]),
    "exponential": (schedule.ExponentialLR, [{"gamma": 0.95}]),
    "polynomial": (schedule.PolynomialLR, [{"total_iters": 40, "power": 1.0}, {"total_iters": 30, "power": 2.0}]),
    "cosine_annealing": (
        schedule.CosineAnnealingLR,
        # Past T_max PyTorch's recursion turns round and climbs again.
        [{"T_max": 60}, {"T_max": 50, "eta_min": 0.001}, {"T_max": 20}, {"T_max": 7, "eta_min": 0.02}],
    ),
    "cosine_annealing_warm_restarts": (
        schedule.CosineAnnealingWarmRestarts,
        [{"T_0": 10}, {"T_0": 7, "T_mult": 2, "eta_min": 0.001}],
    ),
    "linear": (
        schedule.LinearLR,
        [
            {},
            {"start_factor": 0.01, "end_factor": 1.0, "total_iters": 10},
            {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 45},
        ],
    ),
    "swa": (
        SWALR,
        [
            {"swa_lr": 0.01},
            {"swa_lr": 0.5, "anneal_epochs": 25, "anneal_strategy": "linear"},
            {"swa_lr": 0.02, "anneal_epochs": 1},
            {"swa_lr": 0.02, "anneal_epochs": 0},
        ],
    ),
}
ONE_CYCLE = [
    {"max_lr": 0.5, "total_steps": 60},
    {"max_lr": 0.5, "total_steps": 60, "anneal_strategy": "linear"},
    {"max_lr": 0.5, "total_steps": 60, "three_phase": True},
    {"max_lr": 0.5, "total_steps": 60, "three_phase": True, "anneal_strategy": "linear"},
    {"max_lr": 0.2, "total_steps": 45, "pct_start": 0.1, "div_factor": 10.0, "final_div_factor": 100.0},
    {"max_lr": 0.5, "total_steps": 60, "base_momentum": 0.8, "max_momentum": 0.9},
    {"max_lr": 0.5, "total_steps": 60, "cycle_momentum": False},
]
PLATEAU = [
    {},
    {"factor": 0.5, "patience": 3},
    {"factor": 0.5, "patience": 3, "cooldown": 4},
    {"factor": 0.3, "patience": 2, "threshold": 0.05},
    {"factor": 0.3, "patience": 2, "threshold": 0.02, "threshold_mode": "abs"},
    {"mode": "max", "factor": 0.5, "patience": 2},
    {"mode": "max", "factor": 0.5, "patience": 2, "threshold": 0.02, "threshold_mode": "abs"},
    {"factor": 0.1, "patience": 1, "min_lr": 0.004},
    {"factor": 0.1, "patience": 0, "eps": 1e-3},
]


def optimizer(kind="sgd"):
    parameter = torch.nn.Parameter(torch.zeros(1))
    if kind == "adam":
        return torch.optim.Adam([parameter], lr=LR)
    return torch.optim.SGD([parameter], lr=LR, momentum=0.9)


def run(optimizer, scheduler, steps=STEPS, metrics=None):
    """The rates and the momenta of `steps` steps."""
    rates, momenta = [], []
    for step in range(steps):
        group = optimizer.param_groups[0]
        rates.append(float(group["lr"]))
        momenta.append(float(group["momentum"] if "momentum" in group else group["betas"][0]))
        optimizer.step()
        if step + 1 < steps:
            scheduler.step(*([] if metrics is None else [metrics[step]]))
    return rates, momenta


def metrics():
    """Sequences of a measured loss: falling to a noisy plateau, with a late rise; and the same with one NaN."""
    _, random = stream("schedules.metrics")
    falling = np.exp(-np.arange(STEPS) / 8.0) + 0.3 + 0.01 * random.randn(STEPS)
    falling[45:] += 0.2
    broken = falling.copy()
    broken[12] = np.nan
    return {"falling": falling.tolist(), "broken": broken.tolist()}


def main():
    cases = []
    for op, (kind, variants) in PLAIN.items():
        for options in variants:
            sgd = optimizer()
            cases.append({"op": op, "options": options, "rates": run(sgd, kind(sgd, **options))[0]})

    sgd = optimizer()
    warm_up = {"start_factor": 0.1, "end_factor": 1.0, "total_iters": 10}
    cosine = {"T_max": 50, "eta_min": 0.001}
    parts = [schedule.LinearLR(sgd, **warm_up), schedule.CosineAnnealingLR(sgd, **cosine)]
    named = [{"op": "linear", "options": warm_up}, {"op": "cosine_annealing", "options": cosine}]
    options = {"milestones": [10], "schedules": named}
    cases.append({"op": "sequential", "options": options, "rates": run(sgd, schedule.SequentialLR(sgd, parts, [10]))[0]})

    sgd = optimizer()
    hold, decay, steps = {"factor": 0.5, "total_iters": 8}, {"gamma": 0.9}, {"step_size": 10, "gamma": 0.2}
    parts = [schedule.ConstantLR(sgd, **hold), schedule.ExponentialLR(sgd, **decay), schedule.StepLR(sgd, **steps)]
    named = zip(("constant", "exponential", "step"), (hold, decay, steps))
    options = {"milestones": [8, 30], "schedules": [{"op": op, "options": part} for op, part in named]}
    cases.append({"op": "sequential", "options": options, "rates": run(sgd, schedule.SequentialLR(sgd, parts, [8, 30]))[0]})

    for kind in ["sgd", "adam"]:
        for options in ONE_CYCLE:
            cycled = optimizer(kind)
            scheduler = schedule.OneCycleLR(cycled, **options)
            rates, momenta = run(cycled, scheduler, options["total_steps"])
            cases.append({"op": "one_cycle", "optimizer": kind, "options": options, "rates": rates, "momenta": momenta})

    for options in PLATEAU:
        for name, sequence in metrics().items():
            fed = [-value for value in sequence] if options.get("mode") == "max" else sequence
            sgd = optimizer()
            rates, _ = run(sgd, schedule.ReduceLROnPlateau(sgd, **options), metrics=fed)
            fed = [None if math.isnan(value) else value for value in fed]
            cases.append({"op": "reduce_on_plateau", "options": options, "metrics_name": name, "metrics": fed, "rates": rates})
    write_json("nn", "schedules", {"about": __doc__, "lr": LR, "momentum": 0.9, "steps": STEPS, "cases": cases})
    print(f"  {len(cases)} cases")


if __name__ == "__main__":
    main()
