//! Matrix products, linear layers, reductions and softmax.

use barehand_tensor::Float;
use barehand_textbook as textbook;
use barehand_textbook::{Array, Reduce, Ties, Trace, WeightLayout};

use crate::pair::{Pair, hold, largest};

fn matmul<T: Float>(pair: &mut Pair<T>) {
    let rank = pair.between(0..=2);
    let stack: Vec<usize> = (0..rank).map(|_| pair.between(0..=4)).collect();
    let large = stack.iter().product::<usize>() < 40 && pair.rarely(4);
    let mut length = || if large { pair.between(30..=70) } else { pair.between(0..=6) };
    let (rows, inner, columns) = (length(), length(), length());
    let mut operand = |matrix: [usize; 2]| {
        let stretched: Vec<usize> = stack.iter().map(|&n| if pair.rarely(4) { 1 } else { n }).collect();
        let from = pair.between(0..=stretched.len());
        let batch = if pair.flag() { &stretched[..] } else { &stretched[from..] };
        pair.array(&[batch, &matrix].concat())
    };
    let (a, b) = (operand([rows, inner]), operand([inner, columns]));
    let (a_leaf, b_leaf) = (pair.leaf(&a), pair.leaf(&b));
    let c = a_leaf.matmul(&b_leaf).unwrap();
    let expected = textbook::matmul(&a, &b, &mut Trace::silent()).unwrap();
    pair.same("C", &c, &expected);
    let dc = pair.array(expected.shape());
    let (da, db) = textbook::matmul_backward(&a, &b, &dc, &mut Trace::silent()).unwrap();
    pair.same_gradients(&c, &dc, &[("dA", &a_leaf, &da), ("dB", &b_leaf, &db)]);
}

fn linear<T: Float>(pair: &mut Pair<T>) {
    let rank = pair.between(0..=3);
    let mut shape: Vec<usize> = (0..rank).map(|_| pair.between(0..=5)).collect();
    let (inputs, outputs) = (pair.between(1..=20), pair.between(1..=20));
    shape.push(inputs);
    let (x, w) = (pair.array(&shape), pair.array(&[outputs, inputs]));
    let b = pair.flag().then(|| pair.array(&[outputs]));
    let (x_leaf, w_leaf) = (pair.leaf(&x), pair.leaf(&w));
    let b_leaf = b.as_ref().map(|b| pair.leaf(b));
    let y = x_leaf.linear(&w_leaf, b_leaf.as_ref()).unwrap();
    let expected = textbook::linear(&x, &w, b.as_ref(), WeightLayout::OutIn, &mut Trace::silent()).unwrap();
    pair.same("y", &y, &expected);
    let dy = pair.array(expected.shape());
    let d = textbook::linear_backward(&x, &w, WeightLayout::OutIn, &dy, &mut Trace::silent()).unwrap();
    let mut leaves = vec![("dx", &x_leaf, &d.input), ("dW", &w_leaf, &d.weight)];
    leaves.extend(b_leaf.as_ref().map(|b| ("db", b, &d.bias)));
    pair.same_gradients(&y, &dy, &leaves);
}

fn reductions<T: Float>(pair: &mut Pair<T>) {
    let all = [
        Reduce::Sum,
        Reduce::Mean,
        Reduce::Variance { correction: 0 },
        Reduce::Variance { correction: 1 },
        Reduce::Max { ties: Ties::Even },
        Reduce::Max { ties: Ties::First },
    ];
    for which in all {
        let shape = pair.shape(1..=4);
        let mut axes: Vec<isize> = (0..shape.len() as isize).filter(|_| pair.flag()).collect();
        let first = matches!(which, Reduce::Max { ties: Ties::First });
        if axes.is_empty() || first {
            axes = vec![pair.between(0..=shape.len() - 1) as isize];
        }
        let count: usize = axes.iter().map(|&axis| shape[axis as usize]).product();
        // Only a sum is defined over nothing, and a sample's variance over more than one.
        if count < 2 && which != Reduce::Sum {
            continue;
        }
        let mut x = pair.array(&shape);
        if matches!(which, Reduce::Max { .. }) {
            x = x.map(f64::round);
        }
        let leaf = pair.leaf(&x);
        let y = match which {
            Reduce::Sum => leaf.sum_dim(&axes[..], true),
            Reduce::Mean => leaf.mean_dim(&axes[..], true),
            Reduce::Variance { correction } => leaf.var_dim(&axes[..], correction as f64, true),
            Reduce::Max { ties: Ties::Even } => leaf.amax(&axes[..], true),
            Reduce::Max { ties: Ties::First } => leaf.max_dim(axes[0], true).map(|(values, _)| values),
        };
        let y = y.unwrap();
        let expected = which.forward(&x, &axes, &mut Trace::silent()).unwrap();
        pair.same("y", &y, &expected);
        let dy = pair.array(expected.shape());
        let dx = which.backward(&x, &axes, &dy, &mut Trace::silent()).unwrap();
        pair.same_gradients(&y, &dy, &[("dx", &leaf, &dx)]);
    }
}

fn softmax<T: Float>(pair: &mut Pair<T>) {
    for log in [false, true] {
        let shape = pair.shape(1..=4);
        let axis = pair.between(0..=shape.len() - 1) as isize;
        let (x, dy) = (pair.array(&shape).map(|x| 8.0 * x), pair.array(&shape));
        let leaf = pair.leaf(&x);
        let y = if log { leaf.log_softmax(axis) } else { leaf.softmax(axis) }.unwrap();
        let forward = if log { textbook::log_softmax } else { textbook::softmax };
        let backward = if log { textbook::log_softmax_backward } else { textbook::softmax_backward };
        let expected: Array = forward(&x, axis, &mut Trace::silent()).unwrap();
        pair.same("y", &y, &expected);
        let dx = backward(&expected, &dy, axis, &mut Trace::silent()).unwrap();
        // Where one class has it all, p (1 - p) is next to nothing.
        pair.terms = largest(&dy);
        pair.same_gradients(&y, &dy, &[("dx", &leaf, &dx)]);
        pair.terms = 0.0;
    }
}

#[test]
fn matrix_products_agree() {
    hold("matmul", 60, [1024.0, 64.0], matmul::<f64>, matmul::<f32>);
}

#[test]
fn linear_layers_agree() {
    hold("linear", 30, [1024.0, 64.0], linear::<f64>, linear::<f32>);
}

#[test]
fn reductions_agree() {
    hold("reductions", 40, [1024.0, 64.0], reductions::<f64>, reductions::<f32>);
}

#[test]
fn softmax_agrees() {
    hold("softmax", 40, [1024.0, 64.0], softmax::<f64>, softmax::<f32>);
}
