"""Every check that scikit-learn has for estimators, for every estimator of ours.

The lists are the files ``checks_AREA.py``. One estimator alone runs with ``-k GaussianNB``.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from checks import Checked
from sklearn.utils.estimator_checks import estimator_checks_generator

HERE = Path(__file__).parent
LIST = [checked for path in sorted(HERE.glob("checks_*.py")) for checked in importlib.import_module(path.stem).CHECKED]


def cases():
    for checked in LIST:
        for estimator, check in estimator_checks_generator(checked.estimator):
            name = check.func.__name__
            given = ",".join(f"{key}={value}" for key, value in check.keywords.items())
            yield pytest.param(checked, estimator, check, name, id=f"{checked.estimator!r}-{name}({given})")


@pytest.mark.parametrize(("checked", "estimator", "check", "name"), list(cases()))
def test_scikit_learns_checks(checked: Checked, estimator, check, name: str):
    if name not in checked.expected:
        check(estimator)
        return
    with pytest.raises(Exception):  # noqa: B017
        check(estimator)


@pytest.mark.parametrize("checked", LIST, ids=lambda checked: repr(checked.estimator))
def test_expected_failures_are_checks(checked: Checked):
    assert set(checked.expected) <= {check.func.__name__ for _, check in estimator_checks_generator(checked.estimator)}
