"""Recurrent layers, and their single steps."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from barehand import _barehand
from barehand._barehand import Tensor, device as Device, dtype as DType, empty
from barehand.nn import init
from barehand.nn.module import Module
from barehand.nn.parameter import Parameter
from barehand.nn.utils.rnn import PackedSequence

_recurrent = _barehand._recurrent

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}

# Hidden state, and an LSTM's cell; none of them where it is all zeros.
_State = tuple[Any, Any]


class RNNBase(Module):
    """What `RNN`, `LSTM` and `GRU` share: parameters of every layer and direction, and the walk through time.

    Parameters are `weight_ih_l0` (gates · H, input_size; D · P in further layers), `weight_hh_l0` (gates · H, P),
    `bias_ih_l0`, `bias_hh_l0` (gates · H) and, with proj_size P, `weight_hr_l0` (P, H); `_reverse` behind the name for the
    second direction. They begin uniform on ±1/√H.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        if mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1] representing the probability of dropping")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout drops between layers, and there is only one: "
                f"non-zero dropout expects num_layers greater than 1, but got dropout={dropout} and num_layers=1",
                stacklevel=3,
            )
        if not isinstance(hidden_size, int):
            raise TypeError(f"hidden_size should be of type int, got: {type(hidden_size).__name__}")
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if proj_size and mode != "LSTM":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        directions = 2 if bidirectional else 1
        width = proj_size or hidden_size
        stacked = _GATES[mode] * hidden_size
        self._names: list[list[str]] = []
        for layer in range(num_layers):
            for direction in range(directions):
                inputs = input_size if layer == 0 else width * directions
                shapes = {"weight_ih": (stacked, inputs), "weight_hh": (stacked, width)}
                if bias:
                    shapes |= {"bias_ih": (stacked,), "bias_hh": (stacked,)}
                if proj_size:
                    shapes |= {"weight_hr": (proj_size, hidden_size)}
                suffix = f"_l{layer}{'_reverse' if direction else ''}"
                for name, shape in shapes.items():
                    setattr(self, name + suffix, Parameter(empty(shape, device=device, dtype=dtype)))
                self._names.append([name + suffix for name in shapes])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws every parameter anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Does nothing: parameters need no common memory here. Programs written for PyTorch call it."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._names]

    def _run(self, input: Tensor, batch_sizes: list[int] | None, hx: _State | None) -> tuple[Tensor, _State]:
        h, c = hx or (None, None)
        output, h, c = _recurrent.layers(
            self.mode,
            input,
            batch_sizes,
            [weight for weights in self.all_weights for weight in weights],
            self.bias,
            self.proj_size > 0,
            self.bidirectional,
            self.batch_first,
            self.dropout if self.training else 0.0,
            h,
            c,
        )
        return output, (h, c)

    def _forward(self, input: Tensor | PackedSequence, hx: _State | None) -> tuple[Any, _State]:
        if not isinstance(input, PackedSequence):
            return self._run(input, None, hx)
        if hx is not None:
            hx = self._permuted(hx, input.sorted_indices)
        output, state = self._run(input.data, input.batch_sizes.tolist(), hx)
        return input._replace(data=output), self._permuted(state, input.unsorted_indices)

    @staticmethod
    def _permuted(state: _State, order: Tensor | None) -> _State:
        if order is None:
            return state
        h, c = state
        return h.index_select(1, order), None if c is None else c.index_select(1, order)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        plain = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        parts += [f"{name}={getattr(self, name)}" for name, value in plain.items() if getattr(self, name) != value]
        return ", ".join(parts)


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh) at every step, or max(., 0) with `nonlinearity="relu"` (Elman 1990).

    Called with input (T, N, input_size), (N, T, ...) with `batch_first`, (T, input_size), or a `PackedSequence`, and
    initial states (D · num_layers, N, H), by default zeros. Returns the outputs (T, N, D · H) of the last layer, and the
    last states; D is 2 for `bidirectional`, else 1. In training `dropout` drops outputs between layers.

    >>> output, h = bh.nn.RNN(3, 5, num_layers=2)(bh.zeros(4, 2, 3))
    >>> output.shape, h.shape
    ((4, 2, 5), (2, 2, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        mode = "RNN_TANH" if nonlinearity == "tanh" else "RNN_RELU"
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        output, (h, _) = self._forward(input, None if hx is None else (hx, None))
        return output, h


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), gates in the order i, f, g, o.

    i, f, o = σ(W x + b + W' h + b'), g = tanh(...), c' = f c + i g, h' = o tanh(c'), projected to `proj_size` if that is
    not 0. Called as `RNN` is, with initial states (h, c); returns the outputs and the last (h, c).

    >>> output, (h, c) = bh.nn.LSTM(3, 5, bidirectional=True)(bh.zeros(4, 2, 3))
    >>> output.shape, h.shape, c.shape
    ((4, 2, 10), (2, 2, 5), (2, 2, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )

    def forward(
        self, input: Tensor | PackedSequence, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor | None]]:
        return self._forward(input, None if hx is None else (hx[0], hx[1]))


class GRU(RNNBase):
    """The gated recurrent unit (Cho et al. 2014), gates in the order r, z, n.

    r, z = σ(W x + b + W' h + b'), n = tanh(W x + b + r (W' h + b')), h' = (1 - z) n + z h. Called as `RNN` is.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )

    def forward(self, input: Tensor | PackedSequence, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        output, (h, _) = self._forward(input, None if hx is None else (hx, None))
        return output, h


class RNNCellBase(Module):
    """What the cells share: weight_ih (gates · H, input_size), weight_hh (gates · H, H) and their biases."""

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        stacked = num_chunks * hidden_size
        make = {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(empty(stacked, input_size, **make))
        self.weight_hh = Parameter(empty(stacked, hidden_size, **make))
        self.register_parameter("bias_ih", Parameter(empty(stacked, **make)) if bias else None)
        self.register_parameter("bias_hh", Parameter(empty(stacked, **make)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws every parameter anew, uniform on ±1/√H."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _step(self, mode: str, input: Tensor, hx: _State) -> _State:
        weights = [self.weight_ih, self.weight_hh]
        if self.bias_ih is not None and self.bias_hh is not None:
            weights += [self.bias_ih, self.bias_hh]
        return _recurrent.step(mode, input, weights, *hx)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += "" if self.bias else f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """One step of `RNN`: input (N, input_size) and state (N, H), by default zeros, to the next state; or without N.

    >>> bh.nn.RNNCell(3, 5)(bh.zeros(2, 3)).shape
    (2, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, (hx, None))[0]


class LSTMCell(RNNCellBase):
    """One step of `LSTM`: input (N, input_size) and states (h, c), by default zeros, to the next (h, c); or without N."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor | None]:
        return self._step("LSTM", input, (None, None) if hx is None else (hx[0], hx[1]))


class GRUCell(RNNCellBase):
    """One step of `GRU`: input (N, input_size) and state (N, H), by default zeros, to the next state; or without N."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step("GRU", input, (hx, None))[0]
