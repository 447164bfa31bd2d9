"""The measurements: sides in alternation, the machine's floors, and memory."""

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from sides import Worker, environment
from table import SELF

CHECKS = 10  # steps over the stored order that all sides must agree on; slow ones stop early, after 3 at least
LEAST_ROUNDS = 3  # of a slow side
MEMORY_STEPS = 50


@contextmanager
def workers(sides, work, file, threads):
    """A process for each side that knows the work, its data loaded."""
    started = [Worker(side, threads) for side in sides]
    try:
        yield [worker for worker in started if worker.load(work, file)]
    finally:
        for worker in started:
            worker.close()


def agree(numbers, work, settings):
    """Refuses a comparison of different works. Rounding grows from step to step: digits are not asked for."""
    reference, tolerance = numbers["barehand"], getattr(work, "tolerance", 1e-3)
    for name, theirs in numbers.items():
        for ours, other in zip(reference, theirs):
            if not abs(other - ours) <= tolerance * (1 + abs(ours)):
                sys.exit(f"{work.name} {settings}: not the same work, {name} has {theirs} where barehand has {reference}")


def checks(worker, patience, least):
    """The numbers of the first steps, and the seconds of the fastest."""
    numbers, fastest, begin = [], float("inf"), time.perf_counter()
    while len(numbers) < CHECKS and (len(numbers) < least or time.perf_counter() - begin < patience):
        start = time.perf_counter()
        numbers += worker.check()
        fastest = min(fastest, time.perf_counter() - start)
    return numbers, fastest


def race(work, settings, entered, options):
    """Seconds a step of every side that knows these settings, round after round.

    Each turn starts afresh, so that the work is the same in all of them, and warms up for a tenth of its steps. A side
    whose single step takes longer than a turn takes fewer turns, unless it is barehand's.
    """
    sides = [worker for worker in entered if worker.start(settings)]
    numbers, counts, every = {}, {}, {}
    for worker in sides:
        numbers[worker.name], seconds = checks(worker, 8 * options.seconds, getattr(work, "least_checks", 3))
        if seconds < options.seconds:
            # The time of one step includes asking for it: too much, where steps are short.
            seconds = worker.run(max(1, int(options.seconds / 4 / seconds)))
        counts[worker.name] = max(1, round(options.seconds / seconds))
        turns = 2 * options.rounds * options.seconds / max(seconds, options.seconds)
        # Ratios are taken with barehand in the same round: it sits none out.
        ours = worker.name in ("barehand", SELF)
        every[worker.name] = 1 if ours else -(-options.rounds // max(LEAST_ROUNDS, int(turns)))
    agree(numbers, work, settings)

    results = {worker.name: {"first": numbers[worker.name], "seconds": []} for worker in sides}
    cpu, wall = dict.fromkeys(results, 0.0), dict.fromkeys(results, 0.0)
    for i in range(options.rounds):
        shift = i % len(sides)
        for worker in sides[shift:] + sides[:shift]:
            if i % every[worker.name]:
                results[worker.name]["seconds"].append(None)
                continue
            count = counts[worker.name]
            worker.start(settings)
            if count > 1:
                worker.run(max(1, count // 10))
            before = worker.cpu_seconds()
            seconds = worker.run(count)
            results[worker.name]["seconds"].append(seconds)
            if before is not None:
                cpu[worker.name] += worker.cpu_seconds() - before
                wall[worker.name] += seconds * count
    for name, result in results.items():
        # How many cores it kept busy: no more than its threads, or the race is not fair.
        result["cores"] = cpu[name] / wall[name] if wall[name] else None
    return results


def floors(binary, bounds, threads):
    """The least seconds of each of `bounds`, as measured now."""
    footprints = [str(bound["footprint"]) for bound in bounds]
    command = [binary, "floors", *footprints]
    answer = subprocess.run(command, env=environment(threads), capture_output=True, text=True, check=True).stdout
    peak, *bandwidths = map(float, answer.split())
    return [
        bound | {"peak": peak, "bandwidth": bandwidth, "seconds": max(bound["flops"] / peak, bound["bytes"] / bandwidth)}
        for bound, bandwidth in zip(bounds, bandwidths)
    ]


def memory(side, work, settings, file, threads):
    """Bytes at the peak of some steps in a fresh process, above those resident after its start, and after loading."""
    worker = Worker(side, threads)
    try:
        started = worker.memory()[0]
        if not worker.load(work, file):
            return None
        loaded, before = worker.memory()
        if not worker.start(settings):
            return None
        worker.forget_peak()
        worker.run(getattr(work, "memory_steps", MEMORY_STEPS))
        peak = worker.memory()[1]
    finally:
        worker.close()
    return {"started": started, "loaded": loaded, "steps": peak, "process": max(before, peak)}


def memory_is_known():
    return Path("/proc/self/clear_refs").exists()
