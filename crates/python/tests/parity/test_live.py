"""Every row of the table, called in both libraries with cases that hypothesis draws."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from hypothesis import HealthCheck, given, reject, seed, settings

from parity.case import Case
from parity.closeness import differences
from parity.refusals import REFUSALS as WRONG_CALLS
from parity.refusals import Refusal
from parity.rows import REFUSALS, Row
from parity.table import ROWS

PRECISIONS = ("float64", "float32")


@pytest.mark.parametrize("row", ROWS.values(), ids=str)
def test_agrees_with_torch(row: Row, library: ModuleType, examples: int) -> None:
    """Values, types, shapes and gradients, in both precisions. Cases that PyTorch refuses are drawn again."""
    compared = 0

    @seed(0)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(row.cases())
    def agree(case: Case) -> None:
        nonlocal compared
        for precision in PRECISIONS:
            try:
                expected = row.run(torch, case, precision)
            except REFUSALS:
                reject()
            got = row.run(library, case, precision)
            wrong = differences(got, expected, elementwise=row.elementwise, magnifies=row.magnifies)
            assert not wrong, f"{row} in {precision}: " + "\n".join(wrong)
        compared += 1

    agree()
    assert compared >= examples // 10, f"PyTorch refused nearly every case of {row}: {compared} are left"


@pytest.mark.parametrize("refusal", WRONG_CALLS, ids=str)
def test_both_refuse(refusal: Refusal, library: ModuleType) -> None:
    """What barehand is said to refuse is wrong for PyTorch too."""
    with pytest.raises((ValueError, TypeError, IndexError, RuntimeError)):
        refusal.call(torch)
    with pytest.raises((ValueError, TypeError, IndexError, RuntimeError)):
        refusal.call(library)
