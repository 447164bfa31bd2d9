"""Asks PyTorch and stores its answers as `sample.npz`, for the tests that run without it.

    python crates/python/tests/parity/record.py             # every row
    python crates/python/tests/parity/record.py --new       # rows that are new or are called with other things now

Wants what `proofs/requirements.txt` lists. The draws are the same every time.
"""

from __future__ import annotations

import json
import platform
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from hypothesis import HealthCheck, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from parity import sample
from parity.case import Case
from parity.rows import REFUSALS, Results, Row
from parity.table import ROWS

DRAWN, KEPT = 150, 16
# Answers with more numbers than this would make the file large without saying more.
MOST_NUMBERS = 600


def cases(row: Row) -> list[Case]:
    """The same cases every time, of which no two differ in nothing but their numbers."""
    drawn: dict[str, Case] = {}

    @seed(1)
    @settings(max_examples=DRAWN, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(row.cases())
    def collect(case: Case) -> None:
        drawn[json.dumps({**case.to_json(), "seed": 0})] = case

    collect()
    return list(drawn.values())


def answers(row: Row) -> list[sample.Answer]:
    """What PyTorch says to some cases, from the one to which it says least to the one to which it says most."""
    found: list[tuple[int, Case, Results]] = []
    for case in cases(row):
        try:
            results = row.run(torch, case, "float64")
        except REFUSALS:
            continue
        numbers = sum(array.size for array in results.values())
        if numbers <= MOST_NUMBERS:
            found.append((numbers, case, results))
    if not found:
        sys.exit(f"no case of {row} can be stored: PyTorch refuses them, or says too much")
    found.sort(key=lambda one: one[0])
    stored = []
    for i in sorted({round(i * (len(found) - 1) / (KEPT - 1)) for i in range(KEPT)}):
        _, case, results = found[i]
        single = {name: array.dtype.name for name, array in row.run(torch, case, "float32").items()}
        stored.append(sample.Answer(case, sample.checksum(row, case), results, single))
    return stored


def still(answer: sample.Answer) -> bool:
    """Whether the row of a stored case has the same options and inputs as then."""
    row, case = ROWS[answer.case.row], answer.case
    same = set(case.options) == set(row.options) and len(case.inputs) == len(row.arguments)
    return same and sample.checksum(row, case) == answer.checksum


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    old = [answer for answer in sample.read() if answer.case.row in ROWS] if sys.argv[1:] == ["--new"] else []
    changed = {answer.case.row for answer in old if not still(answer)}
    kept = [answer for answer in old if answer.case.row not in changed]
    known = {answer.case.row for answer in kept}
    stored = kept + [answer for row in ROWS.values() if row.name not in known for answer in answers(row)]
    versions = {"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()}
    sample.write(stored, versions)
    print(f"{len(stored)} cases of {len(ROWS)} rows, {sample.PATH.stat().st_size / 1e6:.2f} MB: {sample.PATH.name}")


if __name__ == "__main__":
    main()
