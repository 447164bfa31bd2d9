"""Proof that the sample can fail: the library with one fault at a time, each of which some stored case must notice."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from parity import sample
from parity.closeness import differences
from parity.table import ROWS


@dataclass(frozen=True)
class Fault:
    """A row and a wrong way to compute it."""

    row: str
    what: str
    call: Callable[..., Any]

    def __str__(self) -> str:
        return f"{self.row}: {self.what}"


def without(*names: str) -> Callable[..., Any]:
    """A call by the row's own path that ignores some options."""

    def call(row: Any, lib: ModuleType, *arguments: Any, **options: Any) -> Any:
        return row.by_path(lib, *arguments, **{key: value for key, value in options.items() if key not in names})

    return call


def with_gradient_of(wrong: Callable[..., Any]) -> Callable[..., Any]:
    """A call with the right values and another function's gradient."""

    def call(row: Any, lib: ModuleType, *arguments: Any, **options: Any) -> Any:
        other = wrong(lib, *arguments)
        return row.by_path(lib, *arguments, **options).detach() + (other - other.detach())

    return call


def instead(other: Callable[..., Any]) -> Callable[..., Any]:
    """A call of something else."""
    return lambda row, lib, *arguments, **options: other(lib, *arguments, **options)


def momentum_of_the_old(lib: ModuleType, *, momentum: float | None, **options: Any) -> Any:
    """Batch norm that weighs the old statistics by the momentum, not the new."""
    return lib.nn.BatchNorm1d(momentum=None if momentum is None else 1 - momentum, **options)


FAULTS = [
    Fault("exp", "the gradient is 1", with_gradient_of(lambda lib, x: x)),
    Fault("relu", "the gradient passes where x is negative", with_gradient_of(lambda lib, x: x)),
    Fault("abs", "off by a hundred-thousandth", instead(lambda lib, x: lib.abs(x) * (1 + 1e-5))),
    Fault("sigmoid", "the gradient is half", with_gradient_of(lambda lib, x: lib.sigmoid(x) * 0.5)),
    Fault("square", "the input gets no gradient", instead(lambda lib, x: lib.square(x.detach()))),
    Fault("nn.functional.gelu", "always the exact form", without("approximate")),
    Fault("nn.functional.softplus", "beta is ignored", without("beta")),
    Fault("mul", "no gradient for the second factor", instead(lambda lib, x, y: x * y.detach())),
    Fault("maximum [ties]", "a tie goes to the first", instead(lambda lib, x, y: lib.where(x >= y, x, y))),
    Fault("clamp", "no lower bound", without("min")),
    Fault("round", "halves go up", instead(lambda lib, x: lib.floor(x + 0.5) + 0.5)),
    Fault("eq", "not equal", instead(lambda lib, x, y: lib.ne(x, y))),
    Fault("where", "the branches are swapped", instead(lambda lib, c, x, y: lib.where(c, y, x))),
    Fault("sum [dim]", "the axis is dropped always", without("keepdim")),
    Fault("var", "always unbiased", without("correction")),
    Fault("amax [ties]", "the largest gets all", with_gradient_of(lambda lib, x: lib.amax(x * 2))),
    Fault("softmax", "along the last axis", instead(lambda lib, x, dim: lib.softmax(x, dim=-1))),
    Fault("cumsum", "the gradient is not summed", with_gradient_of(lambda lib, x: x)),
    Fault("sort", "always ascending", without("descending")),
    Fault(
        "permute",
        "the inverse permutation",
        instead(lambda lib, x, dims: x.permute([dims.index(i) for i in range(len(dims))])),
    ),
    Fault("flip", "not flipped", instead(lambda lib, x, dims: x * 1)),
    Fault("roll", "the other way", instead(lambda lib, x, shifts, dims: lib.roll(x, -shifts, dims))),
    Fault("tril", "the other triangle", instead(lambda lib, x, diagonal: lib.triu(x, diagonal=diagonal))),
    Fault("scatter_add", "the source replaces", instead(lambda lib, x, i, y: lib.scatter(x, 1, i, y))),
    Fault("matmul", "no gradient for the left", instead(lambda lib, x, y: lib.matmul(x.detach(), y))),
    Fault("nn.functional.linear", "no bias", instead(lambda lib, x, w, b: lib.nn.functional.linear(x, w))),
    Fault("nn.functional.conv2d", "stride 1", without("stride")),
    Fault("nn.functional.conv2d", "no dilation", without("dilation")),
    Fault("nn.functional.conv_transpose2d", "no output_padding", without("output_padding")),
    Fault("nn.functional.max_pool2d", "ceil_mode is ignored", without("ceil_mode")),
    Fault("nn.functional.avg_pool2d", "padding is counted", without("count_include_pad")),
    Fault(
        "nn.functional.layer_norm",
        "eps is ignored",
        instead(lambda lib, x, w, b, eps: lib.nn.functional.layer_norm(x, tuple(w.shape), w, b)),
    ),
    Fault("nn.BatchNorm1d", "the momentum weighs the old", instead(momentum_of_the_old)),
    Fault("nn.BatchNorm1d", "eps is ignored", without("eps")),
    Fault(
        "nn.BatchNorm1d",
        "no running statistics",
        instead(lambda lib, **options: lib.nn.BatchNorm1d(**{**options, "track_running_stats": False})),
    ),
    Fault("nn.Linear", "no bias", instead(lambda lib, **options: lib.nn.Linear(**{**options, "bias": False}))),
    Fault("nn.functional.mse_loss", "always the mean", without("reduction")),
    Fault("nn.functional.smooth_l1_loss", "beta is ignored", without("beta")),
    Fault("nn.functional.cross_entropy", "no label smoothing", without("label_smoothing")),
    Fault("nn.functional.cross_entropy", "every index counts", without("ignore_index")),
    Fault(
        "nn.functional.cross_entropy [weighted]",
        "no weights",
        instead(lambda lib, x, y, w, **o: lib.nn.functional.cross_entropy(x, y, **o)),
    ),
    Fault("optim.SGD", "no dampening", without("dampening")),
    Fault("optim.SGD [nesterov]", "plain momentum", without("nesterov")),
    Fault("optim.Adam", "eps is ignored", without("eps")),
    Fault("optim.Adam", "amsgrad is ignored", without("amsgrad")),
    Fault("optim.Adam", "minimizes always", without("maximize")),
    Fault("optim.AdamW", "the decay is part of the gradient", instead(lambda lib, p, **o: lib.optim.Adam(p, **o))),
    Fault("optim.Adadelta", "rho is ignored", without("rho")),
    Fault("optim.Adagrad", "the rate never falls", without("lr_decay")),
    Fault("optim.Adagrad", "the sums begin with 0", without("initial_accumulator_value")),
    Fault("optim.Adamax", "eps is ignored", without("eps")),
    Fault("optim.ASGD", "no pull towards zero", without("lambd")),
    Fault("optim.ASGD", "the rate's power is ignored", without("alpha")),
    Fault("optim.NAdam", "the momentum grows as always", without("momentum_decay")),
    Fault("optim.NAdam", "the decay is part of the gradient", without("decoupled_weight_decay")),
    Fault("optim.RAdam", "the decay is part of the gradient", without("decoupled_weight_decay")),
    Fault("optim.RMSprop", "never centered", without("centered")),
    Fault("optim.RMSprop", "no momentum", without("momentum")),
    Fault("optim.Rprop", "the factors are ignored", without("etas")),
    Fault("optim.Rprop", "the bounds are ignored", without("step_sizes")),
    Fault("optim.LBFGS", "no line search", without("line_search_fn")),
    Fault("optim.LBFGS", "everything is remembered", without("history_size")),
    Fault("nn.GroupNorm", "one group", instead(lambda lib, g, d, **o: lib.nn.GroupNorm(1, g * d, **o))),
    Fault("nn.InstanceNorm1d", "evaluation as in training", without("track_running_stats")),
    Fault("nn.RMSNorm", "eps is ignored", without("eps")),
    Fault("optim.lr_scheduler.CosineAnnealingLR", "down to zero", without("eta_min")),
    Fault("optim.lr_scheduler.OneCycleLR", "two phases always", without("three_phase")),
    Fault("optim.lr_scheduler.ReduceLROnPlateau", "no cooldown", without("cooldown")),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_sample_notices(fault: Fault, library: ModuleType) -> None:
    """Some stored case of the row has another answer, in f64 and in f32."""
    row = ROWS[fault.row]
    wrong = copy.copy(row)
    wrong.call = lambda lib, *arguments, **options: fault.call(row, lib, *arguments, **options)
    answers = [answer for answer in sample.read() if answer.case.row == fault.row]
    for precision in ("float64", "float32"):
        noticed = False
        for answer in answers:
            try:
                got = wrong.run(library, answer.case, precision)
            except (RuntimeError, ValueError, IndexError):
                noticed = True  # Shapes that no longer fit, say: the replay would fail just as well.
                continue
            expected = answer.expected(precision)
            noticed |= bool(differences(got, expected, elementwise=row.elementwise, magnifies=row.magnifies))
        assert noticed, f"{fault} goes unnoticed in {precision}"
