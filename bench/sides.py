"""The sides of the race: worker processes that sleep until they are asked (`protocol/src/lib.rs` has the lines)."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ["python", "torch", "candle", "burn", "sklearn", "lightgbm", "linfa", "smartcore"]
OF_PYTHON = {"python": "barehand (Python)", "sklearn": "scikit-learn", "lightgbm": "LightGBM"}


@dataclass(frozen=True)
class Side:
    """One contestant: how to start its worker, and what its settings are there."""

    name: str
    command: tuple[str, ...]
    changes: dict = field(default_factory=dict)
    slow: bool = False  # takes part in some variants only, unless they are asked for


class Unavailable(Exception):
    """A side that cannot be had, and why."""


def environment(threads):
    """Every library's word for its number of threads."""
    names = ["BAREHAND", "OMP", "MKL", "OPENBLAS", "RAYON", "CANDLE"]
    return os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names}


def build(folder, binary):
    """The release build of a worker."""
    try:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=folder, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise Unavailable(f"{binary} does not build") from None
    return str(Path(os.environ.get("CARGO_TARGET_DIR", folder / "target")).resolve() / "release" / binary)


def python_with(asked, *packages):
    """The interpreter that was asked for, or the first one at hand that has the packages."""
    tried = [asked] if asked else [sys.executable, str(HERE.parent / ".venv-proofs" / "bin" / "python")]
    for python in tried:
        try:
            subprocess.run([python, "-P", "-c", f"import {', '.join(packages)}"], check=True, capture_output=True)
            return python
        except (OSError, subprocess.CalledProcessError):
            pass
    where = "the interpreter of --python" if asked else "this interpreter and .venv-proofs (see --python)"
    how = "pip install ./crates/python" if packages == ("barehand",) else "proofs/requirements.txt"
    raise Unavailable(f"{where} cannot import {' and '.join(packages)} ({how})")


def peer_sides(peer, python):
    """The sides that a peer enters with."""
    if peer == "torch":
        command = (python_with(python, "torch", "safetensors"), str(HERE / "peers" / "python" / "worker.py"), "torch")
        return [Side("PyTorch", command), Side("PyTorch fused", command, {"fused": "yes"})]
    if peer in OF_PYTHON:
        package = "barehand" if peer == "python" else peer
        worker = HERE / "peers" / "python" / ("worker.py" if peer == "python" else "estimators.py")
        return [Side(OF_PYTHON[peer], (python_with(python, package, "safetensors"), str(worker), package))]
    return [Side(peer, (build(HERE / "peers" / peer, f"{peer}-worker"),), slow=True)]


class Worker:
    """A side's process, with the data of a work in its memory."""

    def __init__(self, side, threads):
        self.side, self.name = side, side.name
        self.process = subprocess.Popen(
            side.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(threads)
        )
        self.about = " ".join(self.answer("the beginning"))

    def answer(self, question):
        """The words after `ok`; none after `unknown`."""
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended at: {question}")
        word, *words = line.split()
        if word not in ("ok", "unknown"):
            sys.exit(f"{self.name} answered {line.strip()!r} to: {question}")
        return words if word == "ok" else None

    def ask(self, question):
        print(question, file=self.process.stdin, flush=True)
        return self.answer(question)

    def load(self, work, file):
        return self.ask(f"load {work.name} {file}") is not None

    def start(self, settings):
        """Begins afresh; False where the worker does not know these settings."""
        pairs = [f"{key}={value}" for key, value in (settings | self.side.changes).items()]
        return self.ask(" ".join(["start", *pairs])) is not None

    def check(self):
        return [float(word) for word in self.ask("check")]

    def run(self, count):
        """Seconds for each of `count` steps."""
        return float(self.ask(f"run {count}")[0]) / count

    def cpu_seconds(self):
        """What all its threads have taken so far; None where the system does not tell."""
        try:
            words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            return None

    def memory(self):
        """Bytes resident now, and at most since the beginning or the last `forget_peak`."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        words = {key: rest.split() for key, _, rest in (line.partition(":") for line in lines)}
        return 1024 * int(words["VmRSS"][0]), 1024 * int(words["VmHWM"][0])

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
