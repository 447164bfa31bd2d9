"""Elementwise functions of two or three tensors: values, gradients, broadcasting, and every pair of special points
(ties for maximum and minimum among them)."""

import numpy as np
import torch
from golden import Family

SHAPES = {
    "same": ((3, 4), (3, 4)),
    "row": ((3, 4), (4,)),
    "column": ((3, 4), (3, 1)),
    "outer": ((3, 1), (1, 4)),
    "deep": ((2, 3, 4), (3, 1)),
    "grow": ((4,), (2, 3, 4)),
    "both": ((5, 1, 4, 1), (3, 1, 6)),
    "scalar": ((), (3, 4)),
    "scalars": ((), ()),
    "empty": ((0, 4), (1, 4)),
    "one": ((1, 1), (1,)),
}
SPECIAL = np.array([0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -2.5, 3.0, np.inf, -np.inf, np.nan])
PAIRS = {"a": np.repeat(SPECIAL, len(SPECIAL)), "b": np.tile(SPECIAL, len(SPECIAL))}


def draws(left, right, op):
    """Two tensors in the domain of `op`: powers want a positive base, remainders a divisor away from zero."""

    def draw(random):
        a, b = np.array(random.randn(*left)), np.array(random.randn(*right))
        if op == "pow":
            a = np.abs(a) + 0.1
        if op in ("div", "fmod", "remainder", "floor_divide"):
            b = np.where(b < 0, b - 0.5, b + 0.5)
        return {"a": a, "b": b}

    return draw


def main():
    family = Family("tensor", "binary", __doc__)
    for op in ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "atan2", "hypot", "fmod", "remainder", "floor_divide"]:
        function = getattr(torch, op)
        # PyTorch has no derivative of it.
        options = {"grads": []} if op == "floor_divide" else {}
        shapes = SHAPES if op in ("add", "sub", "mul", "div", "maximum") else ["same", "row", "both", "scalar"]
        for shape in shapes:
            family.case(f"{op}.{shape}", function, draws(*SHAPES[shape], op), **options)
        family.case(f"{op}.special", function, PAIRS, **options)
    for op in ["eq", "ne", "lt", "le", "gt", "ge"]:
        function = getattr(torch, op)
        family.case(f"{op}.special", function, PAIRS)
        family.case(f"{op}.both", function, lambda r: {"a": np.round(r.randn(5, 1, 4)), "b": np.round(r.randn(3, 1))})

    def whole(random):
        return {"mask": random.randint(0, 2, (3, 4)).astype(bool), "a": random.randn(3, 4), "b": random.randn(3, 4)}

    def broadcast(random):
        return {"mask": random.randint(0, 2, (3, 1)).astype(bool), "a": random.randn(2, 1, 4), "b": random.randn(1)}

    family.case("where", torch.where, whole)
    family.case("where.broadcast", torch.where, broadcast)
    # The branch not taken holds NaN and infinity: neither its value nor its gradient may leak.
    mask = np.array([True, False, True, False])
    unsafe = {"mask": mask, "a": np.array([1.0, np.nan, 2.0, np.inf]), "b": np.array([np.nan, 3.0, -np.inf, 4.0])}
    family.case("where.unsafe", torch.where, unsafe)
    # The same tensor on both sides: its gradient is the sum of two.
    family.case("mul.self", lambda a: a * a, lambda r: {"a": r.randn(3, 4)})
    family.case("div.self", lambda a: a / a, lambda r: {"a": r.randn(3, 4)})
    family.case("lerp", torch.lerp, lambda r: {"a": r.randn(3, 4), "b": r.randn(3, 4), "weight": r.randn(4)})
    family.write()


if __name__ == "__main__":
    main()
