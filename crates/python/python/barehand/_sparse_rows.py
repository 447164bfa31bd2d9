"""Sparse rows as Rust reads them."""

from __future__ import annotations

from typing import Any


def canonical(X: Any) -> Any:
    """``X`` itself where it is dense; sparse rows with ascending columns, none twice, in 32-bit or 64-bit indices."""
    if not hasattr(X, "tocsr"):
        return X
    X = X.tocsr()
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X
