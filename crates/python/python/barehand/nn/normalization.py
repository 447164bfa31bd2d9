"""Normalisation over batches and over layers, and dropout."""

from __future__ import annotations

from collections.abc import Sequence

from barehand import _barehand
from barehand._barehand import Tensor, device as Device, dtype as DType, ones, tensor, zeros
from barehand.nn import init
from barehand.nn.functional import (
    batch_norm,
    dropout,
    dropout1d,
    dropout2d,
    group_norm,
    instance_norm,
    layer_norm,
    rms_norm,
)
from barehand.nn.module import Module
from barehand.nn.parameter import Parameter

_state = _barehand._state


class _BatchNorm(Module):
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        make = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(ones(num_features, **make)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features, **make)) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features, **make) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, **make) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Forgets every batch."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Forgets every batch, and sets weight to 1 and bias to 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            batches = _state.increment(self.num_batches_tracked)
            if self.momentum is None:
                # The mean over all batches.
                momentum = 1.0 / batches
        return batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """(x - mean) / √(var + eps) · weight + bias for each channel of (N, C) or (N, C, L) (Ioffe and Szegedy 2015).

    In training mean and population variance are the batch's, and the running statistics follow:
    running = (1 - momentum) running + momentum batch, the running variance with the unbiased one; `momentum=None` takes the
    mean over all batches. In evaluation they are the running statistics.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.ndim}D input)")


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` over the channels of (N, C, H, W).

    >>> layer = bh.nn.BatchNorm2d(3, momentum=0.5)
    >>> _ = layer(bh.ones(2, 3, 4, 4))
    >>> layer.running_mean
    tensor([0.5000, 0.5000, 0.5000])
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim != 4:
            raise ValueError(f"expected 4D input (got {input.ndim}D input)")


class GroupNorm(Module):
    """(x - mean) / √(var + eps) · weight + bias for each group of channels of each sample of (N, C, ...) (Wu and He 2018).

    Mean and population variance are a group's; weight (C), at first 1, and bias (C), at first 0, a channel's.

    >>> bh.nn.GroupNorm(2, 4)(bh.tensor([[1.0, 3.0, 10.0, 30.0]])).detach()
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        make = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(ones(num_channels, **make)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels, **make)) if affine and bias else None)

    def reset_parameters(self) -> None:
        """Sets weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"


class _InstanceNorm(_BatchNorm):
    _axes = 0

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Device | str | None = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        single = input.ndim == self._axes + 1
        if not single and input.ndim != self._axes + 2:
            expected = f"{self._axes + 1}D or {self._axes + 2}D"
            raise ValueError(f"expected {expected} input (got {input.ndim}D input)")
        batch = input.unsqueeze(0) if single else input
        if self.affine and batch.shape[1] != self.num_features:
            raise ValueError(
                f"expected input's size at dim={input.ndim - self._axes - 1} to match num_features ({self.num_features}), "
                f"but got: {batch.shape[1]}."
            )
        output = instance_norm(
            batch,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return output.squeeze(0) if single else output


class InstanceNorm1d(_InstanceNorm):
    """(x - mean) / √(var + eps) · weight + bias for each channel of each sample of (N, C, L) or (C, L).

    Mean and population variance are the sample's own (Ulyanov et al. 2016). Weight and bias are there with `affine=True`;
    with `track_running_stats=True` the running statistics follow the mean over the samples, the variance with the unbiased
    one, and evaluation uses them.
    """

    _axes = 1


class InstanceNorm2d(_InstanceNorm):
    """`InstanceNorm1d` over the channels of (N, C, H, W) or (C, H, W).

    >>> bh.nn.InstanceNorm2d(1)(bh.tensor([[[[1.0, 3.0]]]]))
    tensor([[[[-1.0000,  1.0000]]]])
    """

    _axes = 2


class LayerNorm(Module):
    """(x - mean) / √(var + eps) · weight + bias over the last axes, with the population variance (Ba et al. 2016).

    `normalized_shape` is the shape of those axes, and of weight (at first 1) and bias (at first 0).
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        make = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(ones(shape, **make)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(zeros(shape, **make)) if elementwise_affine and bias else None)

    def reset_parameters(self) -> None:
        """Sets weight to 1 and bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """x / √(mean(x²) + eps) · weight over the last axes (Zhang and Sennrich 2019).

    `normalized_shape` is the shape of those axes, and of weight (at first 1). Without an eps it is the gap between 1 and the
    next number of the input's type.

    >>> bh.nn.RMSNorm(2)(bh.tensor([3.0, 4.0])).detach()
    tensor([0.8485, 1.1314])
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = Parameter(ones(shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)

    def reset_parameters(self) -> None:
        """Sets weight to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training each element becomes 0 with probability p, and the others grow by 1 / (1 - p) (Srivastava et al. 2014)."""

    def forward(self, input: Tensor) -> Tensor:
        return dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """`Dropout` of whole channels of (N, C, L) or (C, L) (Tompson et al. 2015)."""

    def forward(self, input: Tensor) -> Tensor:
        return dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """`Dropout` of whole channels of (N, C, H, W); as in PyTorch, an input of three axes is (N, C, L).

    >>> dropped = bh.nn.Dropout2d(0.5)(bh.ones(2, 4, 3, 3))
    >>> bool((dropped.amax((2, 3)) == dropped.amin((2, 3))).all())
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        return dropout2d(input, self.p, self.training, self.inplace)
