"""Normalisation layers that `layers` does not have: outputs, and the gradients of every input and parameter.

Each stands behind a linear map of the last axis, x -> x before^T, so that a wrong input gradient reaches `grad.before`.
Instance norm takes two training steps and an evaluation, as batch norm does in `layers`.
"""

import torch
import torch.nn.functional as F
from golden import Family
from layers import normal


def layer_norm(x, before, *parameters, normalized_shape, eps, bias_only=False):
    weight, bias = (None, *parameters) if bias_only else (*parameters, None, None)[:2]
    return F.layer_norm(x @ before.T, normalized_shape, weight, bias, eps)


def rms_norm(x, before, *parameters, normalized_shape, eps):
    return F.rms_norm(x @ before.T, normalized_shape, *parameters, eps=eps)


def group_norm(x, before, *parameters, num_groups, eps):
    return F.group_norm(x @ before.T, num_groups, *parameters, eps=eps)


def instance_norm(x0, x1, before, *parameters, momentum, eps, affine, track, dimensions):
    layer = {1: torch.nn.InstanceNorm1d, 2: torch.nn.InstanceNorm2d}[dimensions]
    features = x0.shape[-dimensions - 1]
    layer = layer(features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track, dtype=x0.dtype)
    if affine:
        del layer.weight, layer.bias
        layer.weight, layer.bias = parameters
    outputs = {}
    for step, x in enumerate([x0, x1]):
        outputs[f"train{step}"] = layer(x @ before.T)
        if track:
            outputs[f"running_mean{step}"] = layer.running_mean.clone()
            outputs[f"running_var{step}"] = layer.running_var.clone()
    layer.eval()
    outputs["eval"] = layer(x0 @ before.T)
    return outputs


def main():
    family = Family("nn", "norms", __doc__)
    square = {"before": (5, 5)}
    for name, axes in {"last": [5], "two": [4, 5], "three": [3, 4, 5]}.items():
        plain = normal(x=(3, 4, 5), **square)
        family.case(f"layer_norm.{name}.plain", layer_norm, plain, normalized_shape=axes, eps=1e-5)
        scaled = normal(x=(3, 4, 5), **square, weight=axes)
        family.case(f"layer_norm.{name}.weight", layer_norm, scaled, normalized_shape=axes, eps=1e-5)
        shifted = normal(x=(3, 4, 5), **square, bias=axes)
        family.case(
            f"layer_norm.{name}.bias", layer_norm, shifted, normalized_shape=axes, eps=1e-5, bias_only=True
        )
        family.case(f"rms_norm.{name}.plain", rms_norm, plain, normalized_shape=axes, eps=None)
        family.case(f"rms_norm.{name}.weight", rms_norm, scaled, normalized_shape=axes, eps=1e-3)
    for groups in [1, 2, 3, 6]:
        plain = normal(x=(2, 6, 4, 5), **square)
        family.case(f"group_norm.{groups}.plain", group_norm, plain, num_groups=groups, eps=1e-5)
        scaled = normal(x=(2, 6, 4, 5), **square, weight=(6,))
        family.case(f"group_norm.{groups}.weight", group_norm, scaled, num_groups=groups, eps=1e-2)
        both = normal(x=(2, 6, 5), **square, weight=(6,), bias=(6,))
        family.case(f"group_norm.{groups}.sequence", group_norm, both, num_groups=groups, eps=1e-5)
    vectors = normal(x=(4, 5), **square, weight=(5,), bias=(5,))
    family.case("group_norm.vectors", group_norm, vectors, num_groups=1, eps=1e-5)
    default = {"momentum": 0.1, "eps": 1e-5, "affine": False, "track": False}
    shapes = {"1d": [(3, 4, 5), (2, 4, 5)], "1d.single": [(4, 5), (4, 5)]}
    shapes |= {"2d": [(3, 4, 2, 5), (2, 4, 3, 5)], "2d.single": [(4, 3, 5), (4, 2, 5)]}
    variants = {"": {}, ".affine": {"affine": True}, ".tracked": {"track": True, "momentum": 0.3}}
    variants |= {".everything": {"affine": True, "track": True, "eps": 1e-2}}
    for name, steps in shapes.items():
        for suffix, options in variants.items():
            options = {**default, **options, "dimensions": int(name[0])}
            inputs = {f"x{i}": shape for i, shape in enumerate(steps)} | square
            if options["affine"]:
                inputs |= {"weight": (4,), "bias": (4,)}
            family.case(f"instance_norm.{name}{suffix}", instance_norm, normal(**inputs), **options)
    family.write()


if __name__ == "__main__":
    main()
