"""Convolution and pooling over sequences and images, as functions and as layers."""

from typing import Any

from hypothesis import strategies as st

from parity.arguments import Sizes, distinct, flag, one_of, pair, positive, real, size
from parity.rows import Layer, Operator, Row

small, steps, sides = st.integers(1, 2), st.integers(1, 3), st.integers(0, 2)
# What a transposed convolution pads its output with must be less than these.
wide = st.integers(2, 3)


def length(values: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """A number for the axis of a sequence, alone or in a tuple."""
    return values | st.tuples(values)


WINDOW: dict[str, Any] = {
    "kernel_size": pair(st.integers(2, 3)),
    "stride": st.none() | pair(steps),
    "padding": pair(st.integers(0, 1)),
    "ceil_mode": flag,
}
WINDOW1D: dict[str, Any] = {
    "kernel_size": length(st.integers(2, 3)),
    "stride": st.none() | length(steps),
    "padding": length(st.integers(0, 1)),
    "ceil_mode": flag,
}
MAX_POOLING: dict[str, Any] = {**WINDOW, "dilation": pair(small), "return_indices": flag}
MAX_POOLING1D: dict[str, Any] = {**WINDOW1D, "dilation": length(small), "return_indices": flag}
AVERAGE_POOLING: dict[str, Any] = {**WINDOW, "count_include_pad": flag, "divisor_override": one_of(None, 3)}
COLUMNS: dict[str, Any] = {"dilation": pair(small), "padding": pair(sides), "stride": pair(steps)}
MODES = one_of("zeros", "reflect", "replicate", "circular")


def sizes_to(lib: Any, x: Any, weight: Any, more: Any, **options: Any) -> Any:
    """A transposed convolution to one of the sizes that its stride leaves open."""
    layer = lib.nn.ConvTranspose2d(*weight.shape[:2], tuple(weight.shape[2:]), bias=False, **options)
    stride, padding = options["stride"], options["padding"]
    least = [(x.shape[2 + i] - 1) * stride[i] - 2 * padding[i] + weight.shape[2 + i] for i in range(2)]
    layer.weight = lib.nn.Parameter(weight.detach())
    return layer(x, output_size=[least[i] + more[i] % stride[i] for i in range(2)])


def columns(letters: Sizes) -> st.SearchStrategy[Any]:
    """The sides of an image that has as many windows, side by side, as the columns have places."""
    return st.just((letters["K"] + letters["P"] - 1, letters["L"]))


ROWS: list[Row] = [
    Operator(
        "nn.functional.conv1d",
        real("n GD W"),
        real("GM D K"),
        real("GM"),
        stride=length(steps),
        padding=length(sides),
        dilation=length(small),
        groups=size("G"),
    ),
    Operator(
        "nn.functional.conv1d [without bias]",
        real("n C W"),
        real("O C K"),
        padding=one_of("valid", "same", 1),
        dilation=small,
    ),
    Operator("nn.functional.conv1d [one sequence]", real("C W"), real("O C K"), real("O")),
    Operator(
        "nn.functional.conv2d",
        real("n GD H W"),
        real("GM D K L"),
        real("GM"),
        stride=pair(steps),
        padding=pair(sides),
        dilation=pair(small),
        groups=size("G"),
    ),
    Operator(
        "nn.functional.conv2d [without bias]", real("n C H W"), real("O C K L"), padding=one_of("valid", "same", 1)
    ),
    Operator("nn.functional.conv2d [one image]", real("C H W"), real("O C K L"), real("O")),
    Operator(
        "nn.functional.conv2d [depthwise]",
        real("n C H W"),
        real("C K L"),
        call=lambda lib, x, w, **o: lib.nn.functional.conv2d(x, w.unsqueeze(1), **o),
        stride=pair(small),
        padding=pair(sides),
        dilation=pair(small),
        groups=size("C"),
    ),
    Operator(
        "nn.functional.conv_transpose1d",
        real("N GD W"),
        real("GD M K"),
        real("GM"),
        stride=length(wide),
        padding=length(sides),
        output_padding=length(st.integers(0, 1)),
        groups=size("G"),
        dilation=length(small),
    ),
    Operator("nn.functional.conv_transpose1d [one sequence]", real("C W"), real("C O K")),
    Operator(
        "nn.functional.conv_transpose2d",
        real("N GD H W"),
        real("GD M K L"),
        real("GM"),
        stride=pair(wide),
        padding=pair(sides),
        output_padding=pair(st.integers(0, 1)),
        groups=size("G"),
        dilation=pair(small),
    ),
    Operator(
        "nn.functional.conv_transpose2d [dilated]",
        real("C H W"),
        real("C O K L"),
        padding=pair(sides),
        output_padding=pair(st.integers(0, 1)),
        dilation=one_of(2, 3),
    ),
    Operator("nn.functional.conv_transpose2d [one image]", real("C H W"), real("C O K L")),
    Operator("nn.functional.unfold", real("n C H W"), kernel_size=pair(small), **COLUMNS),
    Operator("nn.functional.fold", real("n CKL P"), output_size=columns, kernel_size=size("KL")),
    Operator("nn.functional.max_pool1d", distinct("n C W"), **MAX_POOLING1D),
    Operator("nn.functional.max_pool2d", distinct("n C H W"), **MAX_POOLING),
    Operator("nn.functional.avg_pool1d", real("n C W"), **WINDOW1D, count_include_pad=flag),
    Operator("nn.functional.avg_pool2d", real("n C H W"), **AVERAGE_POOLING),
    Operator("nn.functional.adaptive_avg_pool1d", real("n C W"), output_size=length(st.integers(1, 9))),
    Operator("nn.functional.adaptive_avg_pool2d", real("n C H W"), output_size=pair(st.integers(1, 5))),
    Operator(
        "nn.functional.adaptive_max_pool1d", distinct("n C W"), output_size=st.integers(1, 9), return_indices=flag
    ),
    Operator(
        "nn.functional.adaptive_max_pool2d",
        distinct("n C H W"),
        output_size=pair(st.integers(1, 5)),
        return_indices=flag,
    ),
    Operator(
        "nn.functional.lp_pool1d",
        positive("n C W"),
        norm_type=one_of(1.0, 2.0, 3.0),
        kernel_size=st.integers(1, 3),
        stride=st.none() | steps,
        ceil_mode=flag,
    ),
    Operator(
        "nn.functional.lp_pool2d",
        positive("n C H W"),
        norm_type=one_of(1.0, 2.0, 3.0),
        kernel_size=pair(st.integers(1, 3)),
        stride=st.none() | pair(steps),
        ceil_mode=flag,
    ),
    Operator("nn.functional.dropout1d", real("n C W"), p=one_of(0.0)),
    Operator("nn.functional.dropout2d", real("n C H W"), p=one_of(0.0)),
    Operator(
        "nn.functional.pad [own values]",
        real("n C H W"),
        pad=st.tuples(sides, sides, sides, sides),
        mode=one_of("reflect", "replicate", "circular"),
    ),
    Layer(
        "nn.Conv1d",
        real("n GD W"),
        call=lambda lib, g, d, m, **o: lib.nn.Conv1d(g * d, g * m, groups=g, **o),
        g=size("G"),
        d=size("D"),
        m=size("M"),
        kernel_size=size("K"),
        stride=length(small),
        padding=length(sides),
        dilation=length(small),
        bias=flag,
        padding_mode=MODES,
    ),
    Layer(
        "nn.Conv1d [same]",
        real("n C W"),
        call=lambda lib, c, k, **o: lib.nn.Conv1d(c, 3, k, padding="same", **o),
        c=size("C"),
        k=size("K"),
        dilation=small,
        padding_mode=MODES,
    ),
    Layer(
        "nn.Conv2d",
        real("n GD H W"),
        call=lambda lib, g, d, m, **o: lib.nn.Conv2d(g * d, g * m, groups=g, **o),
        g=size("G"),
        d=size("D"),
        m=size("M"),
        kernel_size=size("KL"),
        stride=pair(small),
        padding=pair(sides),
        dilation=pair(small),
        bias=flag,
        padding_mode=MODES,
    ),
    Layer(
        "nn.ConvTranspose1d",
        real("N GD W"),
        call=lambda lib, g, d, m, **o: lib.nn.ConvTranspose1d(g * d, g * m, groups=g, **o),
        g=size("G"),
        d=size("D"),
        m=size("M"),
        kernel_size=size("K"),
        stride=length(wide),
        padding=length(st.integers(0, 1)),
        output_padding=length(st.integers(0, 1)),
        dilation=length(small),
        bias=flag,
    ),
    Layer(
        "nn.ConvTranspose2d",
        real("N GD H W"),
        call=lambda lib, g, d, m, **o: lib.nn.ConvTranspose2d(g * d, g * m, groups=g, **o),
        g=size("G"),
        d=size("D"),
        m=size("M"),
        kernel_size=size("KL"),
        stride=pair(wide),
        padding=pair(st.integers(0, 1)),
        output_padding=pair(st.integers(0, 1)),
        dilation=pair(small),
        bias=flag,
    ),
    Operator(
        "nn.ConvTranspose2d [to a size]",
        real("N C H W"),
        real("C O K L"),
        call=sizes_to,
        more=st.tuples(sides, sides),
        stride=st.tuples(steps, steps),
        padding=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    ),
    Layer("nn.Unfold", real("n C H W"), kernel_size=pair(small), **COLUMNS),
    Layer("nn.Fold", real("n CKL P"), output_size=columns, kernel_size=size("KL")),
    Layer("nn.MaxPool1d", distinct("n C W"), **MAX_POOLING1D),
    Layer("nn.MaxPool2d", distinct("n C H W"), **MAX_POOLING),
    Layer("nn.AvgPool1d", real("n C W"), **WINDOW1D, count_include_pad=flag),
    Layer("nn.AvgPool2d", real("n C H W"), **AVERAGE_POOLING),
    Layer("nn.AdaptiveAvgPool1d", real("n C W"), output_size=st.integers(1, 9)),
    Layer("nn.AdaptiveAvgPool2d", real("n C H W"), output_size=pair(st.integers(1, 5))),
    Layer("nn.AdaptiveMaxPool1d", distinct("n C W"), output_size=st.integers(1, 9), return_indices=flag),
    Layer("nn.AdaptiveMaxPool2d", distinct("n C H W"), output_size=pair(st.integers(1, 5)), return_indices=flag),
    Layer("nn.LPPool1d", positive("n C W"), norm_type=one_of(1.0, 2.0), kernel_size=st.integers(1, 3), ceil_mode=flag),
    Layer(
        "nn.LPPool2d",
        positive("n C H W"),
        norm_type=one_of(1.0, 2.0),
        kernel_size=pair(st.integers(1, 3)),
        ceil_mode=flag,
    ),
]
