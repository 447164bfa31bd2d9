"""One drawn call of one row: everything that is needed to make it again."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.arguments import Input, View


@dataclass(frozen=True)
class Case:
    """The drawn inputs, letters and options of a row, and the seed of whatever numbers it needs."""

    row: str
    inputs: tuple[Input, ...] = ()
    letters: dict[str, int] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0

    def random(self, purpose: str) -> np.random.RandomState:
        """A stream of numbers for one purpose; NumPy has promised never to change what it gives."""
        return np.random.RandomState([self.seed, zlib.crc32(purpose.encode())])

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        inputs = [[one.shape, [[view.kind, *view.axes] for view in one.views]] for one in self.inputs]
        return {"row": self.row, "inputs": inputs, "letters": self.letters, "options": self.options, "seed": self.seed}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Case:
        """Back from JSON, whose lists are tuples here."""
        inputs = tuple(
            Input(tuple(shape), tuple(View(kind, tuple(axes)) for kind, *axes in views))
            for shape, views in document["inputs"]
        )
        return cls(document["row"], inputs, document["letters"], tuples(document["options"]), document["seed"])


def tuples(value: Any) -> Any:
    """The same value with tuples for lists, all the way down."""
    if isinstance(value, list | tuple):
        return tuple(tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: tuples(item) for key, item in value.items()}
    return value
