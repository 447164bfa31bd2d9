"""What scores a fitted estimator: its own ``score``, a score by name, a callable, or several of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from barehand.model_selection._foundation import HAS_SCIKIT_LEARN, routing_enabled


def check_scoring(estimator: Any, scoring: Any, *, raise_exc: bool = True) -> Any:
    """The scorer that ``scoring`` stands for.

    It is barehand's, unless scikit-learn must route metadata to it or is given a scorer of its own.
    """
    ours = scoring is None or isinstance(scoring, str)
    if isinstance(scoring, dict):
        ours = all(type(scorer).__module__.startswith("barehand.") for scorer in scoring.values())
    theirs = HAS_SCIKIT_LEARN and (routing_enabled() or not ours)
    module = importlib.import_module("sklearn.metrics" if theirs else "barehand.metrics")
    return module.check_scoring(estimator, scoring=scoring, raise_exc=raise_exc)


def scorers_of(scorer: Any) -> Mapping[str, Any] | None:
    """The scores of several by name, or None of a single one."""
    return getattr(scorer, "_scorers", None)
