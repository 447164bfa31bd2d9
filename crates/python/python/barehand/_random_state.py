"""Seeds as scikit-learn takes them: None, a whole number, or a ``numpy.random.RandomState``."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

__all__ = ["RANDOM_STATE", "check_random_state", "seed_of"]

RANDOM_STATE = [int, np.random.RandomState, type(np.random), None]
"""What ``random_state`` may be, for ``_parameter_constraints``."""

LARGEST_SEED = np.iinfo(np.int32).max


def check_random_state(seed: Any) -> np.random.RandomState:
    """NumPy's global stream for None, a new one for a number, the same one for a stream.

    >>> int(check_random_state(0).randint(100))
    44
    """
    if seed is None or seed is np.random:
        return np.random.mtrand._rand
    if isinstance(seed, Integral):
        return np.random.RandomState(int(seed))
    if isinstance(seed, np.random.RandomState):
        return seed
    raise ValueError(f"{seed!r} cannot be used to seed a numpy.random.RandomState instance")


def seed_of(random_state: Any) -> int:
    """The number itself, or one that the stream draws."""
    if isinstance(random_state, Integral):
        check_random_state(random_state)
        return int(random_state)
    return int(check_random_state(random_state).randint(LARGEST_SEED))
