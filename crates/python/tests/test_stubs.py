"""The stubs say what is there: compared with the extension by mypy's stubtest, and used by a typical program."""

from __future__ import annotations

import ast
import importlib.util
import os
import site
import subprocess
import sys
from pathlib import Path

import barehand as bh
import pytest
from barehand import _barehand

PACKAGE = Path(bh.__file__).parent
STUB = PACKAGE / "_barehand.pyi"

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")

PROGRAM = """
import barehand as bh
import barehand.nn.functional as F
import numpy as np

x = bh.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=bh.float32, requires_grad=True)
y: bh.Tensor = 2 * x + 1 - x / 3
y = y @ y.T ** 2
y = -abs(y) % 2 // 1
mask: bh.Tensor = (y > 0) & ~(x == y)
y = y[0, ..., None, 1:, mask[0]]
y[mask] = 0.5
y[0] += np.ones(2)
y = bh.where(mask, x, 0.0)
values, places = y.max(dim=1)
best = y.sort(descending=True).values
largest: bh.Tensor = y.max()
shape: tuple[int, ...] = y.shape
rows: int = y.size(0)
number: float = float(y.sum())
truth: bool = bool(mask.any()) and bh.allclose(x, y)
array: np.ndarray = y.detach().numpy()
again = bh.from_numpy(array).to(bh.float64).view(-1, 2).permute(1, 0)
for row in again:
    print(row.item(), len(row), row.dtype, row.device)
with bh.no_grad():
    x -= 0.1
    x.zero_().add_(1, alpha=2).uniform_()
loss = F.cross_entropy(F.relu(F.linear(x, bh.rand(2, 2))), bh.tensor([0, 1]), reduction="sum")
loss.backward(retain_graph=True)
gradient: bh.Tensor | None = x.grad
if gradient is not None:
    print(gradient.norm().item())
(found,) = bh.autograd.grad(loss, x)
handle = loss.register_hook(lambda grad: grad * 2)
handle.remove()
generator = bh.Generator().manual_seed(0)
print(bh.randint(10, (3,), generator=generator), bh.stack([x, x]), bh.cat([x, x], dim=-1), bh.exp(x).mean(0, keepdim=True))
"""

WRONG = """
import barehand as bh

bh.tensor([1.0]).revers()
bh.zeros("2")
bh.tensor([1.0]) + "a"
x: int = bh.ones(2).sum()
bh.ones(2).sum(keep_dim=True)
"""


def run(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    # An installed package is found by itself, and mypy refuses to be shown the folder; one in its sources is not.
    if str(PACKAGE.parent) not in site.getsitepackages():
        environment |= {"MYPYPATH": str(PACKAGE.parent), "PYTHONPATH": str(PACKAGE.parent)}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        cwd=where,
        env=environment,
        timeout=600,
        check=False,
    )


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Of mypy: strict about the program, silent about what it imports."""
    path = tmp_path / "mypy.ini"
    path.write_text("[mypy]\nstrict = True\n[mypy-barehand.*]\nfollow_imports = silent\n")
    return path


def test_the_stub_is_that_of_the_extension(tmp_path: Path, configuration: Path) -> None:
    result = run("mypy.stubtest", "barehand._barehand", "--mypy-config-file", str(configuration), where=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("stub", "module"), [("_Functional", "_functional"), ("_Init", "_init")])
def test_the_stub_is_that_of_the_modules_inside(stub: str, module: str) -> None:
    """Names and parameters, which stubtest does not compare there."""
    (described,) = [
        node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ClassDef) and node.name == stub
    ]
    said = {
        function.name: [
            argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        ]
        for function in described.body
        if isinstance(function, ast.FunctionDef)
    }
    there = {
        name: [part.split("=")[0].strip() for part in held.__text_signature__.strip("()").split(",") if "*" not in part]
        for name, held in vars(getattr(_barehand, module)).items()
        if not name.startswith("__")
    }
    assert said == there


def test_a_typical_program_is_typed(tmp_path: Path, configuration: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    result = run("mypy", "--config-file", str(configuration), "program.py", where=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_mistakes_are_found(tmp_path: Path, configuration: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    result = run("mypy", "--config-file", str(configuration), "wrong.py", where=tmp_path)
    for line, kind in ((4, "attr-defined"), (5, "arg-type"), (6, "operator"), (7, "assignment"), (8, "call-arg")):
        assert any(
            found.startswith(f"wrong.py:{line}: error") and kind in found for found in result.stdout.splitlines()
        ), result.stdout
