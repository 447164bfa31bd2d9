"""Threads: work runs beside other threads' Python code, results are right, nothing locks up, and Ctrl-C arrives."""

from __future__ import annotations

import faulthandler
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import barehand as bh
import numpy as np
import pytest
from barehand.autograd import Function


@pytest.fixture(autouse=True)
def no_deadlock() -> Iterator[None]:
    """Threads that wait for each other are shown, and end the run."""
    faulthandler.dump_traceback_later(120, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


class Watch:
    """A thread that looks at the clock in Python, over and over."""

    def __enter__(self) -> Watch:
        self.gap, self.stop = 0.0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self) -> None:
        last = time.perf_counter()
        while not self.stop:
            now = time.perf_counter()
            self.gap = max(self.gap, now - last)
            last = now

    def __exit__(self, *_: object) -> None:
        self.stop = True
        self.thread.join()


def matmul() -> Callable[[], Any]:
    x = bh.ones(2500, 2500)
    return lambda: x @ x


def backward() -> Callable[[], Any]:
    w = bh.ones(1500, 1500, requires_grad=True)
    loss = (w @ w).tanh().sum()
    return lambda: loss.backward(retain_graph=True)


def elements() -> Callable[[], Any]:
    x = bh.ones(30_000_000)
    return lambda: x.tanh()


def sorting() -> Callable[[], Any]:
    x = bh.rand(2_000_000)
    return lambda: x.sort()


def draws() -> Callable[[], Any]:
    return lambda: bh.randn(20_000_000)


@pytest.mark.parametrize("prepare", [matmul, backward, elements, sorting, draws])
def test_python_runs_beside_work(prepare: Callable[[], Callable[[], Any]]) -> None:
    """One call of the extension: a thread that waited for its end would see a gap as long as the call."""
    work = prepare()
    work()
    seen = []
    # A busy machine may leave a gap of its own.
    for _ in range(5):
        with Watch() as watch:
            time.sleep(0.02)
            watch.gap = 0.0
            started = time.perf_counter()
            work()
            took = time.perf_counter() - started
            seen.append((watch.gap, took))
        if watch.gap < 0.5 * took:
            return
    pytest.fail(f"(gap, length of the call): {seen}")


def test_threads_train_their_own_models() -> None:
    def train(seed: int) -> list[float]:
        generator = bh.Generator().manual_seed(seed)
        x = bh.rand(256, 8, generator=generator)
        truth = bh.rand(8, 1, generator=generator)
        y = x @ truth
        w = bh.zeros(8, 1, requires_grad=True)
        optimizer = bh.optim.SGD([w], lr=0.1, momentum=0.9)
        for _ in range(300):
            optimizer.zero_grad()
            loss = ((x @ w - y) ** 2).mean()
            loss.backward()
            optimizer.step()
        assert (w - truth).abs().max().item() < 0.05
        return w.detach().flatten().tolist()

    alone = [train(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(train, range(8)))
    assert together == alone


def test_recording_is_switched_for_one_thread() -> None:
    barrier = threading.Barrier(2)
    seen: dict[str, bool] = {}

    def off() -> None:
        with bh.no_grad():
            barrier.wait()
            seen["off"] = bh.is_grad_enabled()
            barrier.wait()

    def on() -> None:
        barrier.wait()
        seen["on"] = (bh.ones(1, requires_grad=True) * 2).requires_grad
        barrier.wait()

    threads = [threading.Thread(target=work) for work in (off, on)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"off": False, "on": True}


class Noted(Function):
    """Goes through Python on both ways."""

    @staticmethod
    def forward(ctx: Any, x: bh.Tensor) -> bh.Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: bh.Tensor) -> bh.Tensor:
        time.sleep(0)
        return grad * 2


def hammered(threads: int, seconds: float, *works: Callable[[], Any]) -> list[BaseException]:
    """Runs functions again and again, all at once."""
    failures: list[BaseException] = []
    end = time.monotonic() + seconds

    def loop(work: Callable[[], Any]) -> None:
        try:
            while time.monotonic() < end and not failures:
                work()
        except BaseException as failure:
            failures.append(failure)

    running = [threading.Thread(target=loop, args=(works[i % len(works)],)) for i in range(threads)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    return failures


def test_one_tensor_in_many_threads() -> None:
    """Readers, writers, walkers of graphs and droppers share their tensors."""
    w = bh.ones(200, 200, requires_grad=True)
    shared = bh.from_numpy(np.ones(50_000))
    box = [bh.zeros(50_000)]

    def read() -> None:
        assert shared.shape == (50_000,)
        repr(box[0][:3]), shared.sum().item(), box[0].numpy()[0], w.grad

    def write() -> None:
        box[0] += 1
        box[0].data[0:3] = 5
        box[0].fill_(1)

    def exchange() -> None:
        box[0] = bh.from_numpy(np.ones(50_000, np.float32))

    def walk() -> None:
        h = Noted.apply(w.tanh())
        h.register_hook(lambda grad: grad * 1)
        h.sum().backward()

    def step() -> None:
        with bh.no_grad():
            w.copy_(bh.ones(200, 200))
            w.data.mul_(0.5)
        w.grad = None

    assert hammered(10, 4.0, read, write, exchange, walk, step) == []
    assert w.is_leaf and w.requires_grad


def test_one_generator_in_many_threads() -> None:
    generator = bh.Generator().manual_seed(0)

    def draw() -> None:
        assert 0.4 < bh.rand(30_000, generator=generator).mean().item() < 0.6
        bh.randperm(10, generator=generator), bh.rand(3), bh.randn(20_000), bh.manual_seed(1)

    assert hammered(8, 2.0, draw) == []


def test_one_graph_walked_by_many_threads() -> None:
    """Each thread finds the whole gradient."""
    w = bh.ones(100, requires_grad=True)
    h = Noted.apply(w * 3).tanh()
    loss = h.sum()
    (expected,) = bh.autograd.grad(loss, w, retain_graph=True)

    def walk() -> None:
        (found,) = bh.autograd.grad(loss, w, retain_graph=True)
        assert found.tolist() == expected.tolist()

    assert hammered(4, 1.0, walk) == []


def test_finalizers_may_look_at_tensors() -> None:
    """Dropping an array's owner runs Python code, which may ask for the tensor that drops it."""
    found: list[Any] = []

    class Owner(np.ndarray):
        tensor: Any = None

        def __del__(self) -> None:
            if self.tensor is not None:
                found.append((self.tensor.shape, self.tensor[0].item()))

    for write in (lambda x: x.add_(1), lambda x: x.__setitem__(0, 2.0), lambda x: x.data.zero_(), lambda x: x.fill_(3)):
        array = np.ones(4).view(Owner)
        x = bh.from_numpy(array)
        array.tensor = x
        del array
        write(x)
    assert len(found) == 4


INTERRUPTED = {
    "a loop": """
        while True:
            bh.ones(300, 300) @ bh.ones(300, 300)
    """,
    "a backward": """
        class Slow(bh.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, grad):
                for _ in range(10_000):
                    time.sleep(0.001)
                return grad * 2
        Slow.apply(bh.ones(3, requires_grad=True)).sum().backward()
    """,
    "a hook": """
        w = bh.ones(3, requires_grad=True)
        w.register_hook(lambda grad: time.sleep(30))
        (w * 2).sum().backward()
    """,
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
@pytest.mark.parametrize("what", INTERRUPTED)
def test_ctrl_c_arrives(what: str) -> None:
    program = "import barehand as bh, sys, time\nprint('ready', flush=True)\n" + textwrap.dedent(INTERRUPTED[what])
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None and run.stderr is not None
        run.stdout.readline()
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        try:
            run.wait(timeout=20)
        finally:
            run.kill()
        assert "KeyboardInterrupt" in run.stderr.read()
