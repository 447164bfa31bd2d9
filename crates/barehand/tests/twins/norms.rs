//! Batch and layer normalisation.

use barehand_tensor::Float;
use barehand_textbook::{BatchNorm, LayerNorm, Trace};

use crate::pair::{Pair, exact, hold, largest};

const EPS: f64 = 1e-5;

fn batch_norm<T: Float>(pair: &mut Pair<T>) {
    for training in [true, false] {
        let mut shape = pair.shape(2..=4);
        // Several values for each channel: of two, nearly the same, the variance has no digits.
        for n in &mut shape {
            *n = (*n).max(1);
        }
        shape[0] = shape[0].max(8);
        pair.terms = 0.0;
        let channels = [shape[1]];
        let offset = pair.pick(&[0.0, 3.0]);
        let x = pair.array(&shape).map(|x| exact(2.0 * x + offset));
        let mut twin = BatchNorm::new(channels[0]);
        (twin.gamma, twin.beta) = (pair.array(&channels), pair.array(&channels));
        (twin.running_mean, twin.running_var) = (pair.array(&channels), pair.positive(&channels));
        let (leaf, gamma, beta) = (pair.leaf(&x), pair.leaf(&twin.gamma), pair.leaf(&twin.beta));
        let dy = pair.array(&shape);
        let silent = &mut Trace::silent();
        let (y, expected, d) = if training {
            let (y, _) = leaf.batch_norm_train(Some(&gamma), Some(&beta), EPS).unwrap();
            let d = twin.backward_train(&x, &dy, silent).unwrap();
            (y, twin.forward_train(&x, silent).unwrap(), d)
        } else {
            let (mean, var) = (pair.tensor(&twin.running_mean), pair.tensor(&twin.running_var));
            let y = leaf.batch_norm_eval(&mean, &var, Some(&gamma), Some(&beta), EPS).unwrap();
            (y, twin.forward_eval(&x, silent).unwrap(), twin.backward_eval(&x, &dy, silent).unwrap())
        };
        pair.same("y", &y, &expected);
        // Of few values the gradients of mean and variance cancel most of what arrives.
        pair.terms = largest(&dy) * largest(&twin.gamma);
        let leaves = [("dx", &leaf, &d.input), ("dgamma", &gamma, &d.gamma), ("dbeta", &beta, &d.beta)];
        pair.same_gradients(&y, &dy, &leaves);
    }
}

fn layer_norm<T: Float>(pair: &mut Pair<T>) {
    let mut shape = pair.shape(1..=4);
    let axes = pair.between(1..=shape.len());
    let from = shape.len() - axes;
    // A row of one element is its own mean: its output is the shift, and its gradient 0.
    shape[from..].iter_mut().for_each(|n| *n = (*n).max(1));
    let offset = pair.pick(&[0.0, 3.0]);
    let x = pair.array(&shape).map(|x| exact(2.0 * x + offset));
    let normalized = shape[from..].to_vec();
    let twin = LayerNorm { gamma: pair.array(&normalized), beta: pair.array(&normalized), eps: EPS };
    let (leaf, gamma, beta) = (pair.leaf(&x), pair.leaf(&twin.gamma), pair.leaf(&twin.beta));
    let y = leaf.layer_norm(Some(&gamma), Some(&beta), EPS).unwrap();
    pair.same("y", &y, &twin.forward(&x, &mut Trace::silent()).unwrap());
    let dy = pair.array(&shape);
    let d = twin.backward(&x, &dy, &mut Trace::silent()).unwrap();
    // What arrives is multiplied by 1 / sqrt(var + eps), large for rows of few, nearly equal elements, and then mostly cancels.
    let steepness = |row: &[f64]| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
        1.0 / (variance + EPS).sqrt()
    };
    let steepest = x.data().chunks(normalized.iter().product()).map(steepness).fold(1.0, f64::max);
    pair.terms = largest(&dy) * largest(&twin.gamma) * steepest;
    let leaves = [("dx", &leaf, &d.input), ("dgamma", &gamma, &d.gamma), ("dbeta", &beta, &d.beta)];
    pair.same_gradients(&y, &dy, &leaves);
}

#[test]
fn batch_norm_agrees() {
    hold("batch norm", 30, [1024.0, 128.0], batch_norm::<f64>, batch_norm::<f32>);
}

#[test]
fn layer_norm_agrees() {
    hold("layer norm", 40, [1024.0, 128.0], layer_norm::<f64>, layer_norm::<f32>);
}
