"""Barehand against the stored answers of PyTorch, in f64 and in f32, without PyTorch."""

from __future__ import annotations

from types import ModuleType

import pytest

from parity import sample
from parity.closeness import differences
from parity.rows import Row
from parity.table import ROWS

ANSWERS: dict[str, list[sample.Answer]] = {}
for stored in sample.read():
    ANSWERS.setdefault(stored.case.row, []).append(stored)


@pytest.mark.parametrize("row", ROWS.values(), ids=str)
def test_row_gives_the_stored_answers(row: Row, library: ModuleType) -> None:
    """Values, types, shapes and gradients of every stored case."""
    answers = ANSWERS.get(row.name, [])
    assert answers, f"no case of {row} is stored: run record.py"
    for answer in answers:
        assert sample.checksum(row, answer.case) == answer.checksum, f"{row} has other inputs now: run record.py"
        for precision in ("float64", "float32"):
            got, expected = row.run(library, answer.case, precision), answer.expected(precision)
            wrong = differences(got, expected, elementwise=row.elementwise, magnifies=row.magnifies)
            assert not wrong, f"{row} in {precision}, {answer.case}:\n" + "\n".join(wrong)


def test_every_stored_case_has_its_row() -> None:
    """A row that is gone, or renamed, takes its cases with it."""
    assert not ANSWERS.keys() - ROWS.keys(), "run record.py"
