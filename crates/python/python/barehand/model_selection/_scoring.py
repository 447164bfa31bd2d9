"""What scores a fitted estimator: its own ``score``, a score by name, a callable, or several of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from barehand.model_selection._foundation import HAS_SCIKIT_LEARN


def check_scoring(estimator: Any, scoring: Any, *, raise_exc: bool = True) -> Any:
    """The scorer that ``scoring`` stands for: scikit-learn's where that is installed, since metadata may be routed to it."""
    module = importlib.import_module("sklearn.metrics" if HAS_SCIKIT_LEARN else "barehand.metrics")
    return module.check_scoring(estimator, scoring=scoring, raise_exc=raise_exc)


def scorers_of(scorer: Any) -> Mapping[str, Any] | None:
    """The scores of several by name, or None of a single one."""
    return getattr(scorer, "_scorers", None)
