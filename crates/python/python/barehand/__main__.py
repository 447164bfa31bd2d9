"""`python -m barehand`: the program of the library, as in the shell."""

from __future__ import annotations

import contextlib
import signal
import sys

from barehand._barehand import _run_program


def main() -> int:
    """Runs the program with this process's arguments; the exit code."""
    # Only the main thread may; in another one Ctrl-C stays Python's.
    with contextlib.suppress(ValueError):
        # Ctrl-C as a program of its own has it: it ends the process, until training listens to it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    code: int = _run_program(sys.argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
