"""Elementwise functions, reductions, products and indexing beside NumPy and SciPy, with cases that hypothesis draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import barehand as bh
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity.arguments import (
    Argument,
    axes,
    axis,
    between,
    distinct,
    flag,
    index,
    integers,
    mask,
    one_of,
    permutation,
    positive,
    real,
    size,
    special,
    tied,
)
from parity.case import Case
from parity.closeness import differences
from parity.rows import Operator, flat, numpy
from parity.table.shapes import cuts, index_of
from scipy import signal
from scipy import special as functions


class Beside(Operator):
    """A row whose answers NumPy computes: `theirs(*arrays, **options)`."""

    def __init__(self, name: str, theirs: Callable[..., Any], *arguments: Argument, **options: Any) -> None:
        super().__init__(name, *arguments, **options)
        self.theirs = theirs

    def expected(self, case: Case, precision: str) -> dict[str, np.ndarray]:
        """What NumPy says to the arrays that barehand is given."""
        _, tensors = self.leaves(bh, case, precision)
        with np.errstate(all="ignore"):
            answers = flat(self.theirs(*(numpy(x) for x in tensors), **case.options))
        return {f"output {i}": np.asarray(answer) for i, answer in enumerate(answers)}


def elementwise(name: str, theirs: Callable[..., Any], domain: Callable[[str], Argument] = real) -> list[Beside]:
    """A function of one element, on its domain and on special values."""
    return [
        Beside(name, theirs, domain("..."), elementwise=True),
        Beside(f"{name} [special]", theirs, special("..."), elementwise=True),
    ]


def infix(name: str, theirs: Callable[..., Any], *arguments: Argument) -> Beside:
    """An expression that reads the same in both."""
    return Beside(name, theirs, *arguments, call=lambda lib, *tensors: theirs(*tensors), elementwise=True)


def convolution(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Cross-correlation by SciPy, one image and one kernel at a time."""
    maps = [[sum(signal.correlate2d(*planes, "valid") for planes in zip(image, kernel)) for kernel in w] for image in x]
    return np.array(maps, x.dtype)


def cut(x: Any, parts: tuple[Any, ...]) -> Any:
    """`x[...]` with an index that `cuts` drew."""
    return x[index_of(parts)]


floating = one_of("float32", "float64")


def linspace(start: float, end: float, steps: int, dtype: str) -> np.ndarray:
    """NumPy has other names for the arguments."""
    return np.linspace(start, end, steps, dtype=dtype)


BESIDE = [
    *elementwise("exp", np.exp),
    *elementwise("expm1", np.expm1),
    *elementwise("log", np.log, positive),
    *elementwise("log1p", np.log1p),
    *elementwise("log2", np.log2, positive),
    *elementwise("log10", np.log10, positive),
    *elementwise("sqrt", np.sqrt, positive),
    *elementwise("square", np.square),
    *elementwise("abs", np.abs),
    *elementwise("sin", np.sin),
    *elementwise("cos", np.cos),
    *elementwise("tanh", np.tanh),
    *elementwise("sinh", np.sinh),
    *elementwise("cosh", np.cosh),
    *elementwise("atan", np.arctan),
    *elementwise("erf", functions.erf),
    *elementwise("sigmoid", functions.expit),
    *elementwise("floor", np.floor),
    *elementwise("ceil", np.ceil),
    *elementwise("round", np.round),
    *elementwise("trunc", np.trunc),
    *elementwise("isnan", np.isnan),
    *elementwise("isinf", np.isinf),
    *elementwise("isfinite", np.isfinite),
    infix("x + y", lambda x, y: x + y, real("*"), real("*")),
    infix("x - y", lambda x, y: x - y, real("*"), real("*")),
    infix("x * y", lambda x, y: x * y, real("*"), real("*")),
    infix("x / y", lambda x, y: x / y, real("*"), positive("*")),
    infix("x ** y", lambda x, y: x**y, positive("*"), real("*")),
    infix("x <= y", lambda x, y: x <= y, tied("*"), tied("*")),
    infix("x == y", lambda x, y: x == y, special("*"), special("*")),
    infix("x & ~y", lambda x, y: x & ~y, mask("*"), mask("*")),
    infix("integers x * y - x", lambda x, y: x * y - x, integers("*"), integers("*")),
    Beside("maximum", np.maximum, special("*"), special("*")),
    Beside("minimum", np.minimum, special("*"), special("*")),
    Beside("atan2", np.arctan2, real("*"), positive("*")),
    Beside("where", np.where, mask("*"), real("*"), real("*")),
    Beside("sum", lambda x, dim, keepdim: x.sum(dim, keepdims=keepdim), real("n ..."), dim=axes, keepdim=flag),
    Beside("mean", lambda x, dim, keepdim: x.mean(dim, keepdims=keepdim), real("N ..."), dim=one_of(0), keepdim=flag),
    Beside("var", lambda x, correction: x.var(ddof=correction), real("N M"), correction=one_of(0)),
    Beside("prod", lambda x, dim: x.prod(dim), real("n ..."), dim=axis),
    Beside("cumsum", lambda x, dim: x.cumsum(dim), real("N ..."), dim=one_of(0)),
    Beside("amax", lambda x, dim: x.max(dim), tied("N M ..."), dim=one_of(0, 1, (0, 1))),
    Beside("amin", lambda x, dim: x.min(dim), tied("N M ..."), dim=one_of(0, 1, (0, 1))),
    Beside("argmax", lambda x, dim: x.argmax(dim), distinct("N ..."), dim=one_of(0)),
    Beside("argsort", lambda x, dim: x.argsort(dim), distinct("N ..."), dim=one_of(0, -1)),
    Beside("logsumexp", lambda x, dim: functions.logsumexp(x, dim), real("N ..."), dim=one_of(0, -1)),
    Beside("softmax", lambda x, dim: functions.softmax(x, dim), real("N ..."), dim=one_of(0, -1)),
    Beside("log_softmax", lambda x, dim: functions.log_softmax(x, dim), real("N ..."), dim=one_of(0, -1)),
    Beside("norm", lambda x: np.sqrt((x * x).sum()), real("...")),
    Beside("matmul", np.matmul, real("* i j"), real("* j k")),
    Beside("dot", np.dot, real("i"), real("i")),
    Beside(
        "einsum",
        lambda x, y, equation: np.einsum(equation, x, y),
        real("i j"),
        real("j k"),
        call=lambda lib, x, y, equation: lib.einsum(equation, x, y),
        equation=one_of("ij,jk->ik", "ij,jk->ki", "ij,jk->j", "ij,jk->"),
    ),
    Beside("nn.functional.conv2d", convolution, real("N C H W"), real("O C K L")),
    Beside("permute", lambda x, dims: x.transpose(dims), real("..."), dims=permutation),
    Beside("tril", lambda x, diagonal: np.tril(x, diagonal), real("... n m"), diagonal=st.integers(-4, 4)),
    Beside("flip", lambda x, dims: np.flip(x, dims), real("n m"), dims=one_of((0,), (1,), (0, 1))),
    Beside("roll", lambda x, shifts, dims: np.roll(x, shifts, dims), real("n m"), shifts=axis, dims=one_of(0, 1)),
    Beside("x[cut]", cut, real("..."), call=lambda lib, x, parts: cut(x, parts), parts=cuts),
    infix("x[i, j]", lambda x, i, j: x[i, j], real("N M ..."), index("i j", below="N"), index("j", below="M")),
    infix("x[:, i]", lambda x, i: x[:, i], real("n M ..."), index("i", below="M")),
    infix("x[i, :, j]", lambda x, i, j: x[i, :, j], real("N k M"), index("i", below="N"), index("i", below="M")),
    infix("x[mask]", lambda x, m: x[m], real("n m"), mask("n m")),
    Beside("linspace", linspace, start=between(-2, 2), end=between(-2, 2), steps=st.integers(0, 9), dtype=floating),
    Beside("eye", lambda n, m: np.eye(n, m, dtype=np.float32), n=size("n"), m=size("m")),
]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("row", BESIDE, ids=str)
def test_agrees_with_numpy(row: Beside, precision: str) -> None:
    """Values, shapes and types."""

    @settings(
        max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(row.cases())
    def agree(case: Case) -> None:
        results = row.run(bh, case, precision)
        outputs = {name: array for name, array in results.items() if name.startswith("output")}
        wrong = differences(outputs, row.expected(case, precision), elementwise=row.elementwise)
        assert not wrong, "\n".join(wrong)

    agree()
