"""Counts scikit-learn's own tests that pass with barehand's classes and functions in the place of scikit-learn's.

    target/python/bin/python -P proofs/own_tests.py        # with what scripts/test installed; minutes

What is run, what fails and why it may is in ``crates/python/tests/learn/own_*.py``, which ``scripts/test`` holds the package
to. The table that this writes is ``results/own_tests.md``.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sklearn

HERE = Path(__file__).resolve().parent
LEARN = HERE.parent / "crates/python/tests/learn"
sys.path.insert(0, str(LEARN))

import barehand
from own import Own
from test_scikit_learns_own import TABLE, bare, run

TARGET = 95.0
UNKNOWN = "**no reason is known**"

HEAD = """\
# scikit-learn's own tests, run against barehand

barehand {barehand}, scikit-learn {sklearn}, NumPy {numpy}, Python {python}; `target/python/bin/python -P proofs/own_tests.py`.

Before one of scikit-learn's test modules is imported, its classes and functions are replaced by barehand's of the same name.
`private` counts tests that fail because they reach into what scikit-learn keeps private (`_predictors`, an extension module's
trees); they are left out of the percentage. `differs` counts the others that fail, each with its reason below. Left out from
the start are tests of other arrays than NumPy's (`array_api`), of estimators that are not here, and what scikit-learn itself
skips where matplotlib and the like are not installed.

**{passed} of {counted} pass, {percent:.1f} %;** the least of a module is {least:.1f} %.

| module | tests | passed | private | differs | passed, % of those not private |
| --- | ---: | ---: | ---: | ---: | ---: |
"""


@dataclass(frozen=True)
class Count:
    """What one module's tests did."""

    own: Own
    passed: int
    private: int
    differs: dict[str, int]
    """How many cases of each test."""

    @property
    def name(self) -> str:
        return self.own.tests.removeprefix("sklearn.")

    @property
    def counted(self) -> int:
        return self.passed + sum(self.differs.values())

    @property
    def percent(self) -> float:
        return 100.0 * self.passed / self.counted

    def row(self) -> str:
        tests, differs = self.counted + self.private, sum(self.differs.values())
        return f"| `{self.name}` | {tests} | {self.passed} | {self.private} | {differs} | {self.percent:.1f} |\n"


def count(own: Own) -> Count:
    passed, failed, output = run(own)
    private = {name for name in failed if name in own.private or bare(name) in own.private}
    differs: dict[str, int] = {}
    for name in sorted(failed - private):
        reason = name if name in own.different else bare(name)
        differs[reason] = differs.get(reason, 0) + 1
    if not passed:
        raise SystemExit(f"{own.tests}: nothing passes\n{output[-3000:]}")
    return Count(own, passed, len(private), differs)


def page(counts: list[Count]) -> str:
    passed, counted = sum(count.passed for count in counts), sum(count.counted for count in counts)
    text = HEAD.format(
        barehand=barehand.__version__,
        sklearn=sklearn.__version__,
        numpy=np.__version__,
        python=platform.python_version(),
        passed=passed,
        counted=counted,
        percent=100.0 * passed / counted,
        least=min(count.percent for count in counts),
    )
    text += "".join(count.row() for count in counts)
    text += "\n## What differs, and why\n\n| test | cases | reason |\n| --- | ---: | --- |\n"
    for count in counts:
        for name, cases in count.differs.items():
            text += f"| `{count.name}::{name}` | {cases} | {count.own.different.get(name, UNKNOWN)} |\n"
    text += "\n## What reaches into private parts\n\n| test | what it reaches for |\n| --- | --- |\n"
    for count in counts:
        for name, what in count.own.private.items():
            text += f"| `{count.name}::{name}` | {what} |\n"
    return text


def main() -> int:
    counts = []
    for own in sorted(TABLE, key=lambda own: own.tests):
        counts.append(count(own))
        print(counts[-1].row(), end="", flush=True)
    (HERE / "results/own_tests.md").write_text(page(counts))
    below = [count.name for count in counts if count.percent < TARGET]
    unknown = [f"{count.name}::{name}" for count in counts for name in count.differs if name not in count.own.different]
    if below:
        print(f"below {TARGET} %: {', '.join(below)}")
    if unknown:
        print(f"failed without a reason: {', '.join(unknown)}")
    return 1 if below or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
