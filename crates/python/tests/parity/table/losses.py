"""Losses, as functions and as modules, with every reduction and option."""

import math
from functools import partial
from typing import Any

from parity.arguments import constant, flag, index, one_of, positive, real, reduction, size, tied
from parity.rows import Layer, Operator, Row, reference

probability = partial(real, low=0.05, high=0.95)
beta = one_of(1.0, 0.5, 2.0)
smoothing = one_of(0.0, 0.1, 1.0)
ignored = one_of(-100, 0, 1)

margin = one_of(1.0, 0.3)


def reduced(losses: Any, reduction: str) -> Any:
    """As the losses of either library end."""
    return losses if reduction == "none" else getattr(losses, reduction)()


def signs(lib: Any, target: Any) -> Any:
    """-1 and 1, of any numbers."""
    return lib.where(target > 0, lib.ones_like(target), -lib.ones_like(target))


def with_signs(name: str, *, at: int = -1) -> Any:
    """A function whose target is turned into -1 and 1."""

    def call(lib: Any, *tensors: Any, **options: Any) -> Any:
        function = getattr(lib.nn.functional, name)
        return function(*tensors[:at], signs(lib, tensors[at]), **options)

    return call


def hinge(lib: Any, x: Any, y: Any, margin: float, reduction: str) -> Any:
    return reduced((margin - x * y).clamp(min=0), reduction)


def focal(lib: Any, x: Any, y: Any, gamma: float, alpha: float | None, balanced: bool, reduction: str) -> Any:
    p = lib.sigmoid(x)
    losses = lib.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="none")
    losses = losses * (1 - (p * y + (1 - p) * (1 - y))) ** gamma
    if alpha is not None:
        losses = losses * (alpha * y + (1 - alpha) * (1 - y) if balanced else alpha)
    return reduced(losses, reduction)


def contrastive(lib: Any, a: Any, b: Any, y: Any, margin: float, eps: float, reduction: str) -> Any:
    d = lib.nn.functional.pairwise_distance(a, b, eps=eps)
    return reduced(y * d**2 + (1 - y) * (margin - d).clamp(min=0) ** 2, reduction)


def divergence(lib: Any, p: Any, q: Any, swapped: bool, reduction: str) -> Any:
    p, q = (x / x.sum(-1, keepdim=True) + 1e-12 for x in ((q, p) if swapped else (p, q)))
    return reduced((p * (p / q).log()).sum(-1), reduction)


def info_nce(lib: Any, a: Any, b: Any, temperature: float, normalize: bool, symmetric: bool, reduction: str) -> Any:
    f = lib.nn.functional
    if normalize:
        a, b = f.normalize(a, dim=-1), f.normalize(b, dim=-1)
    logits, own = a @ b.T / temperature, lib.arange(len(a))
    loss = f.cross_entropy(logits, own, reduction=reduction)
    return (loss + f.cross_entropy(logits.T, own, reduction=reduction)) / 2 if symmetric else loss


def nt_xent(lib: Any, a: Any, b: Any, temperature: float, normalize: bool, reduction: str) -> Any:
    f, views = lib.nn.functional, lib.cat([a, b])
    views = f.normalize(views, dim=-1) if normalize else views
    logits = (views @ views.T / temperature).masked_fill(lib.eye(len(views)) > 0, -math.inf)
    return f.cross_entropy(logits, lib.arange(len(views)).roll(len(a)), reduction=reduction)


def of_probabilities(lib: Any, p: Any, y: Any, clip: float, inside: float, reduction: str) -> Any:
    return lib.nn.functional.nll_loss((p.clamp(clip, 1 - clip) + inside).log(), y, reduction=reduction)


def own(name: str, formula: Any, *arguments: Any, **options: Any) -> Row:
    """A loss that PyTorch lacks, beside its formula in PyTorch's operators."""
    path, _, which = name.partition(" ")
    named = f"nn.functional.{path}{f' {which}' if which else ''}"
    # What a division by a length leaves of a gradient may be the small difference of its terms.
    magnifies = 8.0 if options.get("normalize") is not None else 1.0
    call = reference(path, formula)
    return Operator(named, *arguments, call=call, magnifies=magnifies, reduction=reduction, **options)


ROWS: list[Row] = [
    Operator("nn.functional.huber_loss", real("..."), real("..."), reduction=reduction, delta=beta),
    Operator("nn.functional.huber_loss [ties]", tied("..."), tied("..."), reduction=reduction, delta=beta),
    *[
        Operator(
            f"nn.functional.{name}",
            real("..."),
            constant(real("...")),
            call=with_signs(name),
            reduction=reduction,
            **options,
        )
        for name, options in (("hinge_embedding_loss", {"margin": margin}), ("soft_margin_loss", {}))
    ],
    Operator(
        "nn.functional.hinge_embedding_loss [ties]",
        tied("..."),
        constant(tied("...")),
        call=with_signs("hinge_embedding_loss"),
        reduction=reduction,
    ),
    Operator(
        "nn.functional.kl_div",
        real("N ...", high=0.0),
        positive("N ..."),
        reduction=one_of("none", "mean", "batchmean", "sum"),
    ),
    Operator(
        "nn.functional.kl_div [logarithms]",
        real("N ...", high=0.0),
        real("N ...", high=0.0),
        reduction=one_of("none", "mean", "batchmean", "sum"),
        log_target=one_of(True),
    ),
    # PyTorch's loss of no rows at all is whatever lies in memory.
    Operator(
        "nn.functional.multi_margin_loss",
        real("N C"),
        index("N", below="C"),
        p=one_of(1, 2),
        margin=margin,
        reduction=reduction,
    ),
    Operator(
        "nn.functional.multi_margin_loss [weighted]",
        real("N C"),
        index("N", below="C"),
        constant(positive("C")),
        call=lambda lib, x, y, w, **options: lib.nn.functional.multi_margin_loss(x, y, weight=w, **options),
        p=one_of(1, 2),
        reduction=reduction,
    ),
    Operator(
        "nn.functional.margin_ranking_loss",
        real("..."),
        real("..."),
        constant(real("...")),
        call=with_signs("margin_ranking_loss"),
        margin=one_of(0.0, 0.5),
        reduction=reduction,
    ),
    Operator(
        "nn.functional.pairwise_distance", real("... N"), real("... N"), p=one_of(2.0, 1.0, 3.0, math.inf), keepdim=flag
    ),
    Operator("nn.functional.cosine_similarity", real("n N *"), real("n N *"), dim=one_of(0, 1)),
    Operator(
        "nn.functional.cosine_embedding_loss",
        real("n N"),
        real("n N"),
        constant(real("n")),
        call=with_signs("cosine_embedding_loss"),
        margin=one_of(0.0, 0.3),
        reduction=reduction,
    ),
    Operator(
        "nn.functional.triplet_margin_loss",
        real("n N"),
        real("n N"),
        real("n N"),
        margin=one_of(1.0, 3.0),
        p=one_of(2.0, 1.0),
        swap=flag,
        reduction=reduction,
    ),
    Operator(
        "nn.functional.poisson_nll_loss",
        positive("..."),
        positive("..."),
        log_input=flag,
        full=flag,
        reduction=reduction,
    ),
    Operator(
        "nn.functional.gaussian_nll_loss",
        real("... N"),
        real("... N"),
        positive("... N"),
        full=flag,
        reduction=reduction,
    ),
    Operator("nn.functional.gaussian_nll_loss [rows]", real("n N"), real("n N"), positive("n"), reduction=reduction),
    own("hinge_loss", hinge, real("..."), constant(real("...")), margin=margin),
    own(
        "focal_loss",
        focal,
        real("..."),
        probability("..."),
        gamma=one_of(0.0, 1.0, 2.0, 3.5),
        alpha=one_of(0.25, 0.5),
        balanced=flag,
    ),
    own(
        "focal_loss [without alpha]",
        focal,
        real("..."),
        probability("..."),
        gamma=one_of(2.0),
        alpha=one_of(None),
        balanced=one_of(False),
    ),
    own(
        "contrastive_loss",
        contrastive,
        real("n N"),
        real("n N"),
        constant(probability("n")),
        margin=one_of(1.0, 3.0),
        eps=one_of(1e-6, 0.0),
    ),
    own(
        "pairwise_margin_loss",
        lambda lib, x, y, margin, reduction: reduced((x - y + margin).clamp(min=0), reduction),
        real("..."),
        real("..."),
        margin=margin,
    ),
    own(
        "bpr_loss",
        lambda lib, x, y, reduction: reduced(-lib.nn.functional.logsigmoid(x - y), reduction),
        real("..."),
        real("..."),
    ),
    own("kl_divergence", divergence, positive("... N"), positive("... N"), swapped=flag),
    own(
        "info_nce_loss",
        info_nce,
        real("N D"),
        real("N D"),
        temperature=one_of(1.0, 0.5),
        normalize=flag,
        symmetric=flag,
    ),
    own("nt_xent_loss", nt_xent, real("N D"), real("N D"), temperature=one_of(1.0, 0.5), normalize=flag),
    own(
        "probability_cross_entropy",
        of_probabilities,
        probability("n C"),
        index("n", below="C"),
        clip=one_of(1e-7),
        inside=one_of(0.0, 1e-9),
    ),
    Layer("nn.HuberLoss", real("..."), real("..."), reduction=reduction, delta=beta),
    Layer("nn.HingeEmbeddingLoss", real("..."), constant(tied("...")), margin=margin, reduction=reduction),
    Layer("nn.SoftMarginLoss", real("..."), constant(real("...")), reduction=reduction),
    Layer(
        "nn.KLDivLoss", real("N ...", high=0.0), positive("N ..."), reduction=one_of("none", "mean", "batchmean", "sum")
    ),
    Layer("nn.MultiMarginLoss", real("N C"), index("N", below="C"), p=one_of(1, 2), margin=margin, reduction=reduction),
    Layer("nn.MarginRankingLoss", real("..."), real("..."), constant(real("...")), margin=margin, reduction=reduction),
    Layer("nn.CosineEmbeddingLoss", real("n N"), real("n N"), constant(tied("n")), margin=margin, reduction=reduction),
    Layer("nn.TripletMarginLoss", real("n N"), real("n N"), real("n N"), margin=margin, swap=flag, reduction=reduction),
    Layer("nn.PoissonNLLLoss", real("..."), positive("..."), log_input=one_of(True), full=flag, reduction=reduction),
    Layer("nn.GaussianNLLLoss", real("... N"), real("... N"), positive("... N"), full=flag, reduction=reduction),
    Layer("nn.PairwiseDistance", real("... N"), real("... N"), p=one_of(2.0, 1.0), keepdim=flag),
    Layer("nn.CosineSimilarity", real("n N"), real("n N"), dim=one_of(0, 1)),
    Operator("nn.functional.mse_loss", real("..."), real("..."), reduction=reduction),
    Operator("nn.functional.l1_loss", real("..."), real("..."), reduction=reduction),
    Operator("nn.functional.l1_loss [ties]", tied("..."), tied("..."), reduction=reduction),
    Operator("nn.functional.smooth_l1_loss", real("..."), real("..."), reduction=reduction, beta=beta),
    Operator("nn.functional.smooth_l1_loss [ties]", tied("..."), tied("..."), reduction=reduction, beta=beta),
    Operator("nn.functional.binary_cross_entropy", probability("..."), probability("..."), reduction=reduction),
    Operator("nn.functional.binary_cross_entropy_with_logits", real("..."), probability("..."), reduction=reduction),
    Operator(
        "nn.functional.binary_cross_entropy [weighted]",
        probability("n m"),
        probability("n m"),
        constant(positive("m")),
        reduction=reduction,
    ),
    Operator(
        "nn.functional.binary_cross_entropy_with_logits [weighted]",
        real("n m"),
        probability("n m"),
        constant(positive("m")),
        constant(positive("m")),
        call=lambda lib, x, y, w, p, reduction: lib.nn.functional.binary_cross_entropy_with_logits(
            x, y, w, reduction=reduction, pos_weight=p
        ),
        reduction=reduction,
    ),
    Operator(
        "nn.functional.cross_entropy",
        real("n C"),
        index("n", below="C"),
        reduction=reduction,
        label_smoothing=smoothing,
        ignore_index=ignored,
    ),
    Operator(
        "nn.functional.cross_entropy [weighted]",
        real("n C"),
        index("n", below="C"),
        constant(positive("C")),
        reduction=reduction,
        label_smoothing=smoothing,
        ignore_index=ignored,
    ),
    Operator(
        "nn.functional.cross_entropy [probabilities]",
        real("n C"),
        probability("n C"),
        reduction=reduction,
        label_smoothing=smoothing,
    ),
    Operator("nn.functional.cross_entropy [images]", real("n C H W"), index("n H W", below="C"), reduction=reduction),
    Operator("nn.functional.cross_entropy [one]", real("C"), index("", below="C"), reduction=reduction),
    Operator("nn.functional.nll_loss", real("n C"), index("n", below="C"), reduction=reduction, ignore_index=ignored),
    Operator(
        "nn.functional.nll_loss [weighted]",
        real("n C"),
        index("n", below="C"),
        constant(positive("C")),
        reduction=reduction,
        ignore_index=ignored,
    ),
    Layer("nn.MSELoss", real("..."), real("..."), reduction=reduction),
    Layer("nn.L1Loss", real("..."), real("..."), reduction=reduction),
    Layer("nn.SmoothL1Loss", real("..."), real("..."), reduction=reduction, beta=beta),
    Layer("nn.BCELoss", probability("..."), probability("..."), reduction=reduction),
    Layer("nn.BCEWithLogitsLoss", real("..."), probability("..."), reduction=reduction),
    Layer(
        "nn.CrossEntropyLoss",
        real("n C"),
        index("n", below="C"),
        reduction=reduction,
        label_smoothing=smoothing,
        ignore_index=ignored,
    ),
    Layer("nn.NLLLoss", real("n C"), index("n", below="C"), reduction=reduction, ignore_index=ignored),
    Layer(
        "nn.CrossEntropyLoss [weighted]",
        real("n C"),
        index("n", below="C"),
        call=lambda lib, classes, **options: lib.nn.CrossEntropyLoss(lib.ones(classes), **options),
        classes=size("C"),
        reduction=reduction,
        label_smoothing=smoothing,
    ),
    Layer(
        "nn.BCEWithLogitsLoss [weighted]",
        real("n M"),
        probability("n M"),
        call=lambda lib, m, **options: lib.nn.BCEWithLogitsLoss(pos_weight=lib.ones(m), **options),
        m=size("M"),
        reduction=reduction,
    ),
]
