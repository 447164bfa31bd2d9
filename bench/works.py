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


def recurrent(gates, inputs, hidden, steps):
    """Each step is a product with the inputs and one with the hidden state; gates and states are kept."""
    weights = gates * hidden * (inputs + hidden)
    return Layer(weights + 2 * gates * hidden, steps * (gates + 2) * hidden, 2 * steps * weights)


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


@dataclass(frozen=True)
class Operator:
    """One operator on random numbers: forward alone, and with the gradients of everything that it takes.

    `forward` and `backward` are the flops and the floats moved of each pass at the least: what it must read and write
    where nothing that it has read is still in a cache. An operator without `backward` is raced forward only; of one with
    `memory_steps` the peak memory of so many steps with gradients is measured.
    """

    name: str
    text: str
    forward: tuple[int, int]
    backward: tuple[int, int] | None
    held: int
    memory_steps: int = 0
    raced: bool = True

    def variants(self, options):
        passes = ("forward", "gradients")[: 2 if self.backward else 1]
        return [{"pass": name} for name in passes] if self.raced else []

    def for_slow_sides(self, settings):
        return True

    def memory_variant(self, options):
        return {"pass": "gradients"} if self.memory_steps else None

    def label(self, settings):
        return {"forward": "forward", "gradients": "with gradients"}[settings["pass"]]

    def floor(self, settings):
        passes = [self.forward, self.backward] if settings["pass"] == "gradients" else [self.forward]
        flops, moved = (sum(part) for part in zip(*passes))
        return {"flops": flops, "bytes": 4 * moved, "footprint": 4 * self.held}


def elementwise(name, text, n, weights=0):
    """Of n numbers: reads x and writes y; reads x or y and dy and writes dx."""
    return Operator(name, text, (0, 2 * n + weights), (0, 3 * n + weights), 4 * n)


def loss(name, text, n):
    """Of n numbers and n targets: reads both, and writes one number; reads both again and writes a gradient."""
    return Operator(name, text, (0, 2 * n), (0, 3 * n), 3 * n)


def comparison(name, text, rows, width, vectors=2, flops=0):
    """Of rows of vectors with a gradient each: reads them, and writes a number a row; reads them again, writes gradients."""
    n = vectors * rows * width
    return Operator(name, text, (flops, n), (2 * flops, 2 * n), 2 * n)


def products(name, text, flops, read, written, weights, kept=0):
    """Two gradients cost what the forward pass costs, each. What is `kept` is written forward and read backward."""
    moved = (read + written + weights + kept, 2 * read + written + 2 * weights + kept)
    return Operator(name, text, (flops, moved[0]), (2 * flops, moved[1]), 2 * (read + written + weights) + kept)


def convolution(name, text, batch, inputs, outputs, side, kernel, stride, groups=1):
    pixels = (side // stride) ** 2
    flops = 2 * batch * outputs * pixels * kernel**2 * inputs // groups
    weights = outputs * inputs // groups * kernel**2
    return products(name, text, flops, batch * inputs * side**2, batch * outputs * pixels, weights)


def attention(name, text, heads, length, width, memory_steps=0, raced=True):
    """Causal: half of the products are masked. Backward the scores are computed again: five products after two."""
    n, pairs = heads * length * width, heads * length**2 * width
    return Operator(name, text, (2 * pairs, 4 * n), (5 * pairs, 8 * n), 8 * n, memory_steps, raced)


def padded_attention(name, text, heads, lengths, width):
    """Without a causal mask: queries that are padding attend as well, but no product is with a key that is."""
    n, pairs = heads * max(lengths) * width, heads * max(lengths) * sum(lengths) * width
    moved = len(lengths) * n
    return Operator(name, text, (4 * pairs, 4 * moved), (10 * pairs, 8 * moved), 8 * moved)


def decoding(name, text, heads, shared, length, width):
    """One token: keys and values are read once, each for all heads that share it."""
    cached = 2 * shared * length * width
    return Operator(name, text, (4 * heads * length * width, cached + 2 * heads * width), None, cached)


@dataclass(frozen=True)
class Language:
    """Training steps of a GPT: embedding, blocks of attention and feed-forward, cross entropy, backward, AdamW."""

    name: str
    text: str
    layers: int
    width: int
    length: int
    batch: int
    vocabulary: int = 80

    def variants(self, options):
        return [{"optimizer": "adamw", "batch": self.batch}]

    def for_slow_sides(self, settings):
        return self.width < 256

    def memory_variant(self, options):
        return {"optimizer": "adamw", "batch": self.batch}

    def label(self, settings):
        return f"batch {self.batch}, adamw"

    def floor(self, settings):
        tokens, width = self.batch * self.length, self.width
        weights = self.layers * 12 * width**2 + self.vocabulary * width
        parameters = weights + self.layers * 13 * width + (self.vocabulary + self.length + 2) * width
        # Products with weights cost the same forward and for each gradient; those of attention as `attention` has them.
        flops = 6 * tokens * weights + 7 * self.layers * self.batch * self.length**2 * width
        # What is kept for the way back, for each token and layer: inputs of norms, products, GELU and attention.
        activations = tokens * (self.layers * 16 * width + self.vocabulary)
        return {"flops": flops, "bytes": 4 * (9 * parameters + 4 * activations), "footprint": 4 * (4 * parameters + activations)}


@dataclass(frozen=True)
class OptimizerSteps:
    """An optimizer alone on `count` tensors of `elements` numbers, for each of which it remembers `state` more."""

    name: str
    text: str
    count: int
    elements: int
    optimizer: str = "adam"
    state: int = 2

    def variants(self, options):
        return [{"optimizer": self.optimizer}]

    def for_slow_sides(self, settings):
        return True

    def memory_variant(self, options):
        return None

    def label(self, settings):
        return settings["optimizer"]

    def floor(self, settings):
        n = self.count * self.elements
        # Reads parameter, gradient and what it remembers, writes all but the gradient.
        return {"flops": 0, "bytes": 4 * (3 + 2 * self.state) * n, "footprint": 4 * (2 + self.state) * n}


@dataclass(frozen=True)
class Logistic:
    """One step of L-BFGS, 20 iterations from weights of 0 with a search on the line: logistic regression on all rows."""

    name: str
    text: str
    rows: int
    columns: int

    def variants(self, options):
        return [{"iterations": 20}]

    def for_slow_sides(self, settings):
        return True

    def memory_variant(self, options):
        return None

    def label(self, settings):
        return f"{settings['iterations']} iterations"

    def floor(self, settings):
        # Every iteration looks at the loss at least once, and reads the data for it and for its gradient.
        looks, n = settings["iterations"] + 1, self.rows * self.columns
        return {"flops": 4 * looks * n, "bytes": 4 * 2 * looks * n, "footprint": 4 * n}


@dataclass(frozen=True)
class Learning:
    """An estimator on data in memory: fitting it, asking it for many rows, or for one.

    `flops` and `numbers` are what fitting must compute and move at the least, `bits` the width of a number. What a tree
    must do nobody knows: there the floor is one look at the data.
    """

    name: str
    text: str
    flops: float
    numbers: float
    bits: int = 64
    does: tuple[str, ...] = ("fit",)
    tolerance: float = 1e-3  # how far apart sides may be: what they agree on may be a score
    least_checks: int = 1  # fitting again gives the same numbers

    def variants(self, options):
        return [{"do": name} for name in self.does]

    def for_slow_sides(self, settings):
        return True

    def memory_variant(self, options):
        return None

    def label(self, settings):
        return {"fit": "fit", "predict": "predict", "one": "predict one row"}[settings["do"]]

    def floor(self, settings):
        if settings["do"] != "fit":
            return {"flops": 0, "bytes": 8, "footprint": 8}
        return {"flops": self.flops, "bytes": self.bits // 8 * self.numbers, "footprint": self.bits // 8 * self.numbers}


def estimators():
    """Of 100,000 rows of 50 numbers, where nothing else is said; matrices that are symmetric cost half."""
    n, d, fashion, pixels = 100_000, 50, 60_000, 784
    one = ("fit", "one")
    return [
        Learning("linear_regression", "least squares, 100,000 x 50", n * d**2, n * d, does=one),
        Learning("ridge", "100,000 x 50", n * d**2, n * d),
        Learning("lasso", "alpha 0.1, 100,000 x 50", n * d**2, n * d),
        Learning("logistic_regression", "two classes, tolerance 1e-4, 100,000 x 50", 4 * n * d, n * d, tolerance=1e-2),
        Learning(
            "logistic_mixed",
            "the same, columns that depend on each other: scikit-learn takes some 45 iterations",
            4 * n * d,
            n * d,
            tolerance=1e-2,
        ),
        Learning(
            "logistic_fashion",
            "ten classes, C 0.01, tolerance 1e-3, Fashion-MNIST 60,000 x 784",
            4 * fashion * pixels * 10,
            fashion * pixels,
            32,
            tolerance=5e-3,
        ),
        Learning("sgd_classifier", "five epochs of 100,000 x 50", 5 * 4 * n * d, 5 * n * d, tolerance=2e-2),
        Learning("standard_scaler", "fit and transform, 1,000,000 x 50", 4 * 10 * n * d, 3 * 10 * n * d),
        Learning("roc_auc", "1,000,000 scores", 0, 1_500_000),
        Learning("kmeans_10", "10 clusters, 25 rounds, 100,000 x 50", 25 * 2 * n * d * 10, n * d, 32, tolerance=5e-2),
        Learning("kmeans_100", "100 clusters, 25 rounds, 100,000 x 50", 25 * 2 * n * d * 100, n * d, 32, tolerance=5e-2),
        Learning("pca", "50 components, Fashion-MNIST 60,000 x 784", fashion * pixels**2, fashion * pixels, 32),
        Learning("decision_tree", "full depth, 100,000 x 50", 0, n * d, does=("fit", "predict"), tolerance=2e-2),
        Learning("random_forest", "100 trees, 20,000 x 50", 0, n // 5 * d, does=("fit", "predict", "one"), tolerance=2e-2),
        # linfa and smartcore take minutes for those above.
        Learning("decision_tree_small", "depth 8, 10,000 x 20", 0, 10_000 * 20, tolerance=2e-2),
        Learning("random_forest_small", "10 trees, 2,000 x 20", 0, 2_000 * 20, tolerance=5e-2),
        Learning(
            "hist_gradient_boosting",
            "100 rounds, 31 leaves, 100,000 x 50",
            0,
            n * d,
            does=("fit", "predict", "one"),
            tolerance=2e-2,
        ),
        Learning(
            "nearest_neighbors",
            "5 neighbours, 10,000 rows of Fashion-MNIST among 60,000",
            0,
            fashion * pixels,
            32,
            does=("predict",),
            tolerance=2e-3,
        ),
        Learning("scaled_logistic", "a pipeline of scaler and logistic regression, 100,000 x 50", 0, n * d, does=("one",)),
        Learning("cross_validation", "5 folds, scaler and ridge, 569 x 30", 0, 569 * 30),
    ]


IMAGES, ROWS, LOGITS = 32 * 64 * 56**2, 4096 * 1024, 4096 * 32_000
TABLE, PICKED = 32_000 * 512, 4096 * 512

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
        Training(
            "lstm",
            "LSTM of two layers, 128 inputs, 256 wide, over 64 steps, and a linear layer",
            64 * 128,
            (recurrent(4, 128, 256, 64), recurrent(4, 256, 256, 64), linear(256, 10)),
            32,
        ),
        Training(
            "gru",
            "GRU of two layers, 128 inputs, 256 wide, over 64 steps, and a linear layer",
            64 * 128,
            (recurrent(3, 128, 256, 64), recurrent(3, 256, 256, 64), linear(256, 10)),
            32,
        ),
        Training(
            "rnn",
            "RNN of two layers, 128 inputs, 256 wide, over 64 steps, and a linear layer",
            64 * 128,
            (recurrent(1, 128, 256, 64), recurrent(1, 256, 256, 64), linear(256, 10)),
            32,
        ),
        Language("gpt", "GPT of 4 layers, 4 heads, width 128, 64 tokens", 4, 128, 64, 12),
        Language("gpt_wide", "GPT of 6 layers, 6 heads, width 384, 256 tokens", 6, 384, 256, 8),
        Operation("one", "x * w of eight numbers, recorded and dropped", 8),
        attention("attention", "causal, 8 x 8 heads, 512 tokens, width 64", 64, 512, 64, memory_steps=50),
        attention("attention_long", "causal, 12 heads, 2048 tokens, width 64", 12, 2048, 64),
        attention(
            "attention_4096", "causal, 8 x 8 heads, 4096 tokens, width 64", 64, 4096, 64, memory_steps=3, raced=False
        ),
        padded_attention(
            "attention_padded", "8 sequences of 64 to 512 tokens, padded, 8 heads, width 64", 8, range(64, 513, 64), 64
        ),
        decoding("decode", "one token after 2048 in a cache, 12 heads, width 64", 12, 12, 2048, 64),
        decoding("decode_grouped", "one token after 2048 in a cache, 12 heads that share 4, width 64", 12, 4, 2048, 64),
        elementwise("rope", "rotary positions, 8 x 8 heads, 512 tokens, width 64", 64 * 512 * 64),
        convolution("conv3x3", "3 x 3, 64 to 64 channels, 32 images of 56 x 56", 32, 64, 64, 56, 3, 1),
        convolution("conv7x7", "7 x 7 stride 2, 3 to 64 channels, 32 images of 224 x 224", 32, 3, 64, 224, 7, 2),
        convolution("depthwise", "3 x 3, each of 64 channels alone, 32 images of 56 x 56", 32, 64, 64, 56, 3, 1, 64),
        products(
            "conv1d",
            "5 wide, 64 to 64 channels, 32 sequences of 1024",
            2 * 32 * 64 * 1024 * 5 * 64,
            32 * 64 * 1024,
            32 * 64 * 1024,
            64 * 64 * 5,
        ),
        products(
            "conv_transpose2d",
            "4 x 4 stride 2, 64 to 32 channels, 32 images of 28 x 28 to 56 x 56",
            2 * 32 * 64 * 28**2 * 32 * 4**2,
            32 * 64 * 28**2,
            32 * 32 * 56**2,
            64 * 32 * 4**2,
        ),
        Operator("max_pool2d", "2 x 2, 32 x 64 x 56 x 56", (0, IMAGES * 5 // 4), (0, IMAGES * 5 // 4), IMAGES * 5 // 2),
        Operator("avg_pool2d", "2 x 2, 32 x 64 x 56 x 56", (0, IMAGES * 5 // 4), (0, IMAGES * 5 // 4), IMAGES * 5 // 2),
        # Statistics first: the images do not fit a cache and are read twice, forward and backward.
        Operator("batch_norm", "in training, 32 x 64 x 56 x 56", (0, 3 * IMAGES), (0, 5 * IMAGES), 4 * IMAGES),
        elementwise("layer_norm", "4096 x 1024", ROWS, 2048),
        elementwise("rms_norm", "4096 x 1024", ROWS, 1024),
        # A group of a sample fits a cache, so it is read once.
        elementwise("group_norm", "8 groups, 32 x 64 x 56 x 56", IMAGES, 128),
        elementwise("instance_norm", "32 x 64 x 56 x 56", IMAGES, 128),
        *(elementwise(name, "4096 x 1024", ROWS) for name in ("relu", "sigmoid", "tanh", "silu", "mish", "softplus")),
        elementwise("softmax", "4096 x 1024", ROWS),
        elementwise("gelu", "4096 x 1024", ROWS),
        elementwise("gelu_tanh", "GELU by tanh, 4096 x 1024", ROWS),
        # The logits are read forward, and read and their gradient written backward.
        Operator("cross_entropy", "4096 x 32,000 classes", (0, LOGITS), (0, 2 * LOGITS), 2 * LOGITS),
        loss("mse", "4,000,000 numbers", 4_000_000),
        loss("smooth_l1", "4,000,000 numbers", 4_000_000),
        loss("bce_with_logits", "4,000,000 numbers", 4_000_000),
        loss("focal", "gamma 2, 4,000,000 logits", 4_000_000),
        loss("kl_div", "4096 x 1024", ROWS),
        comparison("bpr", "4,000,000 pairs of scores", 4_000_000, 1),
        comparison("pairwise_distance", "16,384 pairs of 256 numbers", 16_384, 256),
        comparison("contrastive", "16,384 pairs of 256 numbers", 16_384, 256),
        comparison("cosine_embedding", "16,384 pairs of 256 numbers", 16_384, 256),
        comparison("triplet", "16,384 triplets of 256 numbers", 16_384, 256, 3),
        comparison("info_nce", "1024 pairs of 256 numbers", 1024, 256, flops=2 * 1024**2 * 256),
        products(
            "swiglu",
            "feed-forward part, 2048 tokens, width 512, hidden 1376",
            3 * 2 * 2048 * 512 * 1376,
            2048 * 512,
            2048 * 512,
            3 * 512 * 1376,
            2 * 2048 * 1376,
        ),
        # The gradient of the table is written whole, zeros and all.
        Operator("embedding", "4096 of 32,000 rows of 512", (0, 2 * PICKED), (0, PICKED + TABLE), 2 * TABLE + 2 * PICKED),
        Operator("dropout", "4,000,000 numbers", (0, 8_000_000), None, 8_000_000),
        OptimizerSteps("adam", "Adam on one tensor of 10,000,000 numbers", 1, 10_000_000),
        OptimizerSteps("adam_many", "Adam on 100 tensors of 64 numbers", 100, 64),
        *(
            OptimizerSteps(name, f"{text} on one tensor of 10,000,000 numbers; fused: foreach", 1, 10_000_000, name, state)
            for name, text, state in [
                ("momentum", "SGD with momentum", 1),
                ("adagrad", "Adagrad", 1),
                ("adadelta", "Adadelta", 2),
                ("rprop", "Rprop", 2),
                ("asgd", "ASGD", 1),
                ("adamax", "Adamax", 2),
                ("radam", "RAdam", 2),
                ("nadam", "NAdam", 2),
                ("rmsprop", "RMSprop", 1),
            ]
        ),
        Logistic("lbfgs", "L-BFGS with strong Wolfe, logistic regression on 20,000 x 200", 20_000, 200),
        *estimators(),
    ]
}
