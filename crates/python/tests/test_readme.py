"""What the README shows in Python works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def blocks(path: Path) -> list[str]:
    """The Python examples of a page."""
    return re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "crates/python/README.md"])
def test_every_example_runs(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    examples = blocks(ROOT / page)
    assert examples, f"{page} shows no Python"
    monkeypatch.chdir(tmp_path)
    for example in examples:
        exec(compile(example, page, "exec"), {"__name__": "__main__"})
