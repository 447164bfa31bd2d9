"""Wrong calls are refused with an error of the right kind that names the operation; `test_live` asks PyTorch too."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from parity.refusals import REFUSALS, Refusal


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_wrong_call_is_refused(refusal: Refusal, library: ModuleType) -> None:
    """The text names the operation, whatever else it says."""
    with pytest.raises((ValueError, TypeError, IndexError, RuntimeError), match=f"(?i){re.escape(refusal.word)}"):
        refusal.call(library)
