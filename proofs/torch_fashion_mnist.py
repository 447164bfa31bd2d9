"""Trains the reference models with PyTorch on the whole of Fashion-MNIST: accuracy and seconds an epoch.

    python proofs/torch_fashion_mnist.py --data DIR [--model mlp|cnn] [--epochs 10] [--threads 1 2] [--fused]

The models are those of goldens/curves.py: an MLP 784-512-10 with ReLU, and a CNN conv(1, 32, 3) relu conv(32, 64, 3) relu
maxpool(2) fc(9216, 128) relu fc(128, 10). Images are normalised once and kept in memory; a batch is one gather of rows,
so that the time is the model's and not a data loader's. The optimizer is Adam(1e-3), batches of 64, the last and smaller
batch of an epoch included. One JSON line is printed an epoch. With several thread counts every one trains its own model
from the same seed; an epoch's time counts training alone, the evaluation is timed by itself.

Times are good for nothing unless the machine is quiet: compare ratios of runs made side by side.
"""

import argparse
import gzip
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

MEAN, STD = 0.2860, 0.3530
MODELS = {
    "mlp": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)),
    "cnn": lambda: nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    ),
}


def load(folder, split):
    """Images (n, 1, 28, 28) normalised, and labels, of the gzipped IDX files of `split`."""
    images = np.frombuffer(gzip.decompress((folder / f"{split}-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress((folder / f"{split}-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    images = torch.from_numpy(images.astype(np.float32)).reshape(-1, 1, 28, 28)
    return (images / 255 - MEAN) / STD, torch.from_numpy(labels.astype(np.int64))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        right = sum((model(x[i : i + 1000]).argmax(1) == y[i : i + 1000]).sum().item() for i in range(0, len(y), 1000))
    return right / len(y)


def train(name, data, epochs, threads, batch, fused, seed):
    """Trains `name`, printing one line an epoch."""
    (x, y), (test_x, test_y) = data
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    model = MODELS[name]()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused or None)
    for epoch in range(1, epochs + 1):
        model.train()
        start, total = time.perf_counter(), 0.0
        for rows in torch.randperm(len(y)).split(batch):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        seconds, start = time.perf_counter() - start, time.perf_counter()
        score = accuracy(model, test_x, test_y)
        line = {"model": name, "threads": threads, "fused": fused, "epoch": epoch, "loss": round(total / len(y), 5)}
        line |= {"test_accuracy": score, "seconds": round(seconds, 3), "test_seconds": round(time.perf_counter() - start, 3)}
        print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the four gzipped IDX files")
    parser.add_argument("--model", choices=list(MODELS), action="append", help="default: both")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, nargs="+", default=[os.cpu_count() or 1])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--fused", action="store_true", help="PyTorch's fused Adam")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = load(options.data, "train"), load(options.data, "t10k")
    print(json.dumps({"torch": torch.__version__, "simd": torch.backends.cpu.get_cpu_capability(), "cores": os.cpu_count()}))
    for model in options.model or MODELS:
        for threads in options.threads:
            train(model, data, options.epochs, threads, options.batch, options.fused, options.seed)


if __name__ == "__main__":
    main()
