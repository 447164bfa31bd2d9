"""GPT: a transformer that predicts the next token."""

from __future__ import annotations

from barehand import _barehand
from barehand._barehand import Generator, Tensor, cat
from barehand.autograd import no_grad
from barehand.nn import functional as F
from barehand.nn import init
from barehand.nn.attention import KVCache, _triangle, join, split
from barehand.nn.container import ModuleList
from barehand.nn.embedding import Embedding
from barehand.nn.linear import Linear
from barehand.nn.module import Module
from barehand.nn.normalization import Dropout, LayerNorm
from barehand.nn.position import LearnedPositions

_choose_token = _barehand._choose_token


class CausalSelfAttention(Module):
    """Attention to this and former tokens, with query, key and value from one projection."""

    def __init__(self, n_embd: int, n_head: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.c_attn = Linear(n_embd, 3 * n_embd, bias=bias)
        self.c_proj = Linear(n_embd, n_embd, bias=bias)
        self.resid_dropout = Dropout(dropout)
        self.n_head = n_head
        self.dropout = dropout

    def forward(self, x: Tensor, cache: KVCache | None = None) -> Tensor:
        packed, dropout = self.c_attn(x), self.dropout if self.training else 0.0
        if cache is None:
            attended = F.packed_attention(packed, self.n_head, dropout_p=dropout, is_causal=True)
        else:
            before = len(cache)
            query, key, value = (split(part, self.n_head) for part in packed.chunk(3, -1))
            key, value = cache.append(key, value)
            length = query.shape[2]
            mask = _triangle(length, before + length, before) if length > 1 else None
            attended = join(F.scaled_dot_product_attention(query, key, value, mask, dropout_p=dropout))
        return self.resid_dropout(self.c_proj(attended))


class GPTMLP(Module):
    """To four times the width and back, with GELU between."""

    def __init__(self, n_embd: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.c_fc = Linear(n_embd, 4 * n_embd, bias=bias)
        self.c_proj = Linear(4 * n_embd, n_embd, bias=bias)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.c_proj(F.gelu(self.c_fc(x))))


class GPTBlock(Module):
    """Attention and a feed-forward part, each behind a norm and added to what came in."""

    def __init__(self, n_embd: int, n_head: int, dropout: float, bias: bool) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(n_embd, bias=bias)
        self.attn = CausalSelfAttention(n_embd, n_head, dropout, bias)
        self.ln_2 = LayerNorm(n_embd, bias=bias)
        self.mlp = GPTMLP(n_embd, dropout, bias)

    def forward(self, x: Tensor, cache: KVCache | None = None) -> Tensor:
        x = x + self.attn(self.ln_1(x), cache)
        return x + self.mlp(self.ln_2(x))


class GPTBody(Module):
    """Embeddings, blocks, and the last norm."""

    def __init__(
        self, vocab_size: int, block_size: int, n_layer: int, n_head: int, n_embd: int, dropout: float, bias: bool
    ) -> None:
        super().__init__()
        self.wte = Embedding(vocab_size, n_embd)
        self.wpe = LearnedPositions(block_size, n_embd)
        self.drop = Dropout(dropout)
        self.h = ModuleList([GPTBlock(n_embd, n_head, dropout, bias) for _ in range(n_layer)])
        self.ln_f = LayerNorm(n_embd, bias=bias)

    def forward(self, ids: Tensor, caches: list[KVCache] | None = None) -> Tensor:
        x = self.drop(self.wpe(self.wte(ids), len(caches[0]) if caches else 0))
        for i, block in enumerate(self.h):
            x = block(x, None if caches is None else caches[i])
        return self.ln_f(x)


class GPT(Module):
    """A decoder of pre-norm blocks with learned positions and GELU, and a linear layer over the vocabulary.

    Its parameters have nanoGPT's names; the defaults are those of the smallest GPT-2 (Radford et al. 2019). `block_size` is
    the longest sequence; `tied` makes the last layer's weight the embedding of tokens, one tensor under two names. Weights
    begin normal with standard deviation 0.02, those of the projections that end a part with 0.02 / √(2 n_layer), biases 0.

    >>> gpt = bh.nn.models.GPT(65, block_size=16, n_layer=2, n_head=2, n_embd=32)
    >>> ids = bh.tensor([[1, 2, 3, 4]])
    >>> gpt(ids).shape
    (1, 4, 65)
    >>> gpt.loss(ids, bh.tensor([[2, 3, 4, 5]])).backward()
    >>> gpt.generate(ids, 10).shape
    (1, 14)
    """

    def __init__(
        self,
        vocab_size: int,
        block_size: int = 1024,
        n_layer: int = 12,
        n_head: int = 12,
        n_embd: int = 768,
        dropout: float = 0.0,
        bias: bool = True,
        tied: bool = True,
    ) -> None:
        super().__init__()
        if min(vocab_size, block_size, n_head, n_embd) <= 0 or n_layer < 0 or n_embd % n_head:
            raise ValueError(
                f"a vocabulary of {vocab_size}, a block size of {block_size}, {n_head} heads, a width of {n_embd}: none may be "
                "0, and the heads must divide the width"
            )
        self.block_size = block_size
        self.transformer = GPTBody(vocab_size, block_size, n_layer, n_head, n_embd, dropout, bias)
        self.lm_head = Linear(n_embd, vocab_size, bias=False)
        if tied:
            self.lm_head.weight = self.transformer.wte.weight
        for name, parameter in self.named_parameters():
            if name.endswith("c_proj.weight"):
                init.normal_(parameter, 0.0, 0.02 / (2 * max(n_layer, 1)) ** 0.5)
            elif name.endswith("bias"):
                init.zeros_(parameter)
            elif parameter.dim() == 2:
                init.normal_(parameter, 0.0, 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """The logits of every next token, (N, L, vocabulary), for tokens (N, L)."""
        return self.lm_head(self.transformer(ids))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The mean cross entropy of the next tokens: targets (N, L) for tokens (N, L)."""
        return F.cross_entropy(self(ids).flatten(0, 1), targets.flatten())

    def make_cache(self) -> list[KVCache]:
        """An empty cache for each block, for `forward_cached`."""
        return [KVCache(self.block_size) for _ in self.transformer.h]

    def forward_cached(self, ids: Tensor, caches: list[KVCache]) -> Tensor:
        """The logits after the last of some tokens (N, L), (N, vocabulary), where the caches hold all tokens before them.

        They then hold these too. Nothing is recorded.
        """
        if len(caches) != len(self.transformer.h):
            raise ValueError(f"{len(caches)} caches for {len(self.transformer.h)} blocks: make_cache makes them")
        with no_grad():
            return self.lm_head(self.transformer(ids, caches)[:, -1])

    def generate(
        self, ids: Tensor, max_new_tokens: int, temperature: float | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Tokens (N, L) and as many more.

        Each is the most probable one, or with a `temperature` drawn from softmax(logits / temperature). Only the last
        tokens that the block size allows are looked at, as nanoGPT does; while there are no more, the keys and values of
        former tokens are kept and not computed again.
        """
        if ids.dim() != 2 or ids.shape[1] == 0:
            raise ValueError(f"tokens of shape {tuple(ids.shape)}: (N, L) with L > 0 expected")
        caches, news = self.make_cache(), ids
        for _ in range(max_new_tokens):
            if ids.shape[1] > self.block_size:
                # Every token has moved to another position: nothing that is held is true any more.
                for cache in caches:
                    cache.truncate()
                news = ids[:, -self.block_size :]
            news = _choose_token(self.forward_cached(news, caches), temperature, generator)
            ids = cat([ids, news], 1)
        return ids
