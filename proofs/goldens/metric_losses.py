"""Losses of distances, margins, rankings, likelihoods and batches of embeddings: values and gradients for every reduction
and option. Those that PyTorch lacks (hinge, focal, contrastive, pairwise margin, BPR, InfoNCE, NT-Xent, the divergence of
plain weights, cross entropy of probabilities) are written here with PyTorch's operators."""

import numpy as np
import torch
import torch.nn.functional as F
from golden import Family

REDUCTIONS = ["none", "mean", "sum"]


def reduced(losses, reduction):
    return {"none": losses, "mean": losses.mean(), "sum": losses.sum()}[reduction]


def signs(random, *shape):
    return np.where(random.rand(*shape) < 0.5, -1.0, 1.0)


def signed(random):
    return {"input": 1.5 * random.randn(4, 5), "target": signs(random, 4, 5)}


def vectors(count, *more):
    def drawn(random):
        names = ["a", "b", "c"][:count]
        return {name: random.randn(4, 3) for name in names} | {name: value(random) for name, value in more}

    return drawn


def hinge(input, target, margin, reduction):
    return reduced((margin - input * target).clamp(min=0), reduction)


def multi_margin(input, target, weight=None, **options):
    return F.multi_margin_loss(input, target, weight=weight, **options)


def focal(input, target, gamma, alpha, reduction, balanced):
    p = torch.sigmoid(input)
    right = p * target + (1 - p) * (1 - target)
    surprise = F.binary_cross_entropy_with_logits(input, target, reduction="none")
    losses = surprise * (1 - right) ** gamma
    if alpha is not None:
        losses = losses * (alpha * target + (1 - alpha) * (1 - target) if balanced else alpha)
    return reduced(losses, reduction)


def focal_probabilities(input, target, gamma, alpha, clip, reduction):
    p = input.clamp(clip, 1 - clip)
    right = target * p + (1 - target) * (1 - p)
    return reduced(-alpha * (1 - right) ** gamma * right.log(), reduction)


def contrastive(a, b, together, margin, eps, reduction):
    d = F.pairwise_distance(a, b, eps=eps)
    return reduced(together * d**2 + (1 - together) * (margin - d).clamp(min=0) ** 2, reduction)


def pairwise_margin(positive, negative, margin, reduction):
    return reduced((positive - negative + margin).clamp(min=0), reduction)


def bpr(positive, negative, reduction):
    return reduced(-F.logsigmoid(positive - negative), reduction)


def kl_divergence(a, b, swapped, reduction):
    p, q = (x / x.sum(-1, keepdim=True) + 1e-12 for x in ((b, a) if swapped else (a, b)))
    return reduced((p * (p / q).log()).sum(-1), reduction)


def info_nce(a, b, temperature, normalize, symmetric, reduction):
    if normalize:
        a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    logits = a @ b.T / temperature
    own = torch.arange(len(a))
    loss = F.cross_entropy(logits, own, reduction=reduction)
    return (loss + F.cross_entropy(logits.T, own, reduction=reduction)) / 2 if symmetric else loss


def nt_xent(a, b, temperature, normalize, reduction):
    views = torch.cat([a, b])
    if normalize:
        views = F.normalize(views, dim=-1)
    logits = (views @ views.T / temperature).masked_fill(torch.eye(len(views), dtype=torch.bool), -torch.inf)
    other = torch.arange(len(views)).roll(len(a))
    return F.cross_entropy(logits, other, reduction=reduction)


def probability_cross_entropy(input, target, weight=None, *, clip, inside, reduction):
    logarithms = (input.clamp(clip, 1 - clip) + inside).log()
    if target.dtype == torch.int64:
        return F.nll_loss(logarithms, target, weight, reduction=reduction)
    terms = logarithms * target if weight is None else logarithms * target * weight
    return reduced(-terms.sum(-1), reduction)


def main():
    family = Family("nn", "metric_losses", __doc__)
    for reduction in REDUCTIONS:
        options = {"reduction": reduction}

        def add(name, function, draw, reduction=reduction, **more):
            op, _, rest = name.partition(".")
            family.case(f"{op}.{reduction}{'.' * bool(rest)}{rest}", function, draw, reduction=reduction, **more)

        def only(grads, name, function, draw, reduction=reduction, **more):
            op, _, rest = name.partition(".")
            named = f"{op}.{reduction}{'.' * bool(rest)}{rest}"
            family.case(named, function, draw, grads=grads, reduction=reduction, **more)

        first = ["input"]
        for margin in [1.0, 0.3]:
            only(first, f"hinge.{margin}", hinge, signed, margin=margin)
            only(first, f"hinge_embedding_loss.{margin}", F.hinge_embedding_loss, signed, margin=margin)
        only(first, "soft_margin_loss", F.soft_margin_loss, signed)
        classes = lambda r: {"input": r.randn(5, 4), "target": r.randint(0, 4, 5)}
        weighted = lambda r: {**classes(r), "weight": r.rand(4) + 0.2}
        for p, margin in [(1, 1.0), (2, 0.5)]:
            only(first, f"multi_margin_loss.{p}", multi_margin, classes, p=p, margin=margin)
            only(first, f"multi_margin_loss.{p}.weight", multi_margin, weighted, p=p, margin=margin)
        one = lambda r: {"input": r.randn(4), "target": np.array(2)}
        only(first, "multi_margin_loss.one", multi_margin, one, p=1, margin=1.0)
        for margin in [0.0, 0.5]:
            draw = lambda r: {"a": r.randn(4, 3), "b": r.randn(4, 3), "target": signs(r, 4, 3)}
            only(["a", "b"], f"margin_ranking_loss.{margin}", F.margin_ranking_loss, draw, margin=margin)
            draw = vectors(2, ("target", lambda r: signs(r, 4)))
            only(["a", "b"], f"cosine_embedding_loss.{margin}", F.cosine_embedding_loss, draw, margin=margin)
        for name, more in [
            ("", {}),
            ("swap", {"swap": True}),
            ("p1", {"p": 1.0}),
            ("exact", {"eps": 0.0, "margin": 2.0}),
        ]:
            add(f"triplet_margin_loss.{name}".rstrip("."), F.triplet_margin_loss, vectors(3), **more)
        for eps in [1e-6, 0.0]:
            draw = vectors(2, ("together", lambda r: (r.rand(4) < 0.5) * 1.0))
            only(["a", "b"], f"contrastive.{eps}", contrastive, draw, margin=2.5, eps=eps)
        pair = lambda r: {"positive": r.randn(6), "negative": r.randn(6)}
        add("pairwise_margin", pairwise_margin, pair, margin=0.7)
        add("bpr", bpr, pair)
        for log_input in [True, False]:
            for full in [True, False]:
                draw = lambda r: {"input": r.rand(4, 5) + 0.1, "target": np.floor(4 * r.rand(4, 5))}
                kind = f"{'log' if log_input else 'rate'}{'.full' * full}"
                only(first, f"poisson_nll_loss.{kind}", F.poisson_nll_loss, draw, log_input=log_input, full=full)
        for shape in [(4, 5), (4, 1), (4,)]:
            draw = lambda r: {"input": r.randn(4, 5), "target": r.randn(4, 5), "var": r.rand(*shape) + 0.1}
            add(f"gaussian_nll_loss.{len(shape)}{shape[-1]}", F.gaussian_nll_loss, draw, full=len(shape) == 1)
        binary = lambda r: {"input": 2 * r.randn(4, 5), "target": (r.rand(4, 5) < 0.4) * 1.0}
        soft = lambda r: {"input": 2 * r.randn(4, 5), "target": r.rand(4, 5)}
        for gamma in [0.0, 0.5, 2.0, 3.0]:
            for alpha, balanced in [(None, False), (0.25, False), (0.25, True)]:
                kind = f"focal.{gamma}.{'none' if alpha is None else 'balanced' if balanced else 'uniform'}"
                only(first, kind, focal, binary, gamma=gamma, alpha=alpha, balanced=balanced)
        add("focal.soft", focal, soft, gamma=2.0, alpha=0.25, balanced=True)
        draw = lambda r: {"input": np.clip(r.rand(4, 5), 0.02, 0.98), "target": (r.rand(4, 5) < 0.4) * 1.0}
        only(first, "focal_probabilities", focal_probabilities, draw, gamma=2.0, alpha=0.25, clip=1e-7)
        weights = lambda r: {"a": r.rand(4, 3) + 0.05, "b": r.rand(4, 3) + 0.05}
        for swapped in [False, True]:
            add(f"kl_divergence.{'second' if swapped else 'first'}", kl_divergence, weights, swapped=swapped)
        logs = lambda r: {"input": np.log(r.rand(4, 5) + 0.1), "target": np.log(r.rand(4, 5) + 0.1)}
        add("kl_div.logs", F.kl_div, logs, log_target=True)
        for temperature, normalize, symmetric in [(0.5, True, False), (0.5, True, True), (1.0, False, False)]:
            kind = f"{'unit' if normalize else 'plain'}{'.symmetric' * symmetric}"
            more = {"temperature": temperature, "normalize": normalize}
            add(f"info_nce.{kind}", info_nce, vectors(2), symmetric=symmetric, **more)
            if not symmetric:
                add(f"nt_xent.{kind}", nt_xent, vectors(2), **more)
        rows = lambda r: (lambda p: p / p.sum(1, keepdims=True))(r.rand(5, 4) + 0.05)
        for name, draw in [
            ("classes", lambda r: {"input": rows(r), "target": r.randint(0, 4, 5)}),
            ("soft", lambda r: {"input": rows(r), "target": rows(r)}),
        ]:
            for weighted_too in [False, True]:
                drawn = (lambda d: lambda r: {**d(r), "weight": r.rand(4) + 0.2})(draw) if weighted_too else draw
                only(
                    first,
                    f"probability_cross_entropy.{name}{'.weight' * weighted_too}",
                    probability_cross_entropy,
                    drawn,
                    clip=1e-7,
                    inside=1e-9,
                )
    for p, eps, keepdim in [
        (2.0, 1e-6, False),
        (2.0, 0.0, True),
        (1.0, 1e-6, False),
        (3.0, 1e-6, True),
        (np.inf, 1e-6, False),
    ]:
        distance = lambda a, b, p, eps, keepdim: F.pairwise_distance(a, b, float(p), eps, keepdim)
        family.case(f"pairwise_distance.{p}.{eps}", distance, vectors(2), p=str(p), eps=eps, keepdim=keepdim)
    same = {"a": np.array([[1.0, 2.0], [0.0, 1.0]]), "b": np.array([[1.0, 2.0], [1.0, 1.0]])}
    family.case("pairwise_distance.equal", distance, same, p="2.0", eps=0.0, keepdim=False)
    for dim in [0, 1]:
        family.case(f"cosine_similarity.{dim}", F.cosine_similarity, vectors(2), dim=dim, eps=1e-8)
    short = {"a": np.array([[1e-3, 0.0], [0.0, 0.0]]), "b": np.array([[1.0, 2.0], [1.0, 1.0]])}
    family.case("cosine_similarity.short", F.cosine_similarity, short, dim=1, eps=0.1)
    batch = lambda r: {"input": np.log(r.rand(4, 5) + 0.1), "target": r.rand(4, 5)}
    family.case("kl_div.batchmean", F.kl_div, batch, reduction="batchmean", log_target=False)

    # Where a formula taken literally overflows or takes the logarithm of zero.
    far = {"positive": np.array([-500.0, 500.0, 0.0]), "negative": np.array([500.0, -500.0, 0.0])}
    family.case("bpr.none.far", bpr, far, reduction="none")

    # The catalogue's known answers.
    p = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    known = {"input": p, "target": np.eye(3)}
    family.case(
        "focal_probabilities.mean.known",
        focal_probabilities,
        known,
        grads=["input"],
        gamma=2.0,
        alpha=0.25,
        clip=1e-12,
        reduction="mean",
    )
    family.case(
        "probability_cross_entropy.mean.known",
        probability_cross_entropy,
        known,
        grads=["input"],
        clip=1e-12,
        inside=1e-9,
        reduction="mean",
    )
    known = {"a": np.array([0.4, 0.6]), "b": np.array([0.5, 0.5])}
    family.case("kl_divergence.mean.known", kl_divergence, known, swapped=False, reduction="mean")
    family.write()


if __name__ == "__main__":
    main()
