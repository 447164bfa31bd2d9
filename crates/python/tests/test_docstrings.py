"""Every example in a docstring runs and prints what it says, in the package's modules and in the extension."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import barehand as bh
import numpy as np
import pytest
from barehand import _barehand

NAMES = {"barehand": bh, "bh": bh, "numpy": np, "np": np, "F": bh.nn.functional}
FINDER = doctest.DocTestFinder(exclude_empty=True)


def modules() -> Iterator[ModuleType]:
    yield bh
    for found in pkgutil.walk_packages(bh.__path__, "barehand."):
        # The program's entry point runs when it is imported; the extension is walked by itself.
        if found.name.rpartition(".")[2] not in ("__main__", "_barehand"):
            yield importlib.import_module(found.name)


def of_the_extension(holder: Any, path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Names and docstrings of what a class or a module of the extension holds."""
    for name, held in sorted(vars(holder).items()):
        if name.startswith("__") and name != "__doc__" and not inspect.isroutine(held):
            continue
        if isinstance(held, (type, ModuleType)) and id(held) not in seen:
            seen.add(id(held))
            yield from of_the_extension(held, f"{path}.{name}", seen)
        doc = held if name == "__doc__" else getattr(held, "__doc__", None)
        if isinstance(doc, str) and (isinstance(held, type) or callable(held) or inspect.isdatadescriptor(held)):
            yield f"{path}.{name}", doc


def found_tests() -> Iterator[doctest.DocTest]:
    for module in modules():
        yield from FINDER.find(module, module.__name__, module=module)
    parser = doctest.DocTestParser()
    for path, doc in of_the_extension(_barehand, "barehand._barehand", set()):
        yield parser.get_doctest(doc, {}, path, "the extension", 0)


EXAMPLES = [test for test in found_tests() if test.examples]


@pytest.mark.parametrize("test", EXAMPLES, ids=lambda test: test.name)
def test_examples_are_right(test: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bh.manual_seed(0)
    test = doctest.DocTest(
        test.examples, {**test.globs, **NAMES}, test.name, test.filename, test.lineno, test.docstring
    )
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert not said, "".join(said)


def test_there_are_examples_in_both() -> None:
    assert sum(test.filename == "the extension" for test in EXAMPLES) >= 10
    assert sum(test.filename != "the extension" for test in EXAMPLES) >= 20


def test_everything_that_is_exported_says_what_it_is() -> None:
    silent = [
        name
        for name in dir(bh)
        if not name.startswith("_")
        and (callable(getattr(bh, name)) or isinstance(getattr(bh, name), ModuleType))
        and not inspect.getdoc(getattr(bh, name))
    ]
    silent += [
        f"Tensor.{name}"
        for name, held in vars(bh.Tensor).items()
        if not name.startswith("_") and not inspect.getdoc(held)
    ]
    assert not silent
