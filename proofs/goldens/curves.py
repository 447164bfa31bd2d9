"""Loss curves: the first 100 training losses of an MLP and a CNN on the bundled part of Fashion-MNIST.

Both sides start from the same bits:

- images: the bundled training file in its own order, `(byte / 255 - 0.2860) / 0.3530`, every step rounded to f32;
- weights: for each layer in order, weight then bias, `RandomState(weights_seed).uniform(-b, b, shape)` from one
  continuing stream, b = 1/sqrt(fan_in), drawn in f64 (low + (high - low) * random_sample()) and rounded to f32;
- batches: `RandomState(order_seed).permutation(images)` cut in sequence into batches of 64; the rest is dropped, and the
  next epoch's permutation continues the stream.

The mean cross entropy of each batch is recorded before its step. `f32` is the golden: PyTorch on one thread. `f64` is
the same run in f64 from the same f32 bits: it tells how far rounding alone moves a curve.

Training amplifies rounding: a ReLU or a pooling maximum that flips sends two runs apart. `noise` says how far PyTorch
parts from itself (two threads, convolutions without oneDNN, f64 for f32), and `noise.one_ulp.envelope[t]` is the largest
difference up to step t between the golden and runs whose initial weights were moved by at most one unit in the last
place. No comparison in f32 can ask for less than that envelope; one in f64 can: `f64_one_ulp` is its floor.
"""

import gzip
import math
import multiprocessing
import os

import numpy as np
import torch
import torch.nn.functional as F
from golden import ROOT, write_json

STEPS, BATCH = 100, 64
NUDGES = 2
WEIGHTS_SEED, ORDER_SEED = 0, 1
MEAN, STD = 0.2860, 0.3530
DATA = ROOT / "crates" / "data" / "embedded" / "fashion-mnist"
LAYERS = {
    "mlp": {"fc1": (512, 784), "fc2": (10, 512)},
    "cnn": {"conv1": (32, 1, 3, 3), "conv2": (64, 32, 3, 3), "fc1": (128, 9216), "fc2": (10, 128)},
}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    # At 0.05 the CNN in f32 is chaotic within some twenty steps; at this rate it can be followed for longer.
    "sgd_gentle": (torch.optim.SGD, {"lr": 0.003, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 0.01}),
}


def images():
    """The bundled training images, (n, 1, 28, 28) normalised in f32, and their labels."""
    pixels = np.frombuffer(gzip.decompress((DATA / "train-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress((DATA / "train-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    pixels = (pixels.astype(np.float32) / np.float32(255) - np.float32(MEAN)) / np.float32(STD)
    return pixels.reshape(-1, 1, 28, 28), labels.astype(np.int64)


def nudged(parameters, seed):
    """`parameters`, each number moved by -1, 0 or 1 units in its last place."""
    random = np.random.RandomState(seed)
    return {name: np.nextafter(p, p + random.randint(-1, 2, p.shape).astype(p.dtype)) for name, p in parameters.items()}


def weights(model):
    """The initial parameters of `model`, by name, in f32."""
    random, parameters = np.random.RandomState(WEIGHTS_SEED), {}
    for layer, shape in LAYERS[model].items():
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        parameters[f"{layer}.weight"] = random.uniform(-bound, bound, shape).astype(np.float32)
        parameters[f"{layer}.bias"] = random.uniform(-bound, bound, shape[0]).astype(np.float32)
    return parameters


def batches(count):
    """The first STEPS batches of indices."""
    random, steps = np.random.RandomState(ORDER_SEED), []
    while len(steps) < STEPS:
        order = random.permutation(count)
        steps += [order[i : i + BATCH] for i in range(0, count - BATCH + 1, BATCH)]
    return steps[:STEPS]


def forward(model, p, x):
    """The logits of `model` with parameters `p`."""
    if model == "mlp":
        x = F.relu(F.linear(x.flatten(1), p["fc1.weight"], p["fc1.bias"]))
    else:
        x = F.relu(F.conv2d(x, p["conv1.weight"], p["conv1.bias"]))
        x = F.relu(F.conv2d(x, p["conv2.weight"], p["conv2.bias"]))
        x = F.max_pool2d(x, 2).flatten(1)
        x = F.relu(F.linear(x, p["fc1.weight"], p["fc1.bias"]))
    return F.linear(x, p["fc2.weight"], p["fc2.bias"])


def checksums(tensors):
    """Sums in f64, and the first values, of every tensor."""
    sums = {}
    for name, tensor in tensors.items():
        flat = tensor.detach().double().flatten()
        sums[name] = {
            "sum": flat.sum().item(),
            "absolute": flat.abs().sum().item(),
            "squares": flat.square().sum().item(),
            "first": flat[:4].tolist(),
        }
    return sums


def train(model, optimizer, dtype=torch.float32, threads=1, onednn=True, nudge=None):
    """Trains for STEPS batches: the losses, the first gradients' and the final parameters' checksums."""
    torch.set_num_threads(threads)
    x, y = images()
    x, y = torch.from_numpy(x).to(dtype), torch.from_numpy(y)
    start = {name: value.astype(str(dtype).removeprefix("torch.")) for name, value in weights(model).items()}
    start = start if nudge is None else nudged(start, nudge)
    p = {name: torch.from_numpy(value).requires_grad_() for name, value in start.items()}
    kind, options = OPTIMIZERS[optimizer]
    optimizer = kind(p.values(), **options)
    losses, first = [], None
    with torch.backends.mkldnn.flags(enabled=onednn):
        for batch in batches(len(y)):
            loss = F.cross_entropy(forward(model, p, x[batch]), y[batch])
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            first = first or checksums({name: value.grad for name, value in p.items()})
            optimizer.step()
    torch.set_num_threads(1)
    return {"losses": losses, "first_gradients": first, "final_parameters": checksums(p)}


def apart(a, b):
    """How far two curves part: the largest difference, and the first steps past two bounds (null: never)."""
    difference = np.abs(np.array(a["losses"]) - np.array(b["losses"]))
    past = {f"first_past_{bound:g}": next((i for i, d in enumerate(difference) if d > bound), None) for bound in (1e-5, 1e-4)}
    return {"max": float(difference.max()), **past}


def envelope(golden, model, optimizer, dtype, runs=NUDGES):
    """The largest difference so far, at every step, between `golden` and runs from weights one unit away."""
    away = np.array([train(model, optimizer, dtype, nudge=seed)["losses"] for seed in range(runs)])
    spread = np.abs(away - np.array(golden["losses"])).max(0)
    return [float(f"{d:.3g}") for d in np.maximum.accumulate(spread)]


def curve(model, optimizer):
    """The golden of one model under one optimizer, with its noise."""
    f32, f64 = train(model, optimizer), train(model, optimizer, torch.float64)
    noise = {
        "one_ulp": {"runs": NUDGES, "envelope": envelope(f32, model, optimizer, torch.float32)},
        "threads_1_and_2": apart(f32, train(model, optimizer, threads=2)),
        "with_and_without_onednn": apart(f32, train(model, optimizer, onednn=False)),
        "f32_and_f64": apart(f32, f64),
        "f64_one_ulp": {"runs": 1, "envelope": envelope(f64, model, optimizer, torch.float64, 1)},
    }
    seen = {key: value["max"] if "max" in value else value["envelope"][24::25] for key, value in noise.items()}
    print(f"{model} {optimizer}: {f32['losses'][0]:.6f} to {f32['losses'][-1]:.6f}", seen, flush=True)
    options = OPTIMIZERS[optimizer][1]
    return {"model": model, "optimizer": optimizer, "options": options, "noise": noise, "f32": f32, "f64": f64}


def main():
    x, y = images()
    todo = [(model, optimizer) for model in LAYERS for optimizer in OPTIMIZERS]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        curves = pool.starmap(curve, todo, chunksize=1)
    document = {
        "about": __doc__,
        "steps": STEPS,
        "batch": BATCH,
        "images": len(y),
        "mean": MEAN,
        "std": STD,
        "weights_seed": WEIGHTS_SEED,
        "order_seed": ORDER_SEED,
        "layers": LAYERS,
        "start": {
            "image_sum": float(x.astype(np.float64).sum()),
            "label_head": y[:16].tolist(),
            "batch_heads": [batch[:4].tolist() for batch in batches(len(y))[::78]],
            "weights": {model: checksums({k: torch.from_numpy(v) for k, v in weights(model).items()}) for model in LAYERS},
        },
        "curves": curves,
    }
    write_json("nn", "curves", document)


if __name__ == "__main__":
    main()
