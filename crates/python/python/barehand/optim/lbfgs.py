"""L-BFGS, which looks at the whole loss several times before each step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from barehand import _barehand
from barehand.autograd import enable_grad
from barehand.optim.optimizer import Optimizer


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu and Nocedal 1989), for losses of the whole data set.

        y = g - g_before,  s = t d                       remembered where y·s > 1e-10, the last history_size of them
        d = -H g                                         H from the pairs (s, y), beginning with (y·s / y·y) I
        t = lr, at first min(1, 1 / Σ|g|) lr; or found on the line where line_search_fn is "strong_wolfe"
        param = param + t d

    One `step(closure)` is up to `max_iter` such iterations, or until the loss was computed `max_eval` times, no element of
    the gradient is larger than `tolerance_grad`, or nothing changes by more than `tolerance_change`. There is one group.

    >>> w = bh.tensor([3.0, -1.0], requires_grad=True)
    >>> optimizer = bh.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - bh.tensor([1.0, 2.0])) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    13.0
    >>> w
    tensor([1.0000, 2.0000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
                "maximize": maximize,
            },
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def _new_rule(self) -> Any:
        return _barehand._optim.Lbfgs(self.defaults)

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Moves the parameters; `closure` computes the loss and its gradients, as often as it is called. Returns the first."""

        def evaluated() -> Any:
            with enable_grad():
                return closure()

        group = self.param_groups[0]
        return self._rule.step(group, group["params"], evaluated)
