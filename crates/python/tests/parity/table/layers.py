"""Modules, with every option that changes what they compute."""

from functools import partial
from typing import Any

from parity.arguments import constant, flag, one_of, real, size
from parity.rows import Layer, Row
from parity.table.products import ROOT_OF_EPS

Normalization = partial(Layer, magnifies=ROOT_OF_EPS)

momentum = one_of(0.1, 0.5, None)
eps = one_of(1e-5, 1e-2)

INSTANCE: dict[str, Any] = {
    "eps": eps,
    "momentum": one_of(0.1, 0.5, None),
    "affine": flag,
    "track_running_stats": flag,
}

ROWS: list[Row] = [
    Layer("nn.Linear", real("... I"), in_features=size("I"), out_features=size("O"), bias=flag),
    Normalization(
        "nn.BatchNorm1d",
        real("N C"),
        num_features=size("C"),
        eps=eps,
        momentum=momentum,
        affine=flag,
        track_running_stats=flag,
    ),
    Normalization(
        "nn.BatchNorm1d [sequences]", real("N C H"), num_features=size("C"), eps=eps, momentum=momentum, affine=flag
    ),
    Normalization(
        "nn.BatchNorm2d",
        real("N C H W"),
        num_features=size("C"),
        eps=eps,
        momentum=momentum,
        affine=flag,
        track_running_stats=flag,
    ),
    Normalization("nn.LayerNorm", real("... M N"), normalized_shape=size("MN"), eps=eps, elementwise_affine=flag),
    Normalization("nn.LayerNorm [without bias]", real("... N"), normalized_shape=size("N"), bias=one_of(False)),
    # Without eps it is that of the precision, so that answers in f64 are none in f32.
    Normalization("nn.RMSNorm", real("... M N"), normalized_shape=size("MN"), eps=eps),
    Normalization(
        "nn.RMSNorm [plain]", real("... N"), normalized_shape=size("N"), eps=eps, elementwise_affine=one_of(False)
    ),
    Normalization(
        "nn.GroupNorm",
        real("n GD H W"),
        call=lambda lib, g, d, **o: lib.nn.GroupNorm(g, g * d, **o),
        g=size("G"),
        d=size("D"),
        eps=eps,
        affine=flag,
        bias=flag,
    ),
    Normalization(
        "nn.GroupNorm [sequences]",
        real("n GD H"),
        call=lambda lib, g, d: lib.nn.GroupNorm(g, g * d),
        g=size("G"),
        d=size("D"),
    ),
    Normalization("nn.InstanceNorm1d", real("N C H"), num_features=size("C"), **INSTANCE),
    Normalization("nn.InstanceNorm1d [one sample]", real("C H"), num_features=size("C"), **INSTANCE),
    Normalization("nn.InstanceNorm2d", real("N C H W"), num_features=size("C"), **INSTANCE),
    Normalization("nn.InstanceNorm2d [one sample]", real("C H W"), num_features=size("C"), **INSTANCE),
    Layer("nn.Dropout", real("..."), p=one_of(0.0)),
    Layer("nn.Dropout1d", real("n C W"), p=one_of(0.0)),
    Layer("nn.Dropout2d", real("n C H W"), p=one_of(0.0)),
    Layer("nn.Flatten", real("n m ...")),
    Layer("nn.Flatten [from]", real("n m k ..."), start_dim=one_of(0, 1), end_dim=one_of(1, 2, -1)),
    Layer("nn.Unflatten", real("n MK"), call=lambda lib, to: lib.nn.Unflatten(1, to), to=size("MK")),
    Layer("nn.Identity", real("...")),
    Layer("nn.ReLU", real("...")),
    Layer("nn.LeakyReLU", real("..."), negative_slope=one_of(0.01, 0.3)),
    Layer("nn.ELU", real("..."), alpha=one_of(1.0, 0.5)),
    Layer("nn.SELU", real("...")),
    Layer("nn.GELU", real("..."), approximate=one_of("none", "tanh")),
    Layer("nn.SiLU", real("...")),
    Layer("nn.Mish", real("...")),
    Layer("nn.Softplus", real("..."), beta=one_of(1.0, 2.0), threshold=one_of(20.0, 2.0)),
    Layer("nn.Softsign", real("...")),
    Layer("nn.Hardswish", real("...")),
    Layer("nn.Sigmoid", real("...")),
    Layer("nn.LogSigmoid", real("...")),
    Layer("nn.Tanh", real("...")),
    Layer("nn.ReLU6", real("...")),
    Layer("nn.Hardsigmoid", constant(real("..."))),
    Layer("nn.CELU", real("..."), alpha=one_of(1.0, 0.5)),
    Layer("nn.Hardtanh", real("..."), min_val=one_of(-1.0, -2.0), max_val=one_of(1.0, 0.5)),
    Layer("nn.Threshold", real("..."), threshold=one_of(0.0, 1.0), value=one_of(-2.0, 3.0)),
    Layer("nn.Softshrink", real("..."), lambd=one_of(0.5, 1.0)),
    Layer("nn.Hardshrink", real("..."), lambd=one_of(0.5, 1.0)),
    Layer("nn.Tanhshrink", real("...")),
    Layer("nn.PReLU", real("n C ..."), num_parameters=size("C")),
    Layer("nn.PReLU [one]", real("..."), init=one_of(0.25, 0.5)),
    Layer("nn.RReLU", real("..."), lower=one_of(0.25), upper=one_of(0.25)),
    Layer("nn.GLU", real("n MG m"), dim=one_of(0, 1, 2, -1)),
    Layer("nn.Softmin", real("N ..."), dim=one_of(0, -1)),
    Layer("nn.Softmax", real("N ..."), dim=one_of(0, -1)),
    Layer("nn.LogSoftmax", real("N ..."), dim=one_of(0, -1)),
    Layer(
        "nn.Sequential",
        real("n I"),
        call=lambda lib, i, o: lib.nn.Sequential(lib.nn.Linear(i, 3), lib.nn.Tanh(), lib.nn.Linear(3, o)),
        i=size("I"),
        o=size("O"),
    ),
    Normalization(
        "nn.Sequential [images]",
        real("N C H W"),
        call=lambda lib, c: lib.nn.Sequential(
            lib.nn.Conv2d(c, 2, 3), lib.nn.BatchNorm2d(2), lib.nn.ReLU(), lib.nn.MaxPool2d(2), lib.nn.Flatten()
        ),
        c=size("C"),
    ),
]
