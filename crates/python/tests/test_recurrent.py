"""Recurrent layers: what PyTorch's users expect of them beside their numbers, which the parity table compares."""

from __future__ import annotations

import copy
import inspect
import pickle

import barehand as bh
import pytest
from barehand.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    unpack_sequence,
)


def test_parameters_have_pytorchs_names_and_order() -> None:
    layer = bh.nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2)
    names = [name for name, _ in layer.named_parameters()]
    first = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"]
    assert names[:5] == first
    assert names[5:10] == [f"{name}_reverse" for name in first]
    assert len(names) == 20
    shapes = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    assert shapes["weight_ih_l0"] == (16, 3)
    assert shapes["weight_ih_l1"] == (16, 4)
    assert shapes["weight_hr_l1_reverse"] == (2, 4)
    assert [name for name, _ in bh.nn.GRU(3, 4, bias=False).named_parameters()] == ["weight_ih_l0", "weight_hh_l0"]
    assert [len(weights) for weights in layer.all_weights] == [5, 5, 5, 5]


def test_parameters_begin_within_one_over_the_root_of_the_units() -> None:
    for p in bh.nn.GRU(30, 16).parameters():
        assert 0.2 < float(p.abs().max()) <= 0.25


def test_signatures_are_pytorchs() -> None:
    names = list(inspect.signature(bh.nn.RNN).parameters)
    assert names[:4] == ["input_size", "hidden_size", "num_layers", "nonlinearity"]
    assert list(inspect.signature(bh.nn.LSTM).parameters)[6:8] == ["bidirectional", "proj_size"]
    assert bh.nn.RNN(2, 3, 1, "relu").nonlinearity == "relu"


def test_a_layer_says_what_it_is() -> None:
    assert repr(bh.nn.LSTM(3, 4)) == "LSTM(3, 4)"
    text = repr(bh.nn.GRU(3, 4, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True))
    assert text == "GRU(3, 4, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True)"
    assert repr(bh.nn.RNNCell(3, 4, nonlinearity="relu")) == "RNNCell(3, 4, nonlinearity=relu)"


def test_dropout_is_between_layers_and_in_training_only() -> None:
    with pytest.warns(UserWarning, match="num_layers"):
        bh.nn.RNN(3, 4, dropout=0.5)
    layer = bh.nn.RNN(3, 4, num_layers=2, bias=False, dropout=1.0)
    x = bh.ones(5, 1, 3)
    assert float(layer(x)[0].abs().sum()) == 0.0
    layer.eval()
    assert float(layer(x)[0].abs().sum()) > 0.0


def test_wrong_options_are_refused() -> None:
    for wrong in (
        lambda: bh.nn.LSTM(3, 0),
        lambda: bh.nn.LSTM(3, 4, num_layers=0),
        lambda: bh.nn.LSTM(3, 4, proj_size=-1),
        lambda: bh.nn.LSTM(3, 4, num_layers=2, dropout=2.0),
        lambda: bh.nn.RNN(3, 4, nonlinearity="sigmoid"),
    ):
        with pytest.raises(ValueError):
            wrong()
    with pytest.raises(TypeError):
        bh.nn.GRU(3, 4.5)  # type: ignore[arg-type]


def test_sequences_are_packed_and_come_back() -> None:
    sequences = [bh.tensor([1.0, 2.0]), bh.tensor([3.0]), bh.tensor([4.0, 5.0, 6.0])]
    packed = pack_sequence(sequences, enforce_sorted=False)
    assert isinstance(packed, PackedSequence)
    assert packed.data.tolist() == [4.0, 1.0, 3.0, 5.0, 2.0, 6.0]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices is not None
    assert packed.unsorted_indices is not None
    assert packed.sorted_indices.tolist() == [2, 0, 1]
    assert packed.unsorted_indices.tolist() == [1, 2, 0]
    assert [x.tolist() for x in unpack_sequence(packed)] == [x.tolist() for x in sequences]
    assert packed.to(bh.float64).data.dtype == bh.float64
    in_order = pack_padded_sequence(bh.zeros(3, 2, 1), [3, 1])
    assert in_order.sorted_indices is None
    with pytest.raises(RuntimeError, match="enforce_sorted"):
        pack_padded_sequence(bh.zeros(3, 2, 1), [1, 3])
    broken = packed._replace(batch_sizes=bh.tensor([4, 2, 1]))
    with pytest.raises(ValueError):
        pad_packed_sequence(broken)


def test_padding_changes_nothing() -> None:
    layer = bh.nn.LSTM(2, 3, bidirectional=True)
    x = bh.randn(4, 2, 2)
    alone, _ = layer(x[:2, 1:])
    packed, (h, _) = layer(pack_padded_sequence(x, [4, 2]))
    together, lengths = pad_packed_sequence(packed)
    assert lengths.tolist() == [4, 2]
    assert bh.allclose(together[:2, 1:], alone, atol=1e-6)
    assert float(together[2:, 1].abs().sum()) == 0.0
    assert tuple(h.shape) == (2, 2, 3)


def test_layers_are_copied_and_pickled() -> None:
    layer = bh.nn.GRU(2, 3, num_layers=2)
    x = bh.randn(4, 1, 2)
    expected = layer(x)[0]
    assert bh.equal(copy.deepcopy(layer)(x)[0], expected)
    assert bh.equal(pickle.loads(pickle.dumps(layer))(x)[0], expected)
    other = bh.nn.GRU(2, 3, num_layers=2)
    other.load_state_dict(layer.state_dict())
    assert bh.equal(other(x)[0], expected)


def test_a_small_network_learns_to_add_what_it_hears() -> None:
    bh.manual_seed(0)
    layer, head = bh.nn.GRU(1, 8, batch_first=True), bh.nn.Linear(8, 1)
    optimizer = bh.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.02)
    x = bh.rand(32, 6, 1)
    y = x.sum(1)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        _, h = layer(x)
        loss = bh.nn.functional.mse_loss(head(h[0]), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 20
