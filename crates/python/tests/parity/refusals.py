"""Calls that neither library takes, and what an error must name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """A wrong call, and a word of its operation that the error has in it."""

    word: str
    what: str
    call: Callable[[ModuleType], Any]

    def __str__(self) -> str:
        return f"{self.word}: {self.what}"


REFUSALS = [
    Refusal("add", "shapes that do not broadcast", lambda lib: lib.zeros(2, 3) + lib.zeros(4)),
    Refusal("mul", "shapes that do not broadcast", lambda lib: lib.mul(lib.zeros(2), lib.zeros(3))),
    Refusal("matmul", "inner lengths differ", lambda lib: lib.matmul(lib.zeros(2, 3), lib.zeros(2, 3))),
    Refusal("matmul", "a number", lambda lib: lib.matmul(lib.zeros(()), lib.zeros(2, 3))),
    Refusal("matmul", "two types", lambda lib: lib.matmul(lib.zeros(2, 2), lib.zeros(2, 2, dtype=lib.float64))),
    Refusal("dot", "lengths differ", lambda lib: lib.dot(lib.zeros(2), lib.zeros(3))),
    Refusal(
        "einsum", "a letter has two lengths", lambda lib: lib.einsum("ij,jk->ik", lib.zeros(2, 3), lib.zeros(4, 5))
    ),
    Refusal("einsum", "a letter out of nowhere", lambda lib: lib.einsum("ij->ik", lib.zeros(2, 3))),
    Refusal("einsum", "an operand is missing", lambda lib: lib.einsum("ij,jk->ik", lib.zeros(2, 3))),
    Refusal("linear", "features differ", lambda lib: lib.nn.functional.linear(lib.zeros(2, 3), lib.zeros(4, 5))),
    Refusal("linear", "by the layer", lambda lib: lib.nn.Linear(3, 4)(lib.zeros(2, 5))),
    Refusal(
        "conv2d", "channels differ", lambda lib: lib.nn.functional.conv2d(lib.zeros(1, 3, 8, 8), lib.zeros(4, 2, 3, 3))
    ),
    Refusal("conv2d", "kernel larger than the image", lambda lib: lib.nn.Conv2d(1, 1, 9)(lib.zeros(1, 1, 8, 8))),
    Refusal("conv1d", "kernel longer than the sequence", lambda lib: lib.nn.Conv1d(1, 1, 9)(lib.zeros(1, 1, 8))),
    Refusal(
        "padding",
        "output padding above stride and dilation",
        lambda lib: lib.nn.functional.conv_transpose1d(lib.zeros(1, 1, 4), lib.zeros(1, 1, 3), output_padding=1),
    ),
    Refusal(
        "output size",
        "a size that no input leads to",
        lambda lib: lib.nn.ConvTranspose2d(1, 1, 3, stride=2)(lib.zeros(1, 1, 4, 4), output_size=(20, 9)),
    ),
    Refusal("pad", "a mirror of all", lambda lib: lib.nn.functional.pad(lib.zeros(1, 3), (3, 0), mode="reflect")),
    Refusal("groups", "groups do not divide", lambda lib: lib.nn.Conv2d(3, 4, 3, groups=2)),
    Refusal(
        "pool",
        "padding above half the kernel",
        lambda lib: lib.nn.functional.max_pool2d(lib.zeros(1, 1, 8, 8), 2, padding=2),
    ),
    Refusal("pool", "window larger than the image", lambda lib: lib.nn.functional.avg_pool2d(lib.zeros(1, 1, 2, 2), 5)),
    Refusal("batch_norm", "one value a channel", lambda lib: lib.nn.BatchNorm1d(3)(lib.zeros(1, 3))),
    Refusal("batch_norm", "channels differ", lambda lib: lib.nn.BatchNorm2d(3)(lib.zeros(2, 4, 5, 5))),
    Refusal("layer_norm", "last axes differ", lambda lib: lib.nn.LayerNorm(3)(lib.zeros(2, 4))),
    Refusal("LSTM", "features differ", lambda lib: lib.nn.LSTM(3, 4)(lib.zeros(2, 1, 5))),
    Refusal("LSTM", "no step", lambda lib: lib.nn.LSTM(3, 4)(lib.zeros(0, 1, 3))),
    Refusal("proj_size", "not below the cells", lambda lib: lib.nn.LSTM(3, 4, proj_size=4)),
    Refusal("GRU", "a state of another batch", lambda lib: lib.nn.GRU(3, 4)(lib.zeros(2, 1, 3), lib.zeros(1, 2, 4))),
    Refusal("RNN", "features of a cell differ", lambda lib: lib.nn.RNNCell(3, 4)(lib.zeros(2, 5))),
    Refusal(
        "enforce_sorted",
        "lengths that grow",
        lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.zeros(3, 2, 1), lib.tensor([1, 3])),
    ),
    Refusal(
        "length",
        "a length of 0",
        lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.zeros(3, 2, 1), lib.tensor([3, 0])),
    ),
    Refusal(
        "scaled_dot_product_attention",
        "widths differ",
        lambda lib: lib.nn.functional.scaled_dot_product_attention(lib.zeros(2, 3), lib.zeros(2, 4), lib.zeros(2, 3)),
    ),
    Refusal(
        "scaled_dot_product_attention",
        "a mask beside is_causal",
        lambda lib: lib.nn.functional.scaled_dot_product_attention(
            lib.zeros(2, 3), lib.zeros(2, 3), lib.zeros(2, 3), attn_mask=lib.zeros(2, 2), is_causal=True
        ),
    ),
    Refusal("dropout", "a chance above 1", lambda lib: lib.nn.Dropout(1.5)),
    Refusal("reshape", "another number of elements", lambda lib: lib.zeros(2, 3).reshape(4, 2)),
    Refusal("reshape", "two unknown lengths", lambda lib: lib.zeros(2, 3).reshape(-1, -1)),
    Refusal("expand", "an axis that is not 1", lambda lib: lib.zeros(2, 3).expand(2, 4)),
    Refusal("permute", "an axis twice", lambda lib: lib.zeros(2, 3).permute(0, 0)),
    Refusal("transpose", "an axis too far", lambda lib: lib.zeros(2, 3).transpose(0, 2)),
    Refusal("unsqueeze", "an axis too far", lambda lib: lib.zeros(2, 3).unsqueeze(4)),
    Refusal("sum", "an axis too far", lambda lib: lib.zeros(2, 3).sum(dim=2)),
    Refusal("sum", "an axis twice", lambda lib: lib.zeros(2, 3).sum(dim=(0, 0))),
    Refusal("softmax", "an axis too far", lambda lib: lib.softmax(lib.zeros(2, 3), dim=-3)),
    Refusal("amax", "nothing to look at", lambda lib: lib.amax(lib.zeros(0, 3), dim=0)),
    Refusal("argmax", "nothing to look at", lambda lib: lib.argmax(lib.zeros(0))),
    Refusal("topk", "more than there are", lambda lib: lib.topk(lib.zeros(3), 4)),
    Refusal("cat", "other lengths differ", lambda lib: lib.cat([lib.zeros(2, 3), lib.zeros(2, 4)], dim=0)),
    Refusal("cat", "nothing to join", lambda lib: lib.cat([], dim=0)),
    Refusal("stack", "shapes differ", lambda lib: lib.stack([lib.zeros(2), lib.zeros(3)])),
    Refusal("index", "a number too far", lambda lib: lib.zeros(2, 3)[5]),
    Refusal("index", "too many indices", lambda lib: lib.zeros(2, 3)[0, 0, 0]),
    Refusal("index", "an index tensor too far", lambda lib: lib.zeros(2, 3)[lib.tensor([0, 2])]),
    Refusal("gather", "an index too far", lambda lib: lib.gather(lib.zeros(2, 3), 1, lib.tensor([[3], [0]]))),
    Refusal("index_select", "an index too far", lambda lib: lib.index_select(lib.zeros(2, 3), 0, lib.tensor([2]))),
    Refusal("narrow", "beyond the end", lambda lib: lib.narrow(lib.zeros(3), 0, 2, 2)),
    Refusal("split", "sections do not add up", lambda lib: lib.split(lib.zeros(3), [1, 1])),
    Refusal("mse_loss", "shapes differ", lambda lib: lib.nn.functional.mse_loss(lib.zeros(2, 3), lib.zeros(4, 5))),
    Refusal(
        "reduction",
        "no such reduction",
        lambda lib: lib.nn.functional.mse_loss(lib.zeros(2), lib.zeros(2), reduction="max"),
    ),
    Refusal(
        "cross_entropy",
        "a class too far",
        lambda lib: lib.nn.functional.cross_entropy(lib.zeros(2, 3), lib.tensor([0, 3])),
    ),
    Refusal(
        "cross_entropy",
        "one target is missing",
        lambda lib: lib.nn.functional.cross_entropy(lib.zeros(2, 3), lib.tensor([0])),
    ),
    Refusal("backward", "not one number", lambda lib: (lib.zeros(3, requires_grad=True) * 2).backward()),
    Refusal("backward", "nothing was recorded", lambda lib: lib.zeros(3).sum().backward()),
    Refusal("item", "not one number", lambda lib: lib.zeros(3).item()),
    Refusal(
        "learning rate", "a rate below zero", lambda lib: lib.optim.SGD([lib.zeros(2, requires_grad=True)], lr=-1.0)
    ),
    Refusal("beta", "a beta above 1", lambda lib: lib.optim.Adam([lib.zeros(2, requires_grad=True)], betas=(1.5, 0.9))),
    Refusal(
        "nesterov",
        "without momentum",
        lambda lib: lib.optim.SGD([lib.zeros(2, requires_grad=True)], lr=0.1, nesterov=True),
    ),
    Refusal("empty", "no parameters", lambda lib: lib.optim.SGD([], lr=0.1)),
    Refusal("state_dict", "a name too few", lambda lib: lib.nn.Linear(2, 2).load_state_dict({})),
]
