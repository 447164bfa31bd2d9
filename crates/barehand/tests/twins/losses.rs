//! Losses: every option, every reduction, and gradients that arrive with a value of their own.

use barehand_tensor::{CrossEntropyOptions, Float, NllLossOptions, Reduction, Targets, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::{Array, BinaryCrossEntropy, Mse, Trace};

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

#[test]
fn cross_entropy_agrees() {
    hold("cross entropy", 60, [1024.0, 64.0], cross_entropy::<f64>, cross_entropy::<f32>);
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
