"""Losses as modules; what they compute is said in `barehand.nn.functional`."""

from __future__ import annotations

from typing import Literal

from barehand._barehand import Tensor
from barehand.nn import functional as F
from barehand.nn.module import Module

_Reduction = Literal["none", "mean", "sum"]


class _Loss(Module):
    def __init__(self, *, reduction: _Reduction = "mean") -> None:
        super().__init__()
        if reduction not in ("none", "mean", "sum"):
            raise ValueError(f"{reduction} is not a valid value for reduction")
        self.reduction: _Reduction = reduction


class _WeightedLoss(_Loss):
    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)


class MSELoss(_Loss):
    """The mean, or the sum, of (input - target)²."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """The mean, or the sum, of |input - target|."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """d² / (2 beta) where d = |input - target| is below beta, d - beta / 2 elsewhere (Girshick 2015)."""

    def __init__(self, *, reduction: _Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class BCELoss(_WeightedLoss):
    """-(t ln p + (1 - t) ln(1 - p)) from probabilities."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """-(pos_weight t ln sigmoid(x) + (1 - t) ln(1 - sigmoid(x))) from logits, without overflow."""

    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, reduction: _Reduction = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class CrossEntropyLoss(_WeightedLoss):
    """-Σ q ln softmax(logits) over the classes; targets are class indices or probabilities.

    >>> bh.nn.CrossEntropyLoss()(bh.zeros(2, 4), bh.tensor([0, 3]))
    tensor(1.3863)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: _Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_WeightedLoss):
    """-input at the right class, from log-probabilities."""

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: _Reduction = "mean"
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class HuberLoss(_Loss):
    """d² / 2 where d = |input - target| is at most delta, delta (d - delta / 2) elsewhere (Huber 1964)."""

    def __init__(self, *, reduction: _Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class HingeLoss(_Loss):
    """max(0, margin - target · input), of targets -1 and 1."""

    def __init__(self, *, margin: float = 1.0, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_loss(input, target, margin=self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(_Loss):
    """The input where the target is 1, max(0, margin - input) where it is -1."""

    def __init__(self, margin: float = 1.0, *, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """ln(1 + e^(-target · input)), of targets -1 and 1."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class KLDivLoss(Module):
    """target (ln target - input) of log-probabilities, or with log_target e^target (target - input)."""

    def __init__(
        self, *, reduction: Literal["none", "mean", "batchmean", "sum"] = "mean", log_target: bool = False
    ) -> None:
        super().__init__()
        if reduction not in ("none", "mean", "batchmean", "sum"):
            raise ValueError(f"{reduction} is not a valid value for reduction")
        self.reduction: Literal["none", "mean", "batchmean", "sum"] = reduction
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class KLDivergence(_Loss):
    """Σ P ln(P / Q) of rows of weights, each divided by its sum and raised by eps; swapped: Σ Q ln(Q / P)."""

    def __init__(self, *, swapped: bool = False, eps: float = 1e-12, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.swapped = swapped
        self.eps = eps

    def forward(self, p: Tensor, q: Tensor) -> Tensor:
        return F.kl_divergence(p, q, swapped=self.swapped, eps=self.eps, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """Σ_(c ≠ y) weight_y max(0, margin - x_y + x_c)^p / C, of scores and class indices."""

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, *, reduction: _Reduction = "mean"
    ) -> None:
        super().__init__(weight, reduction=reduction)
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """max(0, -target (input1 - input2) + margin): 1 says that the first should be higher, -1 the second."""

    def __init__(self, margin: float = 0.0, *, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class PairwiseMarginLoss(_Loss):
    """max(0, positive - negative + margin) of distances: two-tower models."""

    def __init__(self, *, margin: float = 1.0, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return F.pairwise_margin_loss(positive, negative, margin=self.margin, reduction=self.reduction)


class BPRLoss(_Loss):
    """-ln sigmoid(positive - negative), of the scores of what was chosen and of what was not (Rendle et al. 2009)."""

    def forward(self, positive: Tensor, negative: Tensor) -> Tensor:
        return F.bpr_loss(positive, negative, reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1."""

    def __init__(self, margin: float = 0.0, *, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class ContrastiveLoss(_Loss):
    """target d² + (1 - target) max(margin - d, 0)², where d is the distance of a pair (Hadsell et al. 2006)."""

    def __init__(
        self, *, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, reduction: _Reduction = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.margin = margin
        self.p = p
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor, target: Tensor) -> Tensor:
        return F.contrastive_loss(x1, x2, target, margin=self.margin, p=self.p, eps=self.eps, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin) (Balntas et al. 2016)."""

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: _Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class PoissonNLLLoss(_Loss):
    """Of counts: e^x - target x, or without log_input x - target ln(x + eps)."""

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: _Reduction = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(_Loss):
    """Of measurements: (ln v + (input - target)² / v) / 2 with v = max(var, eps)."""

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class FocalLoss(_Loss):
    """-α (1 - p)^gamma ln p from logits, where p is the probability given to the target (Lin et al. 2017)."""

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        alpha: float | None = None,
        balanced: bool = False,
        reduction: _Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.gamma = gamma
        self.alpha = alpha
        self.balanced = balanced

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.focal_loss(
            input, target, gamma=self.gamma, alpha=self.alpha, balanced=self.balanced, reduction=self.reduction
        )


class InfoNCELoss(_Loss):
    """Cross entropy of the similarities of each anchor with every positive (van den Oord et al. 2018); symmetric: CLIP's."""

    def __init__(
        self,
        *,
        temperature: float = 0.07,
        normalize: bool = True,
        symmetric: bool = False,
        reduction: _Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.temperature = temperature
        self.normalize = normalize
        self.symmetric = symmetric

    def forward(self, anchors: Tensor, positives: Tensor) -> Tensor:
        return F.info_nce_loss(
            anchors,
            positives,
            temperature=self.temperature,
            normalize=self.normalize,
            symmetric=self.symmetric,
            reduction=self.reduction,
        )


class NTXentLoss(_Loss):
    """Of two views of N samples, each looks for its other view among all 2N - 1 others (Chen et al. 2020)."""

    def __init__(self, *, temperature: float = 0.5, normalize: bool = True, reduction: _Reduction = "mean") -> None:
        super().__init__(reduction=reduction)
        self.temperature = temperature
        self.normalize = normalize

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return F.nt_xent_loss(
            first, second, temperature=self.temperature, normalize=self.normalize, reduction=self.reduction
        )


class ProbabilityCrossEntropyLoss(_WeightedLoss):
    """-Σ q ln(clip(p) + inside) over the classes, from probabilities p."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        clip: float = 1e-12,
        inside: float = 0.0,
        ignore_index: int = -100,
        reduction: _Reduction = "mean",
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.clip = clip
        self.inside = inside
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.probability_cross_entropy(
            input,
            target,
            self.weight,
            clip=self.clip,
            inside=self.inside,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )
