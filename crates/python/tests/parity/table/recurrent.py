"""Recurrent layers and cells, over padded and over packed batches; sequences padded and packed."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from parity.arguments import Sizes, distinct, flag, one_of, real, size
from parity.rows import Layer, Operator, Row

SIZES = {"input_size": size("I"), "hidden_size": size("H")}
STACK = {"num_layers": one_of(1, 2), "bidirectional": flag, "bias": flag, "batch_first": flag}
KINDS = {
    "RNN": {"nonlinearity": one_of("tanh", "relu")},
    "LSTM": {"proj_size": one_of(0, 0, 2)},
    "GRU": {},
}


def lengths(steps: str, batch: str) -> Callable[[Sizes], st.SearchStrategy[tuple[int, ...]]]:
    """A length from 1 to that of one letter for each of another letter."""
    return lambda sizes: st.lists(st.integers(1, sizes[steps]), min_size=sizes[batch], max_size=sizes[batch]).map(tuple)


def stated(kind: str) -> Callable[..., Any]:
    """A layer or a cell that takes its initial states one by one."""

    def build(lib: ModuleType, **options: Any) -> Any:
        class Stated(lib.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = getattr(lib.nn, kind)(**options)

            def forward(self, x: Any, h: Any, c: Any = None) -> Any:
                return self.layer(x, h if c is None else (h, c))

        return Stated()

    return build


def packed(kind: str) -> Callable[..., Any]:
    """A layer over a padded batch that is packed on the way in, and padded again on the way out."""

    def build(lib: ModuleType, lengths: tuple[int, ...], **options: Any) -> Any:
        rnn = lib.nn.utils.rnn
        first = options["batch_first"]

        class Packed(lib.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = getattr(lib.nn, kind)(**options)

            def forward(self, x: Any) -> Any:
                x = x.transpose(0, 1) if first else x
                given = rnn.pack_padded_sequence(x, lib.tensor(lengths), batch_first=first, enforce_sorted=False)
                y, state = self.layer(given)
                return rnn.pad_packed_sequence(y, batch_first=first, padding_value=0.5), state

        return Packed()

    return build


def sequences(name: str) -> Callable[..., Any]:
    """A function of a list of sequences."""
    return lambda lib, *x, **options: getattr(lib.nn.utils.rnn, name)(list(x), **options)


def pack(lib: ModuleType, x: Any, lengths: tuple[int, ...], **options: Any) -> Any:
    return lib.nn.utils.rnn.pack_padded_sequence(x, lib.tensor(lengths), enforce_sorted=False, **options)


ROWS: list[Row] = [
    *(Layer(f"nn.{kind}", real("T N I"), **SIZES, **STACK, **options) for kind, options in KINDS.items()),
    *(
        Layer(
            f"nn.{kind} [one sequence]",
            real("T I"),
            **SIZES,
            **{**STACK, "batch_first": one_of(False)},
            **options,
        )
        for kind, options in KINDS.items()
    ),
    *(
        Layer(
            f"nn.{kind} [state]",
            *(real("T N I"), real("D N H"), *([real("D N H")] if kind == "LSTM" else [])),
            call=stated(kind),
            **SIZES,
            num_layers=size("D"),
            bias=flag,
        )
        for kind in KINDS
    ),
    *(
        Layer(
            f"nn.{kind} [packed]",
            real("T N I"),
            call=packed(kind),
            **SIZES,
            **STACK,
            **options,
            lengths=lengths("T", "N"),
        )
        for kind, options in KINDS.items()
    ),
    Layer("nn.RNNCell", real("N I"), real("N H"), **SIZES, bias=flag, nonlinearity=one_of("tanh", "relu")),
    Layer("nn.LSTMCell", real("N I"), real("N H"), real("N H"), call=stated("LSTMCell"), **SIZES, bias=flag),
    Layer("nn.GRUCell", real("N I"), real("N H"), **SIZES, bias=flag),
    *(Layer(f"nn.{kind}Cell [zeros]", real("N I"), **SIZES) for kind in KINDS),
    *(Layer(f"nn.{kind}Cell [one element]", real("I"), **SIZES) for kind in KINDS),
    Operator(
        "nn.utils.rnn.pack_padded_sequence",
        real("T N ..."),
        call=pack,
        lengths=lengths("T", "N"),
    ),
    Operator(
        "nn.utils.rnn.pack_padded_sequence [batch first]",
        real("N T I"),
        call=pack,
        lengths=lengths("T", "N"),
        batch_first=one_of(True),
    ),
    Operator(
        "nn.utils.rnn.pad_packed_sequence",
        real("T N I"),
        call=lambda lib, x, lengths, **o: lib.nn.utils.rnn.pad_packed_sequence(pack(lib, x, lengths), **o),
        lengths=lengths("T", "N"),
        batch_first=flag,
        padding_value=one_of(0.0, -1.5),
        total_length=one_of(None, 4, 6),
    ),
    Operator(
        "nn.utils.rnn.pad_sequence",
        real("A ..."),
        real("B ..."),
        call=sequences("pad_sequence"),
        batch_first=flag,
        padding_value=one_of(0.0, -1.5),
        padding_side=one_of("right", "left"),
    ),
    Operator(
        "nn.utils.rnn.unpad_sequence",
        real("T N I"),
        call=lambda lib, x, lengths: lib.nn.utils.rnn.unpad_sequence(x, lib.tensor(lengths)),
        lengths=lengths("T", "N"),
    ),
    Operator(
        "nn.utils.rnn.pack_sequence",
        real("A I"),
        real("B I"),
        call=sequences("pack_sequence"),
        enforce_sorted=one_of(False),
    ),
    Operator(
        "nn.utils.rnn.unpack_sequence",
        real("T N I"),
        call=lambda lib, x, lengths: lib.nn.utils.rnn.unpack_sequence(pack(lib, x, lengths)),
        lengths=lengths("T", "N"),
    ),
    Operator(
        "nn.utils.rnn.invert_permutation",
        distinct("N"),
        call=lambda lib, x: lib.nn.utils.rnn.invert_permutation(x.argsort()),
    ),
]
