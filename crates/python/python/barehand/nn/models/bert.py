"""BERT: a transformer that encodes text."""

from __future__ import annotations

from collections.abc import Mapping

from barehand._barehand import Tensor, bool as Bool, cat, zeros_like
from barehand.nn import init
from barehand.nn.container import ModuleList
from barehand.nn.embedding import Embedding
from barehand.nn.module import Module
from barehand.nn.normalization import Dropout, LayerNorm
from barehand.nn.position import LearnedPositions
from barehand.nn.transformer import TransformerEncoderLayer


class BertEmbeddings(Module):
    """The sum of what a token, its position and its segment are, normalised."""

    def __init__(
        self, vocab_size: int, positions: int, types: int, width: int, layer_norm_eps: float, dropout: float
    ) -> None:
        super().__init__()
        self.word_embeddings = Embedding(vocab_size, width)
        self.position_embeddings = LearnedPositions(positions, width)
        self.token_type_embeddings = Embedding(types, width)
        self.layer_norm = LayerNorm(width, eps=layer_norm_eps)
        self.dropout = Dropout(dropout)
        for table in (self.word_embeddings, self.token_type_embeddings):
            init.normal_(table.weight, 0.0, 0.02)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        x = self.word_embeddings(input_ids) + self.token_type_embeddings(token_type_ids)
        return self.dropout(self.layer_norm(self.position_embeddings(x)))


class BertEncoder(Module):
    """Post-norm layers with GELU, one after another."""

    def __init__(self, layers: int, width: int, heads: int, hidden: int, layer_norm_eps: float, dropout: float) -> None:
        super().__init__()

        def layer() -> TransformerEncoderLayer:
            return TransformerEncoderLayer(
                width, heads, hidden, dropout, "gelu", layer_norm_eps=layer_norm_eps, batch_first=True
            )

        self.layers = ModuleList([layer() for _ in range(layers)])

    def forward(self, x: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=key_padding_mask)
        return x


class Bert(Module):
    """Embeddings of tokens, positions and segments, and post-norm encoder layers with GELU (Devlin et al. 2018).

    The defaults are those of BERT-base, and the options have Hugging Face's names.

    >>> bert = bh.nn.models.Bert(
    ...     100, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16
    ... ).eval()
    >>> ids = bh.tensor([[1, 5, 7, 2], [1, 9, 2, 0]])
    >>> hidden = bert(ids, attention_mask=ids != 0)
    >>> hidden.shape, bh.nn.models.mean_pooling(hidden, ids != 0).shape
    ((2, 4, 8), (2, 8))
    """

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        num_attention_heads: int = 12,
        intermediate_size: int = 3072,
        max_position_embeddings: int = 512,
        type_vocab_size: int = 2,
        layer_norm_eps: float = 1e-12,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        sizes = (vocab_size, hidden_size, max_position_embeddings, intermediate_size, type_vocab_size)
        if min(sizes) <= 0 or num_hidden_layers < 0:
            raise ValueError(f"no size may be 0, in {sizes}, nor the number of layers negative")
        self.embeddings = BertEmbeddings(
            vocab_size, max_position_embeddings, type_vocab_size, hidden_size, layer_norm_eps, dropout
        )
        self.encoder = BertEncoder(
            num_hidden_layers, hidden_size, num_attention_heads, intermediate_size, layer_norm_eps, dropout
        )

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """The vectors of all tokens, (N, L, hidden_size), for tokens (N, L).

        `attention_mask` (N, L) is 0 or False at what fills up short sequences, to which nobody attends; `token_type_ids`
        (N, L) are 0 in a first sentence and 1 in a second.
        """
        types = zeros_like(input_ids) if token_type_ids is None else token_type_ids
        padding = None if attention_mask is None else ~attention_mask.to(Bool)
        return self.encoder(self.embeddings(input_ids, types), padding)

    def load_hugging_face(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes the weights of a checkpoint with Hugging Face's names, with or without `bert.` before them.

        The names are `embeddings.word_embeddings.weight`, `encoder.layer.0.attention.self.query.weight`, ...; the pooler and
        what lies behind it are left aside.
        """

        def find(name: str) -> Tensor:
            found = tensors.get(name, tensors.get(f"bert.{name}"))
            if found is None:
                raise KeyError(f"{name} is missing")
            return found

        state = {}
        for name in ("word_embeddings.weight", "position_embeddings.weight", "token_type_embeddings.weight"):
            state[f"embeddings.{name}"] = find(f"embeddings.{name}")
        for kind in ("weight", "bias"):
            state[f"embeddings.layer_norm.{kind}"] = find(f"embeddings.LayerNorm.{kind}")
            for i in range(len(self.encoder.layers)):
                here, there = f"encoder.layers.{i}", f"encoder.layer.{i}"
                parts = [find(f"{there}.attention.self.{part}.{kind}") for part in ("query", "key", "value")]
                state[f"{here}.self_attn.in_proj_{kind}"] = cat(parts)
                for ours, theirs in (
                    ("self_attn.out_proj", "attention.output.dense"),
                    ("norm1", "attention.output.LayerNorm"),
                    ("linear1", "intermediate.dense"),
                    ("linear2", "output.dense"),
                    ("norm2", "output.LayerNorm"),
                ):
                    state[f"{here}.{ours}.{kind}"] = find(f"{there}.{theirs}.{kind}")
        self.load_state_dict(state)


def mean_pooling(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean of the vectors of real tokens, (N, L, width) to (N, width): the vector of a sentence; 0 where there is none."""
    if hidden.dim() != 3 or tuple(attention_mask.shape) != tuple(hidden.shape[:2]):
        raise ValueError(
            f"{tuple(hidden.shape)} with {tuple(attention_mask.shape)} real: (N, L, width) and (N, L) expected"
        )
    real = attention_mask.to(Bool).to(hidden.dtype).unsqueeze(2)
    return (hidden * real).sum(1) / real.sum(1).clamp(min=1e-9)
