//! The losses of pairs, distances, margins and batches: against PyTorch's committed answers, against finite differences with
//! a linear layer in front, the known answers, and every known mistake as a named wrong implementation that the ordinary
//! check rejects.

mod golden;

use barehand_textbook::binary_cross_entropy::logistic;
use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    AbsoluteError, Array, Bpr, Competition, Contrastive, Corner, CosineEmbedding, Focal, FocalAlpha, Gate,
    GatedLinearUnit, GaussianNll, Hinge, InfoNce, KlDiv, KlDivergence, Margin, MarginRanking,
    MersenneTwister, MultiMargin, PairwiseDistance, PairwiseMargin, PointwiseLoss, PoissonNll, Reduction,
    Result, Trace, Triplet, WeightLayout, cosine_similarity, cosine_similarity_backward, linear,
    linear_backward, prelu, prelu_backward,
};
use golden::{Case, Family};

const REDUCTIONS: [Reduction; 3] = [Reduction::None, Reduction::Mean, Reduction::Sum];

fn silent() -> Trace {
    Trace::silent()
}

fn reduction(case: &Case) -> Reduction {
    match case.text("reduction") {
        "none" => Reduction::None,
        "sum" => Reduction::Sum,
        _ => Reduction::Mean,
    }
}

// ---- PyTorch ---------------------------------------------------------------------------------------------------------

fn pointwise(case: &Case, loss: &impl PointwiseLoss, names: [&str; 2]) {
    let (x, y) = (case.array(names[0]), case.array(names[1]));
    case.expect("out", &loss.forward(x, y, &mut silent()).unwrap());
    let [dx, dy] = loss.backward(x, y, case.array("w.out"), &mut silent()).unwrap();
    case.expect(&format!("grad.{}", names[0]), &dx);
    if case.maybe(&format!("grad.{}", names[1])).is_some() {
        case.expect(&format!("grad.{}", names[1]), &dy);
    }
}

#[test]
fn absolute_errors() {
    let family = Family::read("nn", "losses");
    for (op, key) in [("l1_loss", ""), ("smooth_l1_loss", "beta"), ("huber_loss", "delta")] {
        for case in family.of(op) {
            let at = case.number(key, 1.0);
            let corner = match op {
                "l1_loss" => Corner::Sharp,
                "smooth_l1_loss" => Corner::SmoothL1(at),
                _ => Corner::Huber(at),
            };
            pointwise(case, &AbsoluteError { corner, reduction: reduction(case) }, ["input", "target"]);
        }
    }
}

#[test]
fn divergences_of_logarithms() {
    let mut compared = 0;
    for (krate, file) in [("nn", "losses"), ("nn", "metric_losses")] {
        for case in Family::read(krate, file).of("kl_div") {
            let loss = KlDiv { log_target: case.is("log_target", false), reduction: reduction(case) };
            if case.text("reduction") == "batchmean" {
                // The sum over the length of the first axis.
                let sum = KlDiv { reduction: Reduction::Sum, ..loss };
                let (x, y) = (case.array("input"), case.array("target"));
                let rows = x.shape()[0] as f64;
                case.expect("out", &sum.forward(x, y, &mut silent()).unwrap().map(|l| l / rows));
            } else {
                pointwise(case, &loss, ["input", "target"]);
            }
            compared += 1;
        }
    }
    assert!(compared >= 9, "{compared} cases");
}

#[test]
fn losses_of_signs_counts_and_ranks() {
    let family = Family::read("nn", "metric_losses");
    for (op, margin) in [("hinge", true), ("hinge_embedding_loss", true), ("soft_margin_loss", false)] {
        for case in family.of(op) {
            let at = case.number("margin", 1.0);
            let margin = match op {
                "hinge" => Margin::Hinge(at),
                _ if margin => Margin::Embedding(at),
                _ => Margin::Soft,
            };
            pointwise(case, &Hinge { margin, reduction: reduction(case) }, ["input", "target"]);
        }
    }
    for case in family.of("bpr") {
        pointwise(case, &Bpr { reduction: reduction(case) }, ["positive", "negative"]);
    }
    for case in family.of("pairwise_margin") {
        let loss = PairwiseMargin { margin: case.number("margin", 1.0), reduction: reduction(case) };
        pointwise(case, &loss, ["positive", "negative"]);
    }
    for case in family.of("poisson_nll_loss") {
        let loss = PoissonNll {
            log_input: case.is("log_input", true),
            full: case.is("full", false),
            eps: 1e-8,
            reduction: reduction(case),
        };
        pointwise(case, &loss, ["input", "target"]);
    }
}

fn focal_of(case: &Case) -> Focal {
    let alpha = case.number("alpha", 1.0);
    let alpha = match case.options["alpha"].as_f64() {
        None => FocalAlpha::None,
        Some(_) if case.is("balanced", false) => FocalAlpha::Balanced(alpha),
        Some(_) => FocalAlpha::Uniform(alpha),
    };
    Focal { gamma: case.number("gamma", 2.0), alpha, reduction: reduction(case) }
}

#[test]
fn focal_losses() {
    let family = Family::read("nn", "metric_losses");
    for case in family.of("focal") {
        pointwise(case, &focal_of(case), ["input", "target"]);
    }
    for case in family.of("focal_probabilities") {
        let (p, y, clip) = (case.array("input"), case.array("target"), case.number("clip", 0.0));
        case.expect("out", &focal_of(case).forward_probabilities(p, y, clip, &mut silent()).unwrap());
        let dp = focal_of(case).backward_probabilities(p, y, clip, case.array("w.out"), &mut silent());
        case.expect("grad.input", &dp.unwrap());
    }
}

#[test]
fn losses_of_vectors() {
    let family = Family::read("nn", "metric_losses");
    for case in family.of("pairwise_distance") {
        let p = case.text("p").parse().unwrap();
        let d = PairwiseDistance { p, eps: case.number("eps", 1e-6), keepdim: case.is("keepdim", false) };
        let (a, b) = (case.array("a"), case.array("b"));
        case.expect("out", &d.forward(a, b, &mut silent()).unwrap());
        let da = d.backward(a, b, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.a", &da);
        case.expect("grad.b", &da.map(|g| -g));
    }
    for case in family.of("cosine_similarity") {
        if case.number("dim", 1.0) as i64 != 1 {
            continue;
        }
        let (a, b, eps) = (case.array("a"), case.array("b"), case.number("eps", 1e-8));
        case.expect("out", &cosine_similarity(a, b, eps, &mut silent()).unwrap());
        let [da, db] = cosine_similarity_backward(a, b, eps, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.a", &da);
        case.expect("grad.b", &db);
    }
    for case in family.of("cosine_embedding_loss") {
        let loss = CosineEmbedding { margin: case.number("margin", 0.0), reduction: reduction(case) };
        let (a, b, y) = (case.array("a"), case.array("b"), case.array("target"));
        case.expect("out", &loss.forward(a, b, y, &mut silent()).unwrap());
        let [da, db] = loss.backward(a, b, y, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.a", &da);
        case.expect("grad.b", &db);
    }
    for case in family.of("margin_ranking_loss") {
        let loss = MarginRanking { margin: case.number("margin", 0.0), reduction: reduction(case) };
        let (a, b, y) = (case.array("a"), case.array("b"), case.array("target"));
        case.expect("out", &loss.forward(a, b, y, &mut silent()).unwrap());
        let [da, db] = loss.backward(a, b, y, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.a", &da);
        case.expect("grad.b", &db);
    }
    for case in family.of("contrastive") {
        let distance = PairwiseDistance { eps: case.number("eps", 1e-6), ..PairwiseDistance::default() };
        let loss = Contrastive { margin: case.number("margin", 1.0), distance, reduction: reduction(case) };
        let (a, b, y) = (case.array("a"), case.array("b"), case.array("together"));
        case.expect("out", &loss.forward(a, b, y, &mut silent()).unwrap());
        let [da, db] = loss.backward(a, b, y, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.a", &da);
        case.expect("grad.b", &db);
    }
    for case in family.of("triplet_margin_loss") {
        let (p, eps) = (case.number("p", 2.0), case.number("eps", 1e-6));
        let loss = Triplet {
            margin: case.number("margin", 1.0),
            distance: PairwiseDistance { p, eps, keepdim: false },
            swap: case.is("swap", false),
            reduction: reduction(case),
        };
        let (a, b, c) = (case.array("a"), case.array("b"), case.array("c"));
        case.expect("out", &loss.forward(a, b, c, &mut silent()).unwrap());
        let [da, db, dc] = loss.backward(a, b, c, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.a", &da);
        case.expect("grad.b", &db);
        case.expect("grad.c", &dc);
    }
    for case in family.of("kl_divergence") {
        let loss =
            KlDivergence { eps: 1e-12, swapped: case.is("swapped", false), reduction: reduction(case) };
        let (a, b) = (case.array("a"), case.array("b"));
        case.expect("out", &loss.forward(a, b, &mut silent()).unwrap());
        let [da, db] = loss.backward(a, b, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.a", &da);
        case.expect("grad.b", &db);
    }
    for case in family.of("gaussian_nll_loss") {
        let (x, y, variance) = (case.array("input"), case.array("target"), case.array("var"));
        if variance.shape() != x.shape() {
            continue;
        }
        let loss = GaussianNll { full: case.is("full", false), eps: 1e-6, reduction: reduction(case) };
        case.expect("out", &loss.forward(x, y, variance, &mut silent()).unwrap());
        let [dx, dv] = loss.backward(x, y, variance, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.input", &dx);
        case.expect("grad.target", &dx.map(|g| -g));
        case.expect("grad.var", &dv);
    }
    for case in family.of("multi_margin_loss") {
        let x = case.array("input");
        if x.rank() != 2 {
            continue;
        }
        let loss = MultiMargin {
            p: case.number("p", 1.0) as i32,
            margin: case.number("margin", 1.0),
            class_weights: case.maybe("weight").map(|w| w.data().to_vec()),
            reduction: reduction(case),
        };
        let classes: Vec<i64> = case.array("target").data().iter().map(|&y| y as i64).collect();
        case.expect("out", &loss.forward(x, &classes, &mut silent()).unwrap());
        case.expect("grad.input", &loss.backward(x, &classes, case.array("w.out"), &mut silent()).unwrap());
    }
    for op in ["info_nce", "nt_xent"] {
        for case in family.of(op) {
            let competition = match op {
                "nt_xent" => Competition::AllViews,
                _ if case.is("symmetric", false) => Competition::Symmetric,
                _ => Competition::OneWay,
            };
            let loss = InfoNce {
                temperature: case.number("temperature", 1.0),
                normalize: case.is("normalize", true),
                competition,
                reduction: reduction(case),
            };
            let (a, b) = (case.array("a"), case.array("b"));
            case.expect("out", &loss.forward(a, b, &mut silent()).unwrap());
            let [da, db] = loss.backward(a, b, case.array("w.out"), &mut silent()).unwrap();
            case.expect("grad.a", &da);
            case.expect("grad.b", &db);
        }
    }
}

#[test]
fn gates_and_learned_slopes() {
    let family = Family::read("tensor", "unary");
    for (op, gate, gate_first) in [
        ("glu", Gate::Logistic, false),
        ("swiglu", Gate::Silu, true),
        ("geglu", Gate::Gelu, true),
        ("reglu", Gate::Relu, true),
    ] {
        for case in family.of(op) {
            let unit = GatedLinearUnit { gate, gate_first, axis: case.number("dim", -1.0) as isize };
            let x = case.array("x");
            case.expect("out", &unit.forward(x, &mut silent()).unwrap());
            case.expect("grad.x", &unit.backward(x, case.array("w.out"), &mut silent()).unwrap());
        }
    }
    for case in family.of("prelu") {
        let (x, w) = (case.array("x"), case.array("weight"));
        case.expect("out", &prelu(x, w, &mut silent()).unwrap());
        let [dx, dw] = prelu_backward(x, w, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.x", &dx);
        case.expect("grad.weight", &dw);
    }
}

// ---- finite differences ----------------------------------------------------------------------------------------------

fn dot(a: &Array, b: &Array) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum()
}

/// Puts z = W x + c before the block and a weighted sum behind it; compares dx and dW with finite differences.
#[track_caller]
fn check(
    name: &str,
    shape: &[usize],
    forward: impl Fn(&Array) -> Result<Array>,
    backward: impl Fn(&Array, &Array) -> Result<Array>,
) {
    let n: usize = shape.iter().product();
    let mut random = MersenneTwister::new(name.len() as u32 + 7 * n as u32);
    let x = random.randn(&[n]);
    let w = random.randn(&[n, n]).map(|w| w / (n as f64).sqrt());
    let c = random.randn(&[n]);
    let before = |x: &Array, w: &Array| {
        linear(x, w, Some(&c), WeightLayout::OutIn, &mut silent()).and_then(|z| z.reshape(shape))
    };
    let z = before(&x, &w).unwrap();
    let r = random.randn(forward(&z).unwrap().shape());
    let dz = backward(&z, &r).unwrap();
    let ours =
        linear_backward(&x, &w, WeightLayout::OutIn, &dz.reshape(&[n]).unwrap(), &mut silent()).unwrap();
    let dx = finite_differences(&x, |x| Ok(dot(&forward(&before(x, &w)?)?, &r))).unwrap();
    let dw = finite_differences(&w, |w| Ok(dot(&forward(&before(&x, w)?)?, &r))).unwrap();
    for (what, ours, numeric) in [("dx", &ours.input, &dx), ("dW", &ours.weight, &dw)] {
        let difference = largest_difference(ours, numeric);
        assert!(difference < 1e-7, "{name}, {what}: {difference:e}");
    }
}

fn check_pointwise(loss: &impl PointwiseLoss, y: &Array) {
    check(
        loss.name(),
        y.shape(),
        |z| loss.forward(z, y, &mut silent()),
        |z, d| Ok(loss.backward(z, y, d, &mut silent())?[0].clone()),
    );
}

#[test]
fn gradients_of_pairs() {
    let mut random = MersenneTwister::new(11);
    let any = random.randn(&[4, 3]);
    let signs = any.map(f64::signum);
    let shares = random.rand(&[4, 3]);
    for reduction in REDUCTIONS {
        for corner in [Corner::Sharp, Corner::SmoothL1(0.4), Corner::Huber(0.4)] {
            check_pointwise(&AbsoluteError { corner, reduction }, &any);
        }
        for margin in [Margin::Hinge(1.0), Margin::Embedding(0.7), Margin::Soft] {
            check_pointwise(&Hinge { margin, reduction }, &signs);
        }
        for log_target in [false, true] {
            check_pointwise(&KlDiv { log_target, reduction }, &shares);
        }
        for full in [false, true] {
            check_pointwise(
                &PoissonNll { full, reduction, ..PoissonNll::default() },
                &shares.map(|y| 3.0 * y),
            );
        }
        check_pointwise(&Bpr { reduction }, &any);
        check_pointwise(&PairwiseMargin { margin: 0.6, reduction }, &any);
        for gamma in [0.0, 1.0, 2.0, 3.5] {
            for alpha in [FocalAlpha::None, FocalAlpha::Uniform(0.25), FocalAlpha::Balanced(0.25)] {
                check_pointwise(&Focal { gamma, alpha, reduction }, &shares);
                check_pointwise(&Focal { gamma, alpha, reduction }, &signs.map(|s| f64::from(s > 0.0)));
            }
        }
    }
}

#[test]
fn gradients_of_vectors() {
    let mut random = MersenneTwister::new(12);
    let b = random.randn(&[4, 3]);
    let c = random.randn(&[4, 3]);
    let signs = Array::vector(&[1.0, -1.0, -1.0, 1.0]);
    let together = signs.map(|s| f64::from(s > 0.0));
    for p in [1.0, 2.0, 3.0, f64::INFINITY] {
        let d = PairwiseDistance { p, ..PairwiseDistance::default() };
        check(
            "distance",
            &[4, 3],
            |z| d.forward(z, &b, &mut silent()),
            |z, g| d.backward(z, &b, g, &mut silent()),
        );
    }
    check(
        "cosine",
        &[4, 3],
        |z| cosine_similarity(z, &b, 1e-8, &mut silent()),
        |z, g| Ok(cosine_similarity_backward(z, &b, 1e-8, g, &mut silent())?[0].clone()),
    );
    for reduction in REDUCTIONS {
        let loss = Contrastive { margin: 3.0, reduction, ..Contrastive::default() };
        check(
            "contrastive",
            &[4, 3],
            |z| loss.forward(z, &b, &together, &mut silent()),
            |z, g| Ok(loss.backward(z, &b, &together, g, &mut silent())?[0].clone()),
        );
        for swap in [false, true] {
            let loss = Triplet { margin: 2.0, swap, reduction, ..Triplet::default() };
            check(
                "triplet, anchor",
                &[4, 3],
                |z| loss.forward(z, &b, &c, &mut silent()),
                |z, g| Ok(loss.backward(z, &b, &c, g, &mut silent())?[0].clone()),
            );
            check(
                "triplet, positive",
                &[4, 3],
                |z| loss.forward(&b, z, &c, &mut silent()),
                |z, g| Ok(loss.backward(&b, z, &c, g, &mut silent())?[1].clone()),
            );
            check(
                "triplet, negative",
                &[4, 3],
                |z| loss.forward(&b, &c, z, &mut silent()),
                |z, g| Ok(loss.backward(&b, &c, z, g, &mut silent())?[2].clone()),
            );
        }
        let loss = CosineEmbedding { margin: 0.1, reduction };
        check(
            "cosine embedding",
            &[4, 3],
            |z| loss.forward(z, &b, &signs, &mut silent()),
            |z, g| Ok(loss.backward(z, &b, &signs, g, &mut silent())?[0].clone()),
        );
        let order = b.map(f64::signum);
        let loss = MarginRanking { margin: 0.5, reduction };
        check(
            "margin ranking",
            &[4, 3],
            |z| loss.forward(z, &c, &order, &mut silent()),
            |z, g| Ok(loss.backward(z, &c, &order, g, &mut silent())?[0].clone()),
        );
        for p in [1, 2] {
            let class_weights = Some(vec![0.5, 2.0, 1.5]);
            let loss = MultiMargin { p, margin: 0.8, class_weights, reduction };
            check(
                "multi margin",
                &[4, 3],
                |z| loss.forward(z, &[0, 2, 1, 1], &mut silent()),
                |z, g| loss.backward(z, &[0, 2, 1, 1], g, &mut silent()),
            );
        }
        let positive = |z: &Array| z.map(|z| z * z + 0.3);
        let through = |z: &Array, g: &Array| g.zip(z, |g, z| 2.0 * z * g);
        let loss = GaussianNll { full: true, reduction, ..GaussianNll::default() };
        check(
            "variance",
            &[4, 3],
            |z| loss.forward(&b, &c, &positive(z), &mut silent()),
            |z, g| through(z, &loss.backward(&b, &c, &positive(z), g, &mut silent())?[1]),
        );
        for swapped in [false, true] {
            let loss = KlDivergence { swapped, reduction, ..KlDivergence::default() };
            let q = positive(&b);
            check(
                "divergence",
                &[4, 3],
                |z| loss.forward(&positive(z), &q, &mut silent()),
                |z, g| through(z, &loss.backward(&positive(z), &q, g, &mut silent())?[0]),
            );
        }
        for competition in [Competition::OneWay, Competition::Symmetric, Competition::AllViews] {
            for normalize in [true, false] {
                let loss = InfoNce { temperature: 0.8, normalize, competition, reduction };
                check(
                    "anchors",
                    &[4, 3],
                    |z| loss.forward(z, &b, &mut silent()),
                    |z, g| Ok(loss.backward(z, &b, g, &mut silent())?[0].clone()),
                );
                check(
                    "positives",
                    &[4, 3],
                    |z| loss.forward(&b, z, &mut silent()),
                    |z, g| Ok(loss.backward(&b, z, g, &mut silent())?[1].clone()),
                );
            }
        }
    }
    for gate in [Gate::Logistic, Gate::Silu, Gate::Gelu, Gate::GeluTanh, Gate::Relu] {
        for (gate_first, axis) in [(true, -1), (false, 1), (true, 0)] {
            let unit = GatedLinearUnit { gate, gate_first, axis };
            check(
                "gated",
                &[2, 4, 2],
                |z| unit.forward(z, &mut silent()),
                |z, g| unit.backward(z, g, &mut silent()),
            );
        }
    }
    let w = Array::vector(&[0.25, -0.5, 0.1]);
    check(
        "prelu",
        &[2, 3, 2],
        |z| prelu(z, &w, &mut silent()),
        |z, g| Ok(prelu_backward(z, &w, g, &mut silent())?[0].clone()),
    );
}

// ---- known answers and mistakes --------------------------------------------------------------------------------------

fn scalar(loss: Result<Array>) -> f64 {
    loss.unwrap()[0]
}

fn cells() -> (Array, Array) {
    let p = Array::matrix([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]);
    (p, Array::from_fn(&[3, 3], |i| f64::from(i[0] == i[1])))
}

/// The known loss of nine cells with a uniform alpha, and with the paper's, whose positives count 0.25 and negatives 0.75.
fn is_focal_loss(f: impl Fn(&Array, &Array, bool) -> f64) -> bool {
    let (p, y) = cells();
    let one = Array::vector(&[0.25]);
    let surprise = 0.75f64.powi(2) * 4f64.ln();
    let of_no = 0.75 * 0.25f64.powi(2) * (4.0f64 / 3.0).ln();
    (f(&p, &y, false) - 0.003109072441720451).abs() < 1e-16
        && (f(&one, &Array::vector(&[1.0]), true) - 0.25 * surprise).abs() < 1e-15
        && (f(&one, &Array::vector(&[0.0]), true) - of_no).abs() < 1e-15
}

fn focal_by_hand(p: &Array, y: &Array, alpha: impl Fn(f64) -> f64, minus: f64) -> f64 {
    let l = p.zip(y, |p, y| {
        let right = y * p + (1.0 - y) * (1.0 - p);
        minus * alpha(y) * (1.0 - right).powi(2) * right.ln()
    });
    l.unwrap().sum() / p.len() as f64
}

fn focal_with_alpha_on_both_classes(p: &Array, y: &Array, _: bool) -> f64 {
    focal_by_hand(p, y, |_| 0.25, -1.0)
}

fn focal_with_alpha_reversed(p: &Array, y: &Array, balanced: bool) -> f64 {
    focal_by_hand(p, y, |y| if balanced { 0.75 * y + 0.25 * (1.0 - y) } else { 0.25 }, -1.0)
}

fn focal_without_its_minus(p: &Array, y: &Array, balanced: bool) -> f64 {
    focal_by_hand(p, y, |y| if balanced { 0.25 * y + 0.75 * (1.0 - y) } else { 0.25 }, 1.0)
}

fn focal_of_positives_only(p: &Array, y: &Array, _: bool) -> f64 {
    -p.zip(y, |p, y| 0.25 * y * (1.0 - p).powi(2) * p.ln()).unwrap().sum() / p.len() as f64
}

#[test]
fn focal_traps() {
    let ours = |p: &Array, y: &Array, balanced: bool| {
        let alpha = if balanced { FocalAlpha::Balanced(0.25) } else { FocalAlpha::Uniform(0.25) };
        let from_p =
            scalar(Focal { alpha, ..Focal::default() }.forward_probabilities(p, y, 1e-12, &mut silent()));
        let z = p.map(|p| (p / (1.0 - p)).ln());
        let from_z = scalar(Focal { alpha, ..Focal::default() }.forward(&z, y, &mut silent()));
        assert!((from_p - from_z).abs() < 1e-15);
        from_p
    };
    assert!(is_focal_loss(ours));
    assert!(!is_focal_loss(focal_with_alpha_on_both_classes));
    assert!(!is_focal_loss(focal_with_alpha_reversed));
    assert!(!is_focal_loss(focal_without_its_minus));
    assert!(!is_focal_loss(focal_of_positives_only));
}

/// The known divergence, 0 of equals, rows for themselves, and the order of the arguments.
fn is_divergence(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let (p, q) = (Array::matrix([[0.4, 0.6]]), Array::matrix([[0.5, 0.5]]));
    let batch = (Array::matrix([[4.0, 6.0], [1.0, 1.0]]), Array::matrix([[2.0, 2.0], [0.5, 1.5]]));
    let known = |d: &Array, at: usize, value: f64| d.len() > at && (d[at] - value).abs() < 1e-11;
    let second = 0.5 * (0.5f64 / 0.25).ln() + 0.5 * (0.5f64 / 0.75).ln();
    known(&f(&p, &q), 0, 0.020135513550688863)
        && known(&f(&p, &p), 0, 0.0)
        && known(&f(&batch.0, &batch.1), 0, 0.020135513550688863)
        && known(&f(&batch.0, &batch.1), 1, second)
}

fn by_rows(p: &Array, q: &Array, term: impl Fn(f64, f64) -> f64) -> Array {
    let unit = |x: &Array| x.zip(&x.sum_along(&[1]), |x, s| x / s).unwrap();
    unit(p).zip(&unit(q), term).unwrap().sum_along(&[1]).reshape(&[p.shape()[0]]).unwrap()
}

fn divergence_with_swapped_sign(p: &Array, q: &Array) -> Array {
    by_rows(p, q, |p, q| p * (q / p).ln())
}

fn divergence_with_swapped_arguments(p: &Array, q: &Array) -> Array {
    by_rows(p, q, |p, q| q * (q / p).ln())
}

fn divergence_with_one_sum_for_the_batch(p: &Array, q: &Array) -> Array {
    let unit = |x: &Array| x.map(|v| v / x.sum());
    unit(p).zip(&unit(q), |p, q| p * (p / q).ln()).unwrap().sum_along(&[1]).reshape(&[p.shape()[0]]).unwrap()
}

#[test]
fn divergence_traps() {
    let none = KlDivergence { reduction: Reduction::None, ..KlDivergence::default() };
    assert!(is_divergence(|p, q| none.forward(p, q, &mut silent()).unwrap()));
    assert!(!is_divergence(divergence_with_swapped_sign));
    assert!(!is_divergence(divergence_with_swapped_arguments));
    assert!(!is_divergence(divergence_with_one_sum_for_the_batch));
    // PyTorch's is that of the target from the input.
    let (p, q) = (Array::vector(&[0.4, 0.6]), Array::vector(&[0.5, 0.5]));
    let torch = KlDiv { reduction: Reduction::Sum, ..KlDiv::default() };
    assert!((scalar(torch.forward(&q.map(f64::ln), &p, &mut silent())) - 0.020135513550688863).abs() < 1e-15);
}

/// Right at ordinary scores, and where a sigmoid rounds to 0.
fn is_bpr(f: impl Fn(f64, f64) -> f64) -> bool {
    (f(1.0, 0.0) - (1.0 + (-1f64).exp()).ln()).abs() < 1e-15
        && f(-500.0, 500.0) == 1000.0
        && f(500.0, -500.0) == 0.0
}

fn bpr_by_log_of_sigmoid(positive: f64, negative: f64) -> f64 {
    -(1.0 / (1.0 + (negative - positive).exp())).ln()
}

fn bpr_with_swapped_scores(positive: f64, negative: f64) -> f64 {
    (1.0 + (positive - negative).exp()).ln()
}

#[test]
fn ranking_traps() {
    let ours =
        |p, n| scalar(Bpr::default().forward(&Array::vector(&[p]), &Array::vector(&[n]), &mut silent()));
    assert!(is_bpr(ours));
    assert!(!is_bpr(bpr_by_log_of_sigmoid));
    assert!(!is_bpr(bpr_with_swapped_scores));
}

/// The loss of two and of three pairs, whatever their lengths.
fn is_info_nce(f: impl Fn(&Array, &Array) -> f64) -> bool {
    let a = Array::matrix([[1.0, 0.0], [0.0, 1.0]]);
    let long = a.map(|x| 5.0 * x);
    let two = (1.0 + (-1f64).exp()).ln();
    let b = Array::matrix([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    let three = (1.0 + 2.0 * (-1f64).exp()).ln();
    let near = |x: f64, y: f64| (x - y).abs() < 1e-14;
    near(f(&a, &a), two) && near(f(&long, &a), two) && near(f(&b, &b), three)
}

/// The cross entropy of the first `n` rows of similarities.
fn info_nce_of(a: &Array, p: &Array, n: usize) -> f64 {
    let z = |i: usize, j: usize| (0..a.shape()[1]).map(|k| a[[i, k]] * p[[j, k]]).sum::<f64>();
    let row = |i: usize| ((0..n).map(|j| z(i, j).exp()).sum::<f64>()).ln() - z(i, i);
    (0..n).map(row).sum::<f64>() / n as f64
}

fn info_nce_with_n_of_a_global(a: &Array, p: &Array) -> f64 {
    const N: usize = 2;
    let unit = |x: &Array| {
        let n = x.map(|x| x * x).sum_along(&[1]).map(f64::sqrt);
        x.zip(&n, |x, n| x / n).unwrap()
    };
    info_nce_of(&unit(a), &unit(p), N)
}

fn info_nce_without_normalisation(a: &Array, p: &Array) -> f64 {
    info_nce_of(a, p, a.shape()[0])
}

#[test]
fn contrastive_traps() {
    let loss = InfoNce { temperature: 1.0, ..InfoNce::default() };
    assert!(is_info_nce(|a, p| scalar(loss.forward(a, p, &mut silent()))));
    assert!(!is_info_nce(info_nce_with_n_of_a_global));
    assert!(!is_info_nce(info_nce_without_normalisation));
    // NT-Xent: of four views, two alike and two at right angles, each has one likely partner and two unlikely ones.
    let a = Array::matrix([[1.0, 0.0], [0.0, 1.0]]);
    let views = InfoNce { competition: Competition::AllViews, ..loss };
    let known = (1.0 + 2.0 * (-1f64).exp()).ln();
    assert!((scalar(views.forward(&a, &a, &mut silent())) - known).abs() < 1e-14);
}

/// The gradient of the distance of equal vectors is a number, with and without eps; and eps is added to the difference.
fn is_distance(f: impl Fn(&Array, &Array, f64) -> f64) -> bool {
    let (x, y) = (Array::matrix([[0.0, 3.0]]), Array::matrix([[4.0, 0.0]]));
    let shifted = ((-4.0 + 1e-6f64).powi(2) + (3.0 + 1e-6f64).powi(2)).sqrt();
    f(&x, &y, 0.0) == 5.0 && (f(&x, &y, 1e-6) - shifted).abs() < 1e-15
}

fn distance_with_eps_outside(x: &Array, y: &Array, eps: f64) -> f64 {
    x.zip(y, |x, y| (x - y).powi(2)).unwrap().sum().sqrt() + eps
}

#[test]
fn distance_traps() {
    assert!(is_distance(|x, y, eps| {
        let d = PairwiseDistance { eps, ..PairwiseDistance::default() };
        scalar(d.forward(x, y, &mut silent()))
    }));
    assert!(!is_distance(distance_with_eps_outside));
    let x = Array::matrix([[1.0, 2.0]]);
    let exact = PairwiseDistance { eps: 0.0, ..PairwiseDistance::default() };
    assert_eq!(exact.backward(&x, &x, &Array::vector(&[1.0]), &mut silent()).unwrap().data(), [0.0, 0.0]);
    assert_eq!(
        PairwiseDistance { keepdim: true, ..exact }.forward(&x, &x, &mut silent()).unwrap().shape(),
        [1, 1]
    );
}

/// 1/4 of the squares of a pair that belongs together and of one that does not but comes 0.5 within the margin.
fn is_contrastive_loss(f: impl Fn(&Array, &Array) -> f64) -> bool {
    let d = Array::vector(&[0.5, 0.5]);
    let near = |y: [f64; 2], known: f64| (f(&d, &Array::vector(&y)) - known).abs() < 1e-15;
    near([1.0, 1.0], 0.25) && near([0.0, 0.0], 1.0) && near([1.0, 0.0], 0.625)
}

fn contrastive_with_reversed_labels(d: &Array, y: &Array) -> f64 {
    let l = d.zip(y, |d, y| (1.0 - y) * d * d + y * (1.5 - d).max(0.0).powi(2)).unwrap();
    l.sum() / l.len() as f64
}

fn contrastive_without_square_of_the_margin(d: &Array, y: &Array) -> f64 {
    let l = d.zip(y, |d, y| y * d * d + (1.0 - y) * (1.6 - d).max(0.0)).unwrap();
    l.sum() / l.len() as f64
}

#[test]
fn contrastive_loss_traps() {
    let ours = |d: &Array, y: &Array| {
        let a = d.reshape(&[2, 1]).unwrap();
        let distance = PairwiseDistance { eps: 0.0, ..PairwiseDistance::default() };
        let loss = Contrastive { margin: 1.5, distance, reduction: Reduction::Mean };
        scalar(loss.forward(&a, &Array::zeros(&[2, 1]), y, &mut silent()))
    };
    assert!(is_contrastive_loss(ours));
    assert!(!is_contrastive_loss(contrastive_with_reversed_labels));
    assert!(!is_contrastive_loss(contrastive_without_square_of_the_margin));
}

/// Positives nearer than negatives by the margin cost nothing; equal distances cost the margin.
fn is_triplet(f: impl Fn(&Array, &Array, &Array) -> f64) -> bool {
    let a = Array::matrix([[0.0, 0.0]]);
    let (near, far) = (Array::matrix([[1.0, 0.0]]), Array::matrix([[0.0, 4.0]]));
    (f(&a, &near, &near) - 1.0).abs() < 1e-5
        && f(&a, &near, &far) == 0.0
        && (f(&a, &far, &near) - 4.0).abs() < 1e-5
}

fn triplet_without_the_bound(a: &Array, p: &Array, n: &Array) -> f64 {
    let d = |x: &Array, y: &Array| x.zip(y, |x, y| (x - y).powi(2)).unwrap().sum().sqrt();
    d(a, p) - d(a, n) + 1.0
}

fn triplet_with_swapped_roles(a: &Array, p: &Array, n: &Array) -> f64 {
    triplet_without_the_bound(a, n, p).max(0.0)
}

#[test]
fn triplet_traps() {
    assert!(is_triplet(|a, p, n| scalar(Triplet::default().forward(a, p, n, &mut silent()))));
    assert!(!is_triplet(triplet_without_the_bound));
    assert!(!is_triplet(triplet_with_swapped_roles));
}

/// A logistic gate on the second half, as PyTorch has it.
fn is_glu(f: impl Fn(&[f64]) -> f64) -> bool {
    (f(&[2.0, 0.0]) - 1.0).abs() < 1e-15 && (f(&[2.0, 1.0]) - 2.0 * logistic(1.0)).abs() < 1e-15
}

fn glu_with_the_gate_first(x: &[f64]) -> f64 {
    logistic(x[0]) * x[1]
}

#[test]
fn gate_traps() {
    let glu = GatedLinearUnit { gate: Gate::Logistic, gate_first: false, axis: -1 };
    assert!(is_glu(|x| scalar(glu.forward(&Array::vector(x), &mut silent()))));
    assert!(!is_glu(glu_with_the_gate_first));
}

/// The mean of a batch's losses has 1/N in its gradient.
fn is_mean_gradient(f: impl Fn(&Array, &Array) -> Array) -> bool {
    let (x, y) = (Array::vector(&[0.3, -1.0, 2.0]), Array::vector(&[0.0, 0.5, 2.5]));
    let loss = AbsoluteError { corner: Corner::Huber(0.4), reduction: Reduction::Mean };
    let numeric = finite_differences(&x, |x| Ok(loss.forward(x, &y, &mut silent())?[0])).unwrap();
    largest_difference(&f(&x, &y), &numeric) < 1e-8
}

fn huber_gradient_without_1_over_n(x: &Array, y: &Array) -> Array {
    x.zip(y, |x, y| (x - y).clamp(-0.4, 0.4)).unwrap()
}

fn huber_gradient_of_smooth_l1(x: &Array, y: &Array) -> Array {
    x.zip(y, |x, y| ((x - y) / 0.4).clamp(-1.0, 1.0) / 3.0).unwrap()
}

#[test]
fn mean_gradient_traps() {
    let loss = AbsoluteError { corner: Corner::Huber(0.4), reduction: Reduction::Mean };
    assert!(is_mean_gradient(|x, y| {
        loss.backward(x, y, &Array::scalar(1.0), &mut silent()).unwrap()[0].clone()
    }));
    assert!(!is_mean_gradient(huber_gradient_without_1_over_n));
    assert!(!is_mean_gradient(huber_gradient_of_smooth_l1));
}
