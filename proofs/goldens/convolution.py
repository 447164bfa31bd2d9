"""Convolutions over sequences, transposed convolutions, and poolings of every kind: outputs and all gradients.

`layers` has the two-dimensional convolution and its poolings. PyTorch's names; `unfold` and `fold` are im2col and col2im.
"""

import numpy as np
import torch
import torch.nn.functional as F
from golden import Family
from layers import normal

# Shapes: input (N, C, L), output channels, kernel.
CONV1D = {
    "plain": ((2, 3, 9), 4, 3, {}),
    "one_wide": ((2, 3, 7), 5, 1, {}),
    "same": ((2, 2, 8), 3, 5, {"padding": "same"}),
    "same.even": ((2, 2, 8), 3, 4, {"padding": "same"}),
    "same.dilated": ((1, 2, 9), 3, 2, {"padding": "same", "dilation": 3}),
    "valid": ((1, 2, 9), 3, 3, {"padding": "valid"}),
    "stride": ((2, 3, 10), 4, 3, {"stride": 2, "padding": 1}),
    "dilation": ((2, 2, 11), 3, 3, {"dilation": 3, "padding": 2}),
    "groups": ((2, 4, 9), 6, 3, {"groups": 2}),
    "depthwise": ((2, 5, 9), 5, 3, {"groups": 5, "padding": 1}),
    "long": ((1, 2, 40), 17, 3, {"padding": 1}),
    "unbatched": ((3, 8), 4, 3, {}),
    "no_batch": ((0, 3, 8), 4, 3, {}),
    "no_bias": ((2, 3, 9), 4, 3, {}),
}
SAME2D = {"even": ((2, 2, 6, 7), 3, (4, 2), {}), "dilated": ((1, 2, 7, 6), 2, (2, 3), {"dilation": (3, 1)})}
# Shapes: input, output channels, kernel; groups take part of the output channels.
TRANSPOSED1D = {
    "plain": ((2, 3, 5), 4, 3, {}),
    "stride": ((2, 3, 5), 4, 3, {"stride": 2}),
    "padding": ((2, 3, 5), 4, 4, {"stride": 2, "padding": 1}),
    "output_padding": ((2, 2, 5), 3, 3, {"stride": 3, "padding": 1, "output_padding": 2}),
    "dilation": ((2, 2, 5), 3, 3, {"dilation": 2, "stride": 2, "output_padding": 1}),
    # An output padding that is not below the stride: the dilation allows it.
    "output_padding.dilation": ((1, 2, 4), 2, 2, {"dilation": 3, "output_padding": 2}),
    "groups": ((2, 4, 5), 6, 3, {"groups": 2, "stride": 2}),
    "depthwise": ((2, 4, 6), 4, 3, {"groups": 4, "stride": 2}),
    "unbatched": ((3, 5), 4, 3, {"stride": 2}),
    "no_bias": ((2, 3, 5), 4, 3, {}),
}
TRANSPOSED2D = {
    "plain": ((2, 3, 4, 5), 4, (3, 3), {}),
    "double": ((2, 3, 4, 4), 5, (4, 4), {"stride": 2, "padding": 1}),
    "stride.gaps": ((1, 2, 3, 4), 3, (2, 2), {"stride": 3}),
    "output_padding": ((2, 2, 4, 3), 3, (3, 3), {"stride": (2, 3), "padding": 1, "output_padding": (1, 2)}),
    "dilation": ((1, 2, 4, 3), 3, (3, 2), {"dilation": (2, 3), "stride": (1, 2), "output_padding": (1, 2)}),
    "padding.wide": ((1, 2, 5, 6), 2, (3, 3), {"padding": (2, 3)}),
    "groups": ((2, 4, 3, 4), 6, (3, 2), {"groups": 2, "stride": 2}),
    "depthwise": ((2, 4, 3, 4), 4, (3, 3), {"groups": 4, "stride": 2, "padding": 1}),
    "wide": ((1, 17, 3, 4), 3, (2, 3), {"stride": 2}),
    "to_wide": ((1, 2, 3, 4), 17, (3, 3), {"padding": 1}),
    "one": ((1, 1, 1, 1), 1, (1, 1), {}),
    "unbatched": ((3, 4, 5), 4, (3, 3), {"stride": 2}),
    "no_batch": ((0, 2, 4, 4), 3, (3, 3), {}),
    "no_bias": ((2, 3, 4, 5), 4, (3, 3), {}),
}
POOL1D = {
    "2": ((2, 3, 8), {"kernel_size": 2}),
    "odd": ((2, 2, 7), {"kernel_size": 2}),
    "overlap": ((2, 2, 9), {"kernel_size": 3, "stride": 2}),
    "padding": ((2, 2, 8), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "ceil": ((2, 2, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    "unbatched": ((3, 9), {"kernel_size": 3}),
}


def convolution(name, function, table, dimensions, family, transposed=False):
    for case, (shape, outputs, kernel, options) in table.items():
        kernel = kernel if isinstance(kernel, tuple) else (kernel,)
        channels, groups = shape[-1 - dimensions], options.get("groups", 1)
        weight = (channels, outputs // groups) if transposed else (outputs, channels // groups)
        inputs = {"x": shape, "weight": (*weight, *kernel), "bias": (outputs,)}
        if case == "no_bias":
            del inputs["bias"]
        family.case(f"{name}.{case}", function, normal(**inputs), **options)


def with_indices(function):
    def call(x, **options):
        out, indices = function(x, return_indices=True, **options)
        return {"out": out, "indices": indices}

    return call


def padded_conv2d(x, weight, bias, padding, mode):
    layer = torch.nn.Conv2d(x.shape[1], weight.shape[0], weight.shape[2:], padding=padding, padding_mode=mode)
    layer.to(x.dtype)
    del layer.weight, layer.bias
    layer.weight, layer.bias = weight, bias
    return layer(x)


def conv_transpose2d_to(x, weight, stride, padding, output_size):
    layer = torch.nn.ConvTranspose2d(
        x.shape[1], weight.shape[1], weight.shape[2:], stride=stride, padding=padding, bias=False, dtype=x.dtype
    )
    del layer.weight
    layer.weight = weight
    return layer(x, output_size=output_size)


def encoder_decoder(x, weight0, bias0, weight1, bias1):
    """A layer before the layer: what the transposed convolution gives back reaches weight0."""
    hidden = torch.tanh(F.conv1d(x, weight0, bias0, stride=2, padding=1))
    return F.conv_transpose1d(hidden, weight1, bias1, stride=2, padding=1, output_padding=1)


def main():
    family = Family("nn", "convolution", __doc__)
    convolution("conv1d", F.conv1d, CONV1D, 1, family)
    convolution("conv2d_same", lambda *a, **o: F.conv2d(*a, padding="same", **o), SAME2D, 2, family)
    convolution("conv_transpose1d", F.conv_transpose1d, TRANSPOSED1D, 1, family, transposed=True)
    convolution("conv_transpose2d", F.conv_transpose2d, TRANSPOSED2D, 2, family, transposed=True)
    stack = normal(x=(2, 2, 8), weight0=(3, 2, 3), bias0=(3,), weight1=(3, 2, 3), bias1=(2,))
    family.case("encoder_decoder", encoder_decoder, stack)
    for size in ([9, 11], [10, 13], [9, 12]):
        draw = normal(x=(1, 2, 5, 5), weight=(2, 3, 3, 3))
        options = {"stride": [2, 3], "padding": [1, 2], "output_size": size}
        family.case(f"conv_transpose2d_to.{size[0]}x{size[1]}", conv_transpose2d_to, draw, **options)
    for mode in ["reflect", "replicate", "circular"]:
        draw = normal(x=(2, 2, 5, 4), weight=(3, 2, 3, 3), bias=(3,))
        family.case(f"padded_conv2d.{mode}", padded_conv2d, draw, padding=[2, 1], mode=mode)
        draw = normal(x=(2, 2, 5, 6), weight=(3, 2, 4, 3), bias=(3,))
        family.case(f"padded_conv2d.{mode}.same", padded_conv2d, draw, padding="same", mode=mode)

    for name, (shape, options) in POOL1D.items():
        family.case(f"max_pool1d.{name}", with_indices(F.max_pool1d), normal(x=shape), **options)
        family.case(f"avg_pool1d.{name}", F.avg_pool1d, normal(x=shape), **options)
    family.case("max_pool1d.dilation", with_indices(F.max_pool1d), normal(x=(2, 2, 9)), kernel_size=3, dilation=2)
    options = {"kernel_size": 3, "padding": 1, "count_include_pad": False}
    family.case("avg_pool1d.exclude_pad", F.avg_pool1d, normal(x=(2, 2, 9)), **options)
    for size in [1, 3, 7, 10]:
        family.case(f"adaptive_avg_pool1d.{size}", F.adaptive_avg_pool1d, normal(x=(2, 3, 7)), output_size=size)
        draw = normal(x=(2, 3, 7))
        family.case(f"adaptive_max_pool1d.{size}", with_indices(F.adaptive_max_pool1d), draw, output_size=size)
    ties = np.round(np.random.RandomState(0).randn(1, 2, 7, 9))
    for size in [[1, 1], [2, 3], [7, 9], [8, 4]]:
        name = f"adaptive_max_pool2d.{size[0]}x{size[1]}"
        family.case(name, with_indices(F.adaptive_max_pool2d), normal(x=(1, 2, 7, 9)), output_size=size)
        family.case(f"{name}.ties", with_indices(F.adaptive_max_pool2d), {"x": ties}, output_size=size)
    for p in [1.0, 2.0, 3.0]:
        positive = lambda random: {"x": random.rand(2, 2, 6, 7) + 0.1}  # noqa: E731
        family.case(f"lp_pool2d.{p:g}", F.lp_pool2d, positive, norm_type=p, kernel_size=[2, 3])
        family.case(f"lp_pool2d.{p:g}.stride", F.lp_pool2d, positive, norm_type=p, kernel_size=2, stride=[1, 2])
    even = normal(x=(2, 2, 7))
    family.case("lp_pool1d.ceil", F.lp_pool1d, even, norm_type=2.0, kernel_size=3, stride=2, ceil_mode=True)

    windows = {
        "plain": {"kernel_size": [2, 3]},
        "stride": {"kernel_size": 3, "stride": 2, "padding": 1},
        "dilation": {"kernel_size": [2, 2], "dilation": [2, 3], "padding": [1, 2]},
    }
    for name, options in windows.items():
        family.case(f"unfold.{name}", F.unfold, normal(x=(1, 2, 5, 6)), **options)
        columns = F.unfold(torch.zeros(1, 2, 5, 6), **options).shape
        family.case(f"fold.{name}", F.fold, normal(x=columns), output_size=[5, 6], **options)
    family.write()


if __name__ == "__main__":
    main()
