"""The sides of run.py that are driven from Python: PyTorch in eager mode, and barehand through its Python package.

    worker.py torch
    worker.py barehand

It is the same code for both, as fast as users write it, for barehand has PyTorch's names. `protocol/src/lib.rs` tells the
lines that come and go. `start` with `fused=yes` takes an optimizer's fused form instead of its default. Batches are rows of
the tensors that hold all samples, which costs less than PyTorch's DataLoader.
"""

import importlib
import sys
import time

torch = importlib.import_module(sys.argv[1])
F = importlib.import_module(f"{sys.argv[1]}.nn.functional")


def mlp(x, p):
    last = len(p) // 2 - 1
    for i in range(last):
        x = F.relu(F.linear(x, p[f"layers.{i}.weight"], p[f"layers.{i}.bias"]))
    return F.linear(x, p[f"layers.{last}.weight"], p[f"layers.{last}.bias"])


class Small(torch.nn.Module):
    """Three layers of width 64 as users write them: a module of modules."""

    def __init__(self, p):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(*p[f"layers.{i}.weight"].shape[::-1]) for i in range(3)])
        self.load_state_dict(p)

    def forward(self, x):
        x = F.relu(self.layers[0](x))
        x = F.relu(self.layers[1](x))
        return self.layers[2](x)


class SequenceClassifier(torch.nn.Module):
    """The class of a sequence, from the last step of two recurrent layers."""

    def __init__(self, p):
        super().__init__()
        recurrent, outer = p["recurrent.weight_hh_l0"], p["recurrent.weight_ih_l0"]
        hidden, inputs = recurrent.shape[1], outer.shape[1]
        kind = {1: torch.nn.RNN, 3: torch.nn.GRU, 4: torch.nn.LSTM}[recurrent.shape[0] // hidden]
        self.recurrent = kind(inputs, hidden, num_layers=2, batch_first=True)
        self.output = torch.nn.Linear(hidden, len(p["output.bias"]))
        self.load_state_dict(p)

    def forward(self, x):
        return self.output(self.recurrent(x)[0][:, -1])


def cnn(x, p):
    x = F.relu(F.conv2d(x, p["convolutions.0.weight"], p["convolutions.0.bias"]))
    x = F.relu(F.conv2d(x, p["convolutions.1.weight"], p["convolutions.1.bias"]))
    x = F.relu(F.linear(F.max_pool2d(x, 2).flatten(1), p["layers.0.weight"], p["layers.0.bias"]))
    return F.linear(x, p["layers.1.weight"], p["layers.1.bias"])


NETWORKS = {"mlp": mlp, "cnn": cnn, "tiny": mlp, "small": Small}
NETWORKS |= dict.fromkeys(["lstm", "gru", "rnn"], SequenceClassifier)
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
        self.network = NETWORKS[work]

    def start(self, settings):
        if settings["optimizer"] not in OPTIMIZERS:
            return False
        if isinstance(self.network, type):
            self.forward = self.network(self.weights)
            parameters = list(self.forward.parameters())
        else:
            held = {name: weight.clone().requires_grad_() for name, weight in self.weights.items()}
            self.forward = lambda x: self.network(x, held)
            parameters = list(held.values())
        kind, options = OPTIMIZERS[settings["optimizer"]]
        fused = {"fused": True} if "fused" in settings else {}
        self.optimizer = kind(parameters, **fused, **options)
        self.batch = int(settings["batch"])
        self.batches, self.checked = self.shuffled(), 0
        return True

    def shuffled(self):
        while True:
            order = torch.randperm(len(self.labels))
            for i in range(0, len(order) - self.batch + 1, self.batch):
                yield order[i : i + self.batch]

    def step(self, rows):
        loss = F.cross_entropy(self.forward(self.inputs[rows]), self.labels[rows])
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


class One:
    """One operation on eight numbers, recorded; its output is dropped."""

    def __init__(self, file):
        tensors = load_file(file)
        self.x, self.w = tensors["x"].clone(), tensors["w"].clone().requires_grad_()

    def start(self, settings):
        return "fused" not in settings

    def check(self):
        return (self.x * self.w).tolist()

    def run(self, count):
        x, w = self.x, self.w
        for _ in range(count):
            x * w


class Block(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.attn = torch.nn.ModuleDict(
            {"c_attn": torch.nn.Linear(width, 3 * width), "c_proj": torch.nn.Linear(width, width)}
        )
        self.mlp = torch.nn.ModuleDict(
            {"c_fc": torch.nn.Linear(width, 4 * width), "c_proj": torch.nn.Linear(4 * width, width)}
        )

    def forward(self, x):
        x = x + self.attention(self.ln_1(x))
        return x + self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x))))

    def attention(self, x):
        n, length, width = x.shape
        q, k, v = self.attn["c_attn"](x).split(width, dim=2)
        q, k, v = (part.view(n, length, self.heads, width // self.heads).transpose(1, 2) for part in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.attn["c_proj"](y.transpose(1, 2).reshape(n, length, width))


class Gpt(torch.nn.Module):
    """nanoGPT's model with a last layer of its own."""

    def __init__(self, vocabulary, length, layers, heads, width):
        super().__init__()
        self.transformer = torch.nn.ModuleDict(
            {
                "wte": torch.nn.Embedding(vocabulary, width),
                "wpe": torch.nn.Embedding(length, width),
                "h": torch.nn.ModuleList([Block(width, heads) for _ in range(layers)]),
                "ln_f": torch.nn.LayerNorm(width),
            }
        )
        self.lm_head = torch.nn.Linear(width, vocabulary, bias=False)
        self.positions = torch.arange(length)

    def forward(self, tokens):
        x = self.transformer["wte"](tokens) + self.transformer["wpe"](self.positions)
        for block in self.transformer["h"]:
            x = block(x)
        return self.lm_head(self.transformer["ln_f"](x))


HEADS = {"gpt": 4, "gpt_wide": 6}


class Language:
    """A language model on its way over sequences of tokens."""

    def __init__(self, work, file):
        self.weights, self.heads = load_file(file), HEADS[work]
        self.tokens = self.weights.pop("tokens")

    def start(self, settings):
        vocabulary, width = self.weights["transformer.wte.weight"].shape
        layers = sum(name.endswith("ln_1.weight") for name in self.weights)
        self.model = Gpt(vocabulary, self.tokens.shape[1] - 1, layers, self.heads, width)
        self.model.load_state_dict(self.weights)
        fused = {"fused": True} if "fused" in settings else {}
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, weight_decay=0.01, **fused)
        self.batch, self.at = int(settings["batch"]), 0
        return True

    def check(self):
        rows = self.tokens[self.at : self.at + self.batch]
        self.at = (self.at + self.batch) % (len(self.tokens) - self.batch + 1)
        loss = F.cross_entropy(self.model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return [loss.item()]

    def run(self, count):
        for _ in range(count):
            self.check()


def padded(i):
    """Sequences of 64, 128, ... to 512 tokens, padded to the longest."""
    n, length = i["q"].shape[0], i["q"].shape[2]
    lengths = (torch.arange(n) + 1) * (length // n)
    keep = torch.arange(length) < lengths[:, None]
    return F.scaled_dot_product_attention(i["q"], i["k"], i["v"], attn_mask=keep[:, None, None, :])


ANGLES = {}


def rope(x):
    """As Hugging Face's models have it, their angles computed once; barehand has an operator."""
    if torch.__name__ == "barehand":
        return F.rope(x, "half_split")
    length, width = x.shape[-2:]
    if not ANGLES:
        frequencies = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies).repeat(1, 2)
        ANGLES.update(cos=angles.cos().float(), sin=angles.sin().float())
    first, second = x.chunk(2, dim=-1)
    return x * ANGLES["cos"] + torch.cat((-second, first), dim=-1) * ANGLES["sin"]


def decode(i):
    return F.scaled_dot_product_attention(i["q"], i["k"], i["v"], enable_gqa=i["q"].shape[1] != i["k"].shape[1])


# What PyTorch has no function for, as its users write it; barehand has functions.


def focal(x, targets):
    if torch.__name__ == "barehand":
        return F.focal_loss(x, targets)
    p = torch.sigmoid(x)
    p_t = p * targets + (1 - p) * (1 - targets)
    return (F.binary_cross_entropy_with_logits(x, targets, reduction="none") * (1 - p_t) ** 2).mean()


def bpr(x, y):
    return F.bpr_loss(x, y) if torch.__name__ == "barehand" else -F.logsigmoid(x - y).mean()


def contrastive(x, y, together):
    if torch.__name__ == "barehand":
        return F.contrastive_loss(x, y, together)
    distance = F.pairwise_distance(x, y)
    return (together * distance**2 + (1 - together) * F.relu(1 - distance) ** 2).mean()


def info_nce(x, y):
    if torch.__name__ == "barehand":
        return F.info_nce_loss(x, y)
    logits = F.normalize(x, dim=1) @ F.normalize(y, dim=1).t() / 0.07
    return F.cross_entropy(logits, torch.arange(len(x)))


OPERATORS = {
    "attention": lambda i: F.scaled_dot_product_attention(i["q"], i["k"], i["v"], is_causal=True),
    "attention_long": lambda i: F.scaled_dot_product_attention(i["q"], i["k"], i["v"], is_causal=True),
    "attention_4096": lambda i: F.scaled_dot_product_attention(i["q"], i["k"], i["v"], is_causal=True),
    "attention_padded": padded,
    "decode": decode,
    "decode_grouped": decode,
    "rope": lambda i: rope(i["x"]),
    "conv3x3": lambda i: F.conv2d(i["x"], i["w"], padding=1),
    "conv7x7": lambda i: F.conv2d(i["x"], i["w"], stride=2, padding=3),
    "depthwise": lambda i: F.conv2d(i["x"], i["w"], padding=1, groups=64),
    "conv1d": lambda i: F.conv1d(i["x"], i["w"], padding=2),
    "conv_transpose2d": lambda i: F.conv_transpose2d(i["x"], i["w"], stride=2, padding=1),
    "max_pool2d": lambda i: F.max_pool2d(i["x"], 2),
    "avg_pool2d": lambda i: F.avg_pool2d(i["x"], 2),
    "batch_norm": lambda i: F.batch_norm(i["x"], None, None, i["w"], i["b"], training=True),
    "layer_norm": lambda i: F.layer_norm(i["x"], i["x"].shape[-1:], i["w"], i["b"]),
    "rms_norm": lambda i: F.rms_norm(i["x"], i["x"].shape[-1:], i["w"], eps=1e-6),
    "group_norm": lambda i: F.group_norm(i["x"], 8, i["w"], i["b"]),
    "instance_norm": lambda i: F.instance_norm(i["x"], weight=i["w"], bias=i["b"]),
    "relu": lambda i: F.relu(i["x"]),
    "sigmoid": lambda i: torch.sigmoid(i["x"]),
    "tanh": lambda i: torch.tanh(i["x"]),
    "silu": lambda i: F.silu(i["x"]),
    "mish": lambda i: F.mish(i["x"]),
    "softplus": lambda i: F.softplus(i["x"]),
    "softmax": lambda i: F.softmax(i["x"], dim=-1),
    "gelu": lambda i: F.gelu(i["x"]),
    "gelu_tanh": lambda i: F.gelu(i["x"], approximate="tanh"),
    "cross_entropy": lambda i: F.cross_entropy(i["x"], i["labels"]),
    "swiglu": lambda i: F.linear(F.silu(F.linear(i["x"], i["gate"])) * F.linear(i["x"], i["up"]), i["down"]),
    "embedding": lambda i: F.embedding(i["labels"], i["w"]),
    "mse": lambda i: F.mse_loss(i["x"], i["targets"]),
    "smooth_l1": lambda i: F.smooth_l1_loss(i["x"], i["targets"]),
    "bce_with_logits": lambda i: F.binary_cross_entropy_with_logits(i["x"], i["targets"]),
    "focal": lambda i: focal(i["x"], i["targets"]),
    "kl_div": lambda i: F.kl_div(i["x"], i["targets"]),
    "bpr": lambda i: bpr(i["x"], i["y"]),
    "pairwise_distance": lambda i: F.pairwise_distance(i["x"], i["y"]),
    "contrastive": lambda i: contrastive(i["x"], i["y"], i["targets"]),
    "cosine_embedding": lambda i: F.cosine_embedding_loss(i["x"], i["y"], (i["targets"] - 0.5).sign()),
    "triplet": lambda i: F.triplet_margin_loss(i["x"], i["y"], i["z"]),
    "info_nce": lambda i: info_nce(i["x"], i["y"]),
    "dropout": lambda i: F.dropout(i["x"], 0.5),
}


class Operator:
    """One operator on random numbers: forward alone, or with the gradients of everything that it takes."""

    def __init__(self, work, file):
        # As for training: the file's own pages are not memory of the steps.
        self.inputs = {name: tensor.clone() for name, tensor in load_file(file).items()}
        self.apply, self.is_random = OPERATORS[work], work == "dropout"
        self.grad = self.inputs.pop("grad")
        self.reals = [name for name in self.inputs if name not in ("labels", "targets")]

    def start(self, settings):
        self.with_gradients = settings["pass"] == "gradients"
        for name in self.reals:
            self.inputs[name] = self.inputs[name].detach().requires_grad_(self.with_gradients)
        return "fused" not in settings

    def check(self):
        output = self.apply(self.inputs)
        if self.is_random:
            return [(output == 0).sum().item() / output.numel()]
        numbers = [output.detach().abs().mean().item()]
        if self.with_gradients:
            self.backward(output)
            # In the order of the operator's own list, where its input comes first.
            numbers += [self.inputs[name].grad.abs().mean().item() for name in ORDER if name in self.reals]
        return numbers

    def backward(self, output):
        for name in self.reals:
            self.inputs[name].grad = None
        output.backward(self.grad)

    def run(self, count):
        for _ in range(count):
            output = self.apply(self.inputs)
            if self.with_gradients:
                self.backward(output)


ORDER = ["q", "k", "v", "x", "y", "z", "w", "b", "gate", "up", "down"]
OPTIMIZER_STEPS = {
    "momentum": lambda parameters, **options: torch.optim.SGD(parameters, lr=1e-2, momentum=0.9, **options),
    "adagrad": lambda parameters, **options: torch.optim.Adagrad(parameters, lr=1e-2, **options),
    "adadelta": lambda parameters, **options: torch.optim.Adadelta(parameters, lr=1.0, **options),
    "rprop": lambda parameters, **options: torch.optim.Rprop(parameters, lr=1e-2, **options),
    "asgd": lambda parameters, **options: torch.optim.ASGD(parameters, lr=1e-2, **options),
    "adam": lambda parameters, **options: torch.optim.Adam(parameters, lr=1e-3, **options),
    "adamax": lambda parameters, **options: torch.optim.Adamax(parameters, lr=2e-3, **options),
    "radam": lambda parameters, **options: torch.optim.RAdam(parameters, lr=1e-3, **options),
    "nadam": lambda parameters, **options: torch.optim.NAdam(parameters, lr=2e-3, **options),
    "rmsprop": lambda parameters, **options: torch.optim.RMSprop(parameters, lr=1e-2, **options),
}


class OptimizerSteps:
    """Steps of an optimizer alone: the gradients stay as they are. Those without a fused form have one for many tensors."""

    def __init__(self, file):
        self.tensors = load_file(file)

    def start(self, settings):
        self.parameters = [row.clone().requires_grad_() for row in self.tensors["parameters"]]
        for parameter, gradient in zip(self.parameters, self.tensors["gradients"]):
            parameter.grad = gradient.clone()
        kind = settings["optimizer"]
        fused = {"fused" if kind == "adam" else "foreach": True} if "fused" in settings else {}
        self.optimizer = OPTIMIZER_STEPS[kind](self.parameters, **fused)
        return True

    def check(self):
        self.run(1)
        return [self.parameters[0].detach().abs().mean().item()]

    def run(self, count):
        for _ in range(count):
            self.optimizer.step()


class Logistic:
    """One step of L-BFGS from weights of 0, on two classes and all rows."""

    def __init__(self, file):
        tensors = load_file(file)
        self.x, self.y = tensors["x"].clone(), tensors["y"].clone()

    def start(self, settings):
        return "fused" not in settings

    def fitted(self):
        model = torch.nn.Linear(self.x.shape[1], 1)
        with torch.no_grad():
            model.weight.zero_()
            model.bias.zero_()
        optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")

        def closure():
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(self.x), self.y)
            loss.backward()
            return loss

        optimizer.step(closure)
        return model

    def check(self):
        model = self.fitted()
        return [F.binary_cross_entropy_with_logits(model(self.x), self.y).item()]

    def run(self, count):
        for _ in range(count):
            self.fitted()


def load_file(file):
    if torch.__name__ == "barehand":
        return torch.load(file)
    return importlib.import_module("safetensors.torch").load_file(file)


def load(work, file):
    if work == "one":
        return One(file)
    if work in HEADS:
        return Language(work, file)
    if work in OPERATORS:
        return Operator(work, file)
    if work == "lbfgs":
        return Logistic(file)
    if work in (*OPTIMIZER_STEPS, "adam_many"):
        return OptimizerSteps(file)
    if work in NETWORKS:
        return Training(work, file)
    return importlib.import_module("estimators").load(work, file) if torch.__name__ == "barehand" else None


def main():
    # What a library imports with its first optimizer belongs to its start, not to the memory of training.
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1).step()
    python = f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    if torch.__name__ == "torch":
        capability, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
        answer = f"ok PyTorch {torch.__version__} eager, {capability}, {python}, {threads} threads"
    else:
        answer = f"ok barehand {torch.__version__} through its Python package, {python}, {torch.get_num_threads()} threads"
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
