"""Scores of generated text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from barehand._barehand import _metrics
from barehand._check_array import check_array, to_numpy
from barehand._param_validation import Interval, check_parameters

Tokens = str | Sequence[Any]


class BleuScore(NamedTuple):
    """A BLEU score and what it is made of."""

    bleu: float
    precisions: list[float]
    brevity_penalty: float
    length: int
    reference_length: int


def bleu_score(
    translations: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    *,
    max_order: int = 4,
    smoothing: str | None = None,
    smoothing_value: float | None = None,
    effective_order: bool = False,
) -> BleuScore:
    """BLEU of a corpus, with the numbers that it is made of: how many n-grams of translations occur in their references.

    ``BLEU = min(1, exp(1 - r / c)) exp(mean over n of ln p_n)``, with counts summed over the corpus, ``c`` the length of the
    translations and ``r`` that of the closest references. sacrebleu's score of the same tokens, divided by 100.

    Args:
        translations: ``N`` sequences of tokens; strings are split at white space.
        references: for each of them, one or more sequences of tokens.
        max_order: the longest n-grams.
        smoothing: what becomes of an order of which nothing matches: None for 0; ``"exp"`` for half a match for the first such
            order, a quarter for the second; ``"floor"`` for ``smoothing_value`` (0.1) matches; ``"add_k"`` for
            ``smoothing_value`` (1) matches and n-grams more, from bigrams on.
        smoothing_value: see ``smoothing``.
        effective_order: whether to stop at the longest n-grams that translations have.

    >>> score = bleu_score(["the cat sat on the mat today"], [["the cat sat on a mat today"]])
    >>> round(score.bleu, 4), score.brevity_penalty
    (0.4889, 1.0)
    """
    caller = "bleu_score"
    check_parameters(
        {
            "max_order": [Interval(int, 1, None)],
            "smoothing": [{"exp", "floor", "add_k"}, None],
            "smoothing_value": [Interval(float, 0, None), None],
            "effective_order": [bool],
        },
        {
            "max_order": max_order,
            "smoothing": smoothing,
            "smoothing_value": smoothing_value,
            "effective_order": effective_order,
        },
        caller,
    )
    if smoothing_value is not None and smoothing not in ("floor", "add_k"):
        raise ValueError(f"smoothing={smoothing!r} takes no smoothing_value")
    value = (
        {"floor": 0.1, "add_k": 1.0}.get(smoothing or "", 0.0) if smoothing_value is None else float(smoothing_value)
    )
    if isinstance(translations, str) or any(isinstance(given, str) for given in references):
        raise TypeError("translations are a list of texts, and references a list of texts for each of them")
    return BleuScore(
        *_metrics.bleu(
            [_tokens(text) for text in translations],
            [[_tokens(text) for text in given] for given in references],
            int(max_order),
            smoothing,
            value,
            bool(effective_order),
        )
    )


def corpus_bleu(translations: Sequence[Tokens], references: Sequence[Sequence[Tokens]], **options: Any) -> float:
    """BLEU of a corpus, from 0 to 1.

    Arguments are those of `bleu_score`, which also gives the precision of each order.

    >>> corpus_bleu([[1, 2, 3, 4]], [[[1, 2, 3, 4], [4, 3]]])
    1.0
    """
    return bleu_score(translations, references, **options).bleu


def perplexity(logits: Any, targets: Any, *, ignore_index: int | None = None) -> float:
    """Among how many equally likely tokens a language model seems to choose: ``exp(-mean ln softmax(logits)[target])``.

    Args:
        logits: ``(..., C)``.
        targets: ``(...)`` whole numbers, the tokens that came.
        ignore_index: a target that is left out.

    >>> round(perplexity([[0.0, 0.0, 0.0, 0.0], [7.0, 7.0, 7.0, 7.0]], [2, 0]), 12)
    4.0
    """
    logits = check_array(
        logits, ensure_2d=False, allow_nd=True, dtype=(np.float64, np.float32), order="C", ensure_all_finite=False
    )
    tokens = to_numpy(targets)
    if tokens.dtype.kind not in "iu":
        raise TypeError(f"targets are whole numbers, found dtype {tokens.dtype}")
    return _metrics.perplexity(logits, np.ascontiguousarray(tokens, dtype=np.int64), ignore_index)


def _tokens(text: Tokens) -> list[str]:
    if isinstance(text, str):
        return text.split()
    # Tokens that are not strings compare by what they show.
    return [token if isinstance(token, str) else repr(token) for token in text]
