"""Gradients: recording on and off, gradients on request, and differentiable functions written in Python."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from barehand import _barehand
from barehand._barehand import Tensor, check_gradients, is_grad_enabled
from barehand._barehand import _backward as backward
from barehand._barehand import _grad as grad

__all__ = [
    "Function",
    "backward",
    "check_gradients",
    "enable_grad",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]

F = TypeVar("F", bound=Callable[..., Any])


class set_grad_enabled:  # noqa: N801 - PyTorch's name
    """Switches recording on this thread, at once; as a context until its end, as a decorator for a function's calls.

    >>> w = barehand.ones(2, requires_grad=True)
    >>> with barehand.set_grad_enabled(False):
    ...     y = 2 * w
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self._before = [_barehand._set_grad_enabled(self.mode)]

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _barehand._set_grad_enabled(self._before.pop())

    def __call__(self, function: F) -> F:
        _barehand._set_grad_enabled(self._before.pop())
        return _decorated(function, self.mode)


class _Mode:
    """A context, and a decorator with or without parentheses, in which recording is on or off."""

    _mode: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return object.__new__(cls) if function is None else _decorated(function, cls._mode)

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_barehand._set_grad_enabled(self._mode))

    def __exit__(self, *_: object) -> None:
        _barehand._set_grad_enabled(self._before.pop())

    def __call__(self, function: F) -> F:
        return _decorated(function, self._mode)


class no_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Where nothing is recorded: for evaluation and for changing parameters by hand.

    >>> w = barehand.ones(2, requires_grad=True)
    >>> (w * w).sum().backward()
    >>> with barehand.no_grad():
    ...     w -= 0.5 * w.grad
    >>> w
    tensor([0., 0.], requires_grad=True)
    """

    _mode = False


class inference_mode(no_grad):  # noqa: N801 - PyTorch's name
    """The same as `no_grad`."""


class enable_grad(_Mode):  # noqa: N801 - PyTorch's name
    """Where operations are recorded again, inside of `no_grad`."""

    _mode = True


def _decorated(function: F, mode: bool) -> F:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        before = _barehand._set_grad_enabled(mode)
        try:
            return function(*args, **kwargs)
        finally:
            _barehand._set_grad_enabled(before)

    return wrapper  # type: ignore[return-value]


class Context:
    """What the forward pass of a `Function` leaves for its backward pass."""

    saved_tensors: tuple[Tensor | None, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for the backward pass, as `saved_tensors`."""
        self.saved_tensors = tuple(None if tensor is None else tensor.detach() for tensor in tensors)


class Function:
    """A differentiable function written in Python: subclass it, write `forward` and `backward`, call `apply`.

    `forward(ctx, *args)` computes the output (a tensor or a tuple of them) from tensors and whatever else; nothing in it
    is recorded. `backward(ctx, *grads)` gets the gradient of each output and returns one for each argument of `forward`,
    `None` for those that have none. `ctx.save_for_backward(...)` keeps tensors, `ctx.anything = ...` keeps the rest, and
    `ctx.needs_input_grad` says which arguments want a gradient.

    >>> class Cube(barehand.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x * x * grad
    >>> x = barehand.tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor([12.])
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the output; to be written by the subclass."""
        raise NotImplementedError("a Function needs a static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Turns gradients of the outputs into gradients of the arguments; to be written by the subclass."""
        raise NotImplementedError("a Function needs a static method backward(ctx, *grads) to be differentiated")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Runs `forward`, and records it where an argument requires a gradient."""
        wants = tuple(isinstance(arg, Tensor) and arg.requires_grad for arg in args)
        ctx = Context()
        ctx.needs_input_grad = wants
        before = _barehand._set_grad_enabled(False)
        try:
            outputs = cls.forward(ctx, *(arg.detach() if isinstance(arg, Tensor) else arg for arg in args))
        finally:
            _barehand._set_grad_enabled(before)
        if not (before and any(wants)):
            return outputs
        single = isinstance(outputs, Tensor)
        given = (outputs,) if single else tuple(outputs)
        if not all(isinstance(output, Tensor) for output in given):
            raise TypeError(f"{cls.__name__}.forward must return a tensor or a tuple of tensors")
        places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor) and arg.is_floating_point()]
        inputs = [args[i] for i in places]
        # Only what the backward pass needs is kept, not the arguments themselves.
        count = len(args)
        kinds = [(arg.shape, arg.dtype) for arg in inputs]

        def gradients(grads: tuple[Tensor, ...], wanted: list[bool]) -> tuple[Tensor | None, ...]:
            found = cls.backward(ctx, *grads)
            found = found if isinstance(found, (tuple, list)) else (found,)
            if len(found) != count:
                raise RuntimeError(f"{cls.__name__}.backward returned {len(found)} gradients for {count} arguments")
            # A gradient that is left out is one of zeros.
            return tuple(
                (_barehand.zeros(shape, dtype=dtype) if found[i] is None else found[i]) if want else None
                for i, (shape, dtype), want in zip(places, kinds, wanted)
            )

        if single:
            return _barehand._record(cls.__name__, given[0], inputs, lambda grad, wanted: gradients((grad,), wanted))
        return _several_outputs(cls.__name__, given, inputs, gradients)


def _several_outputs(
    name: str,
    outputs: tuple[Tensor, ...],
    inputs: list[Tensor],
    gradients: Callable[[tuple[Tensor, ...], list[bool]], tuple[Tensor | None, ...]],
) -> tuple[Tensor, ...]:
    """Records all outputs as one step: they lie one after another in one vector, of which each is a window."""
    real = [output for output in outputs if output.is_floating_point()]
    if not real:
        return outputs
    sizes = [output.numel() for output in real]
    kinds = [(output.shape, output.dtype) for output in outputs]

    def unpacked(vector: Tensor) -> list[Tensor]:
        shapes = [shape for shape, dtype in kinds if dtype.is_floating_point]
        return [part.view(shape) for part, shape in zip(vector.split(sizes), shapes)]

    def backward_of_all(grad: Tensor, wanted: list[bool]) -> tuple[Tensor | None, ...]:
        grads = iter(unpacked(grad))
        every = tuple(
            next(grads).to(dtype) if dtype.is_floating_point else _barehand.zeros(shape, dtype=dtype)
            for shape, dtype in kinds
        )
        return gradients(every, wanted)

    vector = _barehand._record(name, _barehand.cat([output.flatten() for output in real]), inputs, backward_of_all)
    windows = iter(unpacked(vector))
    return tuple(next(windows).to(output.dtype) if output.is_floating_point() else output for output in outputs)
