"""Learning rates that change from step to step.

A scheduler is stepped after the optimizer. Schedulers of one optimizer may be stepped together: each changes the rate that
it finds, so that their effects multiply.

>>> w = bh.nn.Parameter(bh.zeros(1))
>>> optimizer = bh.optim.SGD([w], lr=1.0)
>>> scheduler = StepLR(optimizer, step_size=2, gamma=0.1)
>>> rates = []
>>> for _ in range(4):
...     rates += scheduler.get_last_lr()
...     optimizer.step()
...     scheduler.step()
>>> rates
[1.0, 1.0, 0.1, 0.1]
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

from barehand import _barehand
from barehand.optim.optimizer import Optimizer

_Schedule = _barehand._optim.Schedule
_Plateau = _barehand._optim.Plateau
_T = TypeVar("_T")


class LRScheduler:
    """Sets the learning rate of every group of an optimizer at each step.

    A subclass says in `get_lr` what the rates of step `last_epoch` are. With a `last_epoch` other than -1 it goes on from
    there: every group must hold its "initial_lr" then.
    """

    #: What `state_dict` leaves out, beside the optimizer.
    _not_saved: tuple[str, ...] = ("_schedules",)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch >= 0"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._last_lr: list[float] = []
        self.step()

    def get_lr(self) -> list[float]:
        """The rate of every group at step `last_epoch`."""
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """The rates that were set last."""
        return self._last_lr

    def step(self) -> None:
        """Moves to the next step and sets its rates."""
        self.last_epoch += 1
        self._set(self.get_lr())

    def _set(self, rates: Sequence[float]) -> None:
        groups = self.optimizer.param_groups
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = [group["lr"] for group in groups]

    def _restart(self) -> None:
        """Begins anew, from the base rates."""
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base
        self.last_epoch = -1
        self.step()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and what the constructor makes again."""
        return {name: value for name, value in self.__dict__.items() if name not in ("optimizer", *self._not_saved)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from what `state_dict` returned."""
        self.__dict__.update(
            {name: value for name, value in state_dict.items() if name not in ("optimizer", *self._not_saved)}
        )


class _Scheduled(LRScheduler):
    """A sequence that is a function of the step and the base rate."""

    def _schedule(self) -> Any:
        """The sequence, of the options as they are now."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        schedule, step = self._schedule(), self.last_epoch
        rates = []
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            rate = group["lr"]
            if rate == (base if step == 0 else schedule.learning_rate(base, step - 1)):
                rates.append(schedule.learning_rate(base, step))
            else:
                # Somebody else set a rate: this sequence goes on from there.
                rates.append(schedule.chained(base, rate, step))
        return rates


class ConstantLR(_Scheduled):
    """The base rate times `factor` for the first `total_iters` steps, then the base rate."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _schedule(self) -> Any:
        return _Schedule.constant(self.factor, self.total_iters)


class StepLR(_Scheduled):
    """Times `gamma` every `step_size` steps."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _schedule(self) -> Any:
        return _Schedule.step(self.step_size, self.gamma)


class MultiStepLR(_Scheduled):
    """Times `gamma` at each milestone; one that is named twice counts twice."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = sorted(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _schedule(self) -> Any:
        return _Schedule.multi_step(self.milestones, self.gamma)


class ExponentialLR(_Scheduled):
    """Times `gamma` every step."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _schedule(self) -> Any:
        return _Schedule.exponential(self.gamma)


class CosineAnnealingLR(_Scheduled):
    """Half a cosine wave from the base rate to `eta_min` in `T_max` steps, and back (Loshchilov and Hutter 2017)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _schedule(self) -> Any:
        return _Schedule.cosine_annealing(self.T_max, self.eta_min)


class LinearLR(_Scheduled):
    """A line from `start_factor` to `end_factor` times the base rate in `total_iters` steps: a warm-up."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _schedule(self) -> Any:
        return _Schedule.linear(self.start_factor, self.end_factor, self.total_iters)


class PolynomialLR(_Scheduled):
    """(1 - t / total_iters)^power times the base rate."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _schedule(self) -> Any:
        return _Schedule.polynomial(self.total_iters, self.power)


def _for_each_group(optimizer: Optimizer, name: str, given: _T | list[_T] | tuple[_T, ...]) -> list[_T]:
    """One value for each group, from one for all or a list."""
    groups = len(optimizer.param_groups)
    values = list(given) if isinstance(given, (list, tuple)) else [given] * groups
    if len(values) != groups:
        raise ValueError(f"{name}: {groups} values expected, one for each group, not {len(values)}")
    return values


class LambdaLR(LRScheduler):
    """The base rate times `lr_lambda(t)`; a list holds one function for each group. Functions are not saved."""

    _not_saved = ("lr_lambdas",)

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = _for_each_group(optimizer, "lr_lambda", lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * function(self.last_epoch) for function, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(LRScheduler):
    """Times `lr_lambda(t)` every step; a list holds one function for each group. Functions are not saved."""

    _not_saved = ("lr_lambdas",)

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = _for_each_group(optimizer, "lr_lambda", lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self.last_epoch <= 0:
            return rates
        return [rate * function(self.last_epoch) for function, rate in zip(self.lr_lambdas, rates, strict=True)]


class SequentialLR(LRScheduler):
    """One scheduler after another, each counting from its own beginning; `milestones` are the steps at which the later begin."""

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        if not schedulers:
            raise ValueError("SequentialLR expects at least one scheduler to be chained, but got no scheduler.")
        for i, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError("ReduceLROnPlateau cannot be part of a SequentialLR: it needs a metric")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"SequentialLR: scheduler {i} belongs to another optimizer")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone "
                f"points, but got number of schedulers {len(schedulers)} and the number of milestones to be equal to "
                f"{len(milestones)}"
            )
        if milestones != sorted(milestones):
            raise ValueError(f"SequentialLR: the milestones {milestones} are not in order")
        self._schedulers = schedulers
        self._milestones = list(milestones)
        self.optimizer = optimizer
        self.last_epoch = last_epoch + 1
        # The schedulers have each made a first step over the rates of the one before.
        if last_epoch == -1:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"]
            schedulers[0]._restart()
        self._last_lr = schedulers[0].get_last_lr()

    def step(self) -> None:
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name not in ("optimizer", "_schedulers")}
        return {**state, "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)
        self.__dict__.update({name: value for name, value in state_dict.items() if name != "_schedulers"})


class OneCycleLR(LRScheduler):
    """Up to `max_lr` and down again, momentum the other way (Smith and Topin 2018).

    The cycle has `total_steps` steps, or `epochs` times `steps_per_epoch`; the first rate is max_lr / div_factor, the last
    that divided by final_div_factor.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
            total_steps = epochs * steps_per_epoch
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
        self.total_steps = total_steps
        self.cycle_momentum = cycle_momentum
        rates = _for_each_group(optimizer, "max_lr", max_lr)
        lows = _for_each_group(optimizer, "base_momentum", base_momentum)
        highs = _for_each_group(optimizer, "max_momentum", max_momentum)
        self._schedules = [
            _Schedule.one_cycle(
                rate,
                total_steps,
                pct_start,
                anneal_strategy == "linear",
                cycle_momentum,
                low,
                high,
                div_factor,
                final_div_factor,
                three_phase,
            )
            for rate, low, high in zip(rates, lows, highs, strict=True)
        ]
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            if cycle_momentum and "momentum" not in group and "betas" not in group:
                raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
            if last_epoch == -1:
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = rate / div_factor / final_div_factor
        super().__init__(optimizer, last_epoch)

    def step(self) -> None:
        if self.last_epoch >= self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch + 1} times. The specified number of total steps is {self.total_steps}"
            )
        super().step()

    def get_lr(self) -> list[float]:
        if self.cycle_momentum:
            for group, schedule in zip(self.optimizer.param_groups, self._schedules, strict=True):
                momentum = schedule.momentum(self.last_epoch)
                if "betas" in group:
                    group["betas"] = (momentum, *group["betas"][1:])
                else:
                    group["momentum"] = momentum
        return [
            schedule.learning_rate(base, self.last_epoch)
            for schedule, base in zip(self._schedules, self.base_lrs, strict=True)
        ]


class ReduceLROnPlateau(LRScheduler):
    """Times `factor` when a measured loss has not improved for more than `patience` steps: `step(loss)`.

    An improvement is more than `threshold`, as a share of the best loss ("rel") or as a difference ("abs"). After a reduction
    `cooldown` losses are not judged. Rates do not fall below `min_lr`, and not by less than `eps`.
    """

    _not_saved = ("_plateau",)

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.min_lrs = _for_each_group(optimizer, "min_lr", min_lr)
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]
        self._plateau = self._make()

    def _make(self) -> Any:
        absolute = self.threshold_mode == "abs"
        return _Plateau(
            self.mode == "max", self.factor, self.patience, self.threshold, absolute, self.cooldown, self.eps
        )

    @property
    def best(self) -> float:
        """The best loss so far."""
        best = self._plateau.state[0]
        if best is None:
            return math.inf if self.mode == "min" else -math.inf
        return best

    @property
    def num_bad_epochs(self) -> int:
        """How many losses in a row were no improvement."""
        return self._plateau.state[1]

    @property
    def cooldown_counter(self) -> int:
        """How many losses more are not judged."""
        return self._plateau.state[2]

    @property
    def in_cooldown(self) -> bool:
        """Whether losses are not judged at the moment."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Takes a loss, and reduces the rates where it is time to."""
        self.last_epoch += 1
        groups = self.optimizer.param_groups
        if self._plateau.observe(float(metrics)):
            for group, min_lr in zip(groups, self.min_lrs, strict=True):
                group["lr"] = self._plateau.reduced(group["lr"], min_lr)
        self._last_lr = [group["lr"] for group in groups]

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "best": self.best,
            "num_bad_epochs": self.num_bad_epochs,
            "cooldown_counter": self.cooldown_counter,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        counts = ("best", "num_bad_epochs", "cooldown_counter")
        super().load_state_dict({name: value for name, value in state_dict.items() if name not in counts})
        best, bad, cooling = (state_dict[name] for name in counts)
        self._plateau = self._make()
        self._plateau.state = (best if math.isfinite(best) else None, bad, cooling)
