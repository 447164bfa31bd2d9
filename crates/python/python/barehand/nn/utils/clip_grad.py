"""Bounds on gradients."""

from __future__ import annotations

from collections.abc import Iterable

from barehand import _barehand
from barehand._barehand import Tensor

_gradients = _barehand._gradients


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0) -> Tensor:
    """The norm of all tensors together, as if they were one vector: (Σ |x|^p)^(1/p), p = norm_type."""
    return _gradients.total_norm(_listed(tensors), float(norm_type))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scales all gradients together, in place, so that their norm is at most max_norm; returns the norm they had.

    The factor is max_norm / (norm + 1e-6), where that is below 1.
    """
    grads = [parameter.grad for parameter in _listed(parameters) if parameter.grad is not None]
    total = get_total_norm(grads, norm_type)
    value = total.item()
    if error_if_nonfinite and not abs(value) < float("inf"):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped."
        )
    factor = max_norm / (value + 1e-6)
    # A NaN is not below 1 either, and must reach the gradients.
    if not factor >= 1.0:
        _gradients.scale(grads, factor)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Holds every element of the gradients between -clip_value and clip_value, in place."""
    grads = [parameter.grad for parameter in _listed(parameters) if parameter.grad is not None]
    _gradients.clamp(grads, float(clip_value))
