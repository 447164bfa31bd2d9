"""What the rows of the table are called with: shapes by letters, values on a grid, views of memory, and options.

A tensor argument is written by its axes: `real("n i")` has two, and a letter stands for the same length wherever it
appears in a row. Letters side by side multiply (`"n gd"`); `...` is any number of axes, the same for all arguments; `*`
is the same but broadcasting, so that each argument has lengths of one or fewer axes here and there. Lower-case letters
may be zero, capitals not; images (`H`, `W`) are larger, kernels (`K`, `L`) smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

Shape = tuple[int, ...]

# Zero and one are lengths at which loops go wrong; they are common here, but not so common that most tensors are empty.
LENGTHS = st.sampled_from((2, 3, 1, 4, 2, 3, 1, 2, 3, 0))
POSITIVE_LENGTHS = st.sampled_from((2, 3, 1, 4))
SPECIAL_LENGTHS = {"H": st.integers(4, 8), "W": st.integers(4, 8), "K": st.integers(1, 3), "L": st.integers(1, 3)}
MOST_AXES = 4


def length_of(letter: str) -> st.SearchStrategy[int]:
    """How long an axis of that letter may be."""
    return SPECIAL_LENGTHS.get(letter, POSITIVE_LENGTHS if letter.isupper() else LENGTHS)


@dataclass(frozen=True)
class View:
    """One way to look at memory: `transpose` two axes, `slice` an axis by a step of two, or `expand` it."""

    kind: str
    axes: tuple[int, ...]

    def base(self, shape: Shape) -> Shape:
        """The shape of the memory of which this view has `shape`."""
        lengths = list(shape)
        if self.kind == "transpose":
            first, second = self.axes
            lengths[first], lengths[second] = lengths[second], lengths[first]
        else:
            lengths[self.axes[0]] = 1 if self.kind == "expand" else 2 * lengths[self.axes[0]] + 1
        return tuple(lengths)

    def apply(self, x: Any, shape: Shape) -> Any:
        """The view of `x`, a tensor of either library."""
        if self.kind == "transpose":
            return x.transpose(*self.axes)
        if self.kind == "expand":
            return x.expand(*shape)
        return x[(slice(None),) * self.axes[0] + (slice(1, None, 2),)]


@dataclass(frozen=True)
class Input:
    """A drawn tensor argument: its shape, and the views that lead to it from memory."""

    shape: Shape
    views: tuple[View, ...]

    @property
    def base(self) -> Shape:
        """The shape of the memory."""
        return self.shapes()[0]

    def shapes(self) -> list[Shape]:
        """The shape of the memory and of each view of it, in the order in which they are taken."""
        shapes = [self.shape]
        for view in reversed(self.views):
            shapes.insert(0, view.base(shapes[0]))
        return shapes

    def view(self, x: Any) -> Any:
        """What the call is given, from a tensor that has the shape of the memory."""
        for view, shape in zip(self.views, self.shapes()[1:], strict=True):
            x = view.apply(x, shape)
        return x


@dataclass(frozen=True)
class Sizes:
    """The lengths that a row's letters were given in one case, and the shapes that come of it."""

    letters: dict[str, int]
    shapes: tuple[Shape, ...] = ()

    def __getitem__(self, letter: str) -> int:
        return self.letters[letter]

    @property
    def rank(self) -> int:
        """The number of axes of the first argument."""
        return len(self.shapes[0])


@dataclass(frozen=True)
class Argument:
    """A tensor argument of a row: its axes, and where its values lie.

    Floating values are `leaf * scale + shift`: the gradient is taken at the leaf, behind another operation, where a
    wrong input gradient cannot hide. Leaves lie on a grid of 1/1024, so that this is exact in f32 as well as in f64 and
    both precisions begin with the same numbers. With 1.5 and 0.25 no value is ever 0 or -1; nor are two of one tensor
    equal, where `distinct` asks for it.
    """

    axes: str
    low: float = -3.0
    high: float = 3.0
    dtype: str = "float"
    scale: float = 1.5
    shift: float = 0.25
    grid: int = 1024
    distinct: bool = False
    differentiable: bool = True
    below: str = ""
    points: tuple[float, ...] = field(default=(), repr=False)

    @property
    def floating(self) -> bool:
        """Whether the argument has the precision of the case."""
        return self.dtype == "float"

    def leaf(self, base: Shape, letters: dict[str, int], random: np.random.RandomState) -> np.ndarray:
        """The values in memory: floats before the layer in front, integers and masks as they are."""
        if self.points:
            return np.asarray(self.points, np.float64)[random.randint(len(self.points), size=base)]
        if self.dtype == "bool":
            return random.randint(0, 2, base).astype(bool)
        if not self.floating:
            high = letters[self.below] if self.below else int(self.high)
            return random.randint(int(self.low), max(high, 1), base).astype(self.dtype)
        low, high = (round((bound - self.shift) / self.scale * self.grid) for bound in (self.low, self.high))
        if self.distinct:
            steps = random.permutation(high - low - 1)[: int(np.prod(base))].reshape(base) + low + 1
        else:
            steps = random.randint(low + 1, high, base)
        return steps / self.grid


def real(axes: str, low: float = -3.0, high: float = 3.0, **options: Any) -> Argument:
    """Floating values strictly between two bounds."""
    return Argument(axes, low, high, **options)


def positive(axes: str, high: float = 3.0) -> Argument:
    """Floating values above 1/16."""
    return Argument(axes, 0.0625, high)


def distinct(axes: str) -> Argument:
    """Floating values of which no two are equal: for maxima and for sorting."""
    return Argument(axes, grid=8192, distinct=True)


def tied(axes: str) -> Argument:
    """The whole numbers from -2 to 2: many are equal, and the functions that have a kink have it there."""
    return Argument(axes, -2.5, 2.5, scale=2.0, shift=-1.0, grid=2)


def special(axes: str) -> Argument:
    """Infinities, NaN, both zeros, and numbers of every size; without gradient."""
    points = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 2.0**-30, -(2.0**-30), 40.0, -40.0, 2.0**20)
    return Argument(axes, differentiable=False, points=points)


def constant(argument: Argument) -> Argument:
    """The same without gradient."""
    return Argument(**{**vars(argument), "differentiable": False})


def integers(axes: str, low: int = -4, high: int = 5, dtype: str = "int64") -> Argument:
    """Integers, `high` excluded."""
    return Argument(axes, low, high, dtype, differentiable=False)


def index(axes: str, below: str) -> Argument:
    """Integers that index an axis with the length of a letter."""
    return Argument(axes, 0, 0, "int64", below=below, differentiable=False)


def mask(axes: str) -> Argument:
    """Booleans."""
    return Argument(axes, dtype="bool", differentiable=False)


# An option is a strategy, or a function of the sizes that returns one.
Option = st.SearchStrategy[Any] | Callable[[Sizes], st.SearchStrategy[Any]]

flag = st.booleans()
reduction = st.sampled_from(("mean", "sum", "none"))


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    """One of these values."""
    return st.sampled_from(values)


def between(low: float, high: float) -> st.SearchStrategy[float]:
    """A number of a hundred between two bounds, both included."""
    return st.integers(0, 100).map(lambda step: low + (high - low) * step / 100)


def pair(values: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """A number for both axes of an image, or one for each."""
    return values | st.tuples(values, values)


@dataclass(frozen=True)
class Lengths:
    """The lengths of letters: a number for one letter, a tuple for several."""

    letters: str

    def __call__(self, sizes: Sizes) -> st.SearchStrategy[Any]:
        lengths = tuple(sizes[letter] for letter in self.letters)
        return st.just(lengths if len(lengths) > 1 else lengths[0])


def size(letters: str) -> Lengths:
    """The length of a letter, or the lengths of several."""
    return Lengths(letters)


def axis(sizes: Sizes) -> st.SearchStrategy[int]:
    """An axis of the first argument, counted from either end."""
    bound = max(sizes.rank, 1)
    return st.integers(-bound, bound - 1)


def axes(sizes: Sizes) -> st.SearchStrategy[Any]:
    """One axis of the first argument, or several."""
    several = st.lists(st.integers(0, max(sizes.rank - 1, 0)), unique=True, min_size=1, max_size=max(sizes.rank, 1))
    return axis(sizes) | several.map(tuple)


def permutation(sizes: Sizes) -> st.SearchStrategy[tuple[int, ...]]:
    """The axes of the first argument in another order."""
    return st.permutations(range(sizes.rank)).map(tuple)


@st.composite
def shapes(draw: st.DrawFn, arguments: tuple[Argument, ...], also: str = "") -> Sizes:
    """Lengths for every letter of the arguments, and for some `also`; and the shapes of the arguments."""
    tokens = [argument.axes.split() for argument in arguments]
    words = [token for argument in tokens for token in argument if token not in ("...", "*")]
    letters = {letter: draw(length_of(letter)) for letter in sorted(set("".join([*words, also])))}
    named = max((sum(token not in ("...", "*") for token in argument) for argument in tokens), default=0)
    batch = tuple(draw(st.lists(LENGTHS, max_size=max(MOST_AXES - named, 0))))
    drawn = []
    for argument in tokens:
        shape: list[int] = []
        for token in argument:
            if token == "*":
                kept = batch[draw(st.integers(0, len(batch))) if draw(st.booleans()) else 0 :]
                shape += [1 if draw(st.integers(0, 3)) == 3 else length for length in kept]
            elif token == "...":
                shape += batch
            else:
                shape.append(int(np.prod([letters[letter] for letter in token])))
        drawn.append(tuple(shape))
    return Sizes(letters, tuple(drawn))


@st.composite
def inputs(draw: st.DrawFn, argument: Argument, shape: Shape) -> Input:
    """Views that end in `shape`."""
    views: list[View] = []
    base = shape
    for _ in range(draw(st.integers(0, 2)) if shape else 0):
        kinds = ["slice"] + ["transpose"] * (len(base) > 1) + ["expand"] * (not argument.distinct and 0 not in base)
        kind = draw(st.sampled_from(kinds))
        first = draw(st.integers(0, len(base) - 1))
        if kind == "transpose":
            others = [other for other in range(len(base)) if other != first]
            view = View(kind, (first, draw(st.sampled_from(others))))
        else:
            view = View(kind, (first,))
        views.insert(0, view)
        base = view.base(base)
    return Input(shape, tuple(views))
