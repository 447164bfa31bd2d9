"""Optimizers: trajectories of 20 steps, and clipping of gradients.

Two problems, each over the parameters p of shape (3, 4) and (5):

- `bowl`, closed loop: loss = sum(s * log(cosh(p - c)) + p^4 / 40), so the gradient s * tanh(p - c) + p^3 / 10 can be
  recomputed; not quadratic, badly scaled by s;
- `given`, open loop: recorded gradients whatever the parameters are, with entries that are always zero, tiny (1e-10),
  huge (1e5), of changing sign, or zero in the first five steps.

`<case>/p0` is the start, `<case>/gradient` the gradients fed to each step, `<case>/parameters` the parameters after each
step: (20, 3, 4) for `.a`, (20, 5) for `.b`. `<case>/s.*` and `<case>/c.*` are the bowl's constants.
"""

import numpy as np
import torch
from golden import Family, stream, write_tensors

STEPS = 20
SHAPES = {"a": (3, 4), "b": (5,)}
CASES = {
    "sgd": {"plain": {}, "momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9, "nesterov": True}}
    | {"dampening": {"momentum": 0.9, "dampening": 0.3}, "weight_decay": {"weight_decay": 0.1}}
    | {"maximize": {"momentum": 0.9, "maximize": True}}
    | {"maximize_weight_decay": {"weight_decay": 0.1, "maximize": True}}
    | {"everything": {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05}},
    "adam": {"default": {}, "weight_decay": {"weight_decay": 0.1}, "amsgrad": {"amsgrad": True}}
    | {"betas": {"betas": [0.5, 0.8]}, "eps": {"eps": 0.1}, "maximize": {"maximize": True}}
    | {"everything": {"betas": [0.7, 0.9], "eps": 1e-3, "weight_decay": 0.05, "amsgrad": True}},
    "adamw": {"default": {}, "weight_decay": {"weight_decay": 0.3}, "no_decay": {"weight_decay": 0.0}}
    | {"amsgrad": {"amsgrad": True}, "maximize": {"maximize": True}},
    "adamax": {"default": {}, "weight_decay": {"weight_decay": 0.1}},
    "nadam": {"default": {}, "weight_decay": {"weight_decay": 0.1}}
    | {"decoupled": {"weight_decay": 0.1, "decoupled_weight_decay": True}},
    "radam": {"default": {}, "weight_decay": {"weight_decay": 0.1}}
    | {"decoupled": {"weight_decay": 0.1, "decoupled_weight_decay": True}},
    "adagrad": {"default": {}, "decay": {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}},
    "adadelta": {"default": {}, "weight_decay": {"weight_decay": 0.1, "rho": 0.8}},
    "rmsprop": {"default": {}, "momentum": {"momentum": 0.9}, "centered": {"centered": True}}
    | {"everything": {"alpha": 0.9, "momentum": 0.8, "centered": True, "weight_decay": 0.1}},
    "rprop": {"default": {}, "etas": {"etas": [0.4, 1.3], "step_sizes": [1e-4, 0.1]}},
    "asgd": {"default": {}, "decay": {"lambd": 1e-2, "alpha": 0.6, "t0": 5.0, "weight_decay": 0.1}},
}
CLASSES = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "adamax": torch.optim.Adamax}
CLASSES |= {"nadam": torch.optim.NAdam, "radam": torch.optim.RAdam, "adagrad": torch.optim.Adagrad}
CLASSES |= {"adadelta": torch.optim.Adadelta, "rmsprop": torch.optim.RMSprop, "rprop": torch.optim.Rprop}
CLASSES |= {"asgd": torch.optim.ASGD}
# Large enough that 20 steps go somewhere.
LR = dict.fromkeys(CLASSES, 0.05) | {"sgd": 0.02, "adadelta": 1.0, "rprop": 0.01}


def start():
    """Where every trajectory begins, and the constants of the bowl."""
    _, random = stream("optimizers")
    p0 = {key: random.randn(*shape) for key, shape in SHAPES.items()}
    c = {key: random.randn(*shape) for key, shape in SHAPES.items()}
    s = {key: 10.0 ** random.uniform(-2, 1, shape) for key, shape in SHAPES.items()}
    return p0, c, s


def given():
    """The gradients of the open loop."""
    _, random = stream("optimizers.given")
    gradients = {key: random.randn(STEPS, *shape) for key, shape in SHAPES.items()}
    gradients["a"][:, 0, 0] = 0.0
    gradients["a"][:, 0, 1] *= 1e-10
    gradients["a"][:, 0, 2] *= 1e5
    gradients["a"][:, 0, 3] = np.where(np.arange(STEPS) % 2, -1.0, 1.0)
    gradients["a"][:5, 1] = 0.0
    gradients["b"][:, 4] = 1.0
    return gradients


def trajectory(optimizer, options, dtype, gradients=None):
    """The gradients and the parameters of every step; without `gradients`, those of the bowl."""
    # The type in which NAdam and ASGD keep their numbers.
    torch.set_default_dtype(dtype)
    p0, c, s = ({key: torch.from_numpy(v).to(dtype) for key, v in part.items()} for part in start())
    p = {key: torch.nn.Parameter(value.clone()) for key, value in p0.items()}
    optimizer = CLASSES[optimizer](p.values(), **options)
    seen = {f"{kind}.{key}": [] for kind in ("gradient", "parameters") for key in p}
    for step in range(STEPS):
        optimizer.zero_grad()
        if gradients is None:
            sum((s[k] * torch.log(torch.cosh(p[k] - c[k])) + p[k] ** 4 / 40).sum() for k in p).backward()
        else:
            for key in p:
                p[key].grad = torch.from_numpy(gradients[key][step].copy()).to(dtype)
        for key in p:
            seen[f"gradient.{key}"].append(p[key].grad.clone())
        optimizer.step()
        for key in p:
            seen[f"parameters.{key}"].append(p[key].detach().clone())
    tensors = {key: torch.stack(value) for key, value in seen.items()}
    tensors |= {f"p0.{key}": value for key, value in p0.items()}
    if gradients is None:
        tensors |= {f"{name}.{key}": part[key] for name, part in (("s", s), ("c", c)) for key in p}
    return {key: value.numpy() for key, value in tensors.items()}


def trajectories():
    for precision, dtype in (("f64", torch.float64), ("f32", torch.float32)):
        cases, tensors = [], {}
        for op, variants in CASES.items():
            for variant, options in variants.items():
                options = {"lr": LR[op], **options}
                for problem in ["bowl", "given"]:
                    name = f"{op}.{variant}.{problem}"
                    gradients = given() if problem == "given" else None
                    tensors |= {f"{name}/{k}": v for k, v in trajectory(op, options, dtype, gradients).items()}
                    cases.append({"name": name, "op": op, "problem": problem, "options": options})
        document = {"family": "optimizers", "dtype": precision, "about": __doc__, "steps": STEPS, "cases": cases}
        write_tensors("nn", f"optimizers.{precision}", tensors, document)
    print(f"  {len(cases)} cases")


def clip_grad_norm(*gradients, max_norm, norm_type):
    parameters = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.detach().clone()
    total = torch.nn.utils.clip_grad_norm_(parameters, max_norm, float(norm_type))
    return {"total": total} | {f"clipped{i}": parameter.grad for i, parameter in enumerate(parameters)}


def clip_grad_value(*gradients, clip_value):
    parameters = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.detach().clone()
    torch.nn.utils.clip_grad_value_(parameters, clip_value)
    return {f"clipped{i}": parameter.grad for i, parameter in enumerate(parameters)}


def clipping():
    family = Family("nn", "clipping", "Clipping by the global norm, and by value: the gradients before and after.")

    def draw(random):
        return {"g0": random.randn(3, 4), "g1": random.randn(5), "g2": np.array(random.randn())}

    for norm_type in ["1", "2", "3", "inf"]:
        for max_norm in [0.5, 1e3]:
            name = f"clip_grad_norm.l{norm_type}.{'clipped' if max_norm < 1 else 'kept'}"
            family.case(name, clip_grad_norm, draw, grads=[], max_norm=max_norm, norm_type=norm_type)
    zeros = {"g0": np.zeros((2, 2)), "g1": np.zeros(3)}
    family.case("clip_grad_norm.zero", clip_grad_norm, zeros, grads=[], max_norm=1.0, norm_type="2")
    special = {"g0": np.array([1.0, np.inf, 2.0]), "g1": np.array([3.0])}
    family.case("clip_grad_norm.infinite", clip_grad_norm, special, grads=[], max_norm=1.0, norm_type="2")
    special = {"g0": np.array([1.0, np.nan, 2.0]), "g1": np.array([3.0])}
    family.case("clip_grad_norm.nan", clip_grad_norm, special, grads=[], max_norm=1.0, norm_type="2")
    family.case("clip_grad_value", clip_grad_value, draw, grads=[], clip_value=0.5)
    family.write()


if __name__ == "__main__":
    trajectories()
    clipping()
