"""Whole numbers: arithmetic that wraps around and rounds down, bits, sums and extremes, for each type. There is nothing
to differentiate and nothing to round, so one file holds them all: `integers.f64.safetensors`."""

import numpy as np
import torch
from golden import Family

TYPES = {"i64": np.int64, "i32": np.int32, "u8": np.uint8}
SHAPES = {"same": ((3, 4), (3, 4)), "row": ((3, 4), (4,)), "both": ((5, 1, 4, 1), (3, 1, 6)), "empty": ((0, 4), (1, 4))}
ARITHMETIC = ["add", "sub", "mul", "floor_divide", "remainder", "pow", "maximum", "minimum"]
BITS = ["bitwise_and", "bitwise_or", "bitwise_xor"]
DIMS = {"d0": 0, "d1": 1, "last": -1}


def edges(dtype):
    """Small numbers of both signs, and the ends of the type."""
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    signed = [-7, -6, -3, -2, -1] if least < 0 else []
    return np.array([least, least + 1, *signed, 0, 1, 2, 3, 6, 7, 64, most // 2, most - 1, most], dtype)


def pairs(op, dtype):
    """Every pair that PyTorch can compute: no divisor of 0, no negative exponent, and not the smallest number by -1,
    which stops the processor."""
    a, b = (x.ravel() for x in np.meshgrid(edges(dtype), edges(dtype), indexing="ij"))
    keep = np.full(a.shape, True)
    if op in ("floor_divide", "remainder"):
        keep = (b != 0) & ((a != np.iinfo(dtype).min) | (b.astype(np.int64) != -1))
    if op == "pow":
        keep = b >= 0
    return {"a": a[keep], "b": b[keep]}


def draws(left, right, op, dtype):
    """Two tensors in the domain of `op`."""

    def draw(random):
        low = -20 if np.iinfo(dtype).min < 0 else 0
        a, b = random.randint(low, 21, left), random.randint(low, 21, right)
        if op in ("floor_divide", "remainder"):
            b = np.where(b == 0, 7, b)
        return {"a": a.astype(dtype), "b": (abs(b) if op == "pow" else b).astype(dtype)}

    return draw


def cube(dtype):
    """Many equals, for extremes; the ends of the type now and then, for sums that wrap."""

    def draw(random):
        x = random.randint(0, 4, (3, 4, 5)).astype(dtype)
        x[0, 1, 2], x[1, 1, 3] = np.iinfo(dtype).max, np.iinfo(dtype).min
        return {"x": x}

    return draw


def indexed(function):
    def values_and_indices(x, **options):
        values, indices = function(x, **options)
        return {"out": values, "indices": indices}

    return values_and_indices


def main():
    family = Family("tensor", "integers", __doc__)
    for name, dtype in TYPES.items():
        for op in ARITHMETIC + BITS:
            function = getattr(torch, op)
            for shape, (left, right) in SHAPES.items():
                family.case(f"{op}.{name}.{shape}", function, draws(left, right, op, dtype))
            family.case(f"{op}.{name}.edges", function, pairs(op, dtype))
        for op in ["neg", "abs", "bitwise_not"]:
            family.case(f"{op}.{name}", getattr(torch, op), {"x": edges(dtype)})
        family.case(f"clamp.{name}", torch.clamp, {"x": edges(dtype)}, min=2, max=6)
        family.case(f"clamp.{name}.crossed", torch.clamp, {"x": edges(dtype)}, min=6, max=2)
        for op in ["max", "min"]:
            for dim, axis in DIMS.items():
                function = indexed(getattr(torch, op))
                family.case(f"{op}.{name}.{dim}", function, cube(dtype), dim=axis, keepdim=dim == "d1")
                family.case(f"arg{op}.{name}.{dim}", getattr(torch, f"arg{op}"), cube(dtype), dim=axis, keepdim=False)
            family.case(f"a{op}.{name}", getattr(torch, f"a{op}"), cube(dtype), dim=[0, 2], keepdim=True)
            family.case(f"{op}_all.{name}", getattr(torch, op), cube(dtype))
        for op in ["sort", "topk"]:
            options = {"descending": False, "stable": True} if op == "sort" else {"k": 1, "largest": True, "sorted": True}
            family.case(f"{op}.{name}", indexed(getattr(torch, op)), lambda r: {"x": r.permutation(20).reshape(4, 5).astype(dtype)}, dim=1, **options)

    def truths(random):
        return {"x": random.randint(0, 2, (3, 4, 5)).astype(bool)}

    for name, draw in {**{name: cube(dtype) for name, dtype in TYPES.items()}, "bool": truths}.items():
        family.case(f"sum.{name}", torch.sum, draw, dim=[0, 2], keepdim=False)
        for op in ["sum_all", "prod_all"]:
            family.case(f"{op}.{name}", getattr(torch, op[:-4]), draw)
        for dim, axis in DIMS.items():
            family.case(f"prod.{name}.{dim}", torch.prod, draw, dim=axis, keepdim=dim == "d1")
            family.case(f"cumsum.{name}.{dim}", torch.cumsum, draw, dim=axis)
        family.case(f"count_nonzero.{name}", torch.count_nonzero, draw, dim=[0, 1])
    family.case("count_nonzero.real", torch.count_nonzero, {"x": np.array([[0.0, -0.0, 1.0], [np.nan, np.inf, 0.0]])}, grads=[], dim=[1])
    for op in ["amax", "amin"]:
        family.case(f"{op}.bool", getattr(torch, op), truths, dim=[0, 2], keepdim=True)
    family.cases.pop("f32")
    family.write()


if __name__ == "__main__":
    main()
