"""Integers and masks: arithmetic, bits and logic, reductions, and what two types become together."""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from parity.arguments import Argument, axes, axis, flag, integers, mask, one_of
from parity.rows import Operator, Row

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")
short = partial(integers, dtype="int32")
byte = partial(integers, low=0, high=10, dtype="uint8")
divisor = partial(integers, low=1)
KINDS: dict[str, Callable[[str], Argument]] = {"integers": integers, "int32": short, "bytes": byte}


def whole(name: str, **options: Any) -> list[Row]:
    """A function of integers of every width."""
    return [Operator(f"{name} [{width}]", values("..."), **options) for width, values in KINDS.items()]


def infix(name: str, call: Callable[..., Any], *arguments: Argument) -> Row:
    """A Python operator."""
    return Operator(f"Tensor [{name}]", *arguments, call=lambda lib, *tensors: call(*tensors))


def promoted(lib: Any, x: Any, y: Any, function: str, first: str, second: str) -> Any:
    """A function of two tensors of two types."""
    return getattr(lib, function)(x.to(getattr(lib, first)), y.to(getattr(lib, second)))


def with_number(lib: Any, x: Any, function: str, first: str, number: float) -> Any:
    """A function of a tensor and a number."""
    return getattr(lib, function)(x.to(getattr(lib, first)), number)


ARITHMETIC = ("add", "sub", "mul", "div", "pow", "floor_divide", "remainder", "fmod", "eq", "lt")

ROWS: list[Row] = [
    infix("integers x + y", operator.add, integers("*"), integers("*")),
    infix("integers x - y", operator.sub, integers("*"), integers("*")),
    infix("integers x * y", operator.mul, integers("*"), integers("*")),
    infix("integers x / y", operator.truediv, integers("*"), divisor("*")),
    infix("integers x // y", operator.floordiv, integers("*"), divisor("*")),
    infix("integers x % y", operator.mod, integers("*"), divisor("*")),
    infix("integers x // -y", lambda x, y: x // -y, integers("*"), divisor("*")),
    infix("integers x % -y", lambda x, y: x % -y, integers("*"), divisor("*")),
    infix("integers x ** y", operator.pow, integers("*"), integers("*", low=0)),
    infix("integers -x", operator.neg, integers("...")),
    infix("integers x + 1", lambda x: x + 1, integers("...")),
    infix("integers x + 0.5", lambda x: x + 0.5, integers("...")),
    infix("integers 2 ** x", lambda x: 2**x, integers("...", low=0)),
    infix("integers x & y", operator.and_, integers("*"), integers("*")),
    infix("integers x | y", operator.or_, integers("*"), integers("*")),
    infix("integers x ^ y", operator.xor, integers("*"), integers("*")),
    infix("integers ~x", operator.invert, integers("...")),
    infix("int32 x * y", operator.mul, short("*"), short("*")),
    infix("bytes x - y", operator.sub, byte("*"), byte("*")),
    infix("bytes -x", operator.neg, byte("...")),
    infix("mask + mask", operator.add, mask("*"), mask("*")),
    infix("mask * mask", operator.mul, mask("*"), mask("*")),
    infix("mask & mask", operator.and_, mask("*"), mask("*")),
    infix("mask | mask", operator.or_, mask("*"), mask("*")),
    infix("mask ^ mask", operator.xor, mask("*"), mask("*")),
    infix("~mask", operator.invert, mask("...")),
    Operator(
        "Tensor [types]",
        integers("*", 1, 4),
        integers("*", 1, 4),
        call=promoted,
        function=one_of(*ARITHMETIC, "maximum"),
        first=one_of(*DTYPES),
        second=one_of(*DTYPES),
    ),
    Operator(
        "Tensor [type and number]",
        integers("...", 1, 4),
        call=with_number,
        function=one_of(*ARITHMETIC),
        first=one_of(*DTYPES),
        number=one_of(2, 2.5, True),
    ),
    Operator(
        "Tensor.to",
        integers("..."),
        call=lambda lib, x, first, second: x.to(getattr(lib, first)).to(getattr(lib, second)),
        first=one_of(*DTYPES),
        second=one_of(*DTYPES),
    ),
    Operator("bitwise_and", integers("*"), integers("*")),
    Operator("bitwise_or", integers("*"), integers("*")),
    Operator("bitwise_xor", integers("*"), integers("*")),
    Operator("bitwise_not", integers("...")),
    Operator("logical_and", mask("*"), mask("*")),
    Operator("logical_or", mask("*"), mask("*")),
    Operator("logical_xor", mask("*"), mask("*")),
    Operator("logical_not", mask("...")),
    *whole("abs"),
    *whole("neg"),
    *whole("sign"),
    *whole("square"),
    *whole("relu"),
    *whole("clamp", min=one_of(0, 1, None), max=one_of(3, 2)),
    *whole("exp"),
    *whole("sum"),
    *whole("prod"),
    *whole("max"),
    *whole("min"),
    *whole("count_nonzero"),
    *whole("cumsum", dim=axis),
    Operator("sum [integers, dim]", integers("..."), dim=axes, keepdim=flag),
    Operator("prod [integers, dim]", integers("..."), dim=axis, keepdim=flag),
    Operator("amax [integers]", integers("..."), dim=axes, keepdim=flag),
    Operator("amin [integers]", integers("..."), dim=axes, keepdim=flag),
    Operator("sum [mask]", mask("...")),
    Operator("sum [mask, dim]", mask("..."), dim=axis, keepdim=flag),
    Operator("all", mask("...")),
    Operator("all [dim]", mask("..."), dim=axis, keepdim=flag),
    Operator("any", mask("...")),
    Operator("any [dim]", mask("..."), dim=axis, keepdim=flag),
    Operator("maximum [integers]", integers("*"), integers("*")),
    Operator("minimum [integers]", integers("*"), integers("*")),
    Operator("where [integers]", mask("*"), integers("*"), integers("*")),
    Operator("sort [integers]", integers("n"), call=lambda lib, x: lib.sort(x)[0]),
    Operator("cat [integers]", integers("n"), integers("m"), call=lambda lib, *tensors: lib.cat(tensors)),
]
