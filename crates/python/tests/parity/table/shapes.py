"""Shapes, joining, cutting and indexing: the same elements elsewhere."""

from typing import Any

from hypothesis import strategies as st

from parity.arguments import Sizes, axis, index, mask, one_of, permutation, real, size, tied
from parity.rows import Operator, Row

small = st.integers(0, 2)


@st.composite
def spans(draw: st.DrawFn, sizes: Sizes) -> tuple[int, int, int]:
    """An axis, where to begin on it, and how far to go."""
    dim = draw(st.integers(0, sizes.rank - 1))
    start = draw(st.integers(0, sizes.shapes[0][dim]))
    return dim, start, draw(st.integers(0, sizes.shapes[0][dim] - start))


@st.composite
def places(draw: st.DrawFn, sizes: Sizes) -> tuple[int, int]:
    """An axis, and a place on it counted from either end."""
    dim = draw(st.integers(0, sizes.rank - 1))
    length = max(sizes.shapes[0][dim], 1)
    return dim, draw(st.integers(-length, length - 1))


@st.composite
def cuts(draw: st.DrawFn, sizes: Sizes) -> tuple[Any, ...]:
    """An index as Python writes it: numbers, ranges as triples, new axes, an ellipsis."""
    parts: list[Any] = []
    for length in sizes.shapes[0][: draw(st.integers(0, sizes.rank))]:
        bound = st.none() | st.integers(-length - 1, length + 1)
        ranges = st.tuples(bound, bound, st.none() | st.integers(1, 3))
        number = st.integers(-length, length - 1) if length else ranges
        parts.append(draw(ranges | number))
    for extra in draw(st.lists(st.sampled_from(("new", "new", "...")), max_size=2, unique=True)):
        parts.insert(draw(st.integers(0, len(parts))) if extra == "new" else len(parts), extra)
    return tuple(parts)


def index_of(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """What stands between the brackets for an index that `cuts` drew."""
    words = {"new": None, "...": Ellipsis}
    return tuple(slice(*part) if isinstance(part, tuple) else words.get(part, part) for part in parts)


@st.composite
def paddings(draw: st.DrawFn, sizes: Sizes) -> tuple[int, ...]:
    """Pairs of amounts, of the last axis first."""
    return tuple(draw(small) for _ in range(2 * draw(st.integers(0, sizes.rank))))


@st.composite
def divisions(draw: st.DrawFn, sizes: Sizes) -> tuple[int, ...]:
    """The length of the first axis as a sum."""
    left, parts = sizes.shapes[0][0], []
    while left:
        parts.append(draw(st.integers(1, left)))
        left -= parts[-1]
    return tuple(parts) or (0,)


def repeats(sizes: Sizes) -> st.SearchStrategy[tuple[int, ...]]:
    """How often, for each axis and perhaps for one before them."""
    return st.lists(st.integers(0, 2), min_size=sizes.rank, max_size=sizes.rank + 1).map(tuple)


def new_axis(sizes: Sizes) -> st.SearchStrategy[int]:
    """Where an axis can be put in."""
    return st.integers(-sizes.rank - 1, sizes.rank)


ROWS: list[Row] = [
    Operator(
        "reshape",
        real("n m k"),
        call=lambda lib, x, n, m, k: lib.reshape(x, (m, n * k)),
        n=size("n"),
        m=size("m"),
        k=size("k"),
    ),
    Operator("Tensor.reshape [-1]", real("N ..."), call=lambda lib, x, n: x.reshape(n, -1), n=size("N")),
    Operator("Tensor.view", real("n m"), call=lambda lib, x, n, m: x.contiguous().view(m, n), n=size("n"), m=size("m")),
    Operator("Tensor.contiguous", real("...")),
    Operator("Tensor.clone", real("...")),
    Operator("flatten", real("...")),
    Operator("flatten [from]", real("n m ..."), start_dim=one_of(0, 1), end_dim=one_of(1, -1)),
    Operator("permute", real("..."), dims=permutation),
    Operator("transpose", real("..."), dim0=axis, dim1=axis),
    Operator("t", real("n m")),
    Operator("swapaxes", real("..."), call=lambda lib, x, i, j: lib.swapaxes(x, i, j), i=axis, j=axis),
    Operator(
        "movedim", real("n m ..."), call=lambda lib, x, i, j: lib.movedim(x, i, j), i=one_of(0, 1), j=one_of(-1, 0)
    ),
    Operator("ravel", real("...")),
    Operator("unflatten", real("n mk"), call=lambda lib, x, to: lib.unflatten(x, 1, to), to=size("mk")),
    Operator("unbind", real("N ...")),
    Operator("nonzero", tied("...")),
    Operator("nn.functional.one_hot", index("n m", below="C"), num_classes=size("C")),
    Operator("Tensor.T", real("n m"), call=lambda lib, x: x.T),
    Operator("Tensor.mT", real("... n m"), call=lambda lib, x: x.mT),
    Operator("unsqueeze", real("..."), dim=new_axis),
    Operator("squeeze", real("...")),
    Operator("squeeze [dim]", real("..."), dim=axis),
    Operator("Tensor.expand", real("i"), call=lambda lib, x, n, i: x.expand(n, 2, -1), n=size("n"), i=size("i")),
    Operator("broadcast_to", real("i"), call=lambda lib, x, shape: lib.broadcast_to(x, shape), shape=size("ni")),
    Operator("narrow", real("n ..."), call=lambda lib, x, span: lib.narrow(x, *span), span=spans),
    Operator("select", real("N ..."), call=lambda lib, x, place: lib.select(x, *place), place=places),
    Operator("diagonal", real("... n m"), dim1=one_of(-2), dim2=one_of(-1)),
    Operator("split", real("N ..."), call=lambda lib, x, size: lib.split(x, size), size=one_of(1, 2, 3)),
    Operator("split [sections]", real("n ..."), call=lambda lib, x, parts: lib.split(x, parts), parts=divisions),
    Operator("chunk", real("N ..."), chunks=one_of(1, 2, 3), dim=one_of(0)),
    Operator("flip", real("n ..."), dims=one_of((0,))),
    Operator("roll", real("n ..."), shifts=st.integers(-5, 5), dims=one_of(0)),
    Operator("tile", real("..."), dims=repeats),
    Operator("Tensor.repeat", real("..."), call=lambda lib, x, repeats: x.repeat(repeats), repeats=repeats),
    Operator("nn.functional.pad", real("n m ..."), pad=paddings, value=one_of(0.0, 1.5)),
    Operator("tril", real("... n m"), diagonal=st.integers(-4, 4)),
    Operator("triu", real("... n m"), diagonal=st.integers(-4, 4)),
    Operator("cat", real("n k ..."), real("m k ..."), call=lambda lib, *tensors: lib.cat(tensors, dim=0)),
    Operator("cat [last]", real("n k"), real("n m"), call=lambda lib, *tensors: lib.cat(tensors, dim=-1)),
    Operator(
        "stack",
        real("..."),
        real("..."),
        real("..."),
        call=lambda lib, *tensors, dim: lib.stack(tensors, dim=dim),
        dim=new_axis,
    ),
    Operator("index_select", real("N ..."), index("i", below="N"), call=lambda lib, x, i: lib.index_select(x, 0, i)),
    Operator("gather", real("n M"), index("n j", below="M"), call=lambda lib, x, i: lib.gather(x, 1, i)),
    Operator(
        "scatter", real("n M"), real("n M"), call=lambda lib, x, y: lib.scatter(x, 1, lib.argsort(y.detach(), dim=1), y)
    ),
    Operator(
        "scatter_add",
        real("n M"),
        index("n j", below="M"),
        real("n j"),
        call=lambda lib, x, i, y: lib.scatter_add(x, 1, i, y),
    ),
    Operator("masked_select", real("..."), mask("...")),
    Operator("Tensor [x[cut]]", real("..."), call=lambda lib, x, parts: x[index_of(parts)], parts=cuts),
    Operator("Tensor [x[i]]", real("N ..."), index("i j", below="N"), call=lambda lib, x, i: x[i]),
    Operator(
        "Tensor [x[i, j]]",
        real("N M ..."),
        index("i", below="N"),
        index("i", below="M"),
        call=lambda lib, x, i, j: x[i, j],
    ),
    Operator("Tensor [x[:, i]]", real("n M ..."), index("i", below="M"), call=lambda lib, x, i: x[:, i]),
    Operator("Tensor [x[mask]]", real("n m"), mask("n m"), call=lambda lib, x, m: x[m]),
    Operator("Tensor [x[rows]]", real("n ..."), mask("n"), call=lambda lib, x, m: x[m]),
    Operator("Tensor [list(x)]", real("n ..."), call=lambda lib, x: list(x)),
]
