"""Averages of a model's weights over training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any, Literal

from barehand import _barehand
from barehand._barehand import Tensor, tensor
from barehand.autograd import no_grad
from barehand.nn.module import Module
from barehand.nn.normalization import _BatchNorm
from barehand.optim.lr_scheduler import LRScheduler, _for_each_group
from barehand.optim.optimizer import Optimizer

_average = _barehand._optim.average
_Schedule = _barehand._optim.Schedule
_MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]
_Average = Callable[[Tensor, Tensor, Any], Tensor]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_multi_avg_fn(decay: float = 0.999) -> _MultiAverage:
    """The exponential average, decay · average + (1 - decay) · weight, of all parameters at once."""
    _check_decay(decay)
    return lambda averages, weights, _: _average(averages, weights, decay)


def get_swa_multi_avg_fn() -> _MultiAverage:
    """The mean of all updates, average + (weight - average) / (n + 1) after n of them, of all parameters at once."""
    return lambda averages, weights, n: _average(averages, weights, float(n) / (float(n) + 1))


def get_ema_avg_fn(decay: float = 0.999) -> _Average:
    """The exponential average, decay · average + (1 - decay) · weight, of one parameter."""
    _check_decay(decay)
    return lambda average, weight, _: average * decay + weight * (1 - decay)


def get_swa_avg_fn() -> _Average:
    """The mean of all updates, average + (weight - average) / (n + 1) after n of them, of one parameter."""
    return lambda average, weight, n: average + (weight - average) / (float(n) + 1)


class AveragedModel(Module):
    """A copy of a model whose weights follow the model's as an average (Polyak and Juditsky 1992; Izmailov et al. 2018).

    The first update copies them. `multi_avg_fn`, or `avg_fn` for one parameter at a time, says how an average moves; without
    either it is the mean of all updates. Buffers are copied, or averaged as well with `use_buffers`.

    >>> model = bh.nn.Linear(1, 1)
    >>> average = bh.optim.swa_utils.AveragedModel(model, multi_avg_fn=bh.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    >>> average.update_parameters(model)
    >>> bool((average(bh.ones(1)) == model(bh.ones(1))).all())
    True
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: _Average | None = None,
        multi_avg_fn: _MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Takes in the model's weights as they are now."""
        n = int(self.n_averaged.item())
        with no_grad():
            averages, weights = list(self.module.parameters()), list(model.parameters())
            buffers = list(self.module.buffers()), list(model.buffers())
            if self.use_buffers:
                # Counts are no averages.
                pairs = [(a, w) for a, w in zip(*buffers, strict=True) if a.is_floating_point()]
                averages += [a for a, _ in pairs]
                weights += [w for _, w in pairs]
            if n == 0:
                for average, weight in zip(averages, weights, strict=True):
                    average.copy_(weight)
            elif self.avg_fn is not None:
                for average, weight in zip(averages, weights, strict=True):
                    average.copy_(self.avg_fn(average.detach(), weight.detach(), self.n_averaged))
            else:
                (self.multi_avg_fn or get_swa_multi_avg_fn())(averages, weights, self.n_averaged)
            for held, buffer in zip(*buffers, strict=True):
                if not self.use_buffers or not held.is_floating_point():
                    held.copy_(buffer)
            self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the running statistics of every batch norm anew, as the mean over the batches of `loader`.

    A batch is a tensor, or a tuple that begins with one. Averaged weights need it: the statistics of their activations are
    not the average of the statistics.
    """
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    if not layers:
        return
    training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    with no_grad():
        for batch in loader:
            given = batch[0] if isinstance(batch, list | tuple) else batch
            model(given if device is None else given.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """From the rate that it finds to `swa_lr` in `anneal_epochs` steps, and on at that rate: for averages of weights.

    `anneal_strategy` "cos" goes along half a cosine wave, "linear" along a line. `swa_lr` may be a list of rates, one for
    each group. (Izmailov et al. 2018)

    >>> w = bh.nn.Parameter(bh.zeros(1))
    >>> optimizer = bh.optim.SGD([w], lr=1.0)
    >>> scheduler = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(optimizer.param_groups, _for_each_group(optimizer, "swa_lr", swa_lr), strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        self.anneal_strategy = anneal_strategy
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        rates = []
        for group in self.optimizer.param_groups:
            schedule = _Schedule.swa(group["swa_lr"], self.anneal_epochs, self.anneal_strategy == "linear")
            rates.append(schedule.chained(group["lr"], group["lr"], self.last_epoch))
        return rates
