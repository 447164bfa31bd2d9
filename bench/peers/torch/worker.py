"""PyTorch's side of run.py: training steps in eager mode, as fast as its users write them.

`protocol/src/lib.rs` tells the lines that come and go. `start` with `fused=yes` takes an optimizer's fused form instead
of its default. Batches are rows of the tensors that hold all samples, which costs less than PyTorch's DataLoader.
"""

import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


def mlp(x, p):
    hidden = F.relu(F.linear(x, p["layers.0.weight"], p["layers.0.bias"]))
    return F.linear(hidden, p["layers.1.weight"], p["layers.1.bias"])


def cnn(x, p):
    x = F.relu(F.conv2d(x, p["convolutions.0.weight"], p["convolutions.0.bias"]))
    x = F.relu(F.conv2d(x, p["convolutions.1.weight"], p["convolutions.1.bias"]))
    return mlp(F.max_pool2d(x, 2).flatten(1), p)


NETWORKS = {"mlp": mlp, "cnn": cnn, "tiny": mlp}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.01}),
    "momentum": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 0.01}),
}


class Training:
    """A network on its way over shuffled batches, epoch after epoch."""

    def __init__(self, work, file):
        # The file's own pages would count as memory of the first steps that touch them.
        self.weights = {name: tensor.clone() for name, tensor in load_file(file).items()}
        self.inputs, self.labels, self.order = map(self.weights.pop, ["inputs", "labels", "order"])
        self.forward = NETWORKS[work]

    def start(self, settings):
        if settings["optimizer"] not in OPTIMIZERS:
            return False
        self.parameters = {name: weight.clone().requires_grad_() for name, weight in self.weights.items()}
        kind, options = OPTIMIZERS[settings["optimizer"]]
        self.optimizer = kind(self.parameters.values(), fused="fused" in settings or None, **options)
        self.batch = int(settings["batch"])
        self.batches, self.checked = self.shuffled(), 0
        return True

    def shuffled(self):
        while True:
            order = torch.randperm(len(self.labels))
            for i in range(0, len(order) - self.batch + 1, self.batch):
                yield order[i : i + self.batch]

    def step(self, rows):
        loss = F.cross_entropy(self.forward(self.inputs[rows], self.parameters), self.labels[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def check(self):
        rows = self.order[self.checked * self.batch :][: self.batch]
        self.checked += 1
        return [self.step(rows).item()]

    def run(self, count):
        for _ in range(count):
            self.step(next(self.batches))


def load(work, file):
    return Training(work, file) if work in NETWORKS else None


def main():
    capability, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
    # What PyTorch imports with its first optimizer belongs to its start, not to the memory of training.
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1).step()
    python = ".".join(map(str, sys.version_info[:3]))
    answer = f"ok PyTorch {torch.__version__} eager, {capability}, Python {python}, {threads} threads"
    work = None
    while True:
        print(answer, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        command, *words = line.split()
        if command == "load":
            work = load(*words)
            answer = "ok" if work else "unknown"
        elif command == "start":
            answer = "ok" if work.start(dict(word.split("=") for word in words)) else "unknown"
        elif command == "check":
            answer = " ".join(["ok", *map(repr, work.check())])
        else:
            start = time.perf_counter()
            work.run(int(words[0]))
            answer = f"ok {time.perf_counter() - start}"


if __name__ == "__main__":
    main()
