"""The ratios as a picture: SVG written by hand, readable on light and on dark ground."""

from html import escape
from math import log10

from table import SELF, ratios, seconds

LEFT, RIGHT, TOP, ROW, WIDTH = 170, 30, 84, 20, 960
LEAST = 0.1  # the machine's limits further left are in the table only
# Okabe and Ito's colours, which eyes that see fewer colours tell apart too; two shades where one is lost on dark ground.
COLOURS = {
    "barehand (Python)": "#cc79a7",
    "PyTorch": "#d55e00",
    "PyTorch fused": "#e69f00",
    "candle": "#009e73",
    "burn": "#0072b2",
    "scikit-learn": "#d55e00",
    "LightGBM": "#e69f00",
    "linfa": "#009e73",
    "smartcore": "#0072b2",
}
STYLE = """
svg { background: #fff; font: 13px system-ui, sans-serif; fill: #222 }
.soft { fill: #777 } .grid { stroke: #ddd } .one { stroke: #222; stroke-width: 1.5 }
.noise { fill: #bbb } .floor { stroke: #777; stroke-width: 2 } .title { font-size: 16px; font-weight: 600 }
@media (prefers-color-scheme: dark) {
  svg { background: #16181c; fill: #e6e6e6 } .soft { fill: #999 } .grid { stroke: #333 } .one { stroke: #e6e6e6 }
  .noise { fill: #555 } .floor { stroke: #999 } .burn, .smartcore { --colour: #56b4e9 }
}"""


def svg(results):
    """One row a line; a dot for each peer at its ratio to barehand, on a bar from the least to the most of the rounds."""
    lines = results["lines"]
    peers = [name for name in results["sides"] if name not in ("barehand", SELF)]
    limits = [line["floor"]["seconds"] / seconds(line, "barehand") for line in lines]
    found = [value for line in lines for name in [*peers, SELF] for value in ratios(line, name) or ()]
    grid = scale(min([*found, *(limit for limit in limits if limit >= LEAST)]), max(found))

    def x(ratio):
        return LEFT + (WIDTH - LEFT - RIGHT) * log10(ratio / grid[0]) / log10(grid[-1] / grid[0])

    groups = [f"{line['work']}, {line['threads']} thread{'s' * (line['threads'] > 1)}" for line in lines]
    bottom = TOP + ROW * (len(lines) + len(set(groups))) + 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 44}" width="{WIDTH}" height="{bottom + 44}">',
        f"<style>{STYLE}</style>",
        text(16, 26, "Time of a step, peer / barehand", "title"),
        text(16, 46, "right of 1 barehand is faster; bars: least and most of the rounds", "soft"),
        *legend(peers),
    ]
    for value in grid:
        parts.append(vertical(x(value), TOP, bottom, "one" if value == 1 else "grid"))
        parts.append(text(x(value), bottom + 18, f"{value:g}", "soft", "middle"))
    y, above = TOP + ROW / 2 - 4, None
    for line, limit, group in zip(lines, limits, groups):
        if group != above:
            above = group
            parts.append(text(16, y + 9, group, "title"))
            y += ROW
        parts.append(text(LEFT - 12, y + 5, line["label"], "", "end"))
        if limit >= LEAST:
            parts.append(vertical(x(limit), y - 6, y + 6, "floor"))
        _, least, most = ratios(line, SELF)
        parts.append(f'<rect class="noise" x="{x(least):.1f}" y="{y - 6}" width="{x(most) - x(least):.1f}" height="12"/>')
        for name in peers:
            if ratio := ratios(line, name):
                middle, least, most = map(x, ratio)
                parts += [f"<g {paint(name)}><title>{escape(name)} {ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})</title>"]
                parts += [bar(least, most, y), dot(middle, y), "</g>"]
        y += ROW
    return "\n".join([*parts, "</svg>", ""])


def scale(least, most):
    """1, 2, 5, 10, ... from below the least to above the most, with 1 and 2 at least."""
    steps = [float(f"{digit}e{decade}") for decade in range(-6, 7) for digit in (1, 2, 5)]
    first = max(step for step in steps if step <= min(least, 1))
    last = min(step for step in steps if step >= max(most, 2))
    return [step for step in steps if first <= step <= last]


def legend(peers):
    at = 16
    for name in peers:
        yield f"<g {paint(name)}>{bar(at, at + 24, 64)}{dot(at + 12, 64)}</g>"
        yield text(at + 32, 69, name)
        at += 48 + 8 * len(name)
    yield f'<rect class="noise" x="{at}" y="58" width="24" height="12"/>' + text(at + 32, 69, "noise (barehand / itself)")
    yield vertical(at + 220, 58, 70, "floor") + text(at + 232, 69, "the machine's limit")


def paint(name):
    return f'class="{escape(name)}" style="fill: var(--colour, {COLOURS[name]}); stroke: var(--colour, {COLOURS[name]})"'


def bar(left, right, y):
    return f'<path d="M{left:.1f} {y}H{right:.1f}" stroke-width="2" opacity="0.6"/>'


def dot(x, y):
    return f'<circle cx="{x:.1f}" cy="{y}" r="4.5" stroke="none"/>'


def vertical(x, top, bottom, kind):
    return f'<path class="{kind}" d="M{x:.1f} {top}V{bottom}"/>'


def text(x, y, content, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>'
