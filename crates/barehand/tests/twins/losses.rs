//! Losses: every option, every reduction, and gradients that arrive with a value of their own.

use barehand_nn::{
    Alpha, BprLoss, ContrastiveLoss, CosineEmbeddingLoss, DivergenceReduction, FocalLoss, HingeEmbeddingLoss,
    HingeLoss, HuberLoss, InfoNceLoss, KlDivLoss, L1Loss, MarginRankingLoss, MultiMarginLoss, NtXentLoss,
    PairwiseMarginLoss, PoissonNllLoss, SmoothL1Loss, SoftMarginLoss, TripletMarginLoss,
};
use barehand_tensor::{CrossEntropyOptions, Float, NllLossOptions, Reduction, Targets, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::{Array, BinaryCrossEntropy, Mse, PointwiseLoss, Trace};

use crate::pair::{Pair, exact, hold, largest};

const REDUCTIONS: [(Reduction, textbook::Reduction); 3] = [
    (Reduction::None, textbook::Reduction::None),
    (Reduction::Mean, textbook::Reduction::Mean),
    (Reduction::Sum, textbook::Reduction::Sum),
];

/// (N, C, ...), with at least one class and now and then no sample.
fn logits_shape<T: Float>(pair: &mut Pair<T>) -> Vec<usize> {
    let mut shape = pair.shape(2..=4);
    if shape[1] == 0 {
        shape[1] = 3;
    }
    shape
}

fn cross_entropy<T: Float>(pair: &mut Pair<T>) {
    for (reduction, textbook_reduction) in REDUCTIONS {
        let shape = logits_shape(pair);
        let (n, classes) = (shape[0], shape[1]);
        let samples: Vec<usize> = [&[n], &shape[2..]].concat();
        let count: usize = samples.iter().product();
        let label_smoothing = pair.pick(&[0.0, 0.1, 1.0]);
        let weights = pair.flag().then(|| pair.positive(&[classes]));
        let ignore_index = pair.pick(&[-100, 0]);
        let options = CrossEntropyOptions {
            weight: weights.as_ref().map(|w| pair.tensor(w)),
            ignore_index,
            label_smoothing,
            reduction,
        };
        let twin = textbook::CrossEntropy {
            class_weights: weights.map(|w| w.data().to_vec()),
            ignore_index,
            label_smoothing,
            reduction: textbook_reduction,
        };
        let x = pair.array(&shape).map(|x| 5.0 * x);
        let leaf = pair.leaf(&x);
        let ids: Vec<i64> = (0..count)
            .map(|_| if pair.rarely(5) { ignore_index } else { pair.between(0..=classes - 1) as i64 })
            .collect();
        let distribution = distribution(pair, &shape);
        let (loss, targets) = if pair.flag() {
            let ids_tensor = Tensor::from_slice(&ids, &samples[..]).unwrap();
            (leaf.cross_entropy(&ids_tensor, &options), textbook::Targets::Classes(&ids))
        } else {
            let q = pair.tensor(&distribution);
            (
                leaf.cross_entropy(Targets::Probabilities(&q), &options),
                textbook::Targets::Distribution(&distribution),
            )
        };
        let loss = loss.unwrap();
        let expected = twin.forward(&x, targets, &mut Trace::silent()).unwrap();
        // The loss of a right answer is what is left of terms as large as the logit.
        pair.terms = largest(&x);
        pair.same("loss", &loss, &expected);
        let upstream = pair.array(expected.shape());
        let dx = twin.backward(&x, targets, &upstream, &mut Trace::silent()).unwrap();
        // And its gradient what is left of two probabilities.
        let share = if reduction == Reduction::Mean { 1.0 / count.max(1) as f64 } else { 1.0 };
        pair.terms = share * largest(&upstream);
        pair.same_gradients(&loss, &upstream, &[("dx", &leaf, &dx)]);
        pair.terms = 0.0;
    }
}

fn negative_log_likelihood<T: Float>(pair: &mut Pair<T>) {
    for (reduction, textbook_reduction) in REDUCTIONS {
        let shape = if pair.rarely(4) { vec![pair.between(1..=6)] } else { logits_shape(pair) };
        let axis = usize::from(shape.len() > 1);
        let classes = shape[axis];
        let samples: Vec<usize> = [&shape[..axis], &shape[axis + 1..]].concat();
        let weights = pair.flag().then(|| pair.positive(&[classes]));
        let ignore_index = pair.pick(&[-100, 0]);
        let options =
            NllLossOptions { weight: weights.as_ref().map(|w| pair.tensor(w)), ignore_index, reduction };
        let twin = textbook::NllLoss {
            class_weights: weights.map(|w| w.data().to_vec()),
            ignore_index,
            reduction: textbook_reduction,
        };
        let x = pair.array(&shape);
        let leaf = pair.leaf(&x);
        let ids: Vec<i64> = (0..samples.iter().product())
            .map(|_| if pair.rarely(5) { ignore_index } else { pair.between(0..=classes - 1) as i64 })
            .collect();
        let loss = leaf.nll_loss(&Tensor::from_slice(&ids, &samples[..]).unwrap(), &options).unwrap();
        let expected = twin.forward(&x, &ids, &mut Trace::silent()).unwrap();
        // A sum of both signs may end near 0.
        pair.terms = largest(&x);
        pair.same("loss", &loss, &expected);
        pair.terms = 0.0;
        let upstream = pair.array(expected.shape());
        let dx = twin.backward(&x, &ids, &upstream, &mut Trace::silent()).unwrap();
        pair.same_gradients(&loss, &upstream, &[("dx", &leaf, &dx)]);
    }
}

/// Nonnegative numbers that sum to 1 along axis 1, as well as single precision holds them.
fn distribution<T: Float>(pair: &mut Pair<T>, shape: &[usize]) -> Array {
    let x = pair.positive(shape);
    let total = x.sum_along(&[1]);
    x.zip(&total, |x, total| exact(x / total)).unwrap()
}

fn binary_cross_entropy<T: Float>(pair: &mut Pair<T>) {
    for (reduction, textbook_reduction) in REDUCTIONS {
        let twin = BinaryCrossEntropy { reduction: textbook_reduction };
        for from_logits in [false, true] {
            let shape = pair.shape(0..=3);
            let z = pair.array(&shape).map(|z| 6.0 * z);
            // Probabilities at both ends too, where the logarithm is held.
            let x = if from_logits { z } else { z.map(|z| exact((z / 10.0 + 0.5).clamp(0.0, 1.0))) };
            let soft = pair.flag();
            let y = pair
                .array(&shape)
                .map(|y| if soft { exact((y.abs() / 3.0).min(1.0)) } else { f64::from(y > 0.0) });
            let (leaf, target) = (pair.leaf(&x), pair.tensor(&y));
            // The loss of a right answer is what is left of terms as large as the logit.
            pair.terms = if from_logits { largest(&x) } else { 0.0 };
            let losses = if from_logits {
                leaf.binary_cross_entropy_with_logits(&target)
            } else {
                leaf.binary_cross_entropy(&target)
            };
            let loss = reduction.apply(&losses.unwrap()).unwrap();
            let silent = &mut Trace::silent();
            let expected = if from_logits {
                twin.forward(&x, &y, silent)
            } else {
                twin.forward_probabilities(&x, &y, silent)
            };
            let expected = expected.unwrap();
            pair.same("loss", &loss, &expected);
            let upstream = pair.array(expected.shape());
            let dx = if from_logits {
                twin.backward(&x, &y, &upstream, silent)
            } else {
                twin.backward_probabilities(&x, &y, &upstream, silent)
            };
            pair.same_gradients(&loss, &upstream, &[("dx", &leaf, &dx.unwrap())]);
        }
    }
}

fn mean_squared_error<T: Float>(pair: &mut Pair<T>) {
    for (reduction, textbook_reduction) in REDUCTIONS {
        let twin = Mse { half: false, reduction: textbook_reduction };
        let shape = pair.shape(0..=3);
        let (p, y) = (pair.array(&shape), pair.array(&shape));
        let (p_leaf, target) = (pair.leaf(&p), pair.tensor(&y));
        let loss = reduction.apply(&p_leaf.squared_error(&target).unwrap()).unwrap();
        let expected = twin.forward(&p, &y, &mut Trace::silent()).unwrap();
        pair.same("loss", &loss, &expected);
        let upstream = pair.array(expected.shape());
        let dp = twin.backward(&p, &y, &upstream, &mut Trace::silent()).unwrap();
        pair.same_gradients(&loss, &upstream, &[("dp", &p_leaf, &dp)]);
    }
}

/// One loss of pairs in both: its targets' kind, and the two implementations.
fn pointwise<T: Float>(
    pair: &mut Pair<T>,
    twin: &impl PointwiseLoss,
    target: impl Fn(f64) -> f64,
    engine: impl Fn(&Tensor<T>, &Tensor<T>) -> barehand_tensor::Result<Tensor<T>>,
) {
    let shape = pair.shape(0..=3);
    let x = pair.array(&shape);
    let y = pair.array(&shape).map(|y| exact(target(y)));
    let (leaf, targets) = (pair.leaf(&x), pair.tensor(&y));
    let loss = engine(&leaf, &targets).unwrap();
    let expected = twin.forward(&x, &y, &mut Trace::silent()).unwrap();
    // Terms of both signs may end near 0.
    let size = largest(&x) + largest(&y);
    pair.terms = 1.0 + size * size.exp().min(1e3);
    pair.same(twin.name(), &loss, &expected);
    let upstream = pair.array(expected.shape());
    let [dx, _] = twin.backward(&x, &y, &upstream, &mut Trace::silent()).unwrap();
    pair.terms = largest(&upstream) * size.exp().min(1e3);
    pair.same_gradients(&loss, &upstream, &[("dx", &leaf, &dx)]);
    pair.terms = 0.0;
}

fn losses_of_pairs<T: Float>(pair: &mut Pair<T>) {
    for (reduction, r) in REDUCTIONS {
        let any = |y: f64| y;
        let sign = |y: f64| y.signum();
        let share = |y: f64| (y.abs() / 4.0).min(1.0);
        let absolute = |corner| textbook::AbsoluteError { corner, reduction: r };
        pointwise(pair, &absolute(textbook::Corner::Sharp), any, |x, y| L1Loss { reduction }.forward(x, y));
        pointwise(pair, &absolute(textbook::Corner::SmoothL1(0.5)), any, |x, y| {
            SmoothL1Loss { reduction, beta: 0.5 }.forward(x, y)
        });
        pointwise(pair, &absolute(textbook::Corner::Huber(0.5)), any, |x, y| {
            HuberLoss { reduction, delta: 0.5 }.forward(x, y)
        });
        let hinge = |margin| textbook::Hinge { margin, reduction: r };
        pointwise(pair, &hinge(textbook::Margin::Hinge(1.0)), sign, |x, y| {
            HingeLoss { margin: 1.0, reduction }.forward(x, y)
        });
        pointwise(pair, &hinge(textbook::Margin::Embedding(1.0)), sign, |x, y| {
            HingeEmbeddingLoss { margin: 1.0, reduction }.forward(x, y)
        });
        pointwise(pair, &hinge(textbook::Margin::Soft), sign, |x, y| {
            SoftMarginLoss { reduction }.forward(x, y)
        });
        let kl_reduction = match reduction {
            Reduction::None => DivergenceReduction::None,
            Reduction::Mean => DivergenceReduction::Mean,
            Reduction::Sum => DivergenceReduction::Sum,
        };
        for log_target in [false, true] {
            pointwise(pair, &textbook::KlDiv { log_target, reduction: r }, share, |x, y| {
                KlDivLoss { reduction: kl_reduction, log_target }.forward(x, y)
            });
        }
        for full in [false, true] {
            let twin = textbook::PoissonNll { full, reduction: r, ..textbook::PoissonNll::default() };
            pointwise(pair, &twin, f64::abs, |x, y| {
                PoissonNllLoss { full, reduction, ..PoissonNllLoss::default() }.forward(x, y)
            });
        }
        pointwise(pair, &textbook::Bpr { reduction: r }, any, |x, y| BprLoss { reduction }.forward(x, y));
        pointwise(pair, &textbook::PairwiseMargin { margin: 0.7, reduction: r }, any, |x, y| {
            PairwiseMarginLoss { margin: 0.7, reduction }.forward(x, y)
        });
        let gamma = pair.pick(&[0.0, 0.5, 2.0, 3.0]);
        let (alpha, twin_alpha) = pair.pick(&[
            (Alpha::None, textbook::FocalAlpha::None),
            (Alpha::Uniform(0.25), textbook::FocalAlpha::Uniform(0.25)),
            (Alpha::Balanced(0.25), textbook::FocalAlpha::Balanced(0.25)),
        ]);
        let twin = textbook::Focal { gamma, alpha: twin_alpha, reduction: r };
        pointwise(pair, &twin, share, |x, y| FocalLoss { gamma, alpha, reduction }.forward(x, y));
    }
}

fn losses_of_vectors<T: Float>(pair: &mut Pair<T>) {
    for (reduction, r) in REDUCTIONS {
        let shape = [pair.between(1..=6), pair.between(1..=5)];
        let arrays: Vec<Array> = (0..3).map(|_| pair.array(&shape)).collect();
        let leaves: Vec<Tensor<T>> = arrays.iter().map(|a| pair.leaf(a)).collect();
        let ([a, b, c], [x, y, z]) = (&arrays[..], &leaves[..]) else { unreachable!("three of each") };
        let signs = pair.array(&shape[..1]).map(f64::signum);
        let silent = &mut Trace::silent();
        pair.terms = 64.0;
        let mut hold_both =
            |name: &str, loss: Tensor<T>, expected: Array, gradients: &dyn Fn(&Array) -> Vec<Array>| {
                pair.same(name, &loss, &expected);
                let upstream = pair.array(expected.shape());
                let gradients = gradients(&upstream);
                let named: Vec<_> = gradients.iter().zip(&leaves).map(|(g, leaf)| (name, leaf, g)).collect();
                pair.same_gradients(&loss, &upstream, &named);
            };
        let twin = textbook::Triplet { swap: true, reduction: r, ..textbook::Triplet::default() };
        let loss = TripletMarginLoss { swap: true, reduction, ..TripletMarginLoss::default() };
        hold_both("triplet", loss.forward(x, y, z).unwrap(), twin.forward(a, b, c, silent).unwrap(), &|up| {
            twin.backward(a, b, c, up, &mut Trace::silent()).unwrap().to_vec()
        });
        let tensor = |v: &Array| {
            Tensor::from_vec(v.data().iter().map(|&v| T::from_real(v)).collect(), v.shape()).unwrap()
        };
        let together = signs.map(|s| f64::from(s > 0.0));
        let twin = textbook::Contrastive { margin: 2.0, reduction: r, ..textbook::Contrastive::default() };
        let loss = ContrastiveLoss { margin: 2.0, reduction, ..ContrastiveLoss::default() };
        let value = loss.forward(x, y, &tensor(&together)).unwrap();
        hold_both("contrastive", value, twin.forward(a, b, &together, silent).unwrap(), &|up| {
            twin.backward(a, b, &together, up, &mut Trace::silent()).unwrap().to_vec()
        });
        let twin = textbook::CosineEmbedding { margin: 0.1, reduction: r };
        let value = CosineEmbeddingLoss { margin: 0.1, reduction }.forward(x, y, &tensor(&signs)).unwrap();
        hold_both("cosine embedding", value, twin.forward(a, b, &signs, silent).unwrap(), &|up| {
            twin.backward(a, b, &signs, up, &mut Trace::silent()).unwrap().to_vec()
        });
        let order = c.map(f64::signum);
        let twin = textbook::MarginRanking { margin: 0.3, reduction: r };
        let value = MarginRankingLoss { margin: 0.3, reduction }.forward(x, y, &tensor(&order)).unwrap();
        hold_both("margin ranking", value, twin.forward(a, b, &order, silent).unwrap(), &|up| {
            twin.backward(a, b, &order, up, &mut Trace::silent()).unwrap().to_vec()
        });
        let classes: Vec<i64> = (0..shape[0]).map(|i| (i % shape[1]) as i64).collect();
        for p in [1, 2] {
            let twin = textbook::MultiMargin { p, reduction: r, ..textbook::MultiMargin::default() };
            let loss = MultiMarginLoss { p: p as u8, reduction, ..MultiMarginLoss::default() };
            let value = loss.forward(x, &Tensor::from(classes.clone())).unwrap();
            hold_both("multi margin", value, twin.forward(a, &classes, silent).unwrap(), &|up| {
                vec![twin.backward(a, &classes, up, &mut Trace::silent()).unwrap()]
            });
        }
        for competition in
            [textbook::Competition::OneWay, textbook::Competition::Symmetric, textbook::Competition::AllViews]
        {
            let (temperature, normalize) = (0.8, true);
            let twin = textbook::InfoNce { temperature, normalize, competition, reduction: r };
            let symmetric = competition == textbook::Competition::Symmetric;
            let value = if competition == textbook::Competition::AllViews {
                NtXentLoss { temperature, normalize, reduction }.forward(x, y)
            } else {
                InfoNceLoss { temperature, normalize, symmetric, reduction }.forward(x, y)
            };
            hold_both("InfoNCE", value.unwrap(), twin.forward(a, b, silent).unwrap(), &|up| {
                twin.backward(a, b, up, &mut Trace::silent()).unwrap().to_vec()
            });
        }
        pair.terms = 0.0;
    }
}

#[test]
fn losses_of_pairs_agree() {
    hold("losses of pairs", 20, [1024.0, 64.0], losses_of_pairs::<f64>, losses_of_pairs::<f32>);
}

#[test]
fn losses_of_vectors_agree() {
    hold("losses of vectors", 40, [1024.0, 64.0], losses_of_vectors::<f64>, losses_of_vectors::<f32>);
}

#[test]
fn cross_entropy_agrees() {
    // 40,000 equal shares of a smoothed target, added up in order, are off by up to 4,600 units, for all are rounded alike.
    hold("cross entropy", 60, [8192.0, 64.0], cross_entropy::<f64>, cross_entropy::<f32>);
}

#[test]
fn negative_log_likelihood_agrees() {
    hold(
        "negative log likelihood",
        60,
        [1024.0, 64.0],
        negative_log_likelihood::<f64>,
        negative_log_likelihood::<f32>,
    );
}

#[test]
fn binary_cross_entropy_agrees() {
    hold(
        "binary cross entropy",
        20,
        [1024.0, 64.0],
        binary_cross_entropy::<f64>,
        binary_cross_entropy::<f32>,
    );
}

#[test]
fn mean_squared_error_agrees() {
    hold("mean squared error", 20, [1024.0, 64.0], mean_squared_error::<f64>, mean_squared_error::<f32>);
}
