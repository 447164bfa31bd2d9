"""Estimators that differ from others in the defaults of their parameters."""

from __future__ import annotations

from functools import update_wrapper
from types import FunctionType
from typing import Any


def other_defaults(init: Any, **defaults: Any) -> Any:
    """The same ``__init__`` with other defaults, which its signature shows.

    >>> class Tree:
    ...     def __init__(self, *, splitter="best", max_depth=None):
    ...         self.splitter, self.max_depth = splitter, max_depth
    >>> class ExtraTree(Tree):
    ...     __init__ = other_defaults(Tree.__init__, splitter="random")
    >>> Tree().splitter, ExtraTree().splitter
    ('best', 'random')
    """
    changed = FunctionType(init.__code__, init.__globals__, init.__name__, init.__defaults__, init.__closure__)
    update_wrapper(changed, init)
    # A signature would be looked up where this points to.
    del changed.__wrapped__  # type: ignore[attr-defined]
    changed.__kwdefaults__ = {**init.__kwdefaults__, **defaults}
    return changed
