"""Embedding, multi-head attention, transformer encoders and decoders: outputs, and gradients of inputs and parameters.

Before each layer stands a tanh, so that a wrong gradient of the layer's input shows. Parameters are inputs named
`p.<name>`; masks are stored as 0 and 1, `attn_mask` and `key_padding_mask` as PyTorch takes them: 1 forbids.
"""

import numpy as np
import torch
from golden import Family
from torch import nn
from torch.func import functional_call

family = Family("nn", "transformers", __doc__.strip())

WIDTH, HEADS, HIDDEN = 4, 2, 6


def layer(name, module, inputs, call, **options):
    """A case of `module`: `inputs(random)` draws what it is called with, `call` says how."""
    names = [name for name, _ in module.named_parameters()]

    def draw(random):
        drawn = inputs(random)
        for name, parameter in module.named_parameters():
            norm = parameter.dim() == 1 and name.endswith("weight")
            drawn[f"p.{name}"] = random.randn(*parameter.shape) * 0.5 + float(norm)
        return drawn

    def function(*given, **_):
        given = list(given)
        parameters = dict(zip(names, given[len(given) - len(names) :], strict=True))
        given = [torch.tanh(x) if x.requires_grad else x.bool() for x in given[: len(given) - len(names)]]
        return call(lambda *args, **kwargs: functional_call(module, parameters, args, kwargs), *given)

    family.case(name, function, draw, **options)


def embeddings():
    def inputs(random):
        return {"table": random.randn(7, 3), "ids": random.randint(0, 7, (3, 4))}

    def rows(table, ids, norm_type=2.0, **options):
        # A table of its own: rows that are too long are shortened in place. JSON has no infinity.
        return nn.functional.embedding(ids, torch.tanh(table).clone(), norm_type=float(norm_type), **options)

    for name, options in {
        "plain": {},
        "padding": {"padding_idx": 2},
        "frequency": {"scale_grad_by_freq": True, "padding_idx": 6},
        "largest_norm": {"max_norm": 0.8},
        "largest_norm.1": {"max_norm": 1.0, "norm_type": 1.0, "padding_idx": 1},
        "largest_norm.infinite": {"max_norm": 0.5, "norm_type": "inf"},
    }.items():
        family.case(f"embedding.{name}", rows, inputs, **options)


def attention():
    def build(**options):
        return nn.MultiheadAttention(WIDTH, HEADS, **options)

    def out(pair):
        return {"out": pair[0]} if pair[1] is None else {"out": pair[0], "weights": pair[1]}

    def upper(n):
        return np.triu(np.ones((n, n), np.int64), 1)

    def padding():
        return np.array([[0, 0, 0, 1], [0, 1, 0, 0]])

    layer(
        "mha.self",
        build(),
        lambda r: {"x": r.randn(3, 2, WIDTH)},
        lambda f, x: out(f(x, x, x)),
        heads=HEADS,
        batch_first=False,
    )
    layer(
        "mha.causal",
        build(batch_first=True),
        lambda r: {"x": r.randn(2, 3, WIDTH), "attn_mask": upper(3)},
        lambda f, x, mask: out(f(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)),
        heads=HEADS,
        batch_first=True,
        causal=True,
    )
    layer(
        "mha.cross",
        build(batch_first=True),
        lambda r: {
            "x": r.randn(2, 3, WIDTH),
            "key": r.randn(2, 4, WIDTH),
            "bias": r.randn(3, 4),
            "key_padding_mask": padding(),
        },
        lambda f, x, key, bias, p: out(f(x, key, key, key_padding_mask=p, attn_mask=bias, average_attn_weights=False)),
        heads=HEADS,
        batch_first=True,
        per_head=True,
    )
    layer(
        "mha.three",
        build(),
        lambda r: {"x": r.randn(3, 2, WIDTH), "key": r.randn(4, 2, WIDTH), "value": r.randn(4, 2, WIDTH)},
        lambda f, x, key, value: out(f(x, key, value)),
        heads=HEADS,
        batch_first=False,
    )
    layer(
        "mha.widths",
        build(batch_first=True, kdim=3, vdim=5),
        lambda r: {
            "x": r.randn(2, 3, WIDTH),
            "key": r.randn(2, 4, 3),
            "value": r.randn(2, 4, 5),
            "key_padding_mask": padding(),
        },
        lambda f, x, key, value, p: out(f(x, key, value, key_padding_mask=p, need_weights=False)),
        heads=HEADS,
        batch_first=True,
        kdim=3,
        vdim=5,
    )
    for name, weights in {"mha.more_keys": True, "mha.more_keys_fused": False}.items():
        layer(
            name,
            build(batch_first=True, add_bias_kv=True, add_zero_attn=True),
            lambda r: {"x": r.randn(2, 4, WIDTH), "attn_mask": upper(4), "key_padding_mask": padding()},
            lambda f, x, mask, p, weights=weights: out(
                f(x, x, x, key_padding_mask=p, attn_mask=mask, need_weights=weights)
            ),
            heads=HEADS,
            batch_first=True,
            more_keys=True,
        )
    layer(
        "mha.single",
        build(bias=False),
        lambda r: {"x": r.randn(3, WIDTH)},
        lambda f, x: out(f(x, x, x)),
        heads=HEADS,
        batch_first=False,
        bias=False,
    )
    layer(
        "mha.mask_a_head",
        build(),
        lambda r: {"x": r.randn(3, 2, WIDTH), "attn_mask": np.array([upper(3), 0 * upper(3), upper(3).T, upper(3)])},
        lambda f, x, mask: out(f(x, x, x, attn_mask=mask, average_attn_weights=False)),
        heads=HEADS,
        batch_first=False,
        per_head=True,
    )


def transformers():
    upper = np.triu(np.ones((3, 3), np.int64), 1)
    padding = np.array([[0, 0, 1], [0, 0, 0]])
    common = {"dim_feedforward": HIDDEN, "dropout": 0.0}

    layer(
        "encoder_layer.post",
        nn.TransformerEncoderLayer(WIDTH, HEADS, **common),
        lambda r: {"x": r.randn(3, 2, WIDTH)},
        lambda f, x: f(x),
        batch_first=False,
    )
    layer(
        "encoder_layer.pre",
        nn.TransformerEncoderLayer(
            WIDTH, HEADS, activation="gelu", norm_first=True, batch_first=True, layer_norm_eps=1e-3, **common
        ),
        lambda r: {"x": r.randn(2, 3, WIDTH), "attn_mask": upper, "key_padding_mask": padding},
        lambda f, x, mask, p: f(x, src_mask=mask, src_key_padding_mask=p),
        batch_first=True,
        activation="gelu",
        norm_first=True,
        layer_norm_eps=1e-3,
    )
    layer(
        "encoder_layer.without_bias",
        nn.TransformerEncoderLayer(WIDTH, HEADS, bias=False, **common),
        lambda r: {"x": r.randn(3, WIDTH)},
        lambda f, x: f(x),
        batch_first=False,
        bias=False,
    )
    layer(
        "encoder.two",
        nn.TransformerEncoder(
            nn.TransformerEncoderLayer(WIDTH, HEADS, batch_first=True, **common), 2, nn.LayerNorm(WIDTH), False
        ),
        lambda r: {"x": r.randn(2, 3, WIDTH), "key_padding_mask": padding},
        lambda f, x, p: f(x, src_key_padding_mask=p),
        batch_first=True,
    )
    layer(
        "decoder_layer.post",
        nn.TransformerDecoderLayer(WIDTH, HEADS, batch_first=True, **common),
        lambda r: {
            "x": r.randn(2, 3, WIDTH),
            "memory": r.randn(2, 3, WIDTH),
            "attn_mask": upper,
            "memory_padding": padding,
        },
        lambda f, x, memory, mask, p: f(x, memory, tgt_mask=mask, tgt_is_causal=True, memory_key_padding_mask=p),
        batch_first=True,
    )
    layer(
        "decoder_layer.pre",
        nn.TransformerDecoderLayer(WIDTH, HEADS, activation="gelu", norm_first=True, **common),
        lambda r: {"x": r.randn(3, 2, WIDTH), "memory": r.randn(4, 2, WIDTH)},
        lambda f, x, memory: f(x, memory),
        batch_first=False,
        activation="gelu",
        norm_first=True,
    )
    layer(
        "transformer.one",
        nn.Transformer(WIDTH, HEADS, 1, 1, batch_first=True, **common),
        lambda r: {"x": r.randn(2, 3, WIDTH), "memory": r.randn(2, 4, WIDTH), "attn_mask": upper},
        lambda f, x, source, mask: f(source, x, tgt_mask=mask),
        batch_first=True,
    )


class SwiGLUFeedForward(nn.Module):
    """The feed-forward part of Llama."""

    def __init__(self, width, hidden):
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))


class GPTBlock(nn.Module):
    """Attention from one projection and a feed-forward part, each behind a norm: nanoGPT's block."""

    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(WIDTH)
        self.attn = nn.ModuleDict({"c_attn": nn.Linear(WIDTH, 3 * WIDTH), "c_proj": nn.Linear(WIDTH, WIDTH)})
        self.ln_2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(WIDTH, 4 * WIDTH), "c_proj": nn.Linear(4 * WIDTH, WIDTH)})

    def forward(self, x):
        parts = self.attn["c_attn"](self.ln_1(x)).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2) for part in parts)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn["c_proj"](y.transpose(1, 2).flatten(2))
        return x + self.mlp["c_proj"](nn.functional.gelu(self.mlp["c_fc"](self.ln_2(x))))


def blocks():
    layer(
        "swiglu_feed_forward.plain",
        SwiGLUFeedForward(WIDTH, HIDDEN),
        lambda r: {"x": r.randn(2, 3, WIDTH)},
        lambda f, x: f(x),
        batch_first=True,
    )
    layer("gpt_block.causal", GPTBlock(), lambda r: {"x": r.randn(2, 5, WIDTH)}, lambda f, x: f(x), batch_first=True)
    layer(
        "bert_block.padding",
        nn.TransformerEncoderLayer(
            WIDTH, HEADS, HIDDEN, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True, norm_first=False
        ),
        lambda r: {"x": r.randn(2, 4, WIDTH), "key_padding_mask": np.array([[0, 0, 0, 1], [0, 0, 0, 0]])},
        lambda f, x, p: f(x, src_key_padding_mask=p),
        batch_first=True,
        activation="gelu",
        layer_norm_eps=1e-12,
    )


embeddings()
attention()
transformers()
blocks()
family.write()
