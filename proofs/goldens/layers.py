"""Layers: outputs and the gradients of every input and parameter.

Initialisation is no golden. PyTorch's default for Linear and Conv2d, weight and bias alike, is the uniform distribution
on (-1/sqrt(fan_in), 1/sqrt(fan_in)): kaiming_uniform with a = sqrt(5) is the same bound; fan_in of a convolution is
(channels in / groups) * kernel height * kernel width. The weights here are normal draws, so that no case is special.
"""

import numpy as np
import torch
import torch.nn.functional as F
from golden import Family

LINEAR = {"batch": (5, 4), "vector": (4,), "sequence": (2, 3, 4), "one": (1, 4), "none": (0, 4)}

# Shapes: input (N, C, H, W), output channels, kernel.
CONV2D = {
    "3x3": ((2, 3, 6, 7), 4, (3, 3), {}),
    "1x1": ((2, 3, 5, 4), 5, (1, 1), {}),
    "1x1.stride2": ((2, 3, 5, 6), 4, (1, 1), {"stride": 2}),
    "same": ((2, 2, 5, 6), 3, (3, 3), {"padding": 1}),
    "stride2": ((2, 3, 8, 7), 4, (3, 3), {"stride": 2, "padding": 1}),
    "stride3.short": ((1, 2, 9, 8), 3, (3, 3), {"stride": 3}),
    "rectangle": ((2, 2, 7, 9), 3, (2, 5), {"stride": [2, 1], "padding": [1, 2]}),
    "padding.wide": ((1, 2, 4, 5), 2, (3, 3), {"padding": [3, 4]}),
    "dilation2": ((2, 2, 9, 8), 3, (3, 3), {"dilation": 2}),
    "dilation.mixed": ((1, 2, 9, 11), 2, (3, 2), {"dilation": [2, 3], "stride": [1, 2], "padding": [2, 1]}),
    "groups2": ((2, 4, 6, 5), 6, (3, 3), {"groups": 2, "padding": 1}),
    "depthwise": ((2, 4, 6, 5), 4, (3, 3), {"groups": 4, "padding": 1}),
    "depthwise.double": ((1, 3, 7, 7), 6, (3, 3), {"groups": 3, "stride": 2}),
    "7x7.stride2": ((1, 3, 15, 14), 4, (7, 7), {"stride": 2, "padding": 3}),
    "5x5": ((1, 2, 9, 9), 3, (5, 5), {"padding": 2}),
    "kernel=image": ((2, 3, 4, 5), 2, (4, 5), {}),
    "one": ((1, 1, 1, 1), 1, (1, 1), {}),
    "wide": ((2, 17, 9, 19), 18, (3, 3), {"padding": 1}),
    "unbatched": ((3, 6, 7), 4, (3, 3), {"padding": 1}),
    "no_batch": ((0, 2, 5, 5), 3, (3, 3), {}),
}
POOL = {
    "2x2": ((2, 3, 6, 8), {"kernel_size": 2}),
    "odd": ((2, 2, 7, 5), {"kernel_size": 2}),
    "overlap": ((2, 2, 7, 8), {"kernel_size": 3, "stride": 2}),
    "gaps": ((1, 2, 9, 8), {"kernel_size": 2, "stride": 3}),
    "padding": ((2, 2, 7, 6), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "rectangle": ((1, 2, 7, 9), {"kernel_size": [2, 3], "stride": [1, 2], "padding": [1, 0]}),
    "ceil": ((2, 2, 7, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    "ceil.padding": ((1, 2, 6, 8), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    # The last window would start in the padding on the right: it must not exist.
    "ceil.dropped": ((1, 1, 5, 5), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    "unbatched": ((3, 6, 7), {"kernel_size": 2}),
    "global": ((2, 3, 4, 5), {"kernel_size": [4, 5]}),
}


def normal(**shapes):
    return lambda random: {name: np.array(random.randn(*shape)) for name, shape in shapes.items()}


def max_pool2d(x, **options):
    out, indices = F.max_pool2d(x, return_indices=True, **options)
    return {"out": out, "indices": indices}


def batch_norm(x0, x1, x2, *parameters, momentum, eps, affine, track):
    """Three training steps over x0, x1, x2, then an evaluation of x0; every output counts in the gradients."""
    features, dtype = x0.shape[1], x0.dtype
    layer = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}[x0.dim()]
    layer = layer(features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track, dtype=dtype)
    if affine:
        # The parameters are the case's inputs, so that their gradients are the case's.
        del layer.weight, layer.bias
        layer.weight, layer.bias = parameters
    outputs = {}
    for step, x in enumerate([x0, x1, x2]):
        outputs[f"train{step}"] = layer(x)
        if track:
            outputs[f"running_mean{step}"] = layer.running_mean.clone()
            outputs[f"running_var{step}"] = layer.running_var.clone()
    layer.eval()
    outputs["eval"] = layer(x0)
    return outputs


def batch_norm_eval(x, weight, bias, mean, variance, eps):
    return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)


def layer_norm(x, *parameters, normalized_shape, eps):
    return F.layer_norm(x, normalized_shape, *parameters, eps=eps)


def rms_norm(x, *parameters, normalized_shape, eps):
    return F.rms_norm(x, normalized_shape, *parameters, eps=eps)


def group_norm(x, *parameters, num_groups, eps):
    return F.group_norm(x, num_groups, *parameters, eps=eps)


def conv2d_linear(x, weight0, bias0, weight1, bias1):
    """A layer before the layer: the convolution's input gradient reaches weight0."""
    hidden = torch.tanh(F.conv2d(x, weight0, bias0, padding=1))
    return F.linear(F.max_pool2d(hidden, 2).flatten(1), weight1, bias1)


def main():
    family = Family("nn", "layers", __doc__)

    for name, shape in LINEAR.items():
        family.case(f"linear.{name}", F.linear, normal(x=shape, weight=(3, 4), bias=(3,)))
    family.case("linear.no_bias", F.linear, normal(x=(5, 4), weight=(3, 4)))
    family.case("linear.odd", F.linear, normal(x=(17, 33), weight=(35, 33), bias=(35,)))

    for name, (shape, filters, kernel, options) in CONV2D.items():
        weight = (filters, shape[-3] // options.get("groups", 1), *kernel)
        family.case(f"conv2d.{name}", F.conv2d, normal(x=shape, weight=weight, bias=(filters,)), **options)
    family.case("conv2d.no_bias", F.conv2d, normal(x=(2, 3, 5, 6), weight=(4, 3, 3, 3)), padding=1)
    stack = normal(x=(2, 2, 6, 5), weight0=(3, 2, 3, 3), bias0=(3,), weight1=(4, 18), bias1=(4,))
    family.case("conv2d_linear", conv2d_linear, stack)

    ties = np.round(np.random.RandomState(0).randn(2, 2, 6, 6))
    for name, (shape, options) in POOL.items():
        family.case(f"max_pool2d.{name}", max_pool2d, normal(x=shape), **options)
        family.case(f"avg_pool2d.{name}", F.avg_pool2d, normal(x=shape), **options)
        if "padding" in options:
            options = {**options, "count_include_pad": False}
            family.case(f"avg_pool2d.{name}.exclude_pad", F.avg_pool2d, normal(x=shape), **options)
    family.case("max_pool2d.ties", max_pool2d, {"x": ties}, kernel_size=3, stride=2, padding=1)
    family.case("max_pool2d.negative", max_pool2d, {"x": -1.0 - np.abs(ties)}, kernel_size=3, stride=2, padding=1)
    family.case("max_pool2d.dilation", max_pool2d, normal(x=(1, 2, 8, 9)), kernel_size=3, stride=1, dilation=2)
    nan = np.arange(16.0).reshape(1, 1, 4, 4)
    nan[0, 0, 1, 1], nan[0, 0, 3, 2] = np.nan, -np.inf
    family.case("max_pool2d.nan", max_pool2d, {"x": nan}, kernel_size=2)
    family.case("avg_pool2d.divisor", F.avg_pool2d, normal(x=(1, 2, 6, 6)), kernel_size=2, divisor_override=3)
    for size in [[1, 1], [2, 3], [3, 3], [7, 9], [8, 4]]:
        name = f"adaptive_avg_pool2d.{size[0]}x{size[1]}"
        family.case(name, F.adaptive_avg_pool2d, normal(x=(2, 3, 7, 9)), output_size=size)

    default = {"momentum": 0.1, "eps": 1e-5, "affine": True, "track": True}
    shapes = {"1d": [(6, 4), (3, 4), (2, 4)], "1d.sequence": [(3, 4, 5), (2, 4, 3), (1, 4, 6)]}
    shapes["2d"] = [(3, 4, 5, 6), (2, 4, 3, 3), (1, 4, 2, 2)]
    variants = {
        "": {},
        ".momentum": {"momentum": 0.3},
        ".cumulative": {"momentum": None},
        ".eps": {"eps": 1e-2},
        ".plain": {"affine": False},
        ".untracked": {"track": False},
    }
    for name, steps in shapes.items():
        for suffix, options in variants.items() if name != "1d.sequence" else [("", {})]:
            options = {**default, **options}
            inputs = {f"x{i}": shape for i, shape in enumerate(steps)}
            if options["affine"]:
                inputs |= {"weight": (4,), "bias": (4,)}
            family.case(f"batch_norm.{name}{suffix}", batch_norm, normal(**inputs), **options)

    def evaluation(random):
        x, weight, bias, mean = random.randn(3, 4, 5, 6), random.randn(4), random.randn(4), random.randn(4)
        return {"x": x, "weight": weight, "bias": bias, "mean": mean, "variance": random.rand(4) + 0.5}

    # Running statistics are buffers: they get no gradient.
    family.case("batch_norm_eval", batch_norm_eval, evaluation, grads=["x", "weight", "bias"], eps=1e-5)

    for function in [layer_norm, rms_norm]:
        op = function.__name__
        scale = ["weight", "bias"] if function is layer_norm else ["weight"]
        for name, (shape, axes) in {
            "last": ((3, 4, 5), [5]),
            "two": ((3, 4, 5), [4, 5]),
            "all": ((4, 5), [4, 5]),
            "odd": ((5, 131), [131]),
            "one": ((3, 1), [1]),
        }.items():
            draw = normal(x=shape, **dict.fromkeys(scale, axes))
            family.case(f"{op}.{name}", function, draw, normalized_shape=axes, eps=1e-5)
        family.case(f"{op}.plain", function, normal(x=(3, 6)), normalized_shape=[6], eps=1e-5)
        family.case(f"{op}.eps", function, normal(x=(3, 6)), normalized_shape=[6], eps=0.1)
        constant = {"x": np.full((2, 4), 3.0), "weight": np.array([1.0, 2.0, 3.0, 4.0])}
        family.case(f"{op}.constant", function, constant, normalized_shape=[4], eps=1e-5)
    for groups in [1, 2, 6]:
        draw = normal(x=(2, 6, 4, 3), weight=(6,), bias=(6,))
        family.case(f"group_norm.{groups}", group_norm, draw, num_groups=groups, eps=1e-5)
    family.write()


if __name__ == "__main__":
    main()
