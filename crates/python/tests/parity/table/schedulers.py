"""Schedules: thirty rates of each, over two groups of parameters."""

from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from parity.arguments import between, flag, one_of
from parity.rows import Row, Schedule

iterations = st.integers(1, 40)
gamma = one_of(0.1, 0.5, 0.9, 1.1)
milestones = st.lists(iterations, max_size=4).map(sorted).map(tuple)


def by_function(lib: ModuleType, optimizer: Any, kind: str, base: float) -> Any:
    """A schedule that is given as a function of the step."""
    return getattr(lib.optim.lr_scheduler, kind)(optimizer, lambda step: base ** (step % 5))


def in_sequence(lib: ModuleType, optimizer: Any, hold: int, decay: int, milestones: tuple[int, ...]) -> Any:
    """A constant rate, then a cosine, then an exponential decay."""
    schedule = lib.optim.lr_scheduler
    parts = [
        schedule.ConstantLR(optimizer, 0.5, hold),
        schedule.CosineAnnealingLR(optimizer, decay),
        schedule.ExponentialLR(optimizer, 0.9),
    ]
    return schedule.SequentialLR(optimizer, parts, milestones=list(milestones))


ROWS: list[Row] = [
    Schedule("optim.lr_scheduler.ConstantLR", factor=between(0.1, 1.0), total_iters=iterations),
    Schedule("optim.lr_scheduler.StepLR", step_size=iterations, gamma=gamma),
    Schedule("optim.lr_scheduler.MultiStepLR", milestones=milestones, gamma=gamma),
    Schedule("optim.lr_scheduler.ExponentialLR", gamma=gamma),
    Schedule("optim.lr_scheduler.LambdaLR", call=by_function, kind=one_of("LambdaLR"), base=gamma),
    Schedule("optim.lr_scheduler.MultiplicativeLR", call=by_function, kind=one_of("MultiplicativeLR"), base=gamma),
    Schedule("optim.lr_scheduler.CosineAnnealingLR", T_max=iterations, eta_min=one_of(0.0, 0.001)),
    Schedule(
        "optim.lr_scheduler.LinearLR",
        start_factor=between(0.1, 1.0),
        end_factor=between(0.1, 1.0),
        total_iters=iterations,
    ),
    Schedule("optim.lr_scheduler.PolynomialLR", total_iters=iterations, power=one_of(1.0, 2.0, 0.5)),
    Schedule(
        "optim.lr_scheduler.SequentialLR",
        call=in_sequence,
        hold=iterations,
        decay=iterations,
        milestones=one_of((5, 12), (1, 2), (10, 25)),
    ),
    Schedule(
        "optim.lr_scheduler.OneCycleLR",
        optimizer=one_of("SGD", "Adam"),
        max_lr=one_of(0.5, 0.1),
        total_steps=st.integers(12, 40),
        pct_start=between(0.2, 0.4),
        anneal_strategy=one_of("cos", "linear"),
        cycle_momentum=flag,
        base_momentum=one_of(0.85, 0.5),
        max_momentum=one_of(0.95),
        div_factor=one_of(25.0, 10.0),
        final_div_factor=one_of(1e4, 100.0),
        three_phase=flag,
    ),
    Schedule(
        "optim.lr_scheduler.ReduceLROnPlateau",
        metric=one_of(True),
        mode=one_of("min", "max"),
        factor=one_of(0.1, 0.5),
        patience=st.integers(0, 4),
        threshold=one_of(1e-4, 0.1),
        threshold_mode=one_of("rel", "abs"),
        cooldown=st.integers(0, 3),
        min_lr=one_of(0.0, 0.005),
        eps=one_of(1e-8, 1e-3),
    ),
    Schedule(
        "optim.swa_utils.SWALR",
        swa_lr=one_of(0.5, 0.05),
        anneal_epochs=one_of(0, 1, 5, 20),
        anneal_strategy=one_of("cos", "linear"),
    ),
]
