"""SciPy's sparse matrices on their way to Rust and back; SciPy is imported only by whoever has made one."""

from __future__ import annotations

from typing import Any

import numpy as np

from barehand._check_array import is_sparse

__all__ = ["canonical", "is_sparse", "of_parts"]


def canonical(X: Any) -> Any:
    """``X`` as compressed sparse rows with ascending columns and one entry each, as Rust wants them; dense arrays as they are."""
    if not is_sparse(X):
        return X
    X = X.tocsr()
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def of_parts(like: Any, parts: Any) -> Any:
    """What Rust gives: an array as it is, the ``(data, indices, indptr)`` of sparse rows in the format of ``like``."""
    if not isinstance(parts, tuple):
        return parts
    rows = like.tocsr()
    data, indices, indptr = parts
    kind = rows.indices.dtype
    made = type(rows)((data, indices.astype(kind), indptr.astype(kind)), shape=(len(indptr) - 1, like.shape[1]))
    return made.asformat(like.format)


def in_place(given: Any, checked: Any, result: Any) -> Any:
    """``result``, in the memory of ``given`` where that passed the check as it was and can hold it."""
    if given is not checked:
        return result
    if is_sparse(given):
        if given.format == result.format and given.data.shape == result.data.shape and given.data.flags.writeable:
            given.data[...] = result.data
            return given
        return result
    if isinstance(given, np.ndarray) and given.flags.writeable and given.dtype == result.dtype:
        given[...] = result
        return given
    return result
