"""Candidates of a search: every combination of parameters, or some drawn at random."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from barehand.model_selection._foundation import check_random_state


class ParameterGrid:
    """Every combination of values, of one dict ``{name: values}`` or of each of several.

    Names are in alphabetical order, the last one varies fastest.

    >>> list(ParameterGrid({"b": [True, False], "a": [1, 2]}))
    [{'a': 1, 'b': True}, {'a': 1, 'b': False}, {'a': 2, 'b': True}, {'a': 2, 'b': False}]
    """

    def __init__(self, param_grid: Any) -> None:
        if not isinstance(param_grid, (Mapping, Iterable)):
            raise TypeError(
                f"Parameter grid should be a dict or a list, got: {param_grid!r} of type {type(param_grid).__name__}"
            )
        self.param_grid = [param_grid] if isinstance(param_grid, Mapping) else param_grid
        for grid in self.param_grid:
            if not isinstance(grid, dict):
                raise TypeError(f"Parameter grid is not a dict ({grid!r})")
            for key, values in grid.items():
                _check_values(key, values)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for grid in self.param_grid:
            names = sorted(grid)
            for values in product(*(grid[name] for name in names)):
                yield dict(zip(names, values, strict=True))

    def __len__(self) -> int:
        return sum(prod(len(values) for values in grid.values()) for grid in self.param_grid)

    def __getitem__(self, index: int) -> dict[str, Any]:
        for grid in self.param_grid:
            size = prod(len(values) for values in grid.values())
            if index >= size:
                index -= size
                continue
            chosen = {}
            for name in sorted(grid, reverse=True):
                index, place = divmod(index, len(grid[name]))
                chosen[name] = grid[name][place]
            return chosen
        raise IndexError("ParameterGrid index out of range")


def _check_values(name: str, values: Any) -> None:
    if isinstance(values, np.ndarray) and values.ndim > 1:
        raise ValueError(
            f"Parameter array for {name!r} should be one-dimensional, got: {values!r} with shape {values.shape}"
        )
    if isinstance(values, str) or not isinstance(values, (np.ndarray, Sequence)):
        raise TypeError(
            f"Parameter grid for parameter {name!r} needs to be a list or a numpy array, but got {values!r} (of type "
            f"{type(values).__name__}) instead. Single values need to be wrapped in a list with one element."
        )
    if len(values) == 0:
        raise ValueError(f"Parameter grid for parameter {name!r} need to be a non-empty sequence, got: {values!r}")


class ParameterSampler:
    """``n_iter`` candidates, drawn from lists and distributions (anything with ``rvs``, as SciPy's have).

    Where all are lists, no combination is drawn twice.

    >>> list(ParameterSampler({"a": [1, 2, 3], "b": [0]}, 2, random_state=0))
    [{'b': 0, 'a': 3}, {'b': 0, 'a': 2}]
    """

    def __init__(self, param_distributions: Any, n_iter: int, *, random_state: Any = None) -> None:
        if not isinstance(param_distributions, (Mapping, Iterable)):
            raise TypeError(
                f"Parameter distribution is not a dict or a list, got: {param_distributions!r} of type "
                f"{type(param_distributions).__name__}"
            )
        if isinstance(param_distributions, Mapping):
            param_distributions = [param_distributions]
        for distributions in param_distributions:
            if not isinstance(distributions, dict):
                raise TypeError(f"Parameter distribution is not a dict ({distributions!r})")
            for name, values in distributions.items():
                if not isinstance(values, Iterable) and not hasattr(values, "rvs"):
                    raise TypeError(
                        f"Parameter grid for parameter {name!r} is not iterable or a distribution (value={values})"
                    )
        self.n_iter = n_iter
        self.random_state = random_state
        self.param_distributions = param_distributions

    def _is_all_lists(self) -> bool:
        return not any(hasattr(values, "rvs") for each in self.param_distributions for values in each.values())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        random = check_random_state(self.random_state)
        if self._is_all_lists():
            grid = ParameterGrid(self.param_distributions)
            if len(grid) < self.n_iter:
                warnings.warn(
                    f"The total space of parameters {len(grid)} is smaller than n_iter={self.n_iter}. Running {len(grid)} "
                    "iterations. For exhaustive searches, use GridSearchCV.",
                    UserWarning,
                    stacklevel=2,
                )
            for place in sample_without_replacement(len(grid), min(self.n_iter, len(grid)), random):
                yield grid[place]
            return
        for _ in range(self.n_iter):
            drawn = {}
            for name, values in sorted(random.choice(self.param_distributions).items()):
                drawn[name] = (
                    values.rvs(random_state=random) if hasattr(values, "rvs") else values[random.randint(len(values))]
                )
            yield drawn

    def __len__(self) -> int:
        return min(self.n_iter, len(ParameterGrid(self.param_distributions))) if self._is_all_lists() else self.n_iter


def sample_without_replacement(n: int, k: int, random: np.random.RandomState) -> list[int]:
    """``k`` of the numbers below ``n``, the same as scikit-learn draws."""
    ratio = k / n if n else 1.0
    if 0.01 < ratio < 0.99:
        return random.permutation(n)[:k].tolist()
    if ratio < 0.2:
        drawn: dict[int, None] = {}
        while len(drawn) < k:
            drawn.setdefault(random.randint(n))
        return list(drawn)
    kept = list(range(k))
    for i in range(k, n):
        place = random.randint(0, i + 1)
        if place < k:
            kept[place] = i
    return kept
