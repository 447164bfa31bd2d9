"""scikit-learn's own tests of its estimators and scores, run with barehand's in their place.

The tables are the files ``own_AREA.py``. What a module passed and failed is printed, for ``pytest -rP``; one module alone runs
with ``-k test_naive_bayes``.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from own import Own

HERE = Path(__file__).parent
TABLE = [own for path in sorted(HERE.glob("own_*.py")) for own in importlib.import_module(path.stem).OWN]


@pytest.mark.parametrize("own", TABLE, ids=lambda own: own.tests)
def test_scikit_learns_own(own: Own):
    passed, failed, output = run(own)
    named = {**own.different, **own.private}
    print(f"{own.tests}: {passed} passed, {len(failed)} failed")
    unnamed = {name for name in failed if name not in named and bare(name) not in named}
    assert not unnamed, f"failed without a reason: {sorted(unnamed)}\n{output[-6000:]}"
    stale = {name for name in named if name not in failed and name not in map(bare, failed)}
    assert not stale, f"passed although they are listed as failing: {sorted(stale)}"
    assert passed >= own.at_least, output[-6000:]


def bare(name: str) -> str:
    """A test's name without the parameters of its case."""
    return name.partition("[")[0]


def run(own: Own) -> tuple[int, set[str], str]:
    """How many tests pass, which ones do not, and everything that pytest said."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        "BAREHAND_SUBSTITUTE": json.dumps(own.replaced),
    }
    # Estimators take NumPy's arrays; this would ask for others, which the checks of estimators beside this want.
    environment.pop("SCIPY_ARRAY_API", None)
    chosen = f"({own.chosen}) and not array_api" if own.chosen else "not array_api"
    options = ["-p", "substitution", "-p", "no:cacheprovider", "-q", "-rfE", "--tb=short", "-k", chosen]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--pyargs", own.tests],
        env=environment,
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^(?:FAILED|ERROR) .*?::(?:Test\w+::)?(.+?)(?: - .*)?$", done.stdout, flags=re.MULTILINE)
    passed = re.search(r"(\d+) passed", done.stdout)
    return int(passed[1]) if passed else 0, set(failed), done.stdout + done.stderr
