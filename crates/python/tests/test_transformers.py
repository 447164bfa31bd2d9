"""What embeddings and attention layers do beside computing what PyTorch's do."""

from __future__ import annotations

import barehand as bh
import barehand.nn.functional as F
import pytest
from barehand import nn


def test_a_pretrained_table_is_frozen_unless_it_is_to_be_trained() -> None:
    table = bh.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = nn.Embedding.from_pretrained(table)
    assert not frozen.weight.requires_grad
    trained = nn.Embedding.from_pretrained(table, freeze=False, padding_idx=-1)
    assert trained.padding_idx == 1
    trained(bh.tensor([0, 1, 0])).sum().backward()
    assert trained.weight.grad.tolist() == [[2.0, 2.0], [0.0, 0.0]]


def test_the_padding_row_begins_as_zero() -> None:
    assert nn.Embedding(4, 3, padding_idx=2).weight[2].tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="padding_idx 4 must be within num_embeddings 4"):
        nn.Embedding(4, 3, padding_idx=4)
    with pytest.raises(TypeError, match="indices are int64 or int32, not float32"):
        F.embedding(bh.zeros(2), bh.zeros(4, 3))
    with pytest.raises(IndexError, match="index 4 for a table of 4 rows"):
        F.embedding(bh.tensor([4]), bh.zeros(4, 3))


def test_rows_that_are_too_long_are_shortened_in_the_table_itself() -> None:
    words = nn.Embedding.from_pretrained(bh.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]), False, max_norm=1.0)
    y = words(bh.tensor([[0, 1], [0, 0]]))
    assert bh.allclose(y[0], bh.tensor([[0.6, 0.8], [0.3, 0.4]]))
    assert words.weight.requires_grad and words.weight[2].tolist() == [6.0, 8.0]
    y.sum().backward()
    assert words.weight.grad.tolist() == [[3.0, 3.0], [1.0, 1.0], [0.0, 0.0]]
    assert repr(words) == "Embedding(3, 2, max_norm=1.0)"
    # Of another tensor's rows the other tensor changes too; of what is only a copy nothing could.
    table = bh.tensor([[0.0, 0.0], [3.0, 4.0]])
    F.embedding(bh.tensor([0]), table[1:], max_norm=1.0)
    assert bh.allclose(table[1], bh.tensor([0.6, 0.8]))
    with pytest.raises(RuntimeError, match="this tensor is a view"):
        F.embedding(bh.tensor([0]), table.view(4, 1), max_norm=1.0)
    for options in ({"max_norm": -1.0}, {"max_norm": 1.0, "norm_type": float("nan")}):
        with pytest.raises(ValueError, match="numbers from 0 on expected"):
            F.embedding(bh.tensor([0]), bh.ones(1, 2), **options)


def test_tied_weights_are_one_parameter() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(5, 4)
            self.head = nn.Linear(4, 5, bias=False)
            self.head.weight = self.words.weight

        def forward(self, ids: bh.Tensor) -> bh.Tensor:
            return self.head(self.words(ids))

    model = Model()
    assert [name for name, _ in model.named_parameters()] == ["words.weight"]
    optimizer = bh.optim.SGD(model.parameters(), lr=0.1)
    ids = bh.tensor([0, 3])
    before = F.cross_entropy(model(ids), ids)
    before.backward()
    optimizer.step()
    assert model.head.weight is model.words.weight
    assert F.cross_entropy(model(ids), ids).item() < before.item()


def test_the_hint_of_a_causal_mask_wants_the_mask() -> None:
    attention = nn.MultiheadAttention(4, 2)
    x = bh.ones(3, 1, 4)
    with pytest.raises(RuntimeError, match="Need attn_mask if specifying the is_causal hint"):
        attention(x, x, x, is_causal=True)
    with pytest.raises(ValueError, match="attn_mask has shape"):
        attention(x, x, x, attn_mask=bh.zeros(2, 3))
    with pytest.raises(ValueError, match="divisible"):
        nn.MultiheadAttention(4, 3)


def test_a_query_that_may_attend_to_nothing_gets_zeros() -> None:
    attention = nn.MultiheadAttention(4, 2, bias=False, batch_first=True)
    x = bh.ones(1, 2, 4)
    forbidden = bh.tensor([[False, True], [True, True]])
    for need_weights in (True, False):
        y, _ = attention(x, x, x, attn_mask=forbidden, need_weights=need_weights)
        assert y[0, 1].tolist() == [0.0] * 4


def test_layers_of_a_stack_have_weights_of_their_own() -> None:
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, dim_feedforward=4), 2)
    first, second = (layer.linear1.weight for layer in stack.layers)
    assert first.tolist() == second.tolist()
    assert first is not second
    assert len(list(stack.parameters())) == 2 * 12


def test_dropout_of_weights_in_training_only() -> None:
    bh.manual_seed(0)
    attention = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = bh.randn(16, 1, 4)
    _, weights = attention(x, x, x, average_attn_weights=False)
    assert 0.3 < (weights == 0).float().mean().item() < 0.7
    attention.eval()
    assert not (attention(x, x, x)[1] == 0).any()
