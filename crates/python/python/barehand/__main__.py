"""`python -m barehand`: the program of the library, as in the shell."""

from __future__ import annotations

import signal
import sys

from barehand._barehand import _run_program


def main() -> int:
    """Runs the program with this process's arguments; the exit code."""
    try:
        # Ctrl-C as a program of its own has it: it ends the process, until training listens to it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    except ValueError:
        pass  # Only the main thread may; in another one Ctrl-C is Python's.
    return _run_program(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
