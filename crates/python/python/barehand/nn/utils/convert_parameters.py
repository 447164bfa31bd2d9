"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from barehand._barehand import Tensor, cat


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters one after another; gradients flow through."""
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copies slices of a vector into the parameters, in order."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected barehand.Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    total = sum(parameter.numel() for parameter in parameters)
    if vec.numel() != total:
        raise ValueError(f"a vector of {vec.numel()} numbers for parameters of {total}")
    vec = vec.detach().reshape(-1)
    start = 0
    for parameter in parameters:
        part = vec[start : start + parameter.numel()].reshape(tuple(parameter.shape))
        parameter.data = part.to(parameter.dtype)
        start += parameter.numel()
