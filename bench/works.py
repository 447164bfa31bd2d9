"""The works: one named thing each, that every side knows how to do, and what it costs at least.

A new line in the table is an entry in WORKS and an arm in `src/` and in the workers of the peers that can do it; the others
answer `unknown` and sit out. A work has

- `name` and `text`, what it is;
- `variants(options)`, the settings it is done with, each a dict of words that the workers get with `start`;
- `for_slow_sides(settings)`, whether sides that take their time do it without being asked by name;
- `memory_variant(options)`, the one of them whose memory is measured, or None;
- `label(settings)`, how a row of the table calls them;
- `floor(settings)`, the least flops, the least bytes moved, and the bytes of memory that they are moved in.
"""

from dataclasses import dataclass

OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}  # values kept for each parameter


@dataclass(frozen=True)
class Layer:
    """What one layer takes, for one sample."""

    parameters: int
    outputs: int
    flops: int  # forward, a multiplication and an addition being two; activations and biases are left out


def linear(inputs, outputs):
    return Layer(inputs * outputs + outputs, outputs, 2 * inputs * outputs)


def conv3x3(inputs, outputs, side):
    """Without padding, of images of `side` x `side`."""
    pixels = (side - 2) ** 2
    return Layer(9 * inputs * outputs + outputs, outputs * pixels, 2 * 9 * inputs * outputs * pixels)


def pool(outputs):
    return Layer(0, outputs, 0)


@dataclass(frozen=True)
class Training:
    """Training steps: a shuffled batch out of 60,000 samples in memory, forward, cross entropy, backward, optimizer."""

    name: str
    text: str
    inputs: int
    layers: tuple[Layer, ...]
    batch: int | None = None  # the one batch size of the work, where it has one

    def variants(self, options):
        batches = [self.batch] if self.batch else options.batches
        return [{"optimizer": name, "batch": batch} for batch in batches for name in options.optimizers]

    def for_slow_sides(self, settings):
        return settings["optimizer"] in ("sgd", "adamw")

    def memory_variant(self, options):
        return {"optimizer": options.optimizers[-1], "batch": self.batch or options.batches[0]}

    def label(self, settings):
        return f"batch {settings['batch']}, {settings['optimizer']}"

    def floor(self, settings):
        batch, state = settings["batch"], OPTIMIZERS[settings["optimizer"]]
        parameters = sum(layer.parameters for layer in self.layers)
        activations = batch * sum(layer.outputs for layer in self.layers)
        # Forward, the gradient of the weights, and the gradient of the inputs, which the first layer need not have.
        flops = batch * (3 * sum(layer.flops for layer in self.layers) - self.layers[0].flops)
        # A parameter is read forward and backward and written; its gradient written and read; its state read and written.
        # A batch is read and written by the loader, read forward and backward. An activation is written and read forward,
        # its gradient written and read backward.
        moved = parameters * (3 + 2 + 2 * state) + batch * self.inputs * 4 + activations * 4
        held = parameters * (2 + state) + batch * self.inputs + activations * 2
        return {"flops": flops, "bytes": 4 * moved, "footprint": 4 * held}


@dataclass(frozen=True)
class Operation:
    """One small operation that is recorded, and dropped: what a call costs beside the work."""

    name: str
    text: str
    elements: int

    def variants(self, options):
        return [{"elements": self.elements}]

    def for_slow_sides(self, settings):
        return True

    def memory_variant(self, options):
        return None

    def label(self, settings):
        return f"{settings['elements']} elements"

    def floor(self, settings):
        n = settings["elements"]
        return {"flops": n, "bytes": 12 * n, "footprint": 12 * n}


WORKS = {
    work.name: work
    for work in [
        Training("mlp", "784-512-10 with ReLU", 784, (linear(784, 512), linear(512, 10))),
        Training(
            "cnn",
            "28 x 28 images, 3 x 3 convolutions to 32 and 64 channels, max-pooling by 2, 9216-128-10, ReLU between them",
            784,
            (conv3x3(1, 32, 28), conv3x3(32, 64, 26), pool(64 * 12 * 12), linear(9216, 128), linear(128, 10)),
        ),
        Training("tiny", "20-32-10 with ReLU, 1,002 parameters", 20, (linear(20, 32), linear(32, 10))),
        Training(
            "small", "64-64-64-10 with ReLU, a module of modules", 64, (linear(64, 64), linear(64, 64), linear(64, 10)), 32
        ),
        Operation("one", "x * w of eight numbers, recorded and dropped", 8),
    ]
}
