"""The PyTorch side of run.py: the same networks, stepped on request.

Commands come on standard input, one a line, and each gets one line back:

    start MODEL OPTIMIZER FILE    reads images, labels and initial weights from FILE; answers `ready`
    step N                        takes N training steps; answers `SECONDS LOSS`, the loss being the last step's

The name of the optimizer may end in `-fused`: PyTorch's fused form instead of its default.
"""

import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

BATCH = 64


def mlp(images, p):
    hidden = F.relu(F.linear(images.flatten(1), p["fc1.weight"], p["fc1.bias"]))
    return F.linear(hidden, p["fc2.weight"], p["fc2.bias"])


def cnn(images, p):
    hidden = F.relu(F.conv2d(images, p["conv1.weight"], p["conv1.bias"]))
    hidden = F.relu(F.conv2d(hidden, p["conv2.weight"], p["conv2.bias"]))
    hidden = F.max_pool2d(hidden, 2).flatten(1)
    hidden = F.relu(F.linear(hidden, p["fc1.weight"], p["fc1.bias"]))
    return F.linear(hidden, p["fc2.weight"], p["fc2.bias"])


MODELS = {"mlp": mlp, "cnn": cnn}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 1e-3}),
    "adamw": (torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 0.01}),
}


class Training:
    """A network on its way, one batch after the other over the images, again and again."""

    def __init__(self, model, optimizer, file):
        tensors = load_file(file)
        self.images, self.labels = tensors.pop("images"), tensors.pop("labels")
        self.parameters = {name: tensor.requires_grad_() for name, tensor in tensors.items()}
        self.forward = MODELS[model]
        kind, options = OPTIMIZERS[optimizer.removesuffix("-fused")]
        self.optimizer = kind(self.parameters.values(), fused=optimizer.endswith("-fused") or None, **options)
        self.at = 0

    def step(self):
        rows = slice(self.at, self.at + BATCH)
        loss = F.cross_entropy(self.forward(self.images[rows], self.parameters), self.labels[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.at = (self.at + BATCH) % len(self.labels)
        return loss


def main():
    torch.set_num_threads(int(sys.argv[1]))
    training = None
    for line in sys.stdin:
        command, *words = line.split()
        if command == "start":
            training = Training(*words)
            print("ready", flush=True)
        else:
            start = time.perf_counter()
            for _ in range(int(words[0])):
                loss = training.step()
            print(time.perf_counter() - start, loss.item(), flush=True)


if __name__ == "__main__":
    main()
