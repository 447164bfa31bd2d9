"""Makes the goldens again: every family, or those named on the command line.

    python proofs/goldens/make.py [FAMILY ...]

A family is a script of this directory (`unary`, `layers`, `curves`, ...); each can be run by itself as well.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_FAMILIES = {"make", "golden"}


def main():
    families = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_FAMILIES)
    named = sys.argv[1:] or families
    if unknown := set(named) - set(families):
        sys.exit(f"no such family: {', '.join(sorted(unknown))} (there are {', '.join(families)})")
    for family in named:
        print(f"== {family}", flush=True)
        subprocess.run([sys.executable, HERE / f"{family}.py"], cwd=HERE.parents[1], check=True)


if __name__ == "__main__":
    main()
