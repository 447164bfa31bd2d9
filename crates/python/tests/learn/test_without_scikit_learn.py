"""Every estimator is fitted and asked where scikit-learn is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import barehand

PACKAGE = Path(barehand.__file__).parent.parent


def test_every_estimator_works_without_scikit_learn():
    script = Path(__file__).parent / "estimators_without_scikit_learn.py"
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
