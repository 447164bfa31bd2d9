"""Training steps of barehand and of its peers, side by side in one run.

    python bench/run.py                                    # everything: about 15 minutes on two quiet cores
    python bench/run.py --works mlp --threads 1            # less
    python bench/run.py --peers none                       # barehand against the machine's limits alone

Writes results.md, results.json and ratios.svg into --out, again after every group of lines. Wants Python 3.11 and cargo;
PyTorch through the interpreter that --python names, else through this one or .venv-proofs, whichever has it. A peer that is
not to be had is left out with a word, unless --peers names it.

- The same work: all sides start from the same bits, and the losses of their first steps over a stored order must agree, or
  the comparison is refused. Works and their floors are in works.py.
- The data: 60,000 samples in memory, shuffled anew every epoch: by barehand's DataLoader as it comes, which prepares
  batches on a thread of its own besides; by its peers with a permutation and a selection of rows.
- The times: every side is a process of its own that sleeps while another works. They take turns of about --seconds, in
  changing order, --rounds times. A ratio is taken between turns of the same round, so that a loud neighbour's minute hits
  both sides. barehand runs twice: the ratios of the one to the other are the noise.
- The floors: the peak rate of fused multiply-adds, and the bandwidth at the step's footprint, measured in the same run.
- The memory: fresh processes, on Linux.

candle and burn take seconds for what others do in a blink: they run with sgd and adamw only, unless --optimizers are named.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import plot
import table
from race import floors, memory, memory_is_known, race, workers
from sides import HERE, PEERS, Side, Unavailable, build, peer_sides
from works import OPTIMIZERS, WORKS


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 256], help="samples in a batch, 256 at most")
    parser.add_argument("--optimizers", nargs="+", choices=OPTIMIZERS, help="default: all")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", nargs="+", choices=[*PEERS, "none"], help="default: those to be had")
    parser.add_argument("--python", help="an interpreter with PyTorch and safetensors, and with barehand installed")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.25, help="length of a turn")
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True, help="measure memory as well")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the results (default: %(default)s)")
    options = parser.parse_args()
    if min(options.batches + options.threads + [options.rounds]) < 1 or options.seconds <= 0 or max(options.batches) > 256:
        parser.error("batches are of 1 to 256 samples; threads, rounds and seconds are more than 0")
    if options.peers and "none" in options.peers and len(options.peers) > 1:
        parser.error("--peers none stands alone")
    options.everyone = options.optimizers is not None
    options.optimizers = options.optimizers or list(OPTIMIZERS)
    return options


def entries(options):
    """barehand's worker, all sides, and a word on each peer that is not to be had."""
    try:
        binary = build(HERE, "barehand-worker")
    except Unavailable as error:
        sys.exit(str(error))
    sides, missing = [Side("barehand", (binary,)), Side(table.SELF, (binary,))], []
    asked = [peer for peer in options.peers or [] if peer != "none"]
    for peer in asked if options.peers else PEERS:
        try:
            sides += peer_sides(peer, options.python)
        except Unavailable as error:
            if peer in asked or (peer == "torch" and options.python):
                sys.exit(str(error))
            missing.append(f"without {peer}: {error}")
            print(missing[-1], file=sys.stderr, flush=True)
    return binary, sides, missing


def output(*command):
    return subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def machine():
    """What the times are taken on; asked before they are."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()[0]}


def write(folder, results):
    """Each file to a temporary name first: nobody ever sees half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "results.json": json.dumps(results, indent=1) + "\n",
        "results.md": table.markdown(results),
    }
    if results["lines"]:
        files["ratios.svg"] = plot.svg(results)
    for name, text in files.items():
        temporary = folder / f"{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / name)


def main():
    options = arguments()
    here = machine()
    binary, sides, missing = entries(options)
    results = {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": here,
        "revision": output("git", "describe", "--always", "--dirty"),
        "rustc": output("rustc", "--version"),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "works": {name: WORKS[name].text for name in options.works},
        "sides": {},
        "missing": missing,
        "lines": [],
        "memory": [],
    }
    names = [side.name for side in sides]

    with tempfile.TemporaryDirectory() as folder:
        for work in map(WORKS.get, options.works):
            file = Path(folder) / f"{work.name}.safetensors"
            subprocess.run([binary, "prepare", work.name, file], check=True)
            variants = work.variants(options)
            for threads in options.threads:
                bounds = floors(binary, [work.floor(settings) for settings in variants], threads)
                with workers(sides, work, file, threads) as entered:
                    results["sides"] |= {worker.name: worker.about for worker in entered}
                    for settings, floor in zip(variants, bounds):
                        everyone = options.everyone or work.for_slow_sides(settings)
                        part = [worker for worker in entered if everyone or not worker.side.slow]
                        line = {"work": work.name, "label": work.label(settings), "settings": settings, "threads": threads}
                        line |= {"floor": floor, "sides": race(work, settings, part, options)}
                        results["lines"].append(line)
                        print(table.progress(line, names), flush=True)
                write(options.out, results)
            settings = work.memory_variant(options)
            if options.memory and settings and memory_is_known():
                threads = max(options.threads)
                sizes = {side.name: memory(side, work, settings, file, threads) for side in sides if side.name != table.SELF}
                line = {"work": work.name, "label": work.label(settings), "threads": threads}
                results["memory"].append(line | {"sides": {name: size for name, size in sizes.items() if size}})
                write(options.out, results)
            elif options.memory and settings:
                print("memory is measured on Linux only", file=sys.stderr)
            file.unlink()
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
