"""What the tables ``own_AREA.py`` beside this are made of: one `Own` for each test module of scikit-learn that is run.

A table file has one list, ``OWN``, and belongs to one area, so that two areas never edit one file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Own:
    """One of scikit-learn's test modules, run with classes and functions of ours in the place of theirs."""

    tests: str
    """The test module: ``sklearn.tests.test_naive_bayes``."""

    replaced: Mapping[str, Sequence[str]]
    """For each module of scikit-learn what is replaced in it: ``{"sklearn.naive_bayes": ["GaussianNB"]}``.

    Name every module that the tests import from, private ones too (``sklearn.preprocessing._label``).
    """

    at_least: int
    """How many tests pass at least: so that a test module which is skipped, or chosen too narrowly, is noticed."""

    chosen: str = ""
    """Which tests, as pytest's ``-k`` has it; all of them by default, and never those of other arrays than NumPy's."""

    different: Mapping[str, str] = field(default_factory=dict)
    """Tests that fail, each with the reason why it may. A name without its ``[parameters]`` stands for all of its cases."""

    private: Mapping[str, str] = field(default_factory=dict)
    """Tests that fail because they reach into what scikit-learn keeps private, each with what that is."""
