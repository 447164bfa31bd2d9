"""Embedding, multi-head attention and transformers."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from parity.arguments import flag, index, mask, one_of, real, size
from parity.rows import Layer, Operator, Row

# Scores as large as some tens go through exp, which makes their rounding as many times larger.
SHARP = 64.0
# A variance far below eps = 1e-5 is replaced by it: what rounding left in x - mean is divided by sqrt(eps).
NORMS = 316.0 * SHARP
# What one layer leaves goes through another.
STACKED = 16.0 * NORMS


def calling(lib: ModuleType, module: Any, forward: Callable[..., Any]) -> Any:
    """A module that calls another one in a way of its own, and gives back what is not None."""

    class Calling(lib.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, *given: Any) -> Any:
            results = forward(self.inner, *given)
            return [r for r in results if r is not None] if isinstance(results, tuple) else results

    return Calling()


def later(lib: ModuleType, n: int) -> Any:
    """True above the diagonal: the causal mask, as PyTorch's layers take it."""
    return lib.ones(n, n).triu(1) > 0


def padding(lib: ModuleType, drawn: Any) -> Any:
    """A mask of padding that leaves every sequence its first key: what attends to nothing is NaN in PyTorch."""
    return drawn & (lib.arange(drawn.shape[-1]) > 0)


def attention(lib: ModuleType, d: int, m: int, *, call: dict[str, Any] | None = None, **options: Any) -> Any:
    """Self-attention, causal."""
    return calling(
        lib,
        lib.nn.MultiheadAttention(d * m, m, batch_first=True, **options),
        lambda inner, x: inner(x, x, x, attn_mask=later(lib, x.shape[1]), **(call or {})),
    )


def cross_attention(lib: ModuleType, d: int, m: int, need_weights: bool, average: bool, **options: Any) -> Any:
    """Queries over other keys, some of which are padding."""
    return calling(
        lib,
        lib.nn.MultiheadAttention(d * m, m, batch_first=True, **options),
        lambda inner, q, k, p: inner(
            q, k, k, key_padding_mask=padding(lib, p), need_weights=need_weights, average_attn_weights=average
        ),
    )


def encoder(lib: ModuleType, d: int, m: int, masked: bool, **options: Any) -> Any:
    """An encoder layer, causal or not."""
    layer = lib.nn.TransformerEncoderLayer(d * m, m, dim_feedforward=5, dropout=0.0, **options)
    axis = 1 if options.get("batch_first") else 0
    return calling(lib, layer, lambda inner, x: inner(x, src_mask=later(lib, x.shape[axis]) if masked else None))


def decoder(lib: ModuleType, d: int, m: int, **options: Any) -> Any:
    """A decoder layer, causal, of which some of the memory is padding."""
    layer = lib.nn.TransformerDecoderLayer(d * m, m, dim_feedforward=5, dropout=0.0, batch_first=True, **options)
    return calling(
        lib,
        layer,
        lambda inner, x, memory, p: inner(
            x, memory, tgt_mask=later(lib, x.shape[1]), memory_key_padding_mask=padding(lib, p)
        ),
    )


def stacked(lib: ModuleType, d: int, m: int, kind: str, norm: bool) -> Any:
    """Two layers, with or without a norm behind them."""
    layer = getattr(lib.nn, f"Transformer{kind}Layer")(d * m, m, dim_feedforward=5, dropout=0.0, batch_first=True)
    return getattr(lib.nn, f"Transformer{kind}")(layer, 2, lib.nn.LayerNorm(d * m) if norm else None)


def whole(lib: ModuleType, d: int, m: int, **options: Any) -> Any:
    """Encoder and decoder, the target causal by a mask of floats."""
    model = lib.nn.Transformer(d * m, m, 1, 1, dim_feedforward=5, dropout=0.0, batch_first=True, **options)

    def forward(inner: Any, source: Any, target: Any) -> Any:
        causal = lib.nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        return inner(source, target, tgt_mask=causal.to(target.dtype))

    return calling(lib, model, forward)


HEADS: dict[str, Any] = {"d": size("D"), "m": size("M")}

ROWS: list[Row] = [
    Operator(
        "nn.functional.embedding",
        index("n m", below="V"),
        real("V d"),
        padding_idx=one_of(None, 0, -1),
        scale_grad_by_freq=flag,
    ),
    Layer(
        "nn.Embedding",
        index("n m", below="V"),
        call=lambda lib, v, d, **o: lib.nn.Embedding(v, d, **o),
        v=size("V"),
        d=size("D"),
        padding_idx=one_of(None, 0, -1),
        scale_grad_by_freq=flag,
    ),
    # Rows that are picked are shortened in the table that is given, which then is one of its own.
    Operator(
        "nn.functional.embedding [largest norm]",
        index("n m", below="V"),
        real("V d"),
        call=lambda lib, ids, table, **o: lib.nn.functional.embedding(ids, table.clone(), **o),
        max_norm=one_of(0.5, 2.0, 0.0),
        norm_type=one_of(2.0, 1.0, 3.0, float("inf")),
    ),
    Layer(
        "nn.Embedding [largest norm]",
        index("n m", below="V"),
        call=lambda lib, v, d, **o: lib.nn.Embedding(v, d, **o),
        v=size("V"),
        d=size("D"),
        padding_idx=one_of(None, 0),
        max_norm=one_of(0.5, 1.0),
        norm_type=one_of(2.0, 1.0),
        scale_grad_by_freq=flag,
    ),
    Operator(
        "nn.functional.multi_head_attention_forward",
        real("Q N DM"),
        real("S N DM"),
        real("S N DM"),
        real("DM DM", -0.25, 0.25),
        real("DM DM", -0.25, 0.25),
        real("DM DM", -0.25, 0.25),
        real("DM"),
        real("DM DM"),
        real("DM"),
        call=lambda lib, q, k, v, wq, wk, wv, b, wo, bo, m, **o: [
            result
            for result in lib.nn.functional.multi_head_attention_forward(
                *(q, k, v, q.shape[-1], m, None, lib.cat([b, b, b]), None, None, False, 0.0, wo, bo),
                **{
                    "use_separate_proj_weight": True,
                    "q_proj_weight": wq,
                    "k_proj_weight": wk,
                    "v_proj_weight": wv,
                    **o,
                },
            )
            if result is not None
        ],
        m=size("M"),
        need_weights=flag,
        average_attn_weights=flag,
        magnifies=SHARP,
    ),
    Layer(
        "nn.MultiheadAttention",
        real("Q N DM"),
        real("S N DM"),
        real("S N DM"),
        call=lambda lib, d, m, **o: calling(lib, lib.nn.MultiheadAttention(d * m, m, **o), lambda inner, *x: inner(*x)),
        bias=flag,
        add_bias_kv=flag,
        add_zero_attn=flag,
        magnifies=SHARP,
        **HEADS,
    ),
    Layer(
        "nn.MultiheadAttention [causal]",
        real("N Q DM"),
        call=attention,
        add_bias_kv=flag,
        add_zero_attn=flag,
        magnifies=SHARP,
        **HEADS,
    ),
    Layer(
        "nn.MultiheadAttention [causal hint]",
        real("N Q DM"),
        call=lambda lib, d, m: attention(lib, d, m, call={"is_causal": True, "need_weights": False}),
        magnifies=SHARP,
        **HEADS,
    ),
    Layer(
        "nn.MultiheadAttention [padding]",
        real("N Q DM"),
        real("N S DM"),
        mask("N S"),
        call=cross_attention,
        need_weights=flag,
        average=flag,
        magnifies=SHARP,
        **HEADS,
    ),
    Layer(
        "nn.MultiheadAttention [widths]",
        real("N Q DM"),
        real("N S C"),
        real("N S E"),
        call=lambda lib, d, m, c, e: calling(
            lib,
            lib.nn.MultiheadAttention(d * m, m, kdim=c, vdim=e, batch_first=True),
            lambda inner, *x: inner(*x, need_weights=False),
        ),
        c=size("C"),
        e=size("E"),
        magnifies=SHARP,
        **HEADS,
    ),
    Layer(
        "nn.MultiheadAttention [one sequence, mask added]",
        real("Q DM"),
        real("Q Q"),
        call=lambda lib, d, m: calling(
            lib, lib.nn.MultiheadAttention(d * m, m), lambda inner, x, added: inner(x, x, x, attn_mask=added)
        ),
        magnifies=SHARP,
        **HEADS,
    ),
    Layer(
        "nn.TransformerEncoderLayer",
        real("N Q DM"),
        call=encoder,
        masked=flag,
        activation=one_of("relu", "gelu"),
        layer_norm_eps=one_of(1e-5, 1e-2),
        batch_first=flag,
        norm_first=flag,
        bias=flag,
        magnifies=NORMS,
        **HEADS,
    ),
    Layer(
        "nn.TransformerDecoderLayer",
        real("N Q DM"),
        real("N S DM"),
        mask("N S"),
        call=decoder,
        activation=one_of("relu", "gelu"),
        norm_first=flag,
        bias=flag,
        magnifies=NORMS,
        **HEADS,
    ),
    Layer(
        "nn.TransformerEncoder",
        real("N Q DM"),
        call=lambda lib, **o: stacked(lib, kind="Encoder", **o),
        norm=flag,
        magnifies=STACKED,
        **HEADS,
    ),
    Layer(
        "nn.TransformerDecoder",
        real("N Q DM"),
        real("N S DM"),
        call=lambda lib, **o: stacked(lib, kind="Decoder", **o),
        norm=flag,
        magnifies=STACKED,
        **HEADS,
    ),
    Layer("nn.Transformer", real("N S DM"), real("N Q DM"), call=whole, norm_first=flag, magnifies=STACKED, **HEADS),
]
