"""The results as Markdown."""

from statistics import median

SELF = "barehand again"  # its other process: the noise


def ratios(line, name):
    """What a side takes against barehand: the median over the rounds, the least and the most; None if it sat out."""
    if name not in line["sides"]:
        return None
    pairs = zip(line["sides"][name]["seconds"], line["sides"]["barehand"]["seconds"])
    found = [theirs / ours for theirs, ours in pairs if theirs is not None]
    return median(found), min(found), max(found)


def seconds(line, name):
    """The median over the rounds; None if the side sat out."""
    side = line["sides"].get(name)
    return median(time for time in side["seconds"] if time is not None) if side else None


def time_text(value):
    """Milliseconds in three digits."""
    if value is None:
        return ""
    return f"{1e3 * value:.0f}" if value >= 0.1 else f"{1e3 * value:.3g}"


def ratio_text(line, name):
    """A ratio and its range; bold where no round's ratio could be taken for noise."""
    found = ratios(line, name)
    if found is None:
        return ""
    (middle, least, most), (_, *noise) = found, ratios(line, SELF)
    strong = "**" if least > max(noise) or most < min(noise) else ""
    return f"{strong}{middle:.2f}{strong} ({least:.2f} to {most:.2f})"


def progress(line, names):
    """A line of text while it runs."""
    parts = [f"{line['work']:13} {line['label']:20} {line['threads']} threads"]
    parts += [f"{name} {time_text(seconds(line, name))} ms" for name in names if name in line["sides"]]
    return "; ".join(parts)


def rows(columns, lines):
    return [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns), *(f"| {' | '.join(line)} |" for line in lines), ""]


def head(results):
    machine = results["machine"]
    quiet = "quiet" if machine["load"] < 0.5 else "**not quiet**: these times support no claim"
    yield from ["# barehand and its peers", "", f"- {results['when']}; {machine['cpu']}, {machine['cores']} cores, {machine['system']}"]
    yield f"- load before the start {machine['load']:.2f}: {quiet}"
    yield f"- revision {results['revision']}, {results['rustc']}"
    about = {text.rpartition(",")[0] for text in results["sides"].values()}
    yield from (f"- {text}" for text in sorted(about))
    yield from (f"- {text}" for text in results["missing"])
    yield f"- {results['rounds']} rounds of turns of {results['seconds']} s; slow sides take fewer"
    for threads in sorted({line["threads"] for line in results["lines"]}):
        lines = [line for line in results["lines"] if line["threads"] == threads]
        peak = max(line["floor"]["peak"] for line in lines)
        bands = [line["floor"]["bandwidth"] for line in lines]
        cores = max((side["cores"] or 0 for line in lines for side in line["sides"].values()), default=0)
        yield f"- {threads} threads: peak {peak / 1e9:.0f} GFLOP/s, memory {min(bands) / 1e9:.0f} to {max(bands) / 1e9:.0f} GB/s " + (
            f"(footprint by footprint); busiest side {cores:.2f} cores"
        )
    yield ""


def markdown(results):
    lines = results["lines"]
    names = [name for name in results["sides"] if name != SELF]
    peers = [name for name in names if name != "barehand"]
    text = list(head(results))
    text += [f"- `{name}`: {what}" for name, what in results["works"].items()]

    text += ["", "## Time of a side / time of barehand", ""]
    text += ["Above 1, barehand is faster. Median and range over the rounds; the noise is barehand against itself."]
    text += ["Bold: the ranges of the ratio and of the noise have nothing in common.", ""]
    body = []
    for line in lines:
        row = [line["work"], line["label"], str(line["threads"])]
        body.append(row + [ratio_text(line, name) for name in [*peers, SELF]])
    text += rows(["work", "settings", "threads", *peers, "noise"], body)

    text += ["## Milliseconds a step, and the least that this machine allows", ""]
    text += ["The floor is the larger of flops / peak and bytes / bandwidth; reached is floor / barehand.", ""]
    body = []
    for line in lines:
        floor = line["floor"]["seconds"]
        row = [line["work"], line["label"], str(line["threads"]), time_text(floor), f"{floor / seconds(line, 'barehand'):.0%}"]
        body.append(row + [time_text(seconds(line, name)) for name in names])
    text += rows(["work", "settings", "threads", "floor", "reached", *names], body)

    if results["memory"]:
        text += ["## Memory: peak of 50 steps (3 of attention_4096) in a fresh process, MiB", ""]
        text += ["Above what is resident after its start / above what is resident with the data loaded / all of the process.", ""]
        body = []
        for line in results["memory"]:
            row = [line["work"], line["label"], str(line["threads"])]
            body.append(row + [memory_text(line["sides"].get(name)) for name in names])
        text += rows(["work", "settings", "threads", *names], body)
    return "\n".join(text)


def memory_text(size):
    if size is None:
        return ""
    parts = [size["steps"] - size["started"], size["steps"] - size["loaded"], size["process"]]
    return " / ".join(f"{part / 2**20:.1f}" for part in parts)
