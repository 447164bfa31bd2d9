"""Where data sets, samplers and transforms draw random numbers from.

Every epoch of a loader draws one seed from its generator (the process-wide one by default). Each batch has a generator
of its own that depends on that seed and the batch's number alone: what is random about a batch is the same whichever
thread prepares it, and whenever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from barehand import _barehand
from barehand._barehand import Generator

_LARGEST_SEED = 2**63 - 1

_batch = threading.local()


def seed(generator: Generator | None = None) -> int:
    """A seed from `generator`, by default the process-wide one."""
    return int(_barehand.randint(0, _LARGEST_SEED, (1,), generator=generator))


@contextmanager
def batch(epoch_seed: int, number: int) -> Iterator[None]:
    """The transforms of this thread draw for batch `number` inside the block."""
    _batch.generator = Generator().manual_seed((epoch_seed + number * 0x9E3779B97F4A7C15) % 2**63)
    try:
        yield
    finally:
        _batch.generator = None


def uniform() -> float:
    """A number in [0, 1) for whatever is being prepared."""
    return float(_barehand.rand(1, dtype=_barehand.float64, generator=getattr(_batch, "generator", None)))


def below(n: int) -> int:
    """A whole number in [0, n)."""
    return int(_barehand.randint(0, n, (1,), generator=getattr(_batch, "generator", None)))
