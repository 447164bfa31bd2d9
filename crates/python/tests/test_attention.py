"""Attention layers that PyTorch does not have, positions, and caches: against the same written out."""

from __future__ import annotations

import math
import pickle

import barehand as bh
import barehand.nn.functional as F
import pytest
from barehand import nn


def close(x: bh.Tensor, y: bh.Tensor, tolerance: float = 1e-12) -> bool:
    return x.shape == y.shape and float((x - y).abs().max()) <= tolerance


def written_out(layer: nn.Attention, x: bh.Tensor, context: bh.Tensor, keep: bh.Tensor | None) -> bh.Tensor:
    """Head by head, from the formula."""
    query, key, value = layer.q_proj(x), layer.k_proj(context), layer.v_proj(context)
    group = layer.num_heads // layer.kv_heads
    queries, keys, values = (
        query.chunk(layer.num_heads, -1),
        key.chunk(layer.kv_heads, -1),
        value.chunk(layer.kv_heads, -1),
    )
    heads = []
    for i, q in enumerate(queries):
        k = keys[i // group]
        if layer.rope is not None:
            q, k = (F.rope(part, layer.rope, base=layer.rope_base, width=layer.rope_width) for part in (q, k))
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if keep is not None:
            scores = scores.masked_fill(~keep, float("-inf"))
        heads.append(scores.softmax(-1) @ values[i // group])
    return layer.o_proj(bh.cat(heads, -1))


@pytest.mark.parametrize(("heads", "kv_heads"), [(1, 1), (4, 4), (4, 2), (4, 1)])
@pytest.mark.parametrize("rope", [None, "interleaved", "half_split"])
@pytest.mark.parametrize("causal", [False, True])
def test_heads_of_queries_share_those_of_keys(heads: int, kv_heads: int, rope: str | None, causal: bool) -> None:
    bh.manual_seed(heads)
    layer = nn.Attention(16, heads, kv_heads=kv_heads, rope=rope, causal=causal, bias=True, dtype=bh.float64)
    x = bh.randn(2, 5, 16, dtype=bh.float64)
    keep = bh.ones(5, 5, dtype=bh.bool).tril() if causal else None
    assert close(layer(x), written_out(layer, x, x, keep))
    assert [tuple(p.shape) for name, p in layer.named_parameters() if name == "k_proj.weight"] == [
        (kv_heads * 16 // heads, 16)
    ]


def test_widths_of_their_own_and_another_context() -> None:
    bh.manual_seed(0)
    layer = nn.Attention(6, 2, head_dim=4, value_dim=5, context_dim=3, dtype=bh.float64)
    x, context = bh.randn(2, 4, 6, dtype=bh.float64), bh.randn(2, 7, 3, dtype=bh.float64)
    assert close(layer(x, context), written_out(layer, x, context, None))
    padding = bh.tensor([[False] * 7, [False] * 4 + [True] * 3])
    expected = written_out(layer, x, context, (~padding)[:, None])
    assert close(layer(x, context, key_padding_mask=padding), expected)
    assert close(layer(x, context, mask=(~padding)[:, None, None]), expected)
    seen = bh.rand(4, 7) < 0.7
    seen[:, 0] = True
    both = written_out(layer, x, context, seen & (~padding)[:, None])
    assert close(layer(x, context, mask=seen, key_padding_mask=padding), both)
    added = bh.zeros(4, 7, dtype=bh.float64).masked_fill(~seen, float("-inf"))
    assert close(layer(x, context, mask=added, key_padding_mask=padding), both)


@pytest.mark.parametrize("parts", [(6,), (1, 1, 1, 1, 1, 1), (3, 1, 2), (2, 4)])
def test_a_sequence_in_parts_is_the_sequence_as_a_whole(parts: tuple[int, ...]) -> None:
    bh.manual_seed(1)
    layer = nn.Attention(8, 4, kv_heads=2, rope="interleaved", causal=True, dtype=bh.float64)
    x = bh.randn(2, 6, 8, dtype=bh.float64)
    cache = nn.KVCache(6)
    with bh.no_grad():
        outputs = [layer(part, cache=cache) for part in x.split(list(parts), 1)]
    assert close(bh.cat(outputs, 1), layer(x))
    assert len(cache) == 6 and repr(cache) == "KVCache(6 of 6 tokens)"
    with pytest.raises(ValueError, match="1 more tokens after 6 do not fit a cache of 6"):
        layer(x[:, :1], cache=cache)
    cache.truncate(2)
    with bh.no_grad():
        assert close(layer(x[:, 2:3], cache=cache), layer(x)[:, 2:3])


def test_a_cache_holds_one_precision_and_no_gradient() -> None:
    cache = nn.KVCache(4)
    assert cache and len(cache) == 0 and cache.capacity == 4
    keys = bh.ones(1, 1, 2, 3, requires_grad=True)
    held, _ = cache.append(keys, keys)
    assert not held.requires_grad and held.shape == (1, 1, 2, 3)
    with pytest.raises(TypeError, match="the keys are float64, and the cache holds float32"):
        cache.append(bh.ones(1, 1, 1, 3, dtype=bh.float64), bh.ones(1, 1, 1, 3, dtype=bh.float64))
    with pytest.raises(ValueError, match=r"\[1, 2, 1, 3\] for a cache"):
        cache.append(bh.ones(1, 2, 1, 3), bh.ones(1, 2, 1, 3))
    with pytest.raises(TypeError):
        cache.append(bh.ones(1, 1, 1, 3, dtype=bh.int64), bh.ones(1, 1, 1, 3, dtype=bh.int64))


def test_dropout_of_attention_is_for_training() -> None:
    bh.manual_seed(2)
    layer = nn.Attention(8, 2, dropout=0.5)
    x = bh.randn(1, 9, 8)
    assert not bh.equal(layer(x), layer(x))
    layer.eval()
    assert bh.equal(layer(x), layer(x))


def test_attention_refuses_what_does_not_fit() -> None:
    for arguments, options in [
        ((8, 3), {}),
        ((8, 4), {"kv_heads": 3}),
        ((8, 0), {}),
        ((8, 2), {"value_dim": 0}),
        ((8, 2), {"rope": "spiral"}),
        ((8, 2), {"dropout": 1.5}),
    ]:
        with pytest.raises(ValueError):
            nn.Attention(*arguments, **options)
    layer = nn.Attention(8, 2)
    with pytest.raises(ValueError, match=r"\(N, L, E\) and \(N, S, C\) expected"):
        layer(bh.ones(3, 8))
    with pytest.raises(ValueError, match="no context beside it"):
        layer(bh.ones(1, 3, 8), bh.ones(1, 3, 8), cache=nn.KVCache(3))
    again = pickle.loads(pickle.dumps(layer))
    assert bh.equal(again(bh.ones(1, 3, 8)), layer(bh.ones(1, 3, 8)))


def test_heads_that_share_one_projection() -> None:
    bh.manual_seed(3)
    layer = nn.SharedHeadAttention(6, 3, dtype=bh.float64)
    x, other = bh.randn(2, 4, 6, dtype=bh.float64), bh.randn(2, 5, 6, dtype=bh.float64)
    heads = []
    for q, k in zip(x.chunk(3, -1), other.chunk(3, -1), strict=True):
        scores = layer.queries(q) @ layer.keys(k).transpose(-1, -2) / math.sqrt(6)
        heads.append(scores.softmax(-1) @ layer.values(k))
    assert close(layer(x, other, other), layer.fc_out(bh.cat(heads, -1)))
    first = layer(x, x, x, is_causal=True)[:, :1]
    assert close(first, layer.fc_out(bh.cat([layer.values(part) for part in x[:, :1].chunk(3, -1)], -1)))
    assert close(layer(x, x, x, mask=bh.ones(4, 4, dtype=bh.bool).tril()), layer(x, x, x, is_causal=True))
    assert [name for name, _ in layer.named_parameters()] == [
        "values.weight",
        "keys.weight",
        "queries.weight",
        "fc_out.weight",
        "fc_out.bias",
    ]
    with pytest.raises(ValueError, match="cannot be cut into 4 heads"):
        nn.SharedHeadAttention(6, 4)


def test_packed_attention_is_that_of_its_parts() -> None:
    bh.manual_seed(4)
    packed = bh.randn(2, 5, 24, dtype=bh.float64, requires_grad=True)
    ours = F.packed_attention(packed, 4, is_causal=True)
    parts = [part.unflatten(-1, (4, 2)).transpose(1, 2) for part in packed.chunk(3, -1)]
    assert close(ours, F.scaled_dot_product_attention(*parts, is_causal=True).transpose(1, 2).flatten(2))
    with pytest.raises(ValueError, match="dropout_p has to be between 0 and 1"):
        F.packed_attention(packed, 4, dropout_p=2.0)
    with pytest.raises(ValueError, match="packed_attention"):
        F.packed_attention(packed, 5)


def test_positions_count_from_where_a_part_begins() -> None:
    x = bh.zeros(2, 3, 4)
    for layer in (nn.SinusoidalPositions(8, 4), nn.LearnedPositions(8, 4)):
        whole = layer(bh.zeros(2, 8, 4))
        assert bh.equal(layer(x, start=5), whole[:, 5:])
        with pytest.raises(ValueError, match="up to position 8"):
            layer(x, start=6)
        with pytest.raises(ValueError, match=r"\(\.\.\., length, 4\) expected"):
            layer(bh.zeros(2, 3, 5))
    assert list(nn.SinusoidalPositions(8, 4).state_dict()) == []
    assert F.sinusoidal_encoding(2, 3, dtype=bh.float64)[1, 2].item() == math.sin(10000 ** (-2 / 3))
    with pytest.raises(ValueError, match="too many"):
        F.sinusoidal_encoding(2**40, 2**40)
