"""Attention with every choice of a modern decoder: grouped heads, rotary positions, a cache."""

from __future__ import annotations

from typing import Literal

from barehand import _barehand
from barehand._barehand import Tensor, bool as Bool, device as Device, dtype as DType, ones, where
from barehand.nn import functional as F
from barehand.nn.linear import Linear
from barehand.nn.module import Module

KVCache = _barehand._KVCache


def split(x: Tensor, heads: int) -> Tensor:
    """(N, L, H·D) as (N, H, L, D)."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(1, 2)


def join(x: Tensor) -> Tensor:
    """The way back: (N, H, L, D) to (N, L, H·D)."""
    return x.transpose(1, 2).flatten(2)


def _triangle(queries: int, keys: int, before: int) -> Tensor:
    """True where query i, with so many tokens before it, may see key j."""
    return ones(queries, keys, dtype=Bool).tril(before)


def _together(mask: Tensor | None, padding: Tensor | None, triangle: Tensor | None) -> Tensor | None:
    """One mask over scores (N, H, L, S) as `scaled_dot_product_attention` takes it."""
    keep = triangle
    if padding is not None:
        seen = ~padding[:, None, None, :]
        keep = seen if keep is None else keep & seen
    if mask is None or keep is None:
        return mask if keep is None else keep
    return mask & keep if mask.dtype == Bool else where(keep, mask, float("-inf"))


class Attention(Module):
    """softmax(Q Kᵀ / √dₖ) V, with projections before and behind, over sequences (N, L, embed_dim).

    One class for many: single-head attention with its own dₖ (`head_dim`) and dᵥ (`value_dim`); multi-head attention;
    grouped-query and multi-query attention, where `num_heads` heads of queries share `kv_heads` of keys and values
    (Ainslie et al. 2023, Shazeer 2019); rotary positions in the layout that `rope` names, "interleaved" or "half_split";
    `causal` attention, with a `KVCache`; cross-attention over a context of width `context_dim`. The names of the parameters
    are Llama's: `q_proj`, `k_proj`, `v_proj`, `o_proj`. `dropout` is the share of weights dropped in training.

    >>> attention = bh.nn.Attention(16, 4, kv_heads=2, rope="half_split", causal=True)
    >>> x = bh.randn(1, 6, 16)
    >>> cache = bh.nn.KVCache(6)
    >>> with bh.no_grad():
    ...     first, last = attention(x[:, :4], cache=cache), attention(x[:, 4:], cache=cache)
    >>> bh.allclose(bh.cat([first, last], 1), attention(x), atol=1e-6)
    True
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int = 1,
        *,
        kv_heads: int | None = None,
        head_dim: int | None = None,
        value_dim: int | None = None,
        context_dim: int | None = None,
        rope: Literal["interleaved", "half_split"] | None = None,
        rope_base: float = 10000.0,
        rope_width: int | None = None,
        causal: bool = False,
        bias: bool = False,
        dropout: float = 0.0,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        kv_heads = num_heads if kv_heads is None else kv_heads
        context_dim = embed_dim if context_dim is None else context_dim
        if min(embed_dim, num_heads, kv_heads, context_dim) <= 0 or num_heads % kv_heads:
            raise ValueError(
                f"a width of {embed_dim} (context {context_dim}) in {num_heads} heads, {kv_heads} of keys: none may be 0, "
                "and heads of keys must divide those of queries"
            )
        if head_dim is None and embed_dim % num_heads:
            raise ValueError(
                f"embed_dim must be divisible by num_heads, not {embed_dim} by {num_heads}, without head_dim"
            )
        head_dim = embed_dim // num_heads if head_dim is None else head_dim
        value_dim = head_dim if value_dim is None else value_dim
        if min(head_dim, value_dim) <= 0:
            raise ValueError(f"head_dim and value_dim must be greater than 0, not {head_dim} and {value_dim}")
        if rope not in (None, "interleaved", "half_split"):
            raise ValueError(f"rope is 'interleaved', 'half_split' or None, not {rope!r}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {dropout}")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.kv_heads = kv_heads
        self.rope = rope
        self.rope_base = rope_base
        self.rope_width = rope_width
        self.causal = causal
        self.dropout = dropout

        def linear(inputs: int, outputs: int) -> Linear:
            return Linear(inputs, outputs, bias=bias, device=device, dtype=dtype)

        self.q_proj = linear(embed_dim, num_heads * head_dim)
        self.k_proj = linear(context_dim, kv_heads * head_dim)
        self.v_proj = linear(context_dim, kv_heads * value_dim)
        self.o_proj = linear(num_heads * value_dim, embed_dim)

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        """The output (N, L, embed_dim) for queries (N, L, embed_dim) over a context (N, S, context_dim), by default `x`.

        A `mask` broadcasts to (N, heads, L, S): booleans say where a query attends to a key, floats are added to the
        scores. `key_padding_mask` (N, S) is True at keys that nobody attends to. With a `cache`, `x` are the next tokens
        after those whose keys and values it holds; it then holds these too, and masks are over all of them.
        """
        if cache is not None and context is not None:
            raise ValueError("a cache holds the sequence itself, and no context beside it")
        context = x if context is None else context
        if x.dim() != 3 or context.dim() != 3:
            raise ValueError(f"queries {tuple(x.shape)} over {tuple(context.shape)}: (N, L, E) and (N, S, C) expected")
        before = 0 if cache is None else len(cache)
        query = self._turned(split(self.q_proj(x), self.num_heads), before)
        key = self._turned(split(self.k_proj(context), self.kv_heads), before)
        value = split(self.v_proj(context), self.kv_heads)
        if cache is not None:
            key, value = cache.append(key, value)
        queries, keys = query.shape[2], key.shape[2]
        # The last of all tokens sees all of them.
        masked = self.causal and not (queries == 1 and cache is not None)
        plain = mask is None and key_padding_mask is None and before == 0
        together = _together(mask, key_padding_mask, _triangle(queries, keys, before) if masked and not plain else None)
        attended = F.scaled_dot_product_attention(
            query,
            key,
            value,
            together,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=masked and plain,
            enable_gqa=self.kv_heads < self.num_heads,
        )
        return self.o_proj(join(attended))

    def _turned(self, x: Tensor, before: int) -> Tensor:
        if self.rope is None:
            return x
        return F.rope(x, self.rope, base=self.rope_base, offset=before, width=self.rope_width)

    def extra_repr(self) -> str:
        parts = [f"{self.embed_dim}, {self.num_heads}"]
        if self.kv_heads != self.num_heads:
            parts.append(f"kv_heads={self.kv_heads}")
        if self.rope is not None:
            parts.append(f"rope={self.rope!r}")
        if self.causal:
            parts.append("causal=True")
        return ", ".join(parts)


class SharedHeadAttention(Module):
    """Attention in several heads that all use the same three projections, of the width of one head.

    Scores are divided by √embed_dim, the square root of the whole width: a variant that many notes call multi-head
    attention. `MultiheadAttention` has projections for each head, and divides by the square root of a head's width. Over
    sequences (N, L, embed_dim).

    >>> attention = bh.nn.SharedHeadAttention(8, 2)
    >>> x = bh.ones(1, 3, 8)
    >>> attention(x, x, x, is_causal=True).shape
    (1, 3, 8)
    >>> sum(p.numel() for p in attention.parameters()) == 3 * 4 * 4 + 8 * 8 + 8
    True
    """

    def __init__(
        self, embed_dim: int, num_heads: int, device: Device | str | None = None, dtype: DType | None = None
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ValueError(f"a width of {embed_dim} cannot be cut into {num_heads} heads of one width")
        width = embed_dim // num_heads
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.values = Linear(width, width, bias=False, device=device, dtype=dtype)
        self.keys = Linear(width, width, bias=False, device=device, dtype=dtype)
        self.queries = Linear(width, width, bias=False, device=device, dtype=dtype)
        self.fc_out = Linear(embed_dim, embed_dim, device=device, dtype=dtype)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        """The output (N, L, embed_dim) for queries (N, L, embed_dim), keys and values (N, S, embed_dim).

        `mask` broadcasts to (N, heads, L, S): True where a query attends to a key, or floats that are added to the scores.
        """
        attended = F.scaled_dot_product_attention(
            self.queries(split(query, self.num_heads)),
            self.keys(split(key, self.num_heads)),
            self.values(split(value, self.num_heads)),
            mask,
            is_causal=is_causal,
            scale=self.embed_dim**-0.5,
        )
        return self.fc_out(join(attended))

    def extra_repr(self) -> str:
        return f"{self.embed_dim}, {self.num_heads}"
