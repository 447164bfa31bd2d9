"""L-BFGS on the bowl of `optimizers`: the loss that each of 6 steps returned, the parameters after it, and the counts.

`<case>/p0`, `s` and `c` are the start and the constants, as there; `<case>/parameters.*` has the parameters after each
step, `<case>/losses` what `step` returned, `<case>/counts` func_evals and n_iter after each step.
"""

import torch
from golden import write_tensors
from optimizers import start

STEPS = 6
CASES = {
    "fixed": {"lr": 0.3, "max_iter": 4},
    "wolfe": {"max_iter": 4, "line_search_fn": "strong_wolfe"},
    "short_history": {"max_iter": 6, "history_size": 2, "line_search_fn": "strong_wolfe"},
    "few_evaluations": {"lr": 3.0, "max_iter": 5, "max_eval": 3, "line_search_fn": "strong_wolfe"},
    "long_first_step": {"lr": 30.0, "max_iter": 3, "line_search_fn": "strong_wolfe"},
    "tolerances": {"tolerance_grad": 1e-2, "tolerance_change": 1e-3, "line_search_fn": "strong_wolfe"},
    "maximize": {"lr": 0.5, "max_iter": 3, "maximize": True, "line_search_fn": "strong_wolfe"},
}


def trajectory(options, dtype):
    torch.set_default_dtype(dtype)
    p0, c, s = ({key: torch.from_numpy(v).to(dtype) for key, v in part.items()} for part in start())
    p = {key: torch.nn.Parameter(value.clone()) for key, value in p0.items()}
    optimizer = torch.optim.LBFGS(p.values(), **options)
    sign = -1.0 if options.get("maximize") else 1.0

    def closure():
        optimizer.zero_grad()
        # Upside down, so that climbing has somewhere to end.
        loss = sign * sum((s[k] * torch.log(torch.cosh(p[k] - c[k])) + p[k] ** 4 / 40).sum() for k in p)
        loss.backward()
        return loss

    seen = {f"parameters.{key}": [] for key in p} | {"losses": [], "counts": []}
    for _ in range(STEPS):
        seen["losses"].append(optimizer.step(closure).detach())
        state = optimizer.state[next(iter(p.values()))]
        seen["counts"].append(torch.tensor([state["func_evals"], state["n_iter"]], dtype=dtype))
        for key in p:
            seen[f"parameters.{key}"].append(p[key].detach().clone())
    tensors = {key: torch.stack(value) for key, value in seen.items()}
    tensors |= {f"{name}.{key}": part[key] for name, part in (("p0", p0), ("s", s), ("c", c)) for key in p}
    return {key: value.numpy() for key, value in tensors.items()}


def main():
    for precision, dtype in (("f64", torch.float64), ("f32", torch.float32)):
        cases, tensors = [], {}
        for variant, options in CASES.items():
            name = f"lbfgs.{variant}"
            tensors |= {f"{name}/{k}": v for k, v in trajectory(options, dtype).items()}
            cases.append({"name": name, "op": "lbfgs", "options": options})
        document = {"family": "lbfgs", "dtype": precision, "about": __doc__, "steps": STEPS, "cases": cases}
        write_tensors("nn", f"lbfgs.{precision}", tensors, document)
    print(f"  {len(cases)} cases")


if __name__ == "__main__":
    main()
