"""Makes goldens again in a temporary folder and compares them with the committed ones.

    python proofs/check_goldens.py [FAMILY ...]

Prints a line for every file, `ok` or `FAIL`. Names, shapes, options, inputs and texts must be the same; results may
differ in their last bits, for they depend on the processor. Training does more than that to last bits, so a loss curve
may stray as far as the curve's own envelope says that PyTorch strays from itself.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[1]
# How far a result may be from the committed one, relative to 1 + its size.
TOLERANCE = {"f32": 1e-5, "f64": 1e-11}


class Different(Exception):
    """Where two goldens part, and how."""


def expect(same, where, what):
    if not same:
        raise Different(f"{where}: {what}")


def near(new, old, precision, where):
    """Compares two arrays; NaN equals NaN, and an infinity itself. Returns how many entries differ at all."""
    new, old = np.asarray(new), np.asarray(old)
    expect(new.shape == old.shape and new.dtype == old.dtype, where, f"{new.dtype}{new.shape}, was {old.dtype}{old.shape}")
    if old.dtype.kind != "f":
        expect(np.array_equal(new, old), where, "not the same")
        return 0
    equal = (new == old) | (np.isnan(new) & np.isnan(old))
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(equal, 0, np.abs(new - old) / (1 + np.abs(old)))
    expect((error <= TOLERANCE[precision]).all(), where, f"differs by {np.max(error):.3g}")
    return int(np.sum(~equal))


def compare_tensors(new, old):
    """Two safetensors files: inputs to the bit, outputs and gradients nearly."""
    with safe_open(new, "np") as new, safe_open(old, "np") as old:
        after, before = (json.loads(file.metadata()["golden"]) for file in (new, old))
        precision, differing = before["dtype"], 0
        compare_documents(after, before, precision, "metadata")
        expect(set(new.keys()) == set(old.keys()), "tensors", "not the same names")
        inputs = {f"{case['name']}/{name}" for case in before["cases"] for name in case.get("inputs", [])}
        for key in old.keys():
            count = near(new.get_tensor(key), old.get_tensor(key), precision, key)
            expect(count == 0 or key not in inputs, key, "an input differs")
            differing += count
    return differing


def compare_documents(new, old, precision, where):
    """Two JSON values, whatever computed them. Returns how many numbers differ."""
    expect(type(new) is type(old), where, f"{new!r}, was {old!r}")
    if isinstance(old, dict):
        new, old = ({key: value for key, value in d.items() if key != "versions"} for d in (new, old))
        expect(new.keys() == old.keys(), where, f"{', '.join(new)}, was {', '.join(old)}")
        inner = {key: key if key in TOLERANCE else precision for key in old}
        return sum(compare_documents(new[key], old[key], inner[key], f"{where}.{key}") for key in old)
    if isinstance(old, list):
        expect(len(new) == len(old), where, f"{len(new)} entries, were {len(old)}")
        return sum(compare_documents(a, b, precision, f"{where}[{i}]") for i, (a, b) in enumerate(zip(new, old)))
    if isinstance(old, float):
        return near(new, old, precision, where)
    expect(new == old, where, f"{new!r}, was {old!r}")
    return 0


def compare_curves(new, old):
    """The loss curves: everything but the curves nearly, the losses within the committed envelope."""
    differing = 0
    after, before = new.pop("curves"), old.pop("curves")
    expect(len(after) == len(before), "curves", f"{len(after)}, were {len(before)}")
    for a, b in zip(after, before):
        name = f"{b['model']} {b['optimizer']}"
        compare_documents([a[key] for key in ("model", "optimizer", "options")], [name.split()[0], b["optimizer"], b["options"]], "f64", name)
        for precision, noise in (("f32", "one_ulp"), ("f64", "f64_one_ulp")):
            strayed = np.abs(np.array(a[precision]["losses"]) - np.array(b[precision]["losses"]))
            allowed = 4 * np.array(b["noise"][noise]["envelope"]) + TOLERANCE[precision]
            step = int(np.argmax(strayed - allowed))
            expect((strayed <= allowed).all(), f"{name} {precision}", f"step {step} strays by {strayed[step]:.3g}")
            differing += int(np.sum(strayed > 0))
    return differing + compare_documents(new, old, "f64", "curves")


def compare(new, old):
    """How many numbers of `new` differ from `old`; raises where they differ by more than they may."""
    if new.read_bytes() == old.read_bytes():
        return 0
    if old.suffix == ".safetensors":
        return compare_tensors(new, old)
    if old.suffix == ".json":
        new, old = (json.loads(path.read_text()) for path in (new, old))
        return compare_curves(new, old) if "curves" in old else compare_documents(new, old, "f64", "document")
    raise Different("not the same bytes")


def main():
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        # The scripts write beside themselves, and the curves read the bundled images.
        for part in ("proofs", "crates/data/embedded"):
            shutil.copytree(ROOT / part, folder / part)
        for goldens in ROOT.glob("crates/*/tests/goldens"):
            # Texts are what goldens are made of.
            shutil.copytree(goldens, folder / goldens.relative_to(ROOT), ignore=lambda _, names: [n for n in names if not n.endswith(".txt")])
        made = subprocess.run([sys.executable, folder / "proofs" / "goldens" / "make.py", *sys.argv[1:]], check=False)
        if made.returncode:
            sys.exit(made.returncode)
        for new in sorted(folder.glob("crates/*/tests/goldens/*")):
            name = new.relative_to(folder)
            try:
                expect((ROOT / name).exists(), "repository", "has no such file")
                differing = compare(new, ROOT / name)
                print(f"ok    {name}: {f'{differing} numbers differ in their last bits' if differing else 'the same numbers'}")
            except Different as difference:
                failed = True
                print(f"FAIL  {name}: {difference}")
        if not sys.argv[1:]:
            made = {path.relative_to(folder) for path in folder.glob("crates/*/tests/goldens/*")}
            for old in sorted({path.relative_to(ROOT) for path in ROOT.glob("crates/*/tests/goldens/*")} - made):
                failed = True
                print(f"FAIL  {old}: no script makes it")
    sys.exit(failed)


if __name__ == "__main__":
    main()
