"""Losses, as functions and as modules, with every reduction and option."""

from functools import partial

from parity.arguments import constant, index, one_of, positive, real, reduction, size, tied
from parity.rows import Layer, Operator, Row

probability = partial(real, low=0.05, high=0.95)
beta = one_of(1.0, 0.5, 2.0)
smoothing = one_of(0.0, 0.1, 1.0)
ignored = one_of(-100, 0, 1)

ROWS: list[Row] = [
    Operator("nn.functional.mse_loss", real("..."), real("..."), reduction=reduction),
    Operator("nn.functional.l1_loss", real("..."), real("..."), reduction=reduction),
    Operator("nn.functional.l1_loss [ties]", tied("..."), tied("..."), reduction=reduction),
    Operator("nn.functional.smooth_l1_loss", real("..."), real("..."), reduction=reduction, beta=beta),
    Operator("nn.functional.smooth_l1_loss [ties]", tied("..."), tied("..."), reduction=reduction, beta=beta),
    Operator("nn.functional.binary_cross_entropy", probability("..."), probability("..."), reduction=reduction),
    Operator("nn.functional.binary_cross_entropy_with_logits", real("..."), probability("..."), reduction=reduction),
    Operator(
        "nn.functional.binary_cross_entropy [weighted]",
        probability("n m"),
        probability("n m"),
        constant(positive("m")),
        reduction=reduction,
    ),
    Operator(
        "nn.functional.binary_cross_entropy_with_logits [weighted]",
        real("n m"),
        probability("n m"),
        constant(positive("m")),
        constant(positive("m")),
        call=lambda lib, x, y, w, p, reduction: lib.nn.functional.binary_cross_entropy_with_logits(
            x, y, w, reduction=reduction, pos_weight=p
        ),
        reduction=reduction,
    ),
    Operator(
        "nn.functional.cross_entropy",
        real("n C"),
        index("n", below="C"),
        reduction=reduction,
        label_smoothing=smoothing,
        ignore_index=ignored,
    ),
    Operator(
        "nn.functional.cross_entropy [weighted]",
        real("n C"),
        index("n", below="C"),
        constant(positive("C")),
        reduction=reduction,
        label_smoothing=smoothing,
        ignore_index=ignored,
    ),
    Operator(
        "nn.functional.cross_entropy [probabilities]",
        real("n C"),
        probability("n C"),
        reduction=reduction,
        label_smoothing=smoothing,
    ),
    Operator("nn.functional.cross_entropy [images]", real("n C H W"), index("n H W", below="C"), reduction=reduction),
    Operator("nn.functional.cross_entropy [one]", real("C"), index("", below="C"), reduction=reduction),
    Operator("nn.functional.nll_loss", real("n C"), index("n", below="C"), reduction=reduction, ignore_index=ignored),
    Operator(
        "nn.functional.nll_loss [weighted]",
        real("n C"),
        index("n", below="C"),
        constant(positive("C")),
        reduction=reduction,
        ignore_index=ignored,
    ),
    Layer("nn.MSELoss", real("..."), real("..."), reduction=reduction),
    Layer("nn.L1Loss", real("..."), real("..."), reduction=reduction),
    Layer("nn.SmoothL1Loss", real("..."), real("..."), reduction=reduction, beta=beta),
    Layer("nn.BCELoss", probability("..."), probability("..."), reduction=reduction),
    Layer("nn.BCEWithLogitsLoss", real("..."), probability("..."), reduction=reduction),
    Layer(
        "nn.CrossEntropyLoss",
        real("n C"),
        index("n", below="C"),
        reduction=reduction,
        label_smoothing=smoothing,
        ignore_index=ignored,
    ),
    Layer("nn.NLLLoss", real("n C"), index("n", below="C"), reduction=reduction, ignore_index=ignored),
    Layer(
        "nn.CrossEntropyLoss [weighted]",
        real("n C"),
        index("n", below="C"),
        call=lambda lib, classes, **options: lib.nn.CrossEntropyLoss(lib.ones(classes), **options),
        classes=size("C"),
        reduction=reduction,
        label_smoothing=smoothing,
    ),
    Layer(
        "nn.BCEWithLogitsLoss [weighted]",
        real("n M"),
        probability("n M"),
        call=lambda lib, m, **options: lib.nn.BCEWithLogitsLoss(pos_weight=lib.ones(m), **options),
        m=size("M"),
        reduction=reduction,
    ),
]
