"""Tensors out of nothing, and random ones."""

from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from parity.arguments import LENGTHS, one_of, real
from parity.rows import Operator, Row

shape = st.lists(LENGTHS, max_size=3).map(tuple)
floating = one_of("float32", "float64")
dtype = one_of("float32", "float64", "int64", "int32", "uint8", "bool")
number = st.integers(-20, 20).map(lambda quarters: quarters / 4)


def sized(name: str, **options: Any) -> Row:
    """A function that takes a shape and then its options."""
    return Operator(name, call=lambda lib, size, **given: getattr(lib, name)(size, **given), size=shape, **options)


def random(name: str, *positional: str, **options: Any) -> Row:
    """A random function, with some options by their places: shape and type, for the numbers are barehand's own."""

    def call(lib: ModuleType, **given: Any) -> Any:
        placed = [given.pop(option) for option in positional]
        return getattr(lib, name)(*placed, **given) * 0

    return Operator(name, call=call, **options)


ROWS: list[Row] = [
    sized("zeros", dtype=dtype),
    sized("ones", dtype=dtype),
    sized("full", fill_value=number),
    Operator("eye", n=LENGTHS, m=LENGTHS, dtype=floating),
    Operator("arange", start=st.integers(-5, 5), end=st.integers(5, 12), step=st.integers(1, 3)),
    Operator(
        "arange [floats]",
        start=number.filter(lambda x: x < 0),
        end=number.filter(lambda x: x > 0),
        step=one_of(0.25, 0.3, 1.0),
        dtype=floating,
    ),
    Operator("linspace", start=number, end=number, steps=st.integers(0, 9), dtype=floating),
    Operator("zeros_like", real("...")),
    Operator("ones_like", real("...")),
    Operator("full_like", real("..."), fill_value=number),
    random("rand", "size", size=shape, dtype=floating),
    random("randn", "size", size=shape, dtype=floating),
    random("randint", "low", "high", "size", low=st.integers(-5, 5), high=st.integers(6, 50), size=shape),
    random("randperm", "n", n=st.integers(0, 20)),
]
