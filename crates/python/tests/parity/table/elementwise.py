"""Functions of one element, of two that are broadcast together, and comparisons."""

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from parity.arguments import (
    Argument,
    constant,
    flag,
    integers,
    mask,
    one_of,
    positive,
    real,
    special,
    tied,
)
from parity.rows import Operator, Row, reference

elementwise = partial(Operator, elementwise=True)


def unary(name: str, domain: Callable[[str], Argument] = real, *, settled: bool = True, **options: Any) -> list[Row]:
    """A function of one element: inside its domain, on whole numbers (where kinks are), and on special values.

    Not on those where PyTorch has not `settled` what it says: there a precision, or the length, makes a difference.
    """
    kinds = {name: domain}
    if domain is real:
        kinds[f"{name} [whole]"] = tied
    if settled:
        kinds[f"{name} [special]"] = special
    return [elementwise(kind, values("..."), **options) for kind, values in kinds.items()]


def binary(name: str, first: Callable[[str], Argument] = real, second: Callable[[str], Argument] = real) -> list[Row]:
    """A function of two elements, with broadcasting."""
    return [elementwise(name, first("*"), second("*")), elementwise(f"{name} [special]", special("*"), special("*"))]


def infix(name: str, call: Callable[..., object], *arguments: Argument) -> Row:
    """A Python operator."""
    return elementwise(f"Tensor [{name}]", *arguments, call=lambda lib, *tensors: call(*tensors))


def comparison(name: str) -> list[Row]:
    """A comparison: of floats, of integers, of special values, and with a number."""
    return [
        elementwise(name, tied("*"), tied("*")),
        elementwise(f"{name} [integers]", integers("*"), integers("*")),
        elementwise(f"{name} [special]", special("*"), special("*")),
        elementwise(
            f"{name} [number]", tied("..."), call=lambda lib, x, y: getattr(lib, name)(x, y), y=one_of(0, 1.0, -2)
        ),
    ]


def in_place(lib: Any, x: Any, name: str) -> Any:
    """An activation that writes over a copy of its input; that copy."""
    y = x.clone()
    getattr(lib.nn.functional, name)(y, inplace=True)
    return y


def own(name: str, formula: Callable[..., object], **options: Any) -> Row:
    """A function that PyTorch lacks, beside its formula in PyTorch's operators."""
    return elementwise(f"nn.functional.{name}", real("..."), call=reference(name, formula), **options)


def of_halves(call: Callable[..., object]) -> Callable[..., object]:
    """The same of twice as many elements along the last axis."""
    return lambda lib, x, **options: call(lib, lib.cat([x, x * x - 1], dim=-1), **options)


def gated(lib: Any, x: Any, gate_first: bool, opened: str) -> Any:
    """One half of the last axis times the opened other."""
    half = x.shape[-1] // 2
    halves = x[..., :half], x[..., half:]
    gate, value = halves if gate_first else halves[::-1]
    return getattr(lib.nn.functional, opened)(gate) * value


ROWS: list[Row] = [
    *unary("neg"),
    *unary("abs"),
    *unary("sign"),
    *unary("square"),
    *unary("sqrt", positive),
    *unary("rsqrt", positive),
    *unary("reciprocal", positive),
    *unary("exp"),
    *unary("expm1"),
    *unary("log", positive),
    *unary("log1p", positive),
    *unary("log2", positive),
    *unary("log10", positive),
    *unary("sin"),
    *unary("cos"),
    *unary("tan", partial(real, low=-1.25, high=1.25)),
    *unary("atan"),
    *unary("asin", partial(real, low=-0.875, high=0.875)),
    *unary("acos", partial(real, low=-0.875, high=0.875)),
    *unary("asinh"),
    *unary("acosh", partial(real, low=1.125, high=9.0)),
    *unary("atanh", partial(real, low=-0.875, high=0.875)),
    *unary("sinh"),
    *unary("cosh"),
    *unary("tanh"),
    *unary("erf"),
    *unary("sigmoid"),
    *unary("floor"),
    *unary("ceil"),
    *unary("round"),
    *unary("trunc"),
    *unary("isnan"),
    *unary("isinf"),
    *unary("isfinite"),
    *unary("relu"),
    elementwise("clamp [below]", special("..."), max=one_of(0.5, -1.0)),
    elementwise("clamp [above]", tied("..."), min=one_of(0.5, -1.0)),
    *unary("clamp", min=one_of(-1.0, 0.0, None), max=one_of(1.0, 0.5)),
    *unary("nn.functional.relu"),
    *unary("nn.functional.sigmoid"),
    *unary("nn.functional.tanh"),
    *unary("nn.functional.leaky_relu", negative_slope=one_of(0.01, 0.5)),
    *unary("nn.functional.elu", alpha=one_of(1.0, 0.5, 2.0)),
    *unary("nn.functional.selu"),
    *unary("nn.functional.gelu", settled=False, approximate=one_of("none", "tanh")),
    *unary("nn.functional.silu"),
    *unary("nn.functional.mish"),
    *unary("nn.functional.hardswish"),
    *unary("nn.functional.softsign"),
    *unary("nn.functional.relu6"),
    # PyTorch's slope of 1/6 is one of single precision.
    *unary("nn.functional.hardsigmoid", lambda axes: constant(real(axes))),
    *unary("nn.functional.hardtanh", min_val=one_of(-1.0, -2.0), max_val=one_of(1.0, 0.5)),
    *unary("nn.functional.celu", alpha=one_of(1.0, 0.5, 2.0)),
    *unary("nn.functional.threshold", threshold=one_of(0.0, 1.0), value=one_of(-2.0, 3.0)),
    *unary("nn.functional.softshrink", lambd=one_of(0.5, 1.0)),
    *unary("nn.functional.hardshrink", lambd=one_of(0.5, 1.0)),
    *unary("nn.functional.tanhshrink"),
    *unary("nn.functional.rrelu", training=one_of(False), upper=one_of(0.5, 0.25)),
    elementwise("nn.functional.relu6 [in place]", real("..."), call=lambda lib, x: in_place(lib, x, "relu6")),
    elementwise(
        "nn.functional.prelu", real("..."), real("N"), call=lambda lib, x, w: lib.nn.functional.prelu(x, w[:1])
    ),
    Operator("nn.functional.prelu [channels]", real("n C ..."), real("C")),
    Operator("nn.functional.glu", real("n MG m"), dim=one_of(0, 1, 2, -1)),
    Operator("nn.functional.softmin", real("N ..."), dim=one_of(0, -1)),
    own(
        "erf_sigmoid",
        lambda lib, x, printed: lib.erf(x * math.sqrt(math.pi / 2 if printed else math.pi / 4)),
        printed=flag,
    ),
    own("gudermannian", lambda lib, x: lib.atan(lib.tanh(x * (math.pi / 4))) * (4 / math.pi)),
    own("algebraic_sigmoid", lambda lib, x: x / lib.sqrt(x * x + 1)),
    own("arctangent_sigmoid", lambda lib, x: lib.atan(x * (math.pi / 2)) * (2 / math.pi)),
    *[
        Operator(
            f"nn.functional.{name}",
            real("n m N"),
            call=of_halves(
                reference(name, lambda lib, x, gate_first, opened=opened: gated(lib, x, gate_first, opened))
            ),
            gate_first=flag,
        )
        for name, opened in (("swiglu", "silu"), ("geglu", "gelu"), ("reglu", "relu"))
    ],
    *unary("nn.functional.logsigmoid"),
    *unary("nn.functional.softplus", beta=one_of(1.0, 0.5, 3.0), threshold=one_of(20.0, 2.0)),
    *binary("add"),
    *binary("sub"),
    *binary("mul"),
    *binary("div", real, positive),
    *binary("pow", positive),
    elementwise("floor_divide", constant(real("*")), constant(positive("*"))),
    *binary("remainder", real, positive),
    *binary("fmod", real, positive),
    *binary("maximum"),
    *binary("minimum"),
    *binary("atan2", positive),
    elementwise("add [alpha]", real("*"), real("*"), alpha=one_of(2, 0.5)),
    elementwise("sub [alpha]", real("*"), real("*"), alpha=one_of(2, 0.5)),
    elementwise("div [rounded]", tied("*"), positive("*"), rounding_mode=one_of("floor", "trunc", None)),
    elementwise("maximum [ties]", tied("*"), tied("*")),
    elementwise("minimum [ties]", tied("*"), tied("*")),
    elementwise("pow [number]", positive("..."), exponent=one_of(2, 0.5, -1, 3.0, 0, 1)),
    elementwise("pow [whole]", tied("..."), exponent=one_of(2, 3.0, 0, 1)),
    elementwise("nn.functional.dropout", real("..."), p=one_of(0.0), training=flag),
    elementwise("nn.functional.dropout [evaluated]", real("..."), p=one_of(0.5, 1.0), training=one_of(False)),
    elementwise("nn.functional.relu [in place]", real("..."), call=lambda lib, x: in_place(lib, x, "relu")),
    elementwise("nn.functional.elu [in place]", real("..."), call=lambda lib, x: in_place(lib, x, "elu")),
    elementwise("isclose", tied("*"), tied("*"), atol=one_of(1e-8, 1.0), equal_nan=flag),
    elementwise("isclose [special]", special("*"), special("*"), equal_nan=flag),
    Operator("allclose", tied("*"), tied("*"), atol=one_of(1e-8, 8.0)),
    elementwise("where", mask("*"), real("*"), real("*")),
    elementwise("masked_fill", real("..."), mask("..."), value=one_of(0.0, -math.inf, 2)),
    infix("x + y", operator.add, real("*"), real("*")),
    infix("x - y", operator.sub, real("*"), real("*")),
    infix("x * y", operator.mul, real("*"), real("*")),
    infix("x / y", operator.truediv, real("*"), positive("*")),
    infix("x ** y", operator.pow, positive("*"), real("*")),
    infix("-x", operator.neg, real("...")),
    infix("abs(x)", abs, real("...")),
    infix("x + 2", lambda x: x + 2, real("...")),
    infix("2 + x", lambda x: 2 + x, real("...")),
    infix("x - 0.5", lambda x: x - 0.5, real("...")),
    infix("0.5 - x", lambda x: 0.5 - x, real("...")),
    infix("x * 3", lambda x: x * 3, real("...")),
    infix("3 * x", lambda x: 3 * x, real("...")),
    infix("x / 3", lambda x: x / 3, real("...")),
    infix("3 / x", lambda x: 3 / x, positive("...")),
    infix("x ** 2", lambda x: x**2, real("...")),
    infix("2 ** x", lambda x: 2**x, real("...")),
    infix("x // y", operator.floordiv, constant(real("*")), constant(positive("*"))),
    infix("x % y", operator.mod, real("*"), positive("*")),
    infix("x // 2", lambda x: x // 2, constant(real("..."))),
    infix("x % 2", lambda x: x % 2, real("...")),
    infix("x == y", operator.eq, tied("*"), tied("*")),
    infix("x != y", operator.ne, tied("*"), tied("*")),
    infix("x < y", operator.lt, tied("*"), tied("*")),
    infix("x <= y", operator.le, tied("*"), tied("*")),
    infix("x > y", operator.gt, tied("*"), tied("*")),
    infix("x >= y", operator.ge, tied("*"), tied("*")),
    infix("x > 0", lambda x: x > 0, tied("...")),
    *comparison("eq"),
    *comparison("ne"),
    *comparison("lt"),
    *comparison("le"),
    *comparison("gt"),
    *comparison("ge"),
]
