"""Gradients: where they arrive, when they are recorded, hooks, and functions that differentiate themselves in Python."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import barehand as bh
import numpy as np
import pytest
from barehand.autograd import Function


def leaf(*values: float, dtype: bh.dtype = bh.float32) -> bh.Tensor:
    return bh.tensor(values, dtype=dtype, requires_grad=True)


# Backward passes.


def test_gradients_add_up() -> None:
    w = leaf(1.0, 2.0)
    assert w.grad is None
    (w * w).sum().backward()
    first = w.grad
    assert first is not None and first.tolist() == [2, 4]
    (3 * w).sum().backward()
    assert w.grad is first and first.tolist() == [5, 7]
    w.grad = None
    assert w.grad is None
    w.sum().backward()
    assert w.grad is not None and w.grad.tolist() == [1, 1]
    del w.grad
    assert w.grad is None


def test_a_gradient_can_be_set() -> None:
    w = leaf(1.0, 2.0)
    w.grad = bh.ones(2)
    w.sum().backward()
    assert w.grad is not None and w.grad.tolist() == [2, 2]
    with pytest.raises(ValueError, match=r"a gradient of shape \[3\]"):
        w.grad = bh.ones(3)
    with pytest.raises(ValueError, match="float64"):
        w.grad = bh.ones(2, dtype=bh.float64)


def test_leaves_and_computed_tensors() -> None:
    w, x = leaf(1.0), bh.ones(1)
    y = w * x
    assert (w.is_leaf, x.is_leaf, y.is_leaf) == (True, True, False)
    assert (w.requires_grad, x.requires_grad, y.requires_grad) == (True, False, True)
    assert w.grad_fn is None and y.grad_fn is not None
    assert repr(y).endswith("grad_fn=<Recorded>)")
    assert not (y > 0).requires_grad
    with pytest.raises(RuntimeError, match="only be switched off for leaves"):
        y.requires_grad = False
    with pytest.raises(RuntimeError, match="floating point"):
        bh.tensor([1]).requires_grad_()
    w.requires_grad_(False)
    assert not w.requires_grad


def test_a_backward_pass_needs_a_scalar_or_a_gradient() -> None:
    w = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"not shape \[2\]; pass that of something .* as gradient="):
        (w * 2).backward()
    (w * 2).backward(bh.tensor([1.0, 10.0]))
    assert w.grad is not None and w.grad.tolist() == [2, 20]
    with pytest.raises(ValueError, match="shape"):
        (w * 2).backward(bh.ones(3))
    with pytest.raises(RuntimeError, match="was not recorded"):
        bh.ones(1).backward()
    with pytest.raises(RuntimeError, match="only floats have gradients"):
        bh.tensor(1).backward()


def test_a_graph_is_walked_once_unless_it_is_retained() -> None:
    w = leaf(3.0)
    y = (w * w).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert w.grad is not None and w.grad.tolist() == [12]
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


def test_gradients_of_gradients_are_refused() -> None:
    w = leaf(3.0)
    with pytest.raises(NotImplementedError, match="create_graph"):
        (w * w).sum().backward(create_graph=True)


def test_several_roots() -> None:
    w = leaf(2.0)
    bh.autograd.backward([w * 3, w * 5], [bh.ones(1), None])
    assert w.grad is not None and w.grad.tolist() == [8]
    with pytest.raises(ValueError, match="1 gradients for 2 tensors"):
        bh.autograd.backward([w * 3, w * 5], [bh.ones(1)])


def test_gradients_cross_precisions() -> None:
    single, double = leaf(1.0, 2.0), leaf(3.0, 4.0, dtype=bh.float64)
    (single.double() * double).sum().backward()
    assert single.grad is not None and double.grad is not None
    assert (single.grad.dtype, double.grad.dtype) == (bh.float32, bh.float64)
    assert (single.grad.tolist(), double.grad.tolist()) == ([3, 4], [1, 2])
    (single * double).float().sum().backward()
    assert (single.grad.tolist(), double.grad.tolist()) == ([6, 8], [2, 4])
    bh.autograd.backward([single.sum(), double.sum()])
    assert (single.grad.tolist(), double.grad.tolist()) == ([7, 9], [3, 5])


# Gradients on request.


def test_grad_leaves_every_grad_alone() -> None:
    w, v = leaf(2.0), leaf(5.0)
    y = w * w * v
    (dw, dv) = bh.autograd.grad(y, [w, v])
    assert (dw.tolist(), dv.tolist()) == ([20], [4])
    assert w.grad is None and v.grad is None


def test_grad_of_what_was_computed() -> None:
    w = leaf(2.0)
    h = w * 3
    y = (h * h).sum()
    (dh,) = bh.autograd.grad(y, h, retain_graph=True)
    assert dh.tolist() == [12]
    (dh, dw) = bh.autograd.grad(y, (h, w), grad_outputs=bh.tensor(2.0))
    assert (dh.tolist(), dw.tolist()) == ([24], [72])


def test_grad_in_both_precisions() -> None:
    single, double = leaf(2.0), leaf(3.0, dtype=bh.float64)
    middle = single.double()
    y = (middle * double).float()
    grads = bh.autograd.grad(y, [single, double, middle])
    assert [g.dtype for g in grads] == [bh.float32, bh.float64, bh.float64]
    assert [g.tolist() for g in grads] == [[3], [2], [3]]


def test_grad_of_what_took_no_part() -> None:
    w, other = leaf(2.0), leaf(1.0)
    with pytest.raises(RuntimeError, match="input 1 took no part in the computation; pass allow_unused=True"):
        bh.autograd.grad(w * 2, [w, other])
    (dw, nothing) = bh.autograd.grad(w * 2, [w, other], allow_unused=True)
    assert dw.tolist() == [2] and nothing is None


# Recording on and off.


def recorded() -> bool:
    return (leaf(1.0) * 2).requires_grad


def test_every_form_of_no_grad() -> None:
    with bh.no_grad():
        assert not recorded() and not bh.is_grad_enabled()
        with bh.enable_grad():
            assert recorded()
        with bh.set_grad_enabled(True):
            assert recorded()
        assert not recorded()
    assert recorded()
    assert not bh.no_grad()(recorded)()
    assert not bh.no_grad(recorded)()
    assert not bh.inference_mode(recorded)()
    assert recorded()

    @bh.no_grad()
    def outer() -> tuple[bool, bool]:
        return recorded(), bh.enable_grad()(recorded)()

    assert outer() == (False, True)
    bh.set_grad_enabled(False)
    assert not recorded()
    bh.set_grad_enabled(True)
    assert recorded()


def test_recording_comes_back_after_an_error() -> None:
    for scope in (bh.no_grad, bh.inference_mode, lambda: bh.set_grad_enabled(False)):
        with pytest.raises(KeyError), scope():
            raise KeyError
        assert bh.is_grad_enabled()

    @bh.no_grad()
    def fails() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert bh.is_grad_enabled()


# Hooks.


def test_hooks_see_and_replace_gradients() -> None:
    w = leaf(1.0, 2.0)
    h = w * 2
    seen: list[Any] = []
    handle = h.register_hook(lambda grad: seen.append(grad.tolist()))
    h.register_hook(lambda grad: grad * 10)
    h.sum().backward(retain_graph=True)
    assert seen == [[1, 1]]
    assert w.grad is not None and w.grad.tolist() == [20, 20]
    handle.remove()
    h.sum().backward()
    assert len(seen) == 1


def test_hooks_of_leaves() -> None:
    w = leaf(1.0)
    w.register_hook(lambda grad: grad / 2)
    (w * 4).backward()
    assert w.grad is not None and w.grad.tolist() == [2]
    with pytest.raises(RuntimeError, match="not recorded"):
        bh.ones(1).register_hook(print)


def test_exceptions_of_hooks_arrive_as_themselves() -> None:
    class Odd(Exception):
        pass

    def fail(grad: bh.Tensor) -> None:
        raise Odd("here")

    w = leaf(1.0)
    y = w * 2
    y.register_hook(fail)
    with pytest.raises(Odd, match="here"):
        y.backward()
    z = w * 2
    z.register_hook(lambda grad: "no tensor")  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="Tensor"):
        z.backward()
    v = w * 2
    v.register_hook(lambda grad: bh.ones(3))
    with pytest.raises(RuntimeError, match=r"\[3\]"):
        v.backward()


def test_retain_grad() -> None:
    w = leaf(1.0)
    h = w * 2
    assert h.grad is None
    h.retain_grad()
    h.retain_grad()
    w.retain_grad()
    (h * 3).sum().backward()
    assert h.grad is not None and h.grad.tolist() == [3]
    assert w.grad is not None and w.grad.tolist() == [6]


# Functions in Python.


class Cube(Function):
    """x³"""

    @staticmethod
    def forward(ctx: Any, x: bh.Tensor) -> bh.Tensor:
        assert not bh.is_grad_enabled()
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, grad: bh.Tensor) -> bh.Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad


class Scaled(Function):
    """scale x + y, of arguments that are no tensors too."""

    wanted: tuple[bool, ...] = ()

    @staticmethod
    def forward(ctx: Any, x: bh.Tensor, scale: float, name: str, y: bh.Tensor | None) -> bh.Tensor:
        ctx.scale, ctx.name = scale, name
        Scaled.wanted = ctx.needs_input_grad
        return x * scale if y is None else x * scale + y

    @staticmethod
    def backward(ctx: Any, grad: bh.Tensor) -> tuple[bh.Tensor | None, ...]:
        assert ctx.name == "name"
        return grad * ctx.scale, None, None, grad if ctx.needs_input_grad[3] else None


class SinCos(Function):
    """Two outputs, and one that has no gradient."""

    seen: ClassVar[list[list[float]]] = []

    @staticmethod
    def forward(ctx: Any, x: bh.Tensor) -> tuple[bh.Tensor, ...]:
        ctx.x = x
        return x.sin(), x.cos(), (x > 0).long()

    @staticmethod
    def backward(ctx: Any, dsin: bh.Tensor, dcos: bh.Tensor, dsign: bh.Tensor) -> bh.Tensor:
        SinCos.seen = [dsin.tolist(), dcos.tolist(), dsign.tolist()]
        return dsin * ctx.x.cos() - dcos * ctx.x.sin()


def test_a_function_of_one_tensor() -> None:
    w = leaf(1.0, 2.0)
    y = Cube.apply(w * 1)
    assert y.requires_grad
    y.sum().backward()
    assert w.grad is not None and w.grad.tolist() == [3, 12]
    with bh.no_grad():
        assert not Cube.apply(w).requires_grad
    assert not Cube.apply(bh.ones(2)).requires_grad
    bh.check_gradients(Cube.apply, bh.tensor([0.5, -1.5]))


def test_arguments_that_are_no_tensors() -> None:
    w, v = leaf(1.0), leaf(1.0)
    Scaled.apply(w, 4.0, "name", v).backward()
    assert Scaled.wanted == (True, False, False, True)
    assert w.grad is not None and v.grad is not None
    assert (w.grad.tolist(), v.grad.tolist()) == ([4], [1])
    Scaled.apply(w, 4.0, "name", None).backward()
    assert Scaled.wanted == (True, False, False, False)
    Scaled.apply(w, 4.0, "name", bh.ones(1)).backward()
    assert w.grad.tolist() == [12]


def test_several_outputs() -> None:
    w = bh.tensor([0.5, -1.0], dtype=bh.float64, requires_grad=True)
    s, c, sign = SinCos.apply(w)
    assert sign.tolist() == [1, 0] and not sign.requires_grad
    (2 * s + c).sum().backward()
    assert SinCos.seen == [[2, 2], [1, 1], [0, 0]]
    assert w.grad is not None
    np.testing.assert_allclose(w.grad.numpy(), 2 * np.cos([0.5, -1.0]) - np.sin([0.5, -1.0]))
    s, c, _ = SinCos.apply(w)
    c.sum().backward()
    assert SinCos.seen[0] == [0, 0]


def test_a_gradient_that_is_left_out_is_zero() -> None:
    class Nothing(Function):
        @staticmethod
        def forward(ctx: Any, x: bh.Tensor) -> bh.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> None:
            return None

    w = leaf(1.0, 2.0)
    Nothing.apply(w).sum().backward()
    assert w.grad is not None and w.grad.tolist() == [0, 0]


def test_exceptions_in_a_backward_arrive_as_themselves() -> None:
    class Odd(Exception):
        def __init__(self, number: int) -> None:
            self.number = number

    class Fails(Function):
        error: BaseException = Odd(3)

        @staticmethod
        def forward(ctx: Any, x: bh.Tensor) -> bh.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> bh.Tensor:
            raise Fails.error

    w = leaf(1.0)
    with pytest.raises(Odd) as caught:
        Fails.apply(w).backward()
    assert caught.value is Fails.error
    for kind in (KeyboardInterrupt, SystemExit, StopIteration):
        Fails.error = kind("stop")
        with pytest.raises(kind):
            Fails.apply(w).backward()
    assert w.grad is None


def test_functions_that_are_wrong_are_told_so() -> None:
    class TooMany(Cube):
        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> Any:
            return grad, grad

    class Number(Cube):
        @staticmethod
        def forward(ctx: Any, x: bh.Tensor) -> Any:
            return (1, 2)

    class WrongShape(Cube):
        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> Any:
            return bh.ones(7)

    class NoTensor(Cube):
        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> Any:
            return "grad"

    class Forgotten(Function):
        @staticmethod
        def forward(ctx: Any, x: bh.Tensor) -> bh.Tensor:
            return x * 2

    w = leaf(1.0)
    with pytest.raises(RuntimeError, match="TooMany.backward returned 2 gradients for 1 arguments"):
        TooMany.apply(w).backward()
    with pytest.raises(TypeError, match="Number.forward must return a tensor or a tuple of tensors"):
        Number.apply(w)
    with pytest.raises(RuntimeError, match=r"\[7\]"):
        WrongShape.apply(w).backward()
    with pytest.raises(TypeError):
        NoTensor.apply(w).backward()
    with pytest.raises(NotImplementedError, match="static method backward"):
        Forgotten.apply(w).backward()
    with pytest.raises(NotImplementedError, match="static method forward"):
        Function.apply(w)


def test_gradients_of_functions_in_both_precisions() -> None:
    class Mixed(Function):
        @staticmethod
        def forward(ctx: Any, x: bh.Tensor, y: bh.Tensor) -> bh.Tensor:
            ctx.save_for_backward(x, y)
            return x.double() * y

        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> tuple[bh.Tensor, bh.Tensor]:
            x, y = ctx.saved_tensors
            return grad * y, grad * x

    single, double = leaf(2.0), leaf(3.0, dtype=bh.float64)
    Mixed.apply(single, double).backward()
    assert single.grad is not None and double.grad is not None
    assert (single.grad.dtype, single.grad.item()) == (bh.float32, 3)
    assert (double.grad.dtype, double.grad.item()) == (bh.float64, 2)


def test_a_backward_may_run_a_backward() -> None:
    class Inner(Function):
        @staticmethod
        def forward(ctx: Any, x: bh.Tensor) -> bh.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> bh.Tensor:
            (x,) = ctx.saved_tensors
            with bh.enable_grad():
                again = x.detach().requires_grad_()
                (found,) = bh.autograd.grad((again * again).sum(), again)
            return found * grad

    w = leaf(3.0)
    Inner.apply(w).backward()
    assert w.grad is not None and w.grad.tolist() == [6]


def test_check_gradients() -> None:
    report = bh.check_gradients(lambda x, y: (x * y).tanh().sum(), [bh.rand(3), bh.rand(3)])
    assert report["compared"] == 6 and report["worst"] < 1e-6

    class Wrong(Cube):
        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> bh.Tensor:
            return grad

    with pytest.raises(RuntimeError, match="gradient"):
        bh.check_gradients(lambda x: Wrong.apply(x).sum(), bh.tensor([2.0]))


def test_a_long_chain_is_walked_and_dropped() -> None:
    w = leaf(1.0)
    y = w
    for _ in range(100_000):
        y = y * 1.0
    y.backward()
    assert w.grad is not None and w.grad.tolist() == [1]
    del y
    z = w
    for _ in range(20_000):
        z = Cube.apply(z)
    del z
    gc.collect()


# Nothing is held longer than it is needed.


class Anything:
    """An object that can be watched."""


@pytest.mark.parametrize("walked", [False, True])
def test_functions_let_go_of_what_they_held(walked: bool) -> None:
    class Holds(Cube):
        @staticmethod
        def forward(ctx: Any, x: bh.Tensor, held: Any = None) -> bh.Tensor:
            ctx.held = held
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> Any:
            return grad * 2, None

    w, held = leaf(1.0), Anything()
    y = Holds.apply(w, held)
    watch = weakref.ref(held)
    del held
    assert watch() is not None
    if walked:
        y.backward()
    del y
    gc.collect()
    assert watch() is None


def test_arguments_that_were_not_saved_are_let_go() -> None:
    class Forgets(Function):
        @staticmethod
        def forward(ctx: Any, x: bh.Tensor, held: Any, other: bh.Tensor) -> bh.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> Any:
            return grad * 2, None, None

    held, other = Anything(), bh.zeros(3)
    w = leaf(1.0)
    y = Forgets.apply(w, held, other)
    watches = [weakref.ref(held), weakref.ref(other)]
    del held, other
    gc.collect()
    assert [watch() for watch in watches] == [None, None]
    y.backward()
    assert w.grad is not None and w.grad.tolist() == [2]


class Hook:
    """A hook that can be watched."""

    def __call__(self, grad: bh.Tensor) -> None:
        pass


@pytest.mark.parametrize(
    "use",
    [
        lambda h, hook: h.register_hook(hook),
        lambda h, hook: h.register_hook(hook).remove(),
        lambda h, hook: (h.register_hook(hook), h.sum().backward()),
    ],
)
def test_hooks_are_let_go(use: Callable[[bh.Tensor, Hook], Any]) -> None:
    w, hook = leaf(1.0), Hook()
    h = w * 2
    kept = use(h, hook)
    watch = weakref.ref(hook)
    del hook, kept, h
    gc.collect()
    assert watch() is None


def test_gradients_and_bases_are_let_go() -> None:
    w = leaf(1.0, 2.0)
    (w * 2).sum().backward()
    parts = [w, w.grad, w[0], w.data, w.view(2)]
    watches = [weakref.ref(part) for part in parts]
    del w, parts
    gc.collect()
    assert [watch() for watch in watches] == [None] * 5


def test_a_function_may_walk_its_own_graph_on_the_way() -> None:
    class Again(bh.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: bh.Tensor) -> bh.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: bh.Tensor) -> bh.Tensor:
            if not seen:
                seen.append(True)
                seen.append(bh.autograd.grad(outputs[0], [x], retain_graph=True)[0].tolist())
            return grad * 2

    seen: list[Any] = []
    x = bh.tensor([1.0, 2.0], requires_grad=True)
    outputs = [Again.apply(x).sum()]
    outputs[0].backward(retain_graph=True)
    assert seen == [True, [2.0, 2.0]]
    assert x.grad is not None and x.grad.tolist() == [2.0, 2.0]
