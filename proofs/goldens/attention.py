"""Attention and rotary embedding: outputs, and the gradients of every input, float masks among them.

`self_attention` has projections before and behind, so that the gradients of queries, keys and values are seen where they
arrive. Rotary embedding is written down twice from its sources: as a complex product over neighbours (Su et al. 2021,
Meta's Llama) and by halves (GPT-NeoX, Hugging Face).
"""

import numpy as np
import torch
import torch.nn.functional as F
from golden import Family
from torch.nn.attention.bias import causal_lower_right

# Query, key, value.
SHAPES = {
    "matrix": ((3, 4), (5, 4), (5, 4)),
    "stack": ((2, 3, 4), (2, 5, 4), (2, 5, 2)),
    "heads": ((2, 2, 4, 6), (2, 2, 4, 6), (2, 2, 4, 6)),
    "wide": ((1, 1, 5, 17), (1, 1, 7, 17), (1, 1, 7, 33)),
    "blocks": ((1, 1, 67, 2), (1, 1, 130, 2), (1, 1, 130, 1)),
    "one": ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 1)),
    "decode": ((1, 2, 1, 4), (1, 2, 9, 4), (1, 2, 9, 4)),
    "no_query": ((2, 0, 3), (2, 4, 3), (2, 4, 3)),
    "no_key": ((2, 3, 3), (2, 0, 3), (2, 0, 2)),
}
MASKS = {"full": (2, 2, 3, 5), "matrix": (3, 5), "keys": (1, 5), "padding": (2, 1, 1, 5), "heads": (2, 1, 5)}


def normal(**shapes):
    return lambda random: {name: np.array(random.randn(*shape)) for name, shape in shapes.items()}


def qkv(q, k, v, **more):
    return normal(q=q, k=k, v=v, **more)


def sdpa(q, k, v, mask=None, **options):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, **options)


def lower_right(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=causal_lower_right(q.shape[-2], k.shape[-2]))


def self_attention(x, wq, wk, wv, wo, heads, shared):
    def split(w, count):
        y = F.linear(x, w)
        return y.unflatten(-1, (count, -1)).transpose(1, 2)

    q, k, v = split(wq, heads), split(wk, shared), split(wv, shared)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=heads != shared)
    return F.linear(y.transpose(1, 2).flatten(2), wo)


def angles(x, width, base, offset):
    t = torch.arange(offset, offset + x.shape[-2], dtype=torch.float64)
    return torch.outer(t, base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width))


def rope_interleaved(x, width=None, base=10000.0, offset=0):
    width = width or x.shape[-1]
    phi = angles(x, width, base, offset)
    turn = torch.polar(torch.ones_like(phi), phi).to(torch.complex64 if x.dtype == torch.float32 else torch.complex128)
    turned = torch.view_as_real(torch.view_as_complex(x[..., :width].unflatten(-1, (-1, 2))) * turn).flatten(-2)
    return torch.cat([turned, x[..., width:]], -1)


def rope_half_split(x, width=None, base=10000.0, offset=0):
    width = width or x.shape[-1]
    phi = angles(x, width, base, offset)
    phi = torch.cat([phi, phi], -1)
    part, rest = x[..., :width], x[..., width:]
    half = torch.cat([-part[..., width // 2 :], part[..., : width // 2]], -1)
    return torch.cat([part * phi.cos().to(x.dtype) + half * phi.sin().to(x.dtype), rest], -1)


def main():
    family = Family("tensor", "attention", __doc__)
    for name, shapes in SHAPES.items():
        family.case(f"attention.{name}", sdpa, qkv(*shapes))
        if "no" not in name:
            family.case(f"attention.{name}.causal", sdpa, qkv(*shapes), is_causal=True)
            family.case(f"attention_lower_right.{name}", lower_right, qkv(*shapes))
    heads = ((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4))
    family.case("attention.scale", sdpa, qkv(*heads), scale=-0.3)
    family.case("attention.large", sdpa, qkv(*heads), op="attention_large", scale=300.0)
    for name, shape in MASKS.items():

        def masked(random, shape=shape):
            inputs = qkv(*heads)(random)
            return {**inputs, "mask": random.rand(*shape) < 0.6}

        def added(random, shape=shape):
            inputs = qkv(*heads)(random)
            mask = random.randn(*shape)
            return {**inputs, "mask": np.where(mask > 1, -np.inf, mask)}

        family.case(f"attention.keep.{name}", sdpa, masked)
        family.case(f"attention.additive.{name}", sdpa, added)

    def dead(random):
        keep = np.array([[True, False, True, True, False], [False] * 5, [True] * 5])
        return {**qkv(*heads)(random), "mask": keep}

    def dead_additive(random):
        inputs = dead(random)
        return {**inputs, "mask": np.where(inputs["mask"], random.randn(3, 5), -np.inf)}

    family.case("attention.keep.dead", sdpa, dead)
    family.case("attention.additive.dead", sdpa, dead_additive)
    for count, shared in [(4, 2), (3, 1), (6, 3)]:
        shapes = ((2, count, 3, 4), (2, shared, 5, 4), (2, shared, 5, 2))
        family.case(f"attention.gqa.{count}_{shared}", sdpa, qkv(*shapes), enable_gqa=True)
        family.case(f"attention.gqa.{count}_{shared}.causal", sdpa, qkv(*shapes), enable_gqa=True, is_causal=True)
    for shared in [4, 2, 1]:
        weights = normal(x=(2, 5, 12), wq=(16, 12), wk=(4 * shared, 12), wv=(4 * shared, 12), wo=(6, 16))
        family.case(f"self_attention.{shared}", self_attention, weights, heads=4, shared=shared)

    for function in [rope_interleaved, rope_half_split]:
        op = function.__name__
        family.case(f"{op}.heads", function, normal(x=(2, 2, 5, 6)))
        family.case(f"{op}.matrix", function, normal(x=(3, 2)))
        family.case(f"{op}.offset", function, normal(x=(1, 4, 8)), offset=1000)
        family.case(f"{op}.base", function, normal(x=(1, 4, 8)), base=500000.0, offset=3)
        family.case(f"{op}.part", function, normal(x=(2, 4, 10)), width=4)
    family.write()


if __name__ == "__main__":
    main()
