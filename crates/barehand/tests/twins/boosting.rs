//! Gradient boosting, whose engine keeps gradients in f32 and sums in f64: small differences of large sums.

use barehand_learn::ensemble::hist_gradient_boosting::{Booster, Loss, Parameters, Samples};
use barehand_tensor::{Float, Tensor};
use barehand_textbook::{BoostedLoss, GradientBoosting, Trace};

use crate::pair::{Pair, exact, hold};

fn boosting<T: Float>(pair: &mut Pair<T>) {
    let (n, d) = (pair.between(2..=50), pair.between(1..=10));
    // Halves and quarters: values repeat.
    let coarse = pair.pick(&[1.0, 4.0]);
    let x = pair.array(&[n, d]).map(|x| if coarse > 1.0 { (x * coarse).round() / coarse } else { x });
    let loss = pair.pick(&[BoostedLoss::SquaredError, BoostedLoss::LogLoss]);
    // Shares between two classes, so that no two cuts gain the same.
    let y = pair.array(&[n]);
    let y = if loss == BoostedLoss::LogLoss { y.map(|y| exact(1.0 / (1.0 + (-y).exp()))) } else { y };
    let textbook = GradientBoosting {
        loss,
        rounds: pair.between(1..=4),
        learning_rate: 0.3,
        max_leaves: pair.between(2..=6),
        min_samples_leaf: pair.between(1..=5),
        l2: pair.pick(&[0.0, 1.5]),
    };
    let expected = textbook.fit(&x, &y, &mut Trace::silent()).unwrap();
    let parameters = Parameters {
        max_iter: textbook.rounds,
        learning_rate: textbook.learning_rate,
        max_leaf_nodes: Some(textbook.max_leaves),
        min_samples_leaf: textbook.min_samples_leaf,
        l2_regularization: textbook.l2,
        ..Parameters::default()
    };
    let loss = if loss == BoostedLoss::LogLoss { Loss::LogLoss(2) } else { Loss::SquaredError };
    let samples = Samples { x: pair.tensor(&x), y: y.data().to_vec(), weights: None };
    let mut booster = Booster::new("twin", &parameters, loss, samples, None, &[], None, None).unwrap();
    booster.run(false).unwrap();
    let raw: Vec<T> = booster.raw().iter().map(|&raw| T::from_f64(raw)).collect();
    pair.same("raw predictions", &Tensor::from(raw), &expected);
}

#[test]
fn gradient_boosting() {
    // Gradients are rounded to 2^-24 of themselves, which is 2^28 units of f64.
    hold("gradient boosting", 60, [4e9, 32.0], boosting::<f64>, boosting::<f32>);
}
