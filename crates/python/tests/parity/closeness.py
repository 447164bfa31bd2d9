"""How near two answers must be, and the words for it when they are not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Results = Mapping[str, np.ndarray]

# In f64 both libraries are right to some 1e-15; what is left is the order of sums and how a formula magnifies rounding.
# The catalogue's bound for gradients, 1e-9, leaves room for a million such roundings and for no wrong formula.
F64 = 1e-9

# In f32 one rounding is half a unit in the last place, 2^-24. A function of one element is a few of them on either
# side: 16 together. Where elements are mixed, an answer is a sum whose terms may cancel, so that the error is relative
# to the largest answer, not to the one that came out small; and it grows with the number of terms: 32 roundings for
# sums as long as the axes of a case (eight), times the factor by which the array is smaller than the largest of the
# case, for that many more elements have been added up for each of its own.
ROUNDING = 2.0**-24
ELEMENTWISE = 16 * ROUNDING
MIXED = 32 * ROUNDING


def bound(expected: np.ndarray, elements: int, elementwise: bool, magnifies: float) -> np.ndarray:
    """The largest difference from `expected` that is rounding: elementwise, never below that of a number near 1."""
    magnitude = np.abs(np.where(np.isfinite(expected), expected, 0.0).astype(np.float64))
    if expected.dtype == np.float64:
        return F64 * (1 + magnitude)
    terms = max(1, -(-elements // max(expected.size, 1)))
    if elementwise and terms == 1:
        return ELEMENTWISE * magnifies * (1 + magnitude)
    return np.full(expected.shape, MIXED * magnifies * terms * (1 + magnitude.max(initial=0.0)))


def differences(got: Results, expected: Results, *, elementwise: bool = False, magnifies: float = 1.0) -> list[str]:
    """A line for each result that is missing, has another shape or type, or lies beyond the bound."""
    lines = [f"{name}: only one of the libraries has it" for name in sorted(got.keys() ^ expected.keys())]
    elements = max((array.size for array in expected.values()), default=0)
    for name in (name for name in expected if name in got):
        ours, theirs = got[name], expected[name]
        if ours.shape != theirs.shape:
            lines.append(f"{name}: shape {ours.shape} instead of {theirs.shape}")
        elif ours.dtype != theirs.dtype:
            lines.append(f"{name}: {ours.dtype} instead of {theirs.dtype}")
        elif theirs.dtype.kind != "f":
            wrong = np.argwhere(ours != theirs)
            lines += [f"{name}{describe(at)}: {ours[tuple(at)]} instead of {theirs[tuple(at)]}" for at in wrong[:1]]
        else:
            limit = bound(theirs, elements, elementwise, magnifies)
            with np.errstate(invalid="ignore"):
                near = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)) <= limit
            same = near | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
            for at in np.argwhere(~same)[:1]:
                here = tuple(at)
                lines.append(
                    f"{name}{describe(at)}: {ours[here]!r} instead of {theirs[here]!r}, "
                    f"which is beyond {np.asarray(limit)[here]:.2g}; {np.count_nonzero(~same)} of {same.size} are wrong"
                )
    return lines


def describe(at: np.ndarray) -> str:
    """`[0, 2]`, or nothing for a number without axes."""
    return f"[{', '.join(map(str, at))}]" if len(at) else ""
