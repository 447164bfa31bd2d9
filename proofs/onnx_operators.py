"""ONNX's own operator vectors, run through barehand: every case of every operator that barehand has.

    python proofs/onnx_operators.py DIRECTORY [--library torch]

DIRECTORY holds the cases, each a folder with a model of a few nodes, its inputs and its outputs; Debian's
`libonnx-testdata` has them under /usr/share/libonnx-testdata/data/node. Models are read by the few lines of protobuf
below, and each of their operators is put onto barehand's under the same name or a trivial composition of them. A case
whose model uses an operator, an option or an element type that barehand has not is counted, by what it lacks; any other
must give ONNX's answer, or this fails. With `--library torch` the translation itself can be checked.
"""

from __future__ import annotations

import argparse
import collections
import functools
import importlib
import math
import struct
import sys
import time
from pathlib import Path

import numpy as np

# ---- protobuf --------------------------------------------------------------------------------------------------------


def varint(data, at):
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """What a message holds: for each field number the values, as they lie there."""
    found, at = collections.defaultdict(list), 0
    while at < len(data):
        key, at = varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            length = {1: 8, 5: 4}[wire]
            value, at = data[at : at + length], at + length
        found[key >> 3].append(value)
    return found


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def whole_numbers(values):
    """A repeated field of integers, packed or not."""
    numbers = []
    for value in values:
        if isinstance(value, int):
            numbers.append(signed(value))
        else:
            at = 0
            while at < len(value):
                number, at = varint(value, at)
                numbers.append(signed(number))
    return numbers


def reals(values):
    return [x for value in values for x in struct.unpack(f"<{len(value) // 4}f", value)]


TYPES = {1: np.float32, 2: np.uint8, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}
NAMES = {1: "float32", 2: "uint8", 6: "int32", 7: "int64", 9: "bool", 11: "float64"}


class Lacking(Exception):
    """What a case needs and barehand has not."""


def array(data):
    """A TensorProto."""
    held = fields(data)
    kind = held[2][0] if held[2] else 0
    if kind not in TYPES:
        raise Lacking(f"element type {kind}")
    shape, dtype = whole_numbers(held[1]), TYPES[kind]
    if held[9]:
        values = np.frombuffer(held[9][0], dtype)
    elif kind == 1:
        values = np.array(reals(held[4]), dtype)
    elif kind == 11:
        values = np.array([x for v in held[10] for x in struct.unpack(f"<{len(v) // 8}d", v)], dtype)
    else:
        values = np.array(whole_numbers(held[7] if kind == 7 else held[5]), dtype)
    return values.reshape(shape).copy()


def attribute(data):
    """An AttributeProto: its name and value."""
    held = fields(data)
    kind = held[20][0] if held[20] else 0
    values = {
        1: lambda: reals(held[2])[0],
        2: lambda: signed(held[3][0]),
        3: lambda: held[4][0].decode(),
        4: lambda: array(held[5][0]),
        6: lambda: reals(held[7]),
        7: lambda: whole_numbers(held[8]),
        8: lambda: [text.decode() for text in held[9]],
    }
    if kind not in values:
        raise Lacking(f"attributes of kind {kind}")
    return held[1][0].decode(), values[kind]()


def named(data):
    """The name of a ValueInfoProto, which must be that of a tensor."""
    held = fields(data)
    if not fields(held[2][0])[1]:
        raise Lacking("sequences and optional values")
    return held[1][0].decode()


class Model:
    """The nodes of a ModelProto's graph, in order."""

    def __init__(self, data):
        graph = fields(fields(data)[7][0])
        self.nodes = [fields(node) for node in graph[1]]
        self.inputs = [named(value) for value in graph[11]]
        self.outputs = [named(value) for value in graph[12]]
        self.constants = {fields(value)[8][0].decode(): value for value in graph[5]}


# ---- operators -------------------------------------------------------------------------------------------------------

OPERATORS = {}


def operator(*names):
    def register(function):
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return register


class Node:
    """A node to be computed: the library, its inputs (None where one is left out), its attributes."""

    def __init__(self, lib, inputs, attributes, outputs):
        self.lib, self.inputs, self.attributes, self.outputs = lib, inputs, attributes, outputs
        self.functional = lib.nn.functional

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    def input(self, i):
        return self.inputs[i] if i < len(self.inputs) else None

    def only(self, **supported):
        """Refuses attributes whose value changes what barehand would compute."""
        for name, value in supported.items():
            if self.get(name, value) != value:
                raise Lacking(f"{name}={self.get(name)}")

    def function(self, name):
        """A function of the library, where it has it."""
        held = getattr(self.functional, name, None) or getattr(self.lib, name, None)
        if held is None:
            raise Lacking(f"function {name}")
        return held


def numbers(x):
    return [int(value) for value in np.asarray(x).reshape(-1)] if not hasattr(x, "tolist") else x.reshape(-1).tolist()


UNARY = """
    Abs:abs Neg:neg Exp:exp Log:log Sqrt:sqrt Sin:sin Cos:cos Tan:tan Atan:atan Sinh:sinh Cosh:cosh Tanh:tanh
    Asin:asin Acos:acos Asinh:asinh Acosh:acosh Atanh:atanh Sigmoid:sigmoid Erf:erf Floor:floor Ceil:ceil Round:round
    Sign:sign Reciprocal:reciprocal Relu:relu Softsign:softsign HardSwish:hardswish Softplus:softplus IsNaN:isnan
    Not:logical_not Identity:clone Mish:mish
"""
for pair in UNARY.split():
    onnx, torch_name = pair.split(":")

    def unary(node, name=torch_name):
        (x,) = node.inputs
        return x.clone() if name == "clone" else node.function(name)(x)

    OPERATORS[onnx] = unary

BINARY = """
    Add:add Sub:sub Mul:mul Equal:eq Less:lt Greater:gt LessOrEqual:le GreaterOrEqual:ge And:logical_and Or:logical_or
    Xor:logical_xor MatMul:matmul
"""
for pair in BINARY.split():
    onnx, torch_name = pair.split(":")
    OPERATORS[onnx] = lambda node, name=torch_name: node.function(name)(*node.inputs)


@operator("Div")
def div(node):
    x, y = node.inputs
    if x.dtype in (node.lib.float32, node.lib.float64):
        return node.lib.div(x, y)
    return node.lib.div(x, y, rounding_mode="trunc")


@operator("Pow")
def power(node):
    x, y = node.inputs
    floats = (node.lib.float32, node.lib.float64)
    if y.dtype not in floats and x.dtype in floats:
        y = y.to(x.dtype)
    return x.to(y.dtype).pow(y).to(x.dtype) if x.dtype not in floats and y.dtype in floats else x.pow(y).to(x.dtype)


@operator("Mod")
def mod(node):
    return node.function("fmod" if node.get("fmod", 0) else "remainder")(*node.inputs)


OPERATORS["Max"] = lambda node: functools.reduce(node.function("maximum"), node.inputs)
OPERATORS["Min"] = lambda node: functools.reduce(node.function("minimum"), node.inputs)
OPERATORS["Sum"] = lambda node: functools.reduce(lambda a, b: a + b, node.inputs)
OPERATORS["Mean"] = lambda node: functools.reduce(lambda a, b: a + b, node.inputs) / len(node.inputs)


@operator("Where")
def where(node):
    return node.lib.where(*node.inputs)


@operator("IsInf")
def isinf(node):
    (x,) = node.inputs
    found = node.lib.isinf(x)
    if not node.get("detect_positive", 1):
        found = node.lib.logical_and(found, x < 0)
    if not node.get("detect_negative", 1):
        found = node.lib.logical_and(found, x > 0)
    return found


@operator("LeakyRelu")
def leaky_relu(node):
    return node.functional.leaky_relu(node.inputs[0], node.get("alpha", 0.01))


@operator("Elu")
def elu(node):
    return node.functional.elu(node.inputs[0], node.get("alpha", 1.0))


@operator("Selu")
def selu(node):
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813232421875)
    return node.functional.elu(node.inputs[0], alpha) * gamma


@operator("Celu")
def celu(node):
    return node.function("celu")(node.inputs[0], node.get("alpha", 1.0))


@operator("ThresholdedRelu")
def thresholded_relu(node):
    x = node.inputs[0]
    return node.lib.where(x > node.get("alpha", 1.0), x, node.lib.zeros_like(x))


@operator("HardSigmoid")
def hard_sigmoid(node):
    return (node.inputs[0] * node.get("alpha", 0.2) + node.get("beta", 0.5)).clamp(0.0, 1.0)


@operator("PRelu")
def prelu(node):
    x, slope = node.inputs
    return node.lib.where(x < 0, x * slope, x)


@operator("Clip")
def clip(node):
    x, low, high = node.inputs[0], node.input(1), node.input(2)
    if low is None and high is None:
        return x.clone()
    return x.clamp(None if low is None else low.item(), None if high is None else high.item())


@operator("Gemm")
def gemm(node):
    a, b, c = node.inputs[0], node.inputs[1], node.input(2)
    a = a.transpose(0, 1) if node.get("transA", 0) else a
    b = b.transpose(0, 1) if node.get("transB", 0) else b
    y = (a @ b) * node.get("alpha", 1.0)
    return y if c is None else y + c * node.get("beta", 1.0)


@operator("Einsum")
def einsum(node):
    return node.lib.einsum(node.get("equation"), *node.inputs)


# ---- layers ----------------------------------------------------------------------------------------------------------


def window(node, spatial, kernel, strides, dilations):
    """Padding before and after each axis, by `pads` or `auto_pad`."""
    auto = node.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID", ""):
        pads = node.get("pads", [0] * 2 * len(kernel)) if auto == "NOTSET" else [0] * 2 * len(kernel)
        return pads[: len(kernel)], pads[len(kernel) :]
    before, after = [], []
    for n, k, s, d in zip(spatial, kernel, strides, dilations, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        small, large = total // 2, total - total // 2
        before.append(large if auto == "SAME_LOWER" else small)
        after.append(small if auto == "SAME_LOWER" else large)
    return before, after


def padded(node, x, before, after, value, most):
    """The input with what padding the two sides of an axis do not share, or is above the most; and what is left to do."""
    shared = [min(sides) for sides in zip(before, after, most, strict=True)]
    extra = [(b - s, a - s) for b, a, s in zip(before, after, shared, strict=True)]
    if any(amount for pair in extra for amount in pair):
        x = node.functional.pad(x, [amount for pair in reversed(extra) for amount in pair], value=value)
    return x, shared


@operator("Conv")
def conv(node):
    x, w, b = node.inputs[0], node.inputs[1], node.input(2)
    kernel, rank = list(w.shape[2:]), len(w.shape) - 2
    strides, dilations = node.get("strides", [1] * rank), node.get("dilations", [1] * rank)
    before, after = window(node, x.shape[2:], kernel, strides, dilations)
    x, shared = padded(node, x, before, after, 0.0, before)
    return node.function(f"conv{rank}d")(
        x, w, b, stride=strides, padding=shared, dilation=dilations, groups=node.get("group", 1)
    )


@operator("ConvTranspose")
def conv_transpose(node):
    x, w, b = node.inputs[0], node.inputs[1], node.input(2)
    kernel, rank = list(w.shape[2:]), len(w.shape) - 2
    strides, dilations = node.get("strides", [1] * rank), node.get("dilations", [1] * rank)
    extra = list(node.get("output_padding", [0] * rank))
    full = [(n - 1) * s + (k - 1) * d + 1 for n, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)]
    auto, shape = node.get("auto_pad", "NOTSET"), node.get("output_shape")
    if shape is None and auto.startswith("SAME"):
        shape = [n * s for n, s in zip(x.shape[2:], strides, strict=True)]
    if shape is not None:
        totals = [f + e - n for f, e, n in zip(full, extra, shape, strict=True)]
        small = [max(total, 0) // 2 for total in totals]
        before = [max(t, 0) - s if auto == "SAME_LOWER" else s for t, s in zip(totals, small, strict=True)]
        after = [t - p for t, p in zip(totals, before, strict=True)]
    else:
        pads = node.get("pads", [0] * 2 * rank)
        before, after = pads[:rank], pads[rank:]
    y = node.function(f"conv_transpose{rank}d")(
        x, w, b, stride=strides, groups=node.get("group", 1), dilation=dilations
    )
    amounts = [(-p, e - a) for p, a, e in zip(before, after, extra, strict=True)]
    return node.functional.pad(y, [amount for pair in reversed(amounts) for amount in pair])


@operator("MaxPool")
def max_pool(node):
    x, kernel = node.inputs[0], node.get("kernel_shape")
    rank = len(kernel)
    strides, dilations = node.get("strides", [1] * rank), node.get("dilations", [1] * rank)
    if x.dtype not in (node.lib.float32, node.lib.float64):
        raise Lacking(f"MaxPool of {x.dtype}")
    if node.outputs > 1:
        raise Lacking("MaxPool's indices over all images")
    before, after = window(node, x.shape[2:], kernel, strides, dilations)
    x, shared = padded(node, x, before, after, -math.inf, [k // 2 for k in kernel])
    return node.function(f"max_pool{rank}d")(
        x, kernel, strides, shared, dilations, ceil_mode=bool(node.get("ceil_mode", 0))
    )


@operator("AveragePool")
def average_pool(node):
    x, kernel = node.inputs[0], node.get("kernel_shape")
    rank = len(kernel)
    strides = node.get("strides", [1] * rank)
    before, after = window(node, x.shape[2:], kernel, strides, [1] * rank)
    count = bool(node.get("count_include_pad", 0))
    half = [k // 2 for k in kernel]
    if not count and (before != after or any(p > h for p, h in zip(before, half, strict=True))):
        raise Lacking("averages that leave uneven or wide padding out")
    x, shared = padded(node, x, before, after, 0.0, half)
    options = {"ceil_mode": bool(node.get("ceil_mode", 0)), "count_include_pad": count}
    return node.function(f"avg_pool{rank}d")(x, kernel, strides, shared, **options)


def spatial_axes(x):
    return tuple(range(2, len(x.shape)))


OPERATORS["GlobalAveragePool"] = lambda node: node.inputs[0].mean(spatial_axes(node.inputs[0]), keepdim=True)
OPERATORS["GlobalMaxPool"] = lambda node: node.inputs[0].amax(spatial_axes(node.inputs[0]), keepdim=True)


@operator("BatchNormalization")
def batch_normalization(node):
    node.only(training_mode=0)
    x, scale, bias, mean, variance = node.inputs
    return node.functional.batch_norm(x, mean, variance, scale, bias, eps=node.get("epsilon", 1e-5))


@operator("InstanceNormalization")
def instance_normalization(node):
    x, scale, bias = node.inputs
    return node.function("instance_norm")(x, weight=scale, bias=bias, eps=node.get("epsilon", 1e-5))


@operator("LayerNormalization")
def layer_normalization(node):
    x, scale, bias = node.inputs[0], node.inputs[1], node.input(2)
    axis, eps = node.get("axis", -1) % len(x.shape), node.get("epsilon", 1e-5)
    y = node.functional.layer_norm(x, list(x.shape[axis:]), scale, bias, eps)
    axes = tuple(range(axis, len(x.shape)))
    mean = x.mean(axes, keepdim=True)
    return [y, mean, ((x - mean) ** 2).mean(axes, keepdim=True).add(eps).rsqrt()][: node.outputs]


@operator("Dropout")
def dropout(node):
    training = node.input(2)
    if training is not None and bool(training.item()) and (node.input(1) is None or node.input(1).item() > 0):
        raise Lacking("ONNX's random numbers")
    x = node.inputs[0]
    return [x.clone(), node.lib.ones_like(x, dtype=node.lib.bool)][: node.outputs]


OPERATORS["Softmax"] = lambda node: node.functional.softmax(node.inputs[0], dim=node.get("axis", -1))
OPERATORS["LogSoftmax"] = lambda node: node.functional.log_softmax(node.inputs[0], dim=node.get("axis", -1))


def loss(node, name):
    """(N, C, ...) as rows of classes, the layout of barehand's losses."""
    x, target, weight = node.inputs[0], node.inputs[1], node.input(2)
    rank, ignored, reduction = len(x.shape), node.get("ignore_index"), node.get("reduction", "mean")
    rows = x.permute(0, *range(2, rank), 1).reshape(-1, x.shape[1])
    options = {"reduction": reduction, "weight": weight}
    if ignored is not None:
        options["ignore_index"] = ignored
    flat = target.reshape(-1).to(node.lib.int64)
    value = getattr(node.functional, name)(rows, flat, **options)
    return value.reshape(tuple(target.shape)) if reduction == "none" else value


OPERATORS["NegativeLogLikelihoodLoss"] = lambda node: loss(node, "nll_loss")
OPERATORS["SoftmaxCrossEntropyLoss"] = lambda node: [
    loss(node, "cross_entropy"),
    node.functional.log_softmax(node.inputs[0], dim=1),
][: node.outputs]

# ONNX stacks gates in other orders than PyTorch, and the same in both weights.
RECURRENT = {"RNN": [0], "LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2]}


def recurrent(node, kind):
    lib, order = node.lib, RECURRENT[kind]
    x, w, r, b, lengths, h0 = (node.input(i) for i in range(6))
    c0, peepholes = (node.input(6), node.input(7)) if kind == "LSTM" else (None, None)
    if peepholes is not None:
        raise Lacking("peepholes")
    node.only(clip=0.0, input_forget=0)
    default = {"RNN": ["Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}[kind]
    directions, hidden = w.shape[0], node.get("hidden_size")
    if node.get("activations", default * directions) != default * directions:
        raise Lacking("other activations")
    if lengths is not None and len(set(numbers(lengths))) > 1:
        raise Lacking("lengths that differ")
    first, reverse = node.get("layout", 0) == 1, node.get("direction", "forward") == "reverse"
    x = x.transpose(0, 1) if first else x
    x = x.flip(0) if reverse else x
    turned = [s.transpose(0, 1) if s is not None and first else s for s in (h0, c0)]
    if kind == "GRU" and not node.get("linear_before_reset", 0):
        y, end = reset_before_the_product(lib, x, w, r, b, turned[0], hidden)
        return recurrence(y, end, directions, hidden, first, reverse, node.outputs)
    layer = getattr(lib.nn, kind)(x.shape[2], hidden, bidirectional=directions == 2)

    def gates(stacked):
        rows = len(order) * hidden
        parts = [stacked[k * hidden : (k + 1) * hidden] for k in order]
        assert stacked.shape[0] == rows
        return lib.cat(parts, 0)

    state = {}
    for d in range(directions):
        bias = b[d] if b is not None else lib.zeros(2 * len(order) * hidden)
        half = len(order) * hidden
        parts = {"weight_ih": w[d], "weight_hh": r[d], "bias_ih": bias[:half], "bias_hh": bias[half:]}
        state |= {f"{name}_l0{'_reverse' if d else ''}": gates(part) for name, part in parts.items()}
    layer.load_state_dict(state)
    start = None if h0 is None else (tuple(turned) if kind == "LSTM" else turned[0])
    y, end = layer(x, start)
    return recurrence(y, end, directions, hidden, first, reverse, node.outputs)


def recurrence(y, end, directions, hidden, first, reverse, outputs):
    """Outputs and last states as ONNX has them."""
    y = y.detach().flip(0) if reverse else y.detach()
    steps, batch = y.shape[0], y.shape[1]
    y = y.reshape(steps, batch, directions, hidden)
    y = y.transpose(0, 1) if first else y.transpose(1, 2)
    if first:
        y = y.reshape(batch, steps, directions, hidden)
    ends = [s.detach().transpose(0, 1) if first else s.detach() for s in (end if isinstance(end, tuple) else (end,))]
    return [y, *ends][:outputs]


def reset_before_the_product(lib, x, w, r, b, start, hidden):
    """The GRU of the paper, n = tanh(W x + R (r h)), step by step; PyTorch's has the product first."""
    outputs, ends = [], []
    for d in range(w.shape[0]):
        bias = b[d] if b is not None else lib.zeros(6 * hidden)
        # Update, reset and new gate, as ONNX has them in order.
        products, recurrent_bias = bias[: 3 * hidden], bias[3 * hidden :]
        h = start[d] if start is not None else lib.zeros(x.shape[1], hidden)
        states = []
        for step in x.flip(0) if d else x:
            a = step @ w[d].T + products
            u = h @ r[d][: 2 * hidden].T + recurrent_bias[: 2 * hidden]
            gates = lib.sigmoid(a[:, : 2 * hidden] + u)
            z, reset = gates[:, :hidden], gates[:, hidden:]
            inner = (reset * h) @ r[d][2 * hidden :].T + recurrent_bias[2 * hidden :]
            n = lib.tanh(a[:, 2 * hidden :] + inner)
            h = (1 - z) * n + z * h
            states.append(h)
        outputs.append(lib.stack(states[::-1] if d else states))
        ends.append(h)
    return lib.cat(outputs, -1), lib.stack(ends)


for recurrent_kind in RECURRENT:
    OPERATORS[recurrent_kind] = lambda node, kind=recurrent_kind: recurrent(node, kind)


# ---- shapes ----------------------------------------------------------------------------------------------------------


@operator("Reshape")
def reshape(node):
    x, shape = node.inputs[0], numbers(node.inputs[1])
    if not node.get("allowzero", 0):
        shape = [x.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    return x.reshape(shape)


@operator("Flatten")
def flatten(node):
    x = node.inputs[0]
    axis = node.get("axis", 1)
    axis += len(x.shape) if axis < 0 else 0
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@operator("Transpose")
def transpose(node):
    x = node.inputs[0]
    return x.permute(*node.get("perm", list(range(len(x.shape)))[::-1]))


def axes_of(node, i=1):
    given = node.input(i)
    return node.get("axes") if given is None else numbers(given)


@operator("Squeeze")
def squeeze(node):
    x, axes = node.inputs[0], axes_of(node)
    if axes is None:
        return x.squeeze()
    for axis in sorted((axis % len(x.shape) for axis in axes), reverse=True):
        x = x.squeeze(axis)
    return x


@operator("Unsqueeze")
def unsqueeze(node):
    x, axes = node.inputs[0], axes_of(node)
    rank = len(x.shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("Concat")
def concat(node):
    return node.lib.cat(node.inputs, node.get("axis"))


@operator("Split")
def split(node):
    x, axis = node.inputs[0], node.get("axis", 0)
    given = node.input(1)
    sizes = node.get("split") if given is None else numbers(given)
    return list(node.lib.split(x, sizes or -(-x.shape[axis] // node.outputs), axis))


@operator("Slice")
def cut(node):
    x, starts, ends = node.inputs[0], numbers(node.inputs[1]), numbers(node.inputs[2])
    axes = list(range(len(starts))) if node.input(3) is None else numbers(node.inputs[3])
    steps = [1] * len(starts) if node.input(4) is None else numbers(node.inputs[4])
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        n = x.shape[axis]
        if step > 0:
            x = x[(slice(None),) * (axis % len(x.shape)) + (slice(max(start, -n), max(end, -n), step),)]
        else:
            picked = list(range(n))[max(start, -n - 1) : max(end, -n - 1) if end > -(2**31) else None : step]
            x = x.index_select(axis, node.lib.tensor(picked, dtype=node.lib.int64))
    return x


@operator("Gather")
def gather(node):
    x, indices = node.inputs
    axis = node.get("axis", 0) % len(x.shape)
    n = x.shape[axis]
    flat = [i % n for i in numbers(indices)]
    picked = x.index_select(axis, node.lib.tensor(flat, dtype=node.lib.int64))
    return picked.reshape(tuple(x.shape[:axis]) + tuple(indices.shape) + tuple(x.shape[axis + 1 :]))


@operator("GatherElements")
def gather_elements(node):
    x, indices = node.inputs
    axis = node.get("axis", 0)
    return node.lib.gather(x, axis, node.lib.remainder(indices.to(node.lib.int64), x.shape[axis]))


@operator("ScatterElements", "Scatter")
def scatter_elements(node):
    x, indices, updates = node.inputs
    axis = node.get("axis", 0)
    indices = node.lib.remainder(indices.to(node.lib.int64), x.shape[axis])
    reduction = node.get("reduction", "none")
    if reduction not in ("none", "add"):
        raise Lacking(f"reduction={reduction}")
    return getattr(x, "scatter" if reduction == "none" else "scatter_add")(axis, indices, updates)


@operator("Expand")
def expand(node):
    x, shape = node.inputs[0], numbers(node.inputs[1])
    return x.expand(np.broadcast_shapes(tuple(x.shape), tuple(shape)))


@operator("Tile")
def tile(node):
    return node.lib.tile(node.inputs[0], numbers(node.inputs[1]))


@operator("Pad")
def pad(node):
    x, pads = node.inputs[0], numbers(node.inputs[1])
    rank, mode = len(x.shape), node.get("mode", "constant")
    value = 0.0 if node.input(2) is None else node.inputs[2].item()
    if mode == "constant":
        amounts = [pads[i + end * rank] for i in reversed(range(rank)) for end in (0, 1)]
        return node.functional.pad(x, amounts, value=value)
    moving = [i for i in range(rank) if pads[i] or pads[i + rank]]
    if not moving or min(moving) < 2 or any(i not in moving for i in range(min(moving), rank)):
        raise Lacking(f"{mode} padding of these axes")
    amounts = [pads[i + end * rank] for i in reversed(range(min(moving), rank)) for end in (0, 1)]
    return node.functional.pad(x, amounts, mode={"edge": "replicate"}.get(mode, mode))


REDUCTIONS = {
    "ReduceSum": lambda x, axes, keep: x.sum(axes, keepdim=keep),
    "ReduceMean": lambda x, axes, keep: x.mean(axes, keepdim=keep),
    "ReduceMax": lambda x, axes, keep: x.amax(axes, keepdim=keep),
    "ReduceMin": lambda x, axes, keep: x.amin(axes, keepdim=keep),
    "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keepdim=keep),
    "ReduceL2": lambda x, axes, keep: (x * x).sum(axes, keepdim=keep).sqrt(),
    "ReduceLogSum": lambda x, axes, keep: x.sum(axes, keepdim=keep).log(),
    "ReduceSumSquare": lambda x, axes, keep: (x * x).sum(axes, keepdim=keep),
}


def reduction(node, compute):
    x, axes, keep = node.inputs[0], axes_of(node), bool(node.get("keepdims", 1))
    if not axes:
        if node.get("noop_with_empty_axes", 0):
            return x.clone()
        axes = list(range(len(x.shape)))
    return compute(x, tuple(axes), keep).to(x.dtype)


for reduction_name, reduction_body in REDUCTIONS.items():
    OPERATORS[reduction_name] = lambda node, compute=reduction_body: reduction(node, compute)


def axis_by_axis(node, name):
    """A reduction that takes one axis."""

    def reduce(x, axes, keep):
        for axis in sorted((axis % len(x.shape) for axis in axes), reverse=True):
            x = getattr(x, name)(axis, keepdim=keep)
        return x

    return reduction(node, reduce)


OPERATORS["ReduceProd"] = lambda node: axis_by_axis(node, "prod")
OPERATORS["ReduceLogSumExp"] = lambda node: axis_by_axis(node, "logsumexp")


def arg_extreme(node, name):
    node.only(select_last_index=0)
    return getattr(node.lib, name)(node.inputs[0], node.get("axis", 0), bool(node.get("keepdims", 1)))


OPERATORS["ArgMax"] = lambda node: arg_extreme(node, "argmax")
OPERATORS["ArgMin"] = lambda node: arg_extreme(node, "argmin")


@operator("CumSum")
def cumsum(node):
    x, axis = node.inputs[0], int(node.inputs[1].item())
    reverse, exclusive = node.get("reverse", 0), node.get("exclusive", 0)
    flipped = x.flip(axis) if reverse else x
    sums = flipped.cumsum(axis)
    sums = sums - flipped if exclusive else sums
    return sums.flip(axis) if reverse else sums


@operator("TopK")
def topk(node):
    x, k = node.inputs
    node.only(sorted=1)
    values, places = node.lib.topk(x, int(k.item()), node.get("axis", -1), bool(node.get("largest", 1)))
    return [values, places]


@operator("Trilu")
def trilu(node):
    x = node.inputs[0]
    k = 0 if node.input(1) is None else int(node.inputs[1].item())
    return (node.lib.triu if node.get("upper", 1) else node.lib.tril)(x, k)


def dtype_of(node, kind):
    if kind not in NAMES:
        raise Lacking(f"element type {kind}")
    return getattr(node.lib, NAMES[kind])


@operator("Cast")
def cast(node):
    return node.inputs[0].to(dtype_of(node, node.get("to")))


@operator("CastLike")
def cast_like(node):
    x, like = node.inputs
    return x.to(like.dtype)


@operator("Shape")
def shape_of(node):
    shape = list(node.inputs[0].shape)
    return node.lib.tensor(shape[node.get("start", 0) : node.get("end", len(shape))], dtype=node.lib.int64)


@operator("Size")
def size_of(node):
    return node.lib.tensor(math.prod(node.inputs[0].shape), dtype=node.lib.int64)


@operator("Constant")
def constant(node):
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    for name, value in node.attributes.items():
        if name == "value":
            return node.lib.from_numpy(value)
        if name in kinds:
            return node.lib.from_numpy(np.array(value, kinds[name]))
    raise Lacking("constants of text")


@operator("ConstantOfShape")
def constant_of_shape(node):
    value = node.get("value", np.zeros(1, np.float32))
    return node.lib.full(numbers(node.inputs[0]), value.item(), dtype=node.lib.from_numpy(value).dtype)


@operator("Range")
def arange(node):
    start, limit, delta = node.inputs
    return node.lib.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)


@operator("EyeLike")
def eye_like(node):
    x, k = node.inputs[0], node.get("k", 0)
    dtype = x.dtype if node.get("dtype") is None else dtype_of(node, node.get("dtype"))
    ones = node.lib.ones(*x.shape, dtype=dtype)
    return node.lib.triu(ones, k) * node.lib.tril(ones, k)


@operator("OneHot")
def one_hot(node):
    indices, depth, values = node.inputs
    n, axis = int(depth.item()), node.get("axis", -1)
    wanted = node.lib.remainder(indices.to(node.lib.int64), n)
    hot = node.functional.one_hot(wanted, n)
    axis = axis % len(hot.shape)
    order = list(range(len(hot.shape) - 1))
    order.insert(axis, len(hot.shape) - 1)
    off, on = numbers(values)[0], numbers(values)[1]
    return (hot.permute(*order).to(values.dtype) * (on - off) + off).to(values.dtype)


# ---- cases -----------------------------------------------------------------------------------------------------------


# Cases whose model computes otherwise than what its answer was made by: with pi as 3.1415.
TOLERANCES = {"window": 1e-4}


def run(lib, model, arrays):
    """The outputs of a model."""
    held = {name: lib.from_numpy(value) for name, value in arrays.items()}
    held |= {name: lib.from_numpy(array(value)) for name, value in model.constants.items() if name not in held}
    for node in model.nodes:
        kind = node[4][0].decode()
        if kind not in OPERATORS:
            raise Lacking(kind)
        names = [name.decode() for name in node[1]]
        inputs = [held[name] if name else None for name in names]
        attributes = dict(attribute(value) for value in node[5])
        outputs = [name.decode() for name in node[2]]
        results = OPERATORS[kind](Node(lib, inputs, attributes, len(outputs)))
        results = results if isinstance(results, list) else [results]
        held |= dict(zip(outputs, results, strict=False))
    return [held[name].detach().numpy() for name in model.outputs]


def differences(got, expected, tolerance):
    """What is wrong with an output, or nothing."""
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return f"{got.dtype}{list(got.shape)} for {expected.dtype}{list(expected.shape)}"
    if got.dtype.kind != "f":
        return "" if np.array_equal(got, expected) else "other values"
    if np.allclose(got, expected, rtol=tolerance, atol=tolerance, equal_nan=True):
        return ""
    return f"off by up to {np.nanmax(np.abs(got - expected)):.3g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--library", default="barehand")
    options = parser.parse_args()
    lib = importlib.import_module(options.library)
    start = time.perf_counter()
    passed, wrong, lacking = collections.Counter(), [], collections.Counter()
    for path in sorted(options.directory.glob("*/model.onnx")):
        name = path.parent.name
        try:
            model = Model(path.read_bytes())
            kinds = {node[4][0].decode() for node in model.nodes}
            data = path.parent / "test_data_set_0"
            inputs = [array((data / f"input_{i}.pb").read_bytes()) for i in range(len(model.inputs))]
            expected = [array((data / f"output_{i}.pb").read_bytes()) for i in range(len(model.outputs))]
            got = run(lib, model, dict(zip(model.inputs, inputs, strict=True)))
        except Lacking as what:
            lacking[str(what)] += 1
            continue
        except Exception as error:  # noqa: BLE001: whatever it is, the case failed
            wrong.append(f"{name}: {type(error).__name__}: {error}")
            continue
        tolerance = next((value for part, value in TOLERANCES.items() if part in name), 1e-5)
        faults = [fault for a, b in zip(got, expected, strict=True) if (fault := differences(a, b, tolerance))]
        if faults:
            wrong.append(f"{name}: {'; '.join(faults)}")
        else:
            passed.update(kinds)
            passed["cases"] += 1
    cases = passed.pop("cases", 0)
    print("passed, by operator: " + ", ".join(f"{name} {count}" for name, count in sorted(passed.items())))
    print("lacking: " + ", ".join(f"{name} {count}" for name, count in sorted(lacking.items())))
    for line in wrong:
        print(f"WRONG {line}")
    seconds = time.perf_counter() - start
    print(f"{cases} passed, {len(wrong)} failed, {sum(lacking.values())} lacking in {seconds:.1f}s")
    if wrong or not cases:
        sys.exit(1)


if __name__ == "__main__":
    main()
