"""Attention, under every mask and option."""

from __future__ import annotations

from typing import Any

from parity.arguments import between, constant, flag, mask, one_of, real
from parity.rows import Operator, Row


def by_mask(lib: Any, q: Any, k: Any, v: Any, attn_mask: Any, **options: Any) -> Any:
    """Attention under a mask."""
    return lib.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask, **options)


# Under a causal mask PyTorch multiplies -inf by the scale, and gives no numbers where that is negative.
scale, signed_scale = one_of(None, 0.5), one_of(None, 0.5, -1.0)

ROWS: list[Row] = [
    Operator(
        "nn.functional.scaled_dot_product_attention",
        real("... A n E"),
        real("... A m E"),
        real("... A m d"),
        is_causal=flag,
        scale=scale,
    ),
    Operator(
        "nn.functional.scaled_dot_product_attention [broadcast]",
        real("* N E"),
        real("* M E"),
        real("* M D"),
        is_causal=flag,
    ),
    Operator(
        "nn.functional.scaled_dot_product_attention [grouped]",
        real("N GA n E"),
        real("N A m E"),
        real("N A m d"),
        is_causal=flag,
        enable_gqa=one_of(True),
        scale=scale,
    ),
    Operator(
        "nn.functional.scaled_dot_product_attention [boolean mask]",
        real("N A M E"),
        real("N A P E"),
        real("N A P D"),
        mask("N A M P"),
        call=by_mask,
        scale=signed_scale,
    ),
    Operator(
        "nn.functional.scaled_dot_product_attention [padding]",
        real("N A M E"),
        real("N A P E"),
        real("N A P D"),
        mask("N P"),
        call=lambda lib, q, k, v, keep: by_mask(lib, q, k, v, keep[:, None, None, :]),
    ),
    Operator(
        "nn.functional.scaled_dot_product_attention [float mask]",
        real("N A M E"),
        real("N A P E"),
        real("N A P D"),
        real("M P"),
        call=by_mask,
        scale=between(0.1, 1.0),
    ),
    Operator(
        "nn.functional.scaled_dot_product_attention [constant float mask]",
        real("N A M E"),
        real("N A P E"),
        real("N A P D"),
        constant(real("A M P")),
        call=by_mask,
    ),
]
