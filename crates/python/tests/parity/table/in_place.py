"""Methods that change a tensor, and writing to parts of it: what is left in it, and the gradients behind it."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from parity.arguments import Argument, constant, index, mask, one_of, positive, real
from parity.rows import Operator, Row
from parity.table.shapes import cuts, index_of


def changed(name: str, *arguments: Argument, **options: Any) -> Row:
    """A method that ends in an underscore, of a copy of the first argument."""

    def call(lib: Any, x: Any, *others: Any, **given: Any) -> Any:
        y = x.clone()
        getattr(y, name)(*others, **given)
        return y

    return Operator(f"Tensor.{name}", *arguments, call=call, **options)


def statement(name: str, change: Callable[..., Any], *arguments: Argument, **options: Any) -> Row:
    """A statement that changes a copy of the first argument; `change` returns what the name stands for afterwards."""

    def call(lib: Any, x: Any, *others: Any, **given: Any) -> Any:
        return change(x.clone(), *others, **given)

    return Operator(f"Tensor [{name}]", *arguments, call=call, **options)


def write(x: Any, parts: tuple[Any, ...], value: float) -> Any:
    """`x[...] = value` with an index that `cuts` drew."""
    x[index_of(parts)] = value
    return x


def put(x: Any, where: Any, value: Any) -> Any:
    """`x[where] = value`."""
    x[where] = value
    return x


def add(x: Any, y: Any) -> Any:
    """`x += y`."""
    x += y
    return x


def subtract(x: Any, y: Any) -> Any:
    """`x -= y`."""
    x -= y
    return x


def multiply(x: Any, y: Any) -> Any:
    """`x *= y`."""
    x *= y
    return x


def divide(x: Any, y: Any) -> Any:
    """`x /= y`."""
    x /= y
    return x


ROWS: list[Row] = [
    changed("add_", real("i j"), real("j"), alpha=one_of(1, 0.5)),
    changed("sub_", real("i j"), real("j")),
    changed("mul_", real("i j"), real("j")),
    changed("div_", real("i j"), positive("j")),
    changed("neg_", real("...")),
    changed("abs_", real("...")),
    changed("exp_", real("...")),
    changed("sqrt_", positive("...")),
    changed("sigmoid_", real("...")),
    changed("tanh_", real("...")),
    changed("relu_", real("...")),
    changed("clamp_", real("..."), min=one_of(-1.0), max=one_of(1.0)),
    changed("zero_", constant(real("..."))),
    changed("fill_", constant(real("...")), value=one_of(2.5)),
    changed("copy_", constant(real("i j")), constant(real("j"))),
    changed("masked_fill_", real("..."), mask("..."), value=one_of(0.0, 2)),
    statement("x += y", add, real("i j"), real("j")),
    statement("x -= y", subtract, real("i j"), real("j")),
    statement("x *= y", multiply, real("i j"), real("j")),
    statement("x /= y", divide, real("i j"), positive("j")),
    statement("x[cut] = 2.5", write, constant(real("...")), parts=cuts, value=one_of(2.5)),
    statement("x[i] = y", lambda x, y, i: put(x, i, y), constant(real("N j")), constant(real("j")), i=st.just(0)),
    statement("x[mask] = 0", lambda x, m: put(x, m, 0.0), constant(real("n m")), mask("n m")),
    statement("x[rows] = y", put, constant(real("N j")), index("i", below="N"), constant(real("j"))),
]
