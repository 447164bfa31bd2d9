"""Elementwise functions of one tensor, activations included: values and gradients, inside their domain and at the
special points (zeros of both signs, infinities, NaN, overflow, underflow, kinks)."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from golden import Family

SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1.5, 2.5, -2.5, 3.0, -3.0, 6.0, -6.0, 10.0, -10.0, 20.0, -20.0, 21.0]
    + [-21.0, 88.0, -88.0, 89.0, -104.0, 709.0, -745.0, 1e-4, -1e-4, 1e-8, -1e-8, 1e-30, -1e-30, 1e30, -1e30]
    + [np.inf, -np.inf, np.nan]
)


def whole(random):
    return {"x": 2.0 * random.randn(5, 7)}


def positive(random):
    return {"x": np.abs(random.randn(5, 7)) + 0.1}


def inside(random):
    return {"x": np.tanh(random.randn(5, 7))}


def above_one(random):
    return {"x": np.abs(random.randn(5, 7)) + 1.1}


# PyTorch has no function of these names; this is the formula. The last four are scaled to slope 1 at 0 and limits ±1.
def swish(x, beta):
    return x * torch.sigmoid(beta * x)


def swiglu(x):
    a, b = x.chunk(2, -1)
    return F.silu(a) * b


def geglu(x):
    a, b = x.chunk(2, -1)
    return F.gelu(a) * b


def reglu(x):
    a, b = x.chunk(2, -1)
    return F.relu(a) * b


def erf_as_printed(x):
    return torch.erf(math.sqrt(math.pi / 2) * x)


def erf_unit_slope(x):
    return torch.erf(math.sqrt(math.pi) / 2 * x)


def gudermannian_unit_slope(x):
    return (4 / math.pi) * torch.atan(torch.tanh(math.pi / 4 * x))


def inverse_square_root(x):
    return x / torch.sqrt(1 + x * x)


def atan_unit_slope(x):
    return (2 / math.pi) * torch.atan(math.pi / 2 * x)


def main():
    family = Family("tensor", "unary", __doc__)

    def add(name, function, draw=whole, **options):
        op = name.split(".")[0]
        family.case(name, function, draw, **options)
        family.case(f"{name}.special", function, {"x": SPECIAL}, op=op, **options)

    for op in ["neg", "abs", "sign", "square", "exp", "exp2", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh"]:
        add(op, getattr(torch, op))
    for op in ["atan", "asinh", "erf", "erfc", "sigmoid", "floor", "ceil", "round", "trunc", "reciprocal"]:
        add(op, getattr(torch, op))
    for op in ["log", "log2", "log10", "log1p", "sqrt", "rsqrt"]:
        add(op, getattr(torch, op), positive)
    for op in ["asin", "acos", "atanh"]:
        add(op, getattr(torch, op), inside)
    add("acosh", torch.acosh, above_one)
    for op in ["isnan", "isinf", "isfinite"]:
        family.case(op, getattr(torch, op), {"x": SPECIAL})

    def power(x, exponent):
        return x**exponent

    for exponent in [0, 1, 2, 3, -1, -2]:
        add(f"powi.{exponent}", power, exponent=exponent)
    for exponent in [0.5, -0.5, 2.5]:
        add(f"powf.{exponent}", power, positive, exponent=exponent)

    add("clamp.both", torch.clamp, min=-0.5, max=1.5)
    add("clamp.min", torch.clamp, min=-0.5)
    add("clamp.max", torch.clamp, max=1.5)

    for op in ["relu", "relu6", "selu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "softsign", "logsigmoid"]:
        add(op, getattr(F, op))
    add("tanhshrink", F.tanhshrink)
    add("leaky_relu", F.leaky_relu, negative_slope=0.01)
    add("leaky_relu.steep", F.leaky_relu, negative_slope=0.2)
    add("elu", F.elu, alpha=1.0)
    add("elu.half", F.elu, alpha=0.5)
    add("celu", F.celu, alpha=1.5)
    add("gelu.erf", F.gelu, approximate="none")
    add("gelu.tanh", F.gelu, approximate="tanh")
    add("softplus", F.softplus, beta=1.0, threshold=20.0)
    add("softplus.sharp", F.softplus, beta=2.0, threshold=5.0)
    add("softshrink", F.softshrink, lambd=0.5)
    add("hardshrink", F.hardshrink, lambd=0.5)
    add("threshold", F.threshold, threshold=0.5, value=-2.0)
    add("swish", swish, beta=1.7)
    add("erf_as_printed", erf_as_printed)
    add("erf_unit_slope", erf_unit_slope)
    add("gudermannian_unit_slope", gudermannian_unit_slope)
    add("inverse_square_root", inverse_square_root)
    add("atan_unit_slope", atan_unit_slope)

    family.case("prelu.shared", F.prelu, lambda r: {"x": 2 * r.randn(3, 4, 5), "weight": np.array([0.25])})
    family.case("prelu.channels", F.prelu, lambda r: {"x": 2 * r.randn(3, 4, 5), "weight": r.randn(4)})
    for dim in [0, 1, -1]:
        family.case(f"glu.{dim}", F.glu, lambda r: {"x": 2 * r.randn(4, 6, 8)}, dim=dim)
    for gated in [swiglu, geglu, reglu]:
        family.case(gated.__name__, gated, lambda r: {"x": 2 * r.randn(4, 6)})
    for dim in [0, 1]:
        family.case(f"softmin.{dim}", F.softmin, lambda r: {"x": 2 * r.randn(4, 6)}, dim=dim)
    family.write()


if __name__ == "__main__":
    main()
