"""Convolution over sequences and images, transposed too, and windows as columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from barehand._barehand import Tensor, device as Device, dtype as DType, empty, zeros
from barehand.nn import init
from barehand.nn.functional import (
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    fold,
    linear,
    pad,
    unfold,
)
from barehand.nn.module import Module
from barehand.nn.parameter import Parameter

_Sides = int | Sequence[int]
_PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


def _sides(value: _Sides, axes: int) -> tuple[int, ...]:
    """A number for each axis; one number stands for all."""
    if isinstance(value, int):
        return (value,) * axes
    sides = tuple(value)
    if len(sides) != axes:
        raise ValueError(f"{axes} numbers expected, got {sides}")
    return sides


class _Conv(Module):
    """What convolutions and transposed convolutions hold."""

    weight: Parameter
    bias: Parameter | None
    _axes: int
    _transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Sides,
        stride: _Sides,
        padding: _Sides | str,
        dilation: _Sides,
        output_padding: _Sides,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Device | str | None,
        dtype: DType | None,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        modes = {"zeros"} if self._transposed else {"zeros", "reflect", "replicate", "circular"}
        if padding_mode not in modes:
            raise ValueError(f"padding_mode must be one of {modes}, but got padding_mode='{padding_mode}'")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = _sides(kernel_size, self._axes)
        self.stride = _sides(stride, self._axes)
        self.padding = padding if isinstance(padding, str) else _sides(padding, self._axes)
        self.dilation = _sides(dilation, self._axes)
        self.output_padding = _sides(output_padding, self._axes)
        self.groups = groups
        self.padding_mode = padding_mode
        if isinstance(padding, str):
            if padding not in ("valid", "same"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of 'same', 'valid'")
            if padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        channels = (in_channels, out_channels // groups) if self._transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty((*channels, *self.kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws weight and bias anew."""
        fan_in = math.prod(self.weight.shape[1:])
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def _around(self, input: Tensor) -> tuple[Tensor, tuple[int, ...] | str]:
        """The input with its own values around it, where the padding is not zeros; and the zeros that are left to add."""
        if self.padding_mode == "zeros":
            return input, self.padding
        amounts: list[int] = []
        for axis in reversed(range(self._axes)):
            if self.padding == "same":
                total = self.dilation[axis] * (self.kernel_size[axis] - 1)
                amounts += [total // 2, total - total // 2]
            else:
                side = 0 if isinstance(self.padding, str) else self.padding[axis]
                amounts += [side, side]
        return pad(input, amounts, self.padding_mode), (0,) * self._axes

    def _resized(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The output padding that makes outputs of a size."""
        if output_size is None:
            return self.output_padding
        sizes = tuple(output_size)[-self._axes :]
        found = []
        for axis, size in enumerate(sizes):
            reach = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            padding = 0 if isinstance(self.padding, str) else self.padding[axis]
            least = (input.shape[axis - self._axes] - 1) * self.stride[axis] - 2 * padding + reach
            if not least <= size <= least + self.stride[axis] - 1:
                most = least + self.stride[axis] - 1
                raise ValueError(f"requested an output size of {sizes}, but side {axis} ranges from {least} to {most}")
            found.append(size - least)
        if len(found) != self._axes:
            raise ValueError(f"output_size must have {self._axes} numbers, or those of the whole shape")
        return tuple(found)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * self._axes:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self._axes:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * self._axes:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv1d(_Conv):
    """Convolution of (N, C, L), or of one sequence (C, L), to (N, K, L').

    L' = (L + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1, rounded down. Weight (K, C / groups, length) and bias
    (K) begin uniform on ±1/√fan_in, fan_in = C / groups · length.

    >>> bh.nn.Conv1d(4, 6, 5, padding="same", padding_mode="circular")(bh.zeros(8, 4, 20)).shape
    (8, 6, 20)
    """

    _axes = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Sides,
        stride: _Sides = 1,
        padding: _Sides | Literal["valid", "same"] = 0,
        dilation: _Sides = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: _PaddingMode = "zeros",
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        padded, padding = self._around(input)
        return conv1d(padded, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Convolution of (N, C, H, W), or of one image (C, H, W), to (N, K, H', W').

    H' = (H + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1, rounded down. Weight (K, C / groups, height, width)
    and bias (K) begin uniform on ±1/√fan_in, fan_in = C / groups · height · width.

    >>> bh.nn.Conv2d(1, 32, 3, stride=2, padding=1)(bh.zeros(8, 1, 28, 28)).shape
    (8, 32, 14, 14)
    """

    _axes = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Sides,
        stride: _Sides = 1,
        padding: _Sides | Literal["valid", "same"] = 0,
        dilation: _Sides = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: _PaddingMode = "zeros",
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        padded, padding = self._around(input)
        return conv2d(padded, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class ConvTranspose1d(_Conv):
    """The transpose of `Conv1d`, which makes (N, C, L), or one sequence (C, L), longer: (N, K, L').

    L' = (L - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1. Weight (C, K / groups, length) and bias
    (K) begin uniform on ±1/√fan_in, fan_in = K / groups · length. `output_size` chooses the output padding.

    >>> bh.nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1)(bh.zeros(8, 4, 10), output_size=[20]).shape
    (8, 6, 20)
    """

    _axes = 1
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Sides,
        stride: _Sides = 1,
        padding: _Sides = 0,
        output_padding: _Sides = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: _Sides = 1,
        padding_mode: Literal["zeros"] = "zeros",
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        more = self._resized(input, output_size)
        padding = (0,) if isinstance(self.padding, str) else self.padding
        return conv_transpose1d(input, self.weight, self.bias, self.stride, padding, more, self.groups, self.dilation)


class ConvTranspose2d(_Conv):
    """The transpose of `Conv2d`, which makes (N, C, H, W), or one image (C, H, W), larger: (N, K, H', W').

    H' = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1. Weight (C, K / groups, height, width)
    and bias (K) begin uniform on ±1/√fan_in, fan_in = K / groups · height · width. `output_size` chooses the output padding.

    >>> bh.nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1)(bh.zeros(8, 32, 14, 14)).shape
    (8, 3, 28, 28)
    """

    _axes = 2
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Sides,
        stride: _Sides = 1,
        padding: _Sides = 0,
        output_padding: _Sides = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: _Sides = 1,
        padding_mode: Literal["zeros"] = "zeros",
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        more = self._resized(input, output_size)
        padding = (0, 0) if isinstance(self.padding, str) else self.padding
        return conv_transpose2d(input, self.weight, self.bias, self.stride, padding, more, self.groups, self.dilation)


class Unfold(Module):
    """The windows of (N, C, H, W) as columns (N, C kernel height kernel width, places): im2col.

    >>> bh.nn.Unfold(2, stride=2)(bh.ones(1, 3, 4, 6)).shape
    (1, 12, 6)
    """

    def __init__(self, kernel_size: _Sides, dilation: _Sides = 1, padding: _Sides = 0, stride: _Sides = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Columns (N, C kernel height kernel width, places) added up to images of `output_size` where their windows lie: col2im.

    >>> bh.nn.Fold((4, 6), 2, stride=2)(bh.ones(1, 12, 6)).shape
    (1, 3, 4, 6)
    """

    def __init__(
        self,
        output_size: _Sides,
        kernel_size: _Sides,
        dilation: _Sides = 1,
        padding: _Sides = 0,
        stride: _Sides = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Conv1D(Module):
    """GPT-2's: y = x weight + bias over the last axis, weight (nx, nf), which is `Linear` with its weight transposed.

    `nf` outputs from `nx` inputs, in the order of transformers' class of this name. The weight begins normal with a standard
    deviation of 0.02, the bias 0.

    >>> layer = bh.nn.Conv1D(3, 2)
    >>> layer.weight.shape, layer(bh.zeros(5, 2)).shape
    ((2, 3), (5, 3))
    """

    weight: Parameter
    bias: Parameter

    def __init__(self, nf: int, nx: int, device: Device | str | None = None, dtype: DType | None = None) -> None:
        super().__init__()
        self.nf = nf
        self.nx = nx
        self.weight = Parameter(empty(nx, nf, device=device, dtype=dtype))
        self.bias = Parameter(zeros(nf, device=device, dtype=dtype))
        init.normal_(self.weight, std=0.02)

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight.t(), self.bias)

    def extra_repr(self) -> str:
        return f"nf={self.nf}, nx={self.nx}"
