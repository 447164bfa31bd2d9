"""A loss curve of a GPT: the first 100 training losses of a small nanoGPT on the first chapter of Moby Dick.

Both sides start from the same bits:

- tokens: the characters of the text, numbered in the order of Unicode;
- weights: in the order of nanoGPT's state dict (the head is the embedding of tokens and is not drawn), from one continuing
  stream `RandomState(weights_seed)`, each number `mean + bound * (2 random_sample() - 1)`, rounded to f32, where matrices
  have mean 0 and bound 0.0346 (a standard deviation of 0.02), weights of norms 1 and 0.1, biases 0 and 0.01;
- batches: `RandomState(order_seed)`; each window begins at `floor(random_sample() * (length - context))`.

AdamW (betas .9 and .99, weight decay on everything), gradients clipped to norm 1. The mean cross entropy of each batch is
recorded before its step. `f32` is PyTorch on one thread, `f64` the same from the same f32 bits; `noise` says how far
PyTorch parts from itself in f32: from weights moved by one unit in the last place, on two threads, and from f64.

`proofs/gpt_curve.py` makes the same of the model of 4 layers, 4 heads and width 128 on the whole book.
"""

import numpy as np
import torch
import torch.nn.functional as F
from golden import directory, write_json

STEPS = 100
SMALL = {"n_layer": 2, "n_head": 2, "n_embd": 32, "block_size": 16, "batch": 4}
COMMON = {
    "weights_seed": 0,
    "order_seed": 1,
    "lr": 1e-3,
    "betas": [0.9, 0.99],
    "weight_decay": 0.1,
    "clip": 1.0,
}


def tokens(text):
    """The numbers of the characters of `text`, and how many characters there are."""
    characters = sorted(set(text))
    number = {character: i for i, character in enumerate(characters)}
    return np.array([number[character] for character in text]), len(characters)


def shapes(about, vocabulary):
    """The shape of every parameter, by nanoGPT's name."""
    width = about["n_embd"]
    named = {"transformer.wte.weight": (vocabulary, width), "transformer.wpe.weight": (about["block_size"], width)}
    for layer in range(about["n_layer"]):
        h = f"transformer.h.{layer}"
        named |= {f"{h}.ln_1.weight": (width,), f"{h}.ln_1.bias": (width,)}
        named |= {f"{h}.attn.c_attn.weight": (3 * width, width), f"{h}.attn.c_attn.bias": (3 * width,)}
        named |= {f"{h}.attn.c_proj.weight": (width, width), f"{h}.attn.c_proj.bias": (width,)}
        named |= {f"{h}.ln_2.weight": (width,), f"{h}.ln_2.bias": (width,)}
        named |= {f"{h}.mlp.c_fc.weight": (4 * width, width), f"{h}.mlp.c_fc.bias": (4 * width,)}
        named |= {f"{h}.mlp.c_proj.weight": (width, 4 * width), f"{h}.mlp.c_proj.bias": (width,)}
    return named | {"transformer.ln_f.weight": (width,), "transformer.ln_f.bias": (width,)}


def weights(about, vocabulary):
    """The initial parameters, in f32."""
    random, parameters = np.random.RandomState(about["weights_seed"]), {}
    for name, shape in shapes(about, vocabulary).items():
        mean, bound = (0.0, 0.0346) if len(shape) == 2 else (1.0, 0.1) if name.endswith("weight") else (0.0, 0.01)
        parameters[name] = (mean + bound * (2 * random.random_sample(shape) - 1)).astype(np.float32)
    return parameters


def nudged(parameters, seed):
    """`parameters`, each number moved by -1, 0 or 1 units in its last place."""
    random = np.random.RandomState(seed)
    return {name: np.nextafter(p, p + random.randint(-1, 2, p.shape).astype(p.dtype)) for name, p in parameters.items()}


def forward(about, p, ids):
    """The logits of the next tokens, as nanoGPT computes them."""
    n, length = ids.shape
    width, heads = about["n_embd"], about["n_head"]

    def norm(x, name):
        return F.layer_norm(x, (width,), p[f"{name}.weight"], p[f"{name}.bias"])

    def linear(x, name):
        return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    x = p["transformer.wte.weight"][ids] + p["transformer.wpe.weight"][:length]
    for layer in range(about["n_layer"]):
        h = f"transformer.h.{layer}"
        parts = linear(norm(x, f"{h}.ln_1"), f"{h}.attn.c_attn").split(width, dim=2)
        q, k, v = (part.view(n, length, heads, width // heads).transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, length, width)
        x = x + linear(y, f"{h}.attn.c_proj")
        x = x + linear(F.gelu(linear(norm(x, f"{h}.ln_2"), f"{h}.mlp.c_fc")), f"{h}.mlp.c_proj")
    return F.linear(norm(x, "transformer.ln_f"), p["transformer.wte.weight"])


def train(about, text, dtype=torch.float32, threads=1, nudge=None):
    """The losses of STEPS steps."""
    torch.set_num_threads(threads)
    ids, vocabulary = tokens(text)
    start = weights(about, vocabulary)
    start = start if nudge is None else nudged(start, nudge)
    p = {name: torch.from_numpy(value).to(dtype).requires_grad_() for name, value in start.items()}
    optimizer = torch.optim.AdamW(
        p.values(), lr=about["lr"], betas=tuple(about["betas"]), weight_decay=about["weight_decay"]
    )
    random, losses, context = np.random.RandomState(about["order_seed"]), [], about["block_size"]
    for _ in range(STEPS):
        starts = np.floor(random.random_sample(about["batch"]) * (len(ids) - context)).astype(int)
        window = torch.from_numpy(np.array([ids[s : s + context + 1] for s in starts]))
        logits = forward(about, p, window[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(p.values(), about["clip"])
        optimizer.step()
        losses.append(loss.item())
    torch.set_num_threads(1)
    return losses


def envelope(losses, others):
    """The largest difference up to each step."""
    apart = [max(abs(other[t] - losses[t]) for other in others) for t in range(len(losses))]
    return [max(apart[: t + 1]) for t in range(len(apart))]


def curve(about, text, file):
    """Everything that the Rust side needs to follow a curve."""
    single, double = train(about, text), train(about, text, torch.float64)
    others = [train(about, text, nudge=1), train(about, text, nudge=2), train(about, text, threads=2), double]
    return {
        "about": __doc__.strip(),
        "text": file,
        "model": about,
        "f32": single,
        "f64": double,
        "noise": envelope(single, others),
    }


def main():
    file = "moby_dick_1.txt"
    text = (directory("nn") / file).read_text(encoding="utf-8")
    write_json("nn", "gpt_curve", curve(SMALL | COMMON, text, file))


if __name__ == "__main__":
    main()
