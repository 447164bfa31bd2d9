"""Vectors for words, characters, positions: rows of a trained table."""

from __future__ import annotations

from barehand import _barehand
from barehand._barehand import Tensor, device as Device, dtype as DType, empty
from barehand.nn import init
from barehand.nn.functional import embedding
from barehand.nn.module import Module
from barehand.nn.parameter import Parameter

_state = _barehand._state


class Embedding(Module):
    """The row of a table for each index: (*) to (*, embedding_dim).

    The weight (num_embeddings, embedding_dim) begins normal with mean 0 and standard deviation 1; the row `padding_idx`,
    which may count from the end, begins as 0 and gets no gradient. `scale_grad_by_freq` divides each row's gradient by the
    number of times that the row was picked. With `max_norm`, rows that are picked and longer than that are shortened to it
    first, in the table itself; `norm_type` says by which norm.

    >>> words = bh.nn.Embedding(10, 3, padding_idx=0)
    >>> words(bh.tensor([[0, 2], [9, 0]])).shape
    (2, 2, 3)
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        *,
        device: Device | str | None = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"padding_idx {padding_idx} must be within num_embeddings {num_embeddings}")
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.weight = Parameter(empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
        self.reset_parameters()

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
    ) -> Embedding:
        """A layer of a table made elsewhere, which is not trained unless `freeze` is False.

        >>> words = bh.nn.Embedding.from_pretrained(bh.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> words(bh.tensor([1]))
        tensor([[3., 4.]])
        """
        if embeddings.ndim != 2:
            raise ValueError("Embeddings parameter is expected to be 2-dimensional")
        rows, width = embeddings.shape
        layer = cls(rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, dtype=embeddings.dtype)
        layer.weight = Parameter(embeddings, requires_grad=not freeze)
        return layer

    def reset_parameters(self) -> None:
        """Draws the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            values = self.weight.detach().clone()
            values[self.padding_idx] = 0.0
            _state.copy_into(self.weight, values)

    def forward(self, input: Tensor) -> Tensor:
        return embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        if self.max_norm is not None:
            parts.append(f"max_norm={self.max_norm}")
        if self.norm_type != 2:
            parts.append(f"norm_type={self.norm_type}")
        if self.scale_grad_by_freq:
            parts.append("scale_grad_by_freq=True")
        return ", ".join(parts)
