"""A progress bar on a terminal and in a notebook."""

from __future__ import annotations

import html
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, Generic, TextIO, TypeVar

__all__ = ["ProgressBar", "progress"]

T = TypeVar("T")

# Seconds between two drawings, and between two lines where nothing can be drawn over.
_REDRAW = 0.1
_LINE = 30.0

_EIGHTHS = " ▏▎▍▌▋▊▉█"


class ProgressBar(Generic[T]):
    """How far a loop is, how fast, and for how much longer: see `progress`."""

    def __init__(
        self,
        iterable: Iterable[T] | None = None,
        desc: str = "",
        total: int | None = None,
        *,
        initial: int = 0,
        unit: str = "it",
        leave: bool = True,
        disable: bool = False,
        file: TextIO | None = None,
    ) -> None:
        if total is None and isinstance(iterable, Sized):
            try:
                total = len(iterable)
            except TypeError:
                total = None
        self.iterable = iterable
        self.total = total
        self.n = initial
        self.desc = desc
        self.unit = unit
        self._initial = initial
        self._leave = leave
        self._postfix: dict[str, str] = {}
        self._start = time.monotonic()
        self._closed = disable
        self._surface = None if disable else _surface(file)
        self._drawn = self._start if self._surface is None or isinstance(self._surface, _Lines) else float("-inf")
        self._draw()

    def __iter__(self) -> Iterator[T]:
        if self.iterable is None:
            raise TypeError("progress: nothing to iterate over was given, only a total to count to with update()")
        try:
            for item in self.iterable:
                yield item
                self.update()
        finally:
            self.close()

    def __enter__(self) -> ProgressBar[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError("progress: the length is not known")
        return self.total

    def update(self, n: int = 1) -> None:
        """Counts `n` more."""
        self.n += n
        self._draw()

    def set_description(self, desc: str) -> None:
        """Changes the text before the bar."""
        self.desc = desc
        self._draw()

    def set_postfix(self, **values: Any) -> None:
        """Changes what stands after the bar: numbers with four significant digits, all else as its text.

        >>> bar = progress(range(3), disable=True)
        >>> bar.set_postfix(loss=0.25, epoch=3)
        """
        self._postfix = {name: _short(value) for name, value in values.items()}
        self._draw()

    def write(self, text: str) -> None:
        """Prints a line above the bar."""
        if isinstance(self._surface, _Terminal) and not self._closed:
            self._surface.clear()
        print(text, file=sys.stderr)
        self._draw(now=True)

    def close(self) -> None:
        """Draws the bar for the last time; with `leave=False` it disappears."""
        if self._closed:
            return
        self._closed = True
        if self._surface is not None:
            self._surface.draw(self)
            self._surface.close(self._leave)

    def _draw(self, *, now: bool = False) -> None:
        if self._closed or self._surface is None:
            return
        time_now = time.monotonic()
        if now or time_now - self._drawn >= self._surface.interval:
            self._drawn = time_now
            self._surface.draw(self)

    def _counts(self) -> str:
        """450/1000 [00:12<00:15, 37.2it/s, loss=0.3125]"""
        seconds = time.monotonic() - self._start
        rate = (self.n - self._initial) / seconds if seconds > 0 else 0.0
        left = ""
        if self.total is not None and rate > 0:
            left = "<" + _clock(max(self.total - self.n, 0) / rate)
        speed = f"{rate:.1f}{self.unit}/s" if rate >= 1 or rate == 0 else f"{1 / rate:.1f}s/{self.unit}"
        parts = [f"{_clock(seconds)}{left}", speed, *(f"{name}={value}" for name, value in self._postfix.items())]
        of = "" if self.total is None else f"/{self.total}"
        return f"{self.n}{of} [{', '.join(parts)}]"

    def _share(self) -> float | None:
        return None if not self.total else min(self.n / self.total, 1.0)


def progress(
    iterable: Iterable[T] | None = None,
    desc: str = "",
    total: int | None = None,
    *,
    initial: int = 0,
    unit: str = "it",
    leave: bool = True,
    disable: bool = False,
    file: TextIO | None = None,
) -> ProgressBar[T]:
    """A bar that follows a loop, on standard error; in a notebook it shows below the cell.

    Where nothing can be drawn over, as in a log file, a line is written every half minute and at the end.

    Args:
        iterable: what to go through; without one, count with `update()`.
        desc: text before the bar.
        total: how many there are, where `len(iterable)` does not know.
        initial: where counting starts.
        unit: what is counted.
        leave: whether the bar stays when the loop is over.
        disable: whether to show nothing.
        file: where to write instead of standard error.

    >>> import sys
    >>> bar = progress([0.5, 0.25], desc="epoch 1", disable=not sys.stderr.isatty())
    >>> for loss in bar:
    ...     bar.set_postfix(loss=loss)
    """
    return ProgressBar(iterable, desc, total, initial=initial, unit=unit, leave=leave, disable=disable, file=file)


def _surface(file: TextIO | None) -> _Notebook | _Terminal | _Lines | None:
    if file is None:
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is not None and hasattr(shell, "kernel"):
            return _Notebook()
        if sys.stderr is None:
            return None
        file = sys.stderr
    return _Terminal(file) if file.isatty() else _Lines(file)


class _Terminal:
    """One line that is drawn over."""

    interval = _REDRAW

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.unicode = (getattr(file, "encoding", None) or "").lower().replace("-", "").startswith("utf")

    def draw(self, bar: ProgressBar[Any]) -> None:
        width = shutil.get_terminal_size().columns - 1
        before = f"{bar.desc}: " if bar.desc else ""
        after = bar._counts()
        share = bar._share()
        if share is not None:
            before += f"{share:4.0%} "
            room = width - len(before) - len(after) - 3
            if room >= 4:
                before += f"|{self._blocks(share, min(room, 40))}| "
        self._write("\r" + (before + after)[:width] + "\x1b[K")

    def _blocks(self, share: float, width: int) -> str:
        if not self.unicode:
            return ("#" * int(share * width)).ljust(width)
        eighths = int(share * width * 8)
        partial = _EIGHTHS[eighths % 8] if eighths % 8 else ""
        return ("█" * (eighths // 8) + partial).ljust(width)

    def clear(self) -> None:
        self._write("\r\x1b[K")

    def close(self, leave: bool) -> None:
        self._write("\n" if leave else "\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            self.file.write(text)
            self.file.flush()
        except (OSError, ValueError):
            pass  # Nobody may be there to read it; that stops no work.


class _Lines(_Terminal):
    """A log: lines, and few of them."""

    interval = _LINE

    def draw(self, bar: ProgressBar[Any]) -> None:
        share = bar._share()
        percent = "" if share is None else f"{share:4.0%} "
        self._write(f"{bar.desc + ': ' if bar.desc else ''}{percent}{bar._counts()}\n")

    def clear(self) -> None:
        pass

    def close(self, leave: bool) -> None:
        pass


class _Notebook:
    """An output of the cell that is updated."""

    interval = _REDRAW

    def __init__(self) -> None:
        self._handle: Any = None

    def draw(self, bar: ProgressBar[Any]) -> None:
        from IPython.display import display

        shown = _Shown(bar.desc, bar._share(), bar._counts())
        if self._handle is None:
            self._handle = display(shown, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown)

    def close(self, leave: bool) -> None:
        if not leave and self._handle is not None:
            self._handle.update(_Shown("", None, ""))


class _Shown:
    """What a notebook shows: HTML, and text where there is none."""

    def __init__(self, desc: str, share: float | None, counts: str) -> None:
        self.desc = desc
        self.share = share
        self.counts = counts

    def __repr__(self) -> str:
        percent = "" if self.share is None else f"{self.share:4.0%} "
        return f"{self.desc + ': ' if self.desc else ''}{percent}{self.counts}"

    def _repr_html_(self) -> str:
        if not self.counts:
            return ""
        value = "" if self.share is None else f' value="{self.share:.4f}"'
        desc = f"{html.escape(self.desc)} " if self.desc else ""
        percent = "" if self.share is None else f"{self.share:.0%} "
        return (
            f'<div style="font-family: monospace; white-space: pre">{desc}<progress max="1"{value}></progress> '
            f"{percent}{html.escape(self.counts)}</div>"
        )


def _short(value: Any) -> str:
    if hasattr(value, "item") and not isinstance(value, str):
        try:
            value = value.item()
        except (ValueError, TypeError):
            return str(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
