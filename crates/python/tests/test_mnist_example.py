"""PyTorch's best-known example runs here with little more than other imports, and learns as well."""

import gzip
import importlib.util
import re
import struct
import subprocess
import sys
from pathlib import Path

import barehand as bh
import pytest
from barehand.data import datasets

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def clothes(tmp_path_factory):
    """The images that come with the library, in the files of Fashion-MNIST."""
    folder = tmp_path_factory.mktemp("fashion-mnist")
    for part, train in (("train", True), ("t10k", False)):
        data = datasets.embedded(train=train)
        for kind, array in (("images-idx3", data.images.squeeze(1)), ("labels-idx1", data.targets.to(bh.uint8))):
            header = struct.pack(f">HBB{array.dim()}I", 0, 8, array.dim(), *array.shape)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + array.numpy().tobytes(), 1))
    return folder


def run(program, folder, *options):
    command = [sys.executable, EXAMPLES / program, "--data", "fashion-mnist", "--data-dir", folder, *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=500, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accuracy(output):
    return [float(share) for share in re.findall(r"accuracy \d+/1000 \(([\d.]+)%\)", output)]


def test_it_learns_and_saves(clothes):
    output = run("mnist.py", clothes, "--epochs", 2, "--save-model")
    first, last = accuracy(output)
    assert last > 75 and last > first - 3
    weights = bh.load(clothes / "mnist_cnn.safetensors")
    assert tuple(weights["conv2.weight"].shape) == (64, 32, 3, 3)
    # The same seed, the same run.
    again = run("mnist.py", clothes, "--dry-run")
    assert again.split("epoch 1 took")[0] == run("mnist.py", clothes, "--dry-run").split("epoch 1 took")[0]


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_it_learns_as_well_as_on_pytorch(clothes):
    ours = accuracy(run("mnist.py", clothes, "--epochs", 3))[-1]
    theirs = accuracy(run("mnist_torch.py", clothes, "--epochs", 3))[-1]
    assert abs(ours - theirs) < 5


def test_only_imports_and_images_differ():
    def program(name):
        text = (EXAMPLES / name).read_text()
        return text[text.index("class Net") :].splitlines()

    ours, theirs = program("mnist.py"), program("mnist_torch.py")
    assert len(ours) == len(theirs)
    different = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    assert len(different) <= 6
    for a, b in different:
        words = (("bh.", "torch."), (".safetensors", ".pt"), ("where the system has them", "this one"))
        for ours_word, theirs_word in words:
            a = a.replace(ours_word, theirs_word)
        assert a == b
