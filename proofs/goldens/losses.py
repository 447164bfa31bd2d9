"""Losses: values and gradients for every reduction and option. Class indices are I64; probability targets are real."""

import numpy as np
import torch
import torch.nn.functional as F
from golden import Family

REDUCTIONS = ["none", "mean", "sum"]


def pair(random):
    return {"input": random.randn(4, 5), "target": random.randn(4, 5)}


def probabilities(random):
    return {"input": 1 / (1 + np.exp(-2 * random.randn(4, 5))), "target": random.rand(4, 5)}


def logits(random):
    return {"input": 3 * random.randn(4, 5), "target": random.rand(4, 5)}


def classes(random):
    return {"input": 2 * random.randn(6, 4), "target": random.randint(0, 4, 6)}


def pixels(random):
    return {"input": 2 * random.randn(2, 4, 3, 2), "target": random.randint(0, 4, (2, 3, 2))}


def soft(random):
    target = random.rand(6, 4)
    return {"input": 2 * random.randn(6, 4), "target": target / target.sum(1, keepdims=True)}


def with_class_weights(draw):
    return lambda random: {**draw(random), "weight": random.rand(4) + 0.2}


def with_ignored(draw, ignored):
    def drawn(random):
        inputs = draw(random)
        inputs["target"].flat[[1, 4]] = ignored
        return inputs

    return drawn


def cross_entropy(input, target, weight=None, **options):
    return F.cross_entropy(input, target, weight, **options)


def nll_loss(input, target, weight=None, **options):
    return F.nll_loss(input.log_softmax(int(input.dim() > 1)), target, weight, **options)


def binary_cross_entropy(input, target, weight=None, **options):
    return F.binary_cross_entropy(input, target, weight, **options)


def with_logits(input, target, **weights_and_options):
    return F.binary_cross_entropy_with_logits(input, target, **weights_and_options)


def main():
    family = Family("nn", "losses", __doc__)

    for reduction in REDUCTIONS:
        options = {"reduction": reduction}
        for op in ["mse_loss", "l1_loss"]:
            # Both sides are differentiated: a target may come from a network too.
            family.case(f"{op}.{reduction}", getattr(F, op), pair, **options)
        for beta in [1.0, 0.3]:
            family.case(f"smooth_l1_loss.{reduction}.beta{beta}", F.smooth_l1_loss, pair, beta=beta, **options)
        for delta in [1.0, 0.3]:
            family.case(f"huber_loss.{reduction}.delta{delta}", F.huber_loss, pair, delta=delta, **options)

        for name, draw, more in [
            ("", classes, {}),
            (".weight", with_class_weights(classes), {}),
            (".ignore", with_ignored(classes, -100), {}),
            (".ignore2", with_ignored(classes, 2), {"ignore_index": 2}),
            (".ignore.weight", with_class_weights(with_ignored(classes, -100)), {}),
            (".pixels", pixels, {}),
            (".pixels.weight.ignore", with_class_weights(with_ignored(pixels, -100)), {}),
        ]:
            grads = ["input"]
            family.case(f"nll_loss.{reduction}{name}", nll_loss, draw, grads=grads, **options, **more)
            family.case(f"cross_entropy.{reduction}{name}", cross_entropy, draw, grads=grads, **options, **more)
            smooth = {**options, **more, "label_smoothing": 0.1}
            family.case(f"cross_entropy.{reduction}{name}.smooth", cross_entropy, draw, grads=grads, **smooth)
        family.case(f"cross_entropy.{reduction}.soft", cross_entropy, soft, grads=["input", "target"], **options)
        weighted = with_class_weights(soft)
        family.case(f"cross_entropy.{reduction}.soft.weight", cross_entropy, weighted, grads=["input", "target"], **options)
        smooth = {**options, "label_smoothing": 0.2}
        family.case(f"cross_entropy.{reduction}.soft.smooth", cross_entropy, soft, grads=["input"], **smooth)
        family.case(f"cross_entropy.{reduction}.soft.weight.smooth", cross_entropy, weighted, grads=["input"], **smooth)

        family.case(f"bce.{reduction}", binary_cross_entropy, probabilities, grads=["input"], **options)
        draw = lambda r: {**probabilities(r), "weight": r.rand(4, 5)}
        family.case(f"bce.{reduction}.weight", binary_cross_entropy, draw, grads=["input"], **options)

        def named(name, draw):
            """BCE from logits, whose extra inputs are named `weight` and `pos_weight`."""
            keys = list(draw(np.random.RandomState(0)))[2:]
            function = lambda input, target, *more, **options: with_logits(input, target, **dict(zip(keys, more)), **options)
            family.case(f"bce_with_logits.{reduction}{name}", function, draw, grads=["input"], **options)

        named("", logits)
        named(".weight", lambda r: {**logits(r), "weight": r.rand(4, 5)})
        named(".pos_weight", lambda r: {**logits(r), "pos_weight": 3 * r.rand(5)})
        named(".weight.pos_weight", lambda r: {**logits(r), "weight": r.rand(4, 1), "pos_weight": 3 * r.rand(5)})

        draw = lambda r: {"input": np.log(soft(r)["target"]), "target": soft(r)["target"]}
        family.case(f"kl_div.{reduction}", F.kl_div, draw, grads=["input"], log_target=False, **options)
    family.case("kl_div.batchmean", F.kl_div, draw, grads=["input"], log_target=False, reduction="batchmean")

    # Where a formula taken literally overflows, divides by zero or takes the logarithm of zero.
    grid = np.array([0.0, 1e-30, 0.5, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.5, 1.0, 1.0, 0.0])
    edges = {"input": grid[0], "target": grid[1]}
    family.case("bce.edges", binary_cross_entropy, edges, grads=["input"], reduction="none")
    x = np.array([0.0, -0.0, 40.0, -40.0, 100.0, -100.0, 800.0, -800.0, np.inf, -np.inf])
    edges = {"input": np.repeat(x, 3), "target": np.tile([0.0, 0.5, 1.0], len(x))}
    family.case("bce_with_logits.edges", with_logits, edges, grads=["input"], reduction="none")
    rows = np.array([[1e3, 0.0, -1e3], [-1e4, -1e4, -1e4], [800.0, 800.0, -800.0], [-np.inf, 0.0, 1.0], [5.0, 5.0, 5.0]])
    edges = {"input": rows, "target": np.array([1, 0, 2, 1, 2])}
    family.case("cross_entropy.edges", cross_entropy, edges, grads=["input"], reduction="none")
    kinks = {"input": np.array([0.0, 1.0, -1.0, 2.0, 1.3, 0.3]), "target": np.array([0.0, 0.0, 0.0, 2.0, 1.0, 0.0])}
    for op in ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"]:
        family.case(f"{op}.kinks", getattr(F, op), kinks, reduction="none")
    ignored = lambda r: {"input": r.randn(3, 4), "target": np.full(3, -100)}
    vector = lambda r: {"input": r.randn(4), "target": np.array(2)}
    # With every target ignored the mean is 0/0, the sum 0.
    for reduction in REDUCTIONS:
        for loss in [cross_entropy, nll_loss]:
            name = f"{loss.__name__}.{reduction}"
            family.case(f"{name}.all_ignored", loss, ignored, grads=["input"], reduction=reduction)
            family.case(f"{name}.one", loss, vector, grads=["input"], reduction=reduction)

    # The catalogue's known answers.
    known = {"input": np.log([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]), "target": np.arange(3)}
    family.case("cross_entropy.known", cross_entropy, known, grads=["input"], reduction="mean")
    divergence = {"input": np.log([0.5, 0.5]), "target": np.array([0.4, 0.6])}
    family.case("kl_div.known", F.kl_div, divergence, grads=["input"], reduction="sum", log_target=False)
    family.write()


if __name__ == "__main__":
    main()
