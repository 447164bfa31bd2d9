"""What the lists ``checks_AREA.py`` beside this are made of: one `Checked` for each estimator that scikit-learn checks.

A list file has one list, ``CHECKED``, and belongs to one area, so that two areas never edit one file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Checked:
    """An estimator that goes through every check of ``sklearn.utils.estimator_checks``."""

    estimator: Any
    """The estimator, with parameters that make the checks quick."""

    expected: Mapping[str, str] = field(default_factory=dict)
    """Checks that fail, each with the reason why it may; never more than scikit-learn's own class needs."""
