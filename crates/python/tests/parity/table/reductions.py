"""Sums, moments, extremes, scans, softmax and sorting: along no axis, one, or several."""

from functools import partial

from hypothesis import strategies as st

from parity.arguments import Sizes, axes, axis, distinct, flag, one_of, real, tied
from parity.rows import Operator, Row


def ranks(sizes: Sizes) -> st.SearchStrategy[int]:
    """How many of the last axis."""
    return st.integers(0, sizes.shapes[0][-1])


# The standard deviation divides by itself, and the least that two numbers of the grid can be apart is some 1/1024.
standard_deviation = partial(Operator, magnifies=1024)

ROWS: list[Row] = [
    Operator("sum", real("...")),
    Operator("sum [dim]", real("..."), dim=axes, keepdim=flag),
    Operator("mean", real("...")),
    Operator("mean [dim]", real("..."), dim=axes, keepdim=flag),
    Operator("var", real("..."), correction=one_of(1, 0)),
    Operator("var [dim]", real("..."), dim=axes, correction=one_of(1, 0, 2), keepdim=flag),
    standard_deviation("std", distinct("..."), correction=one_of(1, 0)),
    standard_deviation("std [dim]", distinct("..."), dim=axes, correction=one_of(1, 0), keepdim=flag),
    Operator("prod", real("...")),
    Operator("prod [dim]", real("..."), dim=axis, keepdim=flag),
    Operator("prod [zeros]", tied("..."), dim=axis),
    Operator("max", distinct("...")),
    Operator("max [dim]", distinct("..."), dim=axis, keepdim=flag),
    Operator("min", distinct("...")),
    Operator("min [dim]", distinct("..."), dim=axis, keepdim=flag),
    Operator("amax", distinct("..."), dim=axes, keepdim=flag),
    Operator("amax [ties]", tied("..."), dim=axes),
    Operator("amin", distinct("..."), dim=axes, keepdim=flag),
    Operator("amin [ties]", tied("..."), dim=axes),
    Operator("argmax", distinct("...")),
    Operator("argmax [dim]", distinct("..."), dim=axis, keepdim=flag),
    Operator("argmin", distinct("...")),
    Operator("argmin [dim]", distinct("..."), dim=axis, keepdim=flag),
    Operator("count_nonzero", tied("...")),
    Operator("count_nonzero [dim]", tied("..."), dim=axis),
    Operator("cumsum", real("..."), dim=axis),
    Operator("logsumexp", real("..."), dim=axis, keepdim=flag),
    Operator("norm", real("...")),
    Operator("softmax", real("..."), dim=axis),
    Operator("log_softmax", real("..."), dim=axis),
    Operator("nn.functional.softmax", real("..."), dim=axis),
    Operator("nn.functional.log_softmax", real("..."), dim=axis),
    Operator("sort", distinct("..."), dim=axis, descending=flag),
    Operator("argsort", distinct("..."), dim=axis, descending=flag),
    Operator("topk", distinct("... N"), k=ranks),
]
