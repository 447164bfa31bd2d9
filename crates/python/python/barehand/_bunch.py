"""Results under names."""

from __future__ import annotations

from typing import Any


class Bunch(dict):
    """A dict whose values are attributes too.

    >>> Bunch(a=1).a
    1
    """

    def __init__(self, **values: Any) -> None:
        super().__init__(values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __dir__(self) -> list[str]:
        return list(self)
