"""Memory comes back: thousands of conversions, steps and drops leave the process as large as it was."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import barehand as bh
import numpy as np
import pytest
from barehand.autograd import Function

LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the resident size is read from /proc")

CYCLES = 10_000
# The elements of one cycle are 16 KB and more: had one tensor of each cycle stayed, it were 160 MB.
ELEMENTS = 4_096
BOUND_MB = 8


def resident_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


class Doubled(Function):
    """2 x, with everything that a function can hold."""

    @staticmethod
    def forward(ctx: Any, x: bh.Tensor, held: Any) -> tuple[bh.Tensor, bh.Tensor]:
        ctx.save_for_backward(x)
        ctx.held = held
        return x * 2, x * 3

    @staticmethod
    def backward(ctx: Any, two: bh.Tensor, three: bh.Tensor) -> Any:
        return two * 2 + three * 3, None


def conversions() -> None:
    """Tensor, array, tensor, DLPack, array, and dropped in the other order."""
    x = bh.ones(ELEMENTS)
    array = x.numpy()
    y = bh.from_numpy(array)
    z = bh.from_dlpack(np.from_dlpack(y))
    capsule = z.__dlpack__(max_version=(1, 0))
    copied = bh.from_numpy(np.array(z))
    del x, array, y
    assert z[-1].item() == copied[0].item() == 1
    del z, capsule


def a_step_of_autograd() -> None:
    """A graph with hooks, retained gradients and a function in Python, walked."""
    array = np.ones(ELEMENTS, np.float32)
    w = bh.from_numpy(array).requires_grad_()
    h = w * 2
    h.retain_grad()
    h.register_hook(lambda grad: grad * array[0])
    two, three = Doubled.apply(h, array)
    (two + three).sum().backward()
    assert w.grad is not None and w.grad[0].item() == 10
    with bh.no_grad():
        w -= 0.1 * w.grad


def a_graph_that_is_never_walked() -> None:
    w = bh.ones(ELEMENTS, requires_grad=True)
    two, _ = Doubled.apply(w.tanh(), object())
    two.exp().sum()


def writes() -> None:
    """Windows, views, in-place methods, indexing."""
    x = bh.zeros(ELEMENTS // 64, 64)
    x[0] += 1
    x[1:, 2].fill_(3)
    x.data[x > 0] *= 2
    x.view(-1)[[0, 1]].tolist()
    with pytest.raises(RuntimeError):
        x.view(-1).add_(1)
    with pytest.raises(ValueError):
        x + bh.zeros(3)


WORK: list[Callable[[], None]] = [conversions, a_step_of_autograd, a_graph_that_is_never_walked, writes]


def repeated(work: Callable[[], None], times: int) -> None:
    for _ in range(times):
        work()


@LINUX
@pytest.mark.parametrize("work", WORK)
def test_one_thread_stays_as_large_as_it_was(work: Callable[[], None]) -> None:
    repeated(work, 500)
    before = resident_mb()
    repeated(work, CYCLES)
    assert resident_mb() - before < BOUND_MB


@LINUX
def test_eight_threads_stay_as_large_as_they_were() -> None:
    def everything(times: int) -> None:
        for _ in range(times):
            for work in WORK:
                work()

    failures: list[BaseException] = []

    def guarded(times: int) -> None:
        try:
            everything(times)
        except BaseException as failure:
            failures.append(failure)

    def together(times: int) -> None:
        threads = [threading.Thread(target=guarded, args=(times,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    together(20)
    together(20)
    before = resident_mb()
    for _ in range(10):
        together(CYCLES // 4 // 8 // 10)
    assert not failures
    # Each thread's own cache of memory counts.
    assert resident_mb() - before < 2 * BOUND_MB


@LINUX
def test_large_arrays_are_given_back_at_once() -> None:
    """40 times 40 MB, one at a time, kept by each kind of owner in turn."""
    before = resident_mb()
    for i in range(40):
        array = np.ones(5_000_000)
        held: Any = bh.from_numpy(array)
        if i % 4 == 1:
            held = held.numpy()
        elif i % 4 == 2:
            held = np.from_dlpack(bh.from_dlpack(array))
        elif i % 4 == 3:
            held = (held.requires_grad_() * 2).sum()
        del array
        assert resident_mb() - before < 250
        del held
    bh.zeros(1)
    assert resident_mb() - before < 150


@LINUX
def test_memory_of_other_threads_is_given_back() -> None:
    """Tensors made here and dropped there."""
    before = resident_mb()
    for _ in range(50):
        tensors = [bh.from_numpy(np.ones(1_000_000)) for _ in range(4)]
        thread = threading.Thread(target=tensors.clear)
        thread.start()
        thread.join()
    assert resident_mb() - before < 150


ENDINGS = {
    "live tensors": """
        x = bh.ones(1000, requires_grad=True)
        y = x * 2
        y.register_hook(lambda grad: grad)
        array = y.detach().numpy()
        bh.kept = [x, y, array, bh.from_numpy(np.ones(5)), bh.from_dlpack(np.ones(5)), x.detach().__dlpack__()]
    """,
    "a cycle": """
        class Cycle:
            pass
        cycle = Cycle()
        cycle.self, cycle.x = cycle, bh.ones(3, requires_grad=True)
        cycle.y = cycle.x * 2
        cycle.y.register_hook(lambda grad: cycle)
    """,
    "background threads": """
        import threading, time
        def work():
            while True:
                w = bh.rand(300, 300, requires_grad=True)
                (w @ w).tanh().sum().backward()
                bh.from_numpy(w.grad.numpy())
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.5)
    """,
    "tensors of a thread": """
        import threading
        local = threading.local()
        def work():
            local.x = bh.ones(100_000)
            local.y = local.x + 1
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """,
    "work at exit": """
        import atexit
        w = bh.rand(200, 200, requires_grad=True)
        atexit.register(lambda: (w @ w).sum().backward())
    """,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_interpreter_ends_in_peace(ending: str) -> None:
    program = "import barehand as bh\nimport numpy as np\n" + textwrap.dedent(ENDINGS[ending])
    for _ in range(3):
        result = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
        )
        assert (result.returncode, result.stderr) == (0, "")
