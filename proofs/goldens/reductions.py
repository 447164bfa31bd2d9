"""Reductions, scans and normalisations along dimensions: values, indices and gradients, with ties, NaN, infinities,
single elements and empty dimensions."""

import numpy as np
import torch
import torch.nn.functional as F
from golden import Family

DIMS = {"d0": 0, "d1": 1, "last": -1, "d02": [0, 2], "d12": [1, 2], "all": [0, 1, 2]}
INF, NAN = np.inf, np.nan
TIES = np.array([[1.0, 3.0, 3.0, 2.0], [2.0, 2.0, 2.0, 2.0], [-1.0, -4.0, -1.0, -4.0]])
SPECIAL = np.array([[1.0, NAN, 3.0], [INF, 1.0, 2.0], [-INF, 1.0, 2.0], [INF, -INF, 0.0], [-INF, -INF, -INF]])
SPECIAL = np.concatenate([SPECIAL, [[INF, INF, 1.0], [0.0, -0.0, 0.0], [1000.0, 999.0, -1000.0], [NAN, NAN, NAN]]])
ZEROS = np.array([[2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])


def cube(random):
    return {"x": random.randn(3, 4, 5)}


def matrix(random):
    return {"x": random.randn(4, 6)}


def indexed(function):
    """A reduction that tells where: its indices are the second output. PyTorch takes the first of equals here."""

    def both(x, **options):
        values, indices = function(x, **options)
        return {"values": values, "indices": indices}

    return both


def prod(x, dim, keepdim):
    return torch.prod(x, dim, keepdim=keepdim)


def norm(x, ord, dim, keepdim):
    return torch.linalg.vector_norm(x, float(ord), dim, keepdim)


def main():
    family = Family("tensor", "reductions", __doc__)

    for op in ["sum", "mean", "amax", "amin", "logsumexp"]:
        function = getattr(torch, op)
        for name, dim in DIMS.items():
            family.case(f"{op}.{name}", function, cube, dim=dim, keepdim=False)
            family.case(f"{op}.{name}.keep", function, cube, dim=dim, keepdim=True)
        family.case(f"{op}.ties", function, {"x": TIES}, dim=1, keepdim=False)
        family.case(f"{op}.special", function, {"x": SPECIAL}, dim=1, keepdim=False)
        family.case(f"{op}.one", function, lambda r: {"x": r.randn(3, 1)}, dim=1, keepdim=False)
    for op in ["sum", "mean"]:
        family.case(f"{op}.long", getattr(torch, op), lambda r: {"x": 100 + r.randn(3, 1031)}, dim=1, keepdim=False)
        family.case(f"{op}.empty", getattr(torch, op), {"x": np.zeros((3, 0))}, dim=1, keepdim=False)
    family.case("logsumexp.large", torch.logsumexp, lambda r: {"x": 1e3 * r.randn(4, 6)}, dim=-1, keepdim=False)

    for op in ["var", "std"]:
        function = getattr(torch, op)
        for name, dim in DIMS.items():
            for correction in [0, 1]:
                options = {"dim": dim, "correction": correction, "keepdim": name == "last"}
                family.case(f"{op}.{name}.correction{correction}", function, cube, **options)
        family.case(f"{op}.offset", function, lambda r: {"x": 1e3 + r.randn(3, 50)}, dim=1, correction=1, keepdim=False)
        family.case(f"{op}.special", function, {"x": SPECIAL}, dim=1, correction=1, keepdim=False)
        for correction in [0, 1]:
            options = {"dim": 1, "correction": correction, "keepdim": False}
            family.case(f"{op}.one.correction{correction}", function, lambda r: {"x": r.randn(3, 1)}, **options)

    for name, dim in {"d0": 0, "d1": 1, "last": -1}.items():
        for keep, keepdim in {"": False, ".keep": True}.items():
            family.case(f"prod.{name}{keep}", prod, cube, dim=dim, keepdim=keepdim)
            for op in ["max", "min"]:
                family.case(f"{op}.{name}{keep}", indexed(getattr(torch, op)), cube, dim=dim, keepdim=keepdim)
            for op in ["argmax", "argmin"]:
                family.case(f"{op}.{name}{keep}", getattr(torch, op), cube, dim=dim, keepdim=keepdim)
        for op in ["cumsum", "cumprod", "softmax", "log_softmax"]:
            family.case(f"{op}.{name}", getattr(torch, op), cube, dim=dim)
        for op in ["cummax", "cummin"]:
            family.case(f"{op}.{name}", indexed(getattr(torch, op)), cube, dim=dim)
    family.case("prod.zeros", prod, {"x": ZEROS}, dim=1, keepdim=False)
    family.case("prod.empty", prod, {"x": np.zeros((3, 0))}, dim=1, keepdim=False)
    family.case("cumprod.zeros", torch.cumprod, {"x": ZEROS}, dim=1)
    for op in ["max", "min"]:
        for case, x in {"ties": TIES, "special": SPECIAL}.items():
            family.case(f"{op}.{case}", indexed(getattr(torch, op)), {"x": x}, dim=1, keepdim=False)
            family.case(f"arg{op}.{case}", getattr(torch, f"arg{op}"), {"x": x}, dim=1, keepdim=False)
        # Over everything PyTorch shares the gradient among equals; along a dimension it gives it to one of them.
        family.case(f"{op}_all", getattr(torch, op), cube)
        family.case(f"{op}_all.ties", getattr(torch, op), {"x": TIES})
        family.case(f"arg{op}_all", getattr(torch, f"arg{op}"), cube)
        family.case(f"arg{op}_all.ties", getattr(torch, f"arg{op}"), {"x": TIES})
    for op in ["sum", "mean", "prod", "var", "std"]:
        family.case(f"{op}_all", getattr(torch, op), cube)

    for op in ["softmax", "log_softmax"]:
        function = getattr(torch, op)
        family.case(f"{op}.known", function, {"x": [2.0, 1.0, 0.1]}, dim=0)
        family.case(f"{op}.large", function, lambda r: {"x": 1e3 * r.randn(4, 6)}, dim=-1)
        family.case(f"{op}.masked", function, {"x": np.where(np.tri(5) > 0, np.arange(25.0).reshape(5, 5), -INF)}, dim=-1)
        family.case(f"{op}.special", function, {"x": SPECIAL}, dim=1)
        family.case(f"{op}.one", function, lambda r: {"x": r.randn(3, 1)}, dim=1)
        family.case(f"{op}.wide", function, lambda r: {"x": 3 * r.randn(3, 517)}, dim=1)
        family.case(f"{op}.tall", function, lambda r: {"x": 3 * r.randn(130, 3)}, dim=0)

    for ord in ["1", "2", "3", "inf"]:
        family.case(f"norm.l{ord}", norm, cube, ord=ord, dim=[1], keepdim=False)
        family.case(f"norm.l{ord}.all", norm, cube, ord=ord, dim=[0, 1, 2], keepdim=False)
        family.case(f"norm.l{ord}.zero", norm, {"x": ZEROS}, ord=ord, dim=[1], keepdim=False)
    for op in ["any", "all"]:
        family.case(op, getattr(torch, op), lambda r: {"x": r.randint(0, 3, (5, 3)).astype(bool)}, dim=1, keepdim=False)

    for descending in [False, True]:
        options = {"dim": -1, "descending": descending, "stable": True}
        name = "descending" if descending else "ascending"
        family.case(f"sort.{name}", indexed(torch.sort), matrix, **options)
        family.case(f"sort.{name}.ties", indexed(torch.sort), {"x": TIES}, **options)
        family.case(f"sort.{name}.special", indexed(torch.sort), {"x": SPECIAL}, **options)
    for dim in [0, 1]:
        family.case(f"topk.d{dim}", indexed(torch.topk), matrix, k=3, dim=dim, largest=True, sorted=True)
        family.case(f"topk.d{dim}.smallest", indexed(torch.topk), matrix, k=3, dim=dim, largest=False, sorted=True)
    family.case("normalize", F.normalize, matrix, p=2.0, dim=1, eps=1e-12)
    family.write()


if __name__ == "__main__":
    main()
