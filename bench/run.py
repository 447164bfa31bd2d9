"""The training steps of an MLP and a CNN in barehand and in PyTorch, side by side in one run; prints a Markdown table.

    python bench/run.py [--threads 1 2] [--models mlp cnn] [--optimizers sgd adam adamw] [--repeats 9] [--out FILE]

Wants an interpreter with PyTorch and safetensors (proofs/requirements.txt), and cargo.

- The work: cross entropy of 784-512-10 with ReLU (`mlp`), or of conv(1, 32, 3) relu conv(32, 64, 3) relu maxpool(2)
  fc(9216, 128) relu fc(128, 10) (`cnn`); batches of 64 already in memory, f32; forward, backward and optimizer step.
  PyTorch is eager, with the optimizer's default form and with its fused one.
- The same work: all sides start from the same bits, and their losses after the first ten steps must agree, or the
  comparison is refused.
- The times: every side is a process of its own that sleeps while another works. They take turns of about `--seconds`
  each, in changing order, `--repeats` times. A ratio is taken between turns of the same round, so that a loud
  neighbour's minute hits both sides; the table gives the median over the rounds, and the range of the ratios.
"""

import argparse
import math
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
IMAGES, BATCH, FIRST_STEPS = 4096, 64, 10
LAYERS = {
    "mlp": {"fc1": (512, 784), "fc2": (10, 512)},
    "cnn": {"conv1": (32, 1, 3, 3), "conv2": (64, 32, 3, 3), "fc1": (128, 9216), "fc2": (10, 128)},
}


def start_file(model, path):
    """Writes what both sides start from: noise with a faint pattern to learn, labels, and PyTorch's usual weights."""
    random, tensors = np.random.RandomState(0), {}
    tensors["labels"] = random.randint(0, 10, IMAGES).astype(np.int64)
    patterns = random.randn(10, 1, 28, 28)
    tensors["images"] = (0.2 * patterns[tensors["labels"]] + random.randn(IMAGES, 1, 28, 28)).astype(np.float32)
    for layer, shape in LAYERS[model].items():
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        tensors[f"{layer}.weight"] = random.uniform(-bound, bound, shape).astype(np.float32)
        tensors[f"{layer}.bias"] = random.uniform(-bound, bound, shape[0]).astype(np.float32)
    save_file(tensors, path)


class Side:
    """One contestant: a worker process that trains on request."""

    def __init__(self, name, command, optimizer, threads):
        self.name, self.optimizer = name, optimizer
        environment = os.environ | {"BAREHAND_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [*command, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, line):
        print(line, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.name} ended at: {line}")
        return answer.split()

    def start(self, model, file):
        self.ask(f"start {model} {self.optimizer} {file}")

    def step(self, count):
        """Seconds a step, and the last loss."""
        seconds, loss = map(float, self.ask(f"step {count}"))
        return seconds / count, loss

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def race(model, optimizer, threads, workers, options):
    """The rows of one model under one optimizer: milliseconds a step of every side, and ratios to barehand."""
    rust, python = workers
    sides = [
        Side("barehand", rust, optimizer, threads),
        Side("PyTorch", python, optimizer, threads),
        Side("PyTorch fused", python, f"{optimizer}-fused", threads),
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "start.safetensors"
        start_file(model, file)

        def turn(side, count):
            """Starts afresh, so that no side ever trains on numbers too small to be ordinary; times `count` steps."""
            side.start(model, file)
            first = side.step(FIRST_STEPS)[1]
            return first, side.step(count)[0]

        losses, times = {}, {}
        for side in sides:
            losses[side.name], times[side] = turn(side, FIRST_STEPS)
        reference = losses["PyTorch"]
        if any(not abs(loss - reference) <= 1e-3 * (1 + abs(reference)) for loss in losses.values()):
            sys.exit(f"{model} {optimizer}: not the same work, the losses after {FIRST_STEPS} steps are {losses}")

        counts = {side: max(1, round(options.seconds / times[side])) for side in sides}
        rounds = []
        for i in range(options.repeats):
            order = sides[i % len(sides) :] + sides[: i % len(sides)]
            rounds.append({side.name: turn(side, counts[side])[1] for side in order})
    for side in sides:
        side.close()

    row = [model, optimizer, str(threads)]
    row += [f"{1e3 * median(times[side.name] for times in rounds):.2f}" for side in sides]
    for peer in sides[1:]:
        ratios = sorted(times[peer.name] / times["barehand"] for times in rounds)
        row.append(f"**{median(ratios):.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return row


def output(*command):
    return subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def machine():
    """What the times were taken on."""
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    load = os.getloadavg()[0]
    quiet = "quiet" if load < 0.5 else f"NOT QUIET (load {load:.1f}): these times support no claim"
    return f"{cpu}, {os.cpu_count()} cores, {quiet}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--models", nargs="+", choices=list(LAYERS), default=list(LAYERS))
    parser.add_argument("--optimizers", nargs="+", choices=["sgd", "adam", "adamw"], default=["sgd", "adam", "adamw"])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    parser.add_argument("--out", type=Path, help="write the table here as well")
    options = parser.parse_args()

    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=HERE, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", HERE / "target")
    workers = [str(Path(target) / "release" / "barehand-worker")], [sys.executable, str(HERE / "torch_worker.py")]

    head = [
        f"- machine: {machine()}",
        f"- barehand: {output('git', 'describe', '--always', '--dirty')}, {output('rustc', '--version')}, {output(workers[0][0], 'isa')}",
        f"- PyTorch: {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, Python {platform.python_version()}",
        f"- batch {BATCH}, f32; medians of {options.repeats} rounds, ratios of the same round with their range",
    ]
    columns = ["model", "optimizer", "threads", "barehand ms", "PyTorch ms", "fused ms", "PyTorch / barehand", "fused / barehand"]
    lines = [*head, "", f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    print("\n".join(lines), flush=True)
    for model in options.models:
        for optimizer in options.optimizers:
            for threads in options.threads:
                lines.append(f"| {' | '.join(race(model, optimizer, threads, workers, options))} |")
                print(lines[-1], flush=True)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
