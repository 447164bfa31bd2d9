"""Options of the comparison: what is compared, whether live, and how often."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("parity", "barehand beside PyTorch")
    group.addoption("--live", action="store_true", help="call PyTorch too, with cases that hypothesis draws")
    group.addoption("--examples", type=int, default=50, help="how many cases of each row in a live run (default 50)")
    group.addoption("--library", default="barehand", help="the library under test (default barehand)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without `--live` PyTorch is not needed, and with it only the live comparison is wanted."""
    live = config.getoption("--live", default=False)
    if collection_path.name.startswith("test_") and live != (collection_path.name == "test_live.py"):
        return True
    return None


@pytest.fixture(scope="session")
def library(request: pytest.FixtureRequest) -> ModuleType:
    """The library under test."""
    return importlib.import_module(request.config.getoption("--library", default="barehand"))


@pytest.fixture(scope="session")
def examples(request: pytest.FixtureRequest) -> int:
    """How many cases of each row."""
    return int(request.config.getoption("--examples", default=50))
