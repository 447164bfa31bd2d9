"""The stored sample: cases of every row and what PyTorch answered, in one file beside the tests.

`sample.npz` holds the answers of all cases in f64, one after the other, in `values`, and in `index` the JSON that says
whose they are: the versions that computed them and, for each case, its draw, a checksum of its inputs (the values
themselves come again out of the seeds), and of each result its name, its shape and its types in f64 and in f32.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.case import Case
from parity.rows import Results, Row

PATH = Path(__file__).with_name("sample.npz")


@dataclass(frozen=True)
class Answer:
    """A case and what PyTorch said to it; `checksum` tells whether the inputs are still those."""

    case: Case
    checksum: int
    results: Results
    single: dict[str, str]

    def expected(self, precision: str) -> Results:
        """The answers in the types of a precision."""
        if precision == "float64":
            return self.results
        with np.errstate(over="ignore"):
            return {name: np.asarray(array).astype(self.single[name]) for name, array in self.results.items()}


def checksum(row: Row, case: Case) -> int:
    """A number that changes when the inputs of a case do."""
    total = 0
    for array in row.memory(case):
        total = zlib.crc32(array.tobytes(), total)
    return total


def write(answers: list[Answer], versions: dict[str, str]) -> None:
    """Replaces the file."""
    arrays = [array for answer in answers for array in answer.results.values()]
    values = np.concatenate([array.astype(np.float64).ravel() for array in arrays])
    cases = []
    for answer in answers:
        kinds = {name: [a.shape, a.dtype.name, answer.single[name]] for name, a in answer.results.items()}
        cases.append({"case": answer.case.to_json(), "checksum": answer.checksum, "results": kinds})
    index = json.dumps({"versions": versions, "cases": cases}, separators=(",", ":")).encode()
    partial = PATH.with_suffix(".partial.npz")
    np.savez_compressed(partial, values=values, index=np.frombuffer(index, np.uint8))
    partial.replace(PATH)


def read() -> list[Answer]:
    """Every stored case."""
    with np.load(PATH) as file:
        values, index = file["values"], json.loads(file["index"].tobytes())
    answers, at = [], 0
    for document in index["cases"]:
        results: dict[str, Any] = {}
        for name, (shape, dtype, _) in document["results"].items():
            count = int(np.prod(shape))
            results[name] = values[at : at + count].reshape(shape).astype(dtype)
            at += count
        single = {name: kind for name, (_, _, kind) in document["results"].items()}
        answers.append(Answer(Case.from_json(document["case"]), document["checksum"], results, single))
    return answers
