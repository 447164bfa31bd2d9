//! Batch, layer, RMS and group normalisation, and low-rank adaptation.

use barehand_nn::{Generator, Linear, Lora, Module};
use barehand_tensor::Float;
use barehand_textbook as textbook;
use barehand_textbook::{Array, BatchNorm, GroupNorm, LayerNorm, RmsNorm, Trace};

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

/// How much 1 / sqrt(spread + eps) magnifies what arrives, at the row where it is most.
fn steepest(x: &Array, len: usize, spread: impl Fn(&[f64]) -> f64) -> f64 {
    let rows = x.data().chunks(len.max(1));
    rows.map(|row| 1.0 / (spread(row) + EPS).sqrt()).fold(1.0, f64::max)
}

fn mean(row: impl Iterator<Item = f64>, len: usize) -> f64 {
    row.sum::<f64>() / len as f64
}

fn rms_norm<T: Float>(pair: &mut Pair<T>) {
    let mut shape = pair.shape(1..=4);
    let axes = pair.between(1..=shape.len());
    let from = shape.len() - axes;
    shape[from..].iter_mut().for_each(|n| *n = (*n).max(1));
    let x = pair.array(&shape).map(|x| exact(2.0 * x));
    let normalized = shape[from..].to_vec();
    let twin = RmsNorm { gamma: pair.array(&normalized), eps: EPS };
    let (leaf, gamma) = (pair.leaf(&x), pair.leaf(&twin.gamma));
    let y = leaf.rms_norm(axes, Some(&gamma), Some(EPS)).unwrap();
    pair.same("y", &y, &twin.forward(&x, &mut Trace::silent()).unwrap());
    let dy = pair.array(&shape);
    let (dx, dgamma) = twin.backward(&x, &dy, &mut Trace::silent()).unwrap();
    let square = |row: &[f64]| mean(row.iter().map(|x| x * x), row.len());
    let steepest = steepest(&x, normalized.iter().product(), square);
    pair.terms = largest(&dy) * largest(&twin.gamma) * steepest;
    pair.same_gradients(&y, &dy, &[("dx", &leaf, &dx), ("dgamma", &gamma, &dgamma)]);
}

fn group_norm<T: Float>(pair: &mut Pair<T>) {
    let mut shape = pair.shape(2..=4);
    for n in &mut shape {
        *n = (*n).max(1);
    }
    let groups = (1..=shape[1]).filter(|n| shape[1].is_multiple_of(*n)).collect::<Vec<_>>();
    let groups = pair.pick(&groups);
    let x = pair.array(&shape).map(|x| exact(2.0 * x + 1.0));
    let channels = [shape[1]];
    let twin = GroupNorm { groups, gamma: pair.array(&channels), beta: pair.array(&channels), eps: EPS };
    let (leaf, gamma, beta) = (pair.leaf(&x), pair.leaf(&twin.gamma), pair.leaf(&twin.beta));
    let y = leaf.group_norm(groups, Some(&gamma), Some(&beta), EPS).unwrap();
    pair.same("y", &y, &twin.forward(&x, &mut Trace::silent()).unwrap());
    let dy = pair.array(&shape);
    let d = twin.backward(&x, &dy, &mut Trace::silent()).unwrap();
    let variance = |row: &[f64]| {
        let center = mean(row.iter().copied(), row.len());
        mean(row.iter().map(|x| (x - center).powi(2)), row.len())
    };
    let steepest = steepest(&x, shape[1..].iter().product::<usize>() / groups, variance);
    pair.terms = largest(&dy) * largest(&twin.gamma) * steepest;
    let leaves = [("dx", &leaf, &d.input), ("dgamma", &gamma, &d.gamma), ("dbeta", &beta, &d.beta)];
    pair.same_gradients(&y, &dy, &leaves);
}

fn lora<T: Float>(pair: &mut Pair<T>) {
    let (n, inputs, outputs, rank) =
        (pair.between(1..=6), pair.between(1..=9), pair.between(1..=7), pair.between(1..=3));
    let (weight, bias) = (pair.array(&[outputs, inputs]), pair.array(&[outputs]));
    let (a, b) = (pair.array(&[rank, inputs]), pair.array(&[outputs, rank]));
    let twin = textbook::Lora { weight, bias: Some(bias), a, b, alpha: 4.0 };
    let bias = twin.bias.as_ref().map(|bias| pair.leaf(bias));
    let linear = Linear { weight: pair.leaf(&twin.weight), bias };
    let mut layer = Lora::new(linear, rank, 4.0, 0.0, &mut Generator::new(0)).unwrap();
    (layer.lora_a, layer.lora_b) = (pair.leaf(&twin.a), pair.leaf(&twin.b));
    let x = pair.array(&[n, inputs]);
    let leaf = pair.leaf(&x);
    let y = layer.forward(&leaf).unwrap();
    pair.terms = 16.0;
    pair.same("y", &y, &twin.forward(&x, &mut Trace::silent()).unwrap());
    let dy = pair.array(&[n, outputs]);
    let d = twin.backward(&x, &dy, &mut Trace::silent()).unwrap();
    pair.terms = 64.0;
    let leaves = [("dx", &leaf, &d.input), ("da", &layer.lora_a, &d.a), ("db", &layer.lora_b, &d.b)];
    pair.same_gradients(&y, &dy, &leaves);
    let merged = twin.merged(&mut Trace::silent()).unwrap();
    layer.merge().unwrap();
    pair.same("merged", &layer.base_layer.weight, &merged);
}

#[test]
fn rms_norm_agrees() {
    hold("rms norm", 40, [1024.0, 128.0], rms_norm::<f64>, rms_norm::<f32>);
}

#[test]
fn group_norm_agrees() {
    hold("group norm", 40, [1024.0, 128.0], group_norm::<f64>, group_norm::<f32>);
}

#[test]
fn lora_agrees() {
    hold("lora", 20, [64.0, 64.0], lora::<f64>, lora::<f32>);
}

#[test]
fn batch_norm_agrees() {
    hold("batch norm", 30, [1024.0, 128.0], batch_norm::<f64>, batch_norm::<f32>);
}

#[test]
fn layer_norm_agrees() {
    hold("layer norm", 40, [1024.0, 128.0], layer_norm::<f64>, layer_norm::<f32>);
}
