"""What values parameters may have, stated beside them and checked in one place.

A constraint is a type (``int`` and ``float`` take NumPy's numbers too; ``float`` takes whole numbers), ``None``, ``callable``,
a set of allowed values, or an `Interval`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple

import numpy as np

from barehand.exceptions import InvalidParameterError

_TYPES: dict[type, tuple[type, ...]] = {int: (Integral,), float: (Real,), bool: (bool, np.bool_)}
_NAMES: dict[type, str] = {int: "an int", float: "a float", bool: "a bool", str: "a str"}


class Interval(NamedTuple):
    """Numbers of a type (``int`` or ``float``) between two bounds; ``None`` is infinity, allowed itself where closed.

    >>> Interval(int, 1, None)
    Interval(int, 1, None, closed='left')
    """

    type: type
    low: float | None
    high: float | None
    closed: Literal["left", "right", "both", "neither"] = "left"

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, _TYPES[self.type]):
            return False
        low, high = self._bounds
        above = value >= low if self.closed in ("left", "both") else value > low
        below = value <= high if self.closed in ("right", "both") else value < high
        return bool(above and below)

    @property
    def _bounds(self) -> tuple[float, float]:
        low, high = self.low, self.high
        return -math.inf if low is None else self.type(low), math.inf if high is None else self.type(high)

    def __str__(self) -> str:
        low, high = self._bounds
        left, right = "[" if self.closed in ("left", "both") else "(", "]" if self.closed in ("right", "both") else ")"
        return f"{_NAMES[self.type]} in the range {left}{low}, {high}{right}"

    def __repr__(self) -> str:
        return f"Interval({self.type.__name__}, {self.low}, {self.high}, closed={self.closed!r})"


def _satisfies(value: object, constraint: Any) -> bool:
    if constraint is None:
        return value is None
    if constraint is callable:
        return callable(value)
    if isinstance(constraint, Interval):
        return value in constraint
    if isinstance(constraint, (set, frozenset)):
        return any(type(value) is type(allowed) and value == allowed for allowed in constraint)
    return isinstance(value, _TYPES.get(constraint, constraint))


def _describe(constraint: Any) -> str:
    if constraint is None:
        return "None"
    if constraint is callable:
        return "a callable"
    if isinstance(constraint, (set, frozenset)):
        kinds = {type(value).__name__ for value in constraint}
        return f"a {'/'.join(sorted(kinds))} among {{{', '.join(sorted(map(repr, constraint)))}}}"
    if isinstance(constraint, Interval):
        return str(constraint)
    return _NAMES.get(constraint, f"an instance of {constraint.__qualname__!r}")


def check_parameters(constraints: Mapping[str, Iterable[Any]], values: Mapping[str, Any], caller: str) -> None:
    """Raises `InvalidParameterError` for the first value that meets none of its constraints.

    >>> check_parameters({"n_clusters": [Interval(int, 1, None)]}, {"n_clusters": 0}, "KMeans")
    Traceback (most recent call last):
    ...
    barehand.exceptions.InvalidParameterError: The 'n_clusters' parameter of KMeans must be an int in the range [1, inf). Got 0 instead.
    """
    for name, allowed in constraints.items():
        value = values[name]
        if not any(_satisfies(value, constraint) for constraint in allowed):
            *first, last = map(_describe, allowed)
            choice = f"{', '.join(first)} or {last}" if first else last
            raise InvalidParameterError(f"The {name!r} parameter of {caller} must be {choice}. Got {value!r} instead.")
