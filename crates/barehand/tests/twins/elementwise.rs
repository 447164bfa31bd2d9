//! Functions of one number, and arithmetic that broadcasts.

use std::f64::consts::PI;

use barehand_tensor::{Float, Result, Tensor};
use barehand_textbook::{Activation, Arithmetic, Array, Elementwise, Sigmoid, Trace};

use crate::pair::{Pair, exact, hold, largest};

const ACTIVATIONS: [Activation; 17] = [
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.01 },
    Activation::LeakyRelu { slope: 0.25 },
    Activation::Elu { alpha: 1.0 },
    Activation::Elu { alpha: 0.5 },
    Activation::Selu,
    Activation::Logistic,
    Activation::Tanh,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Silu,
    Activation::Softplus { beta: 1.0, threshold: 20.0 },
    Activation::Softplus { beta: 2.0, threshold: 5.0 },
    Activation::Softplus { beta: 1.0, threshold: f64::INFINITY },
    Activation::Mish,
    Activation::Hardswish,
    Activation::Softsign,
];

const ARITHMETIC: [Arithmetic; 7] = [
    Arithmetic::Add,
    Arithmetic::Sub,
    Arithmetic::Mul,
    Arithmetic::Div,
    Arithmetic::Pow,
    Arithmetic::FloorDivide,
    Arithmetic::Remainder,
];

fn activation<T: Float>(which: Activation, x: &Tensor<T>) -> Result<Tensor<T>> {
    match which {
        Activation::Relu => x.relu(),
        Activation::LeakyRelu { slope } => x.leaky_relu(slope),
        Activation::Elu { alpha } => x.elu(alpha),
        Activation::Selu => x.selu(),
        Activation::Logistic => x.sigmoid(),
        Activation::Tanh => x.tanh(),
        Activation::Gelu => x.gelu(),
        Activation::GeluTanh => x.gelu_tanh(),
        Activation::Silu => x.silu(),
        Activation::Softplus { beta, threshold } => x.softplus(beta, threshold),
        Activation::Mish => x.mish(),
        Activation::Hardswish => x.hardswish(),
        Activation::Softsign => x.softsign(),
    }
}

/// What has no kernel of its own is composed.
fn sigmoid<T: Float>(which: Sigmoid, x: &Tensor<T>) -> Result<Tensor<T>> {
    match which {
        Sigmoid::Logistic => x.sigmoid(),
        Sigmoid::ErfPrinted => x.mul_scalar((PI / 2.0).sqrt())?.erf(),
        Sigmoid::Erf => x.mul_scalar(PI.sqrt() / 2.0)?.erf(),
        Sigmoid::Tanh => x.tanh(),
        Sigmoid::Gudermannian => x.mul_scalar(PI / 4.0)?.tanh()?.atan()?.mul_scalar(4.0 / PI),
        Sigmoid::Algebraic => x.mul(&x.square()?.add_scalar(1.0)?.rsqrt()?),
        Sigmoid::Arctangent => x.mul_scalar(PI / 2.0)?.atan()?.mul_scalar(2.0 / PI),
        Sigmoid::Softsign => x.softsign(),
    }
}

/// Operands of an elementwise function: over both tails, and at the kinks.
fn operands<T: Float>(pair: &mut Pair<T>) -> (Array, Array) {
    let shape = pair.shape(0..=4);
    let scale = pair.pick(&[1.0, 4.0, 12.0]);
    let mut x = pair.array(&shape).map(|x| exact(scale * x));
    if pair.flag() {
        x = x.map(f64::round);
    }
    let dy = pair.array(&shape);
    (x, dy)
}

fn compare<T: Float, F: Elementwise>(
    pair: &mut Pair<T>,
    textbook: F,
    cancels: bool,
    engine: impl Fn(&Tensor<T>) -> Result<Tensor<T>>,
) {
    let (x, dy) = operands(pair);
    let leaf = pair.leaf(&x);
    let y = engine(&leaf).unwrap();
    pair.terms = if cancels { largest(&x) } else { 0.0 };
    pair.same("y", &y, &textbook.forward(&x, &mut Trace::silent()));
    let dx = textbook.backward(&x, &dy, &mut Trace::silent()).unwrap();
    // Near an extremum the slope is the small difference of larger terms.
    pair.terms = largest(&dy);
    pair.same_gradients(&y, &dy, &[(textbook.formulas()[1], &leaf, &dx)]);
    pair.terms = 0.0;
}

fn activations<T: Float>(pair: &mut Pair<T>) {
    for which in ACTIVATIONS {
        // On the far left neither the textbook's x (1 + tanh u) / 2 nor the engine's x (1 + erf u) / 2 has a digit left.
        let cancels = matches!(which, Activation::Gelu | Activation::GeluTanh);
        compare(pair, which, cancels, |x| activation(which, x));
    }
}

fn sigmoids<T: Float>(pair: &mut Pair<T>) {
    for which in Sigmoid::ALL {
        compare(pair, which, false, |x| sigmoid(which, x));
    }
}

fn arithmetic<T: Float>(pair: &mut Pair<T>) {
    for which in ARITHMETIC {
        let shape = pair.shape(0..=4);
        // Each operand is stretched along some axes, and may lack the first ones.
        let mut stretched = || {
            let kept: Vec<usize> = shape.iter().map(|&n| if pair.rarely(3) { 1 } else { n }).collect();
            let from = pair.between(0..=kept.len());
            if pair.flag() { kept } else { kept[from..].to_vec() }
        };
        let (a_shape, b_shape) = (stretched(), stretched());
        let a = if which == Arithmetic::Pow { pair.positive(&a_shape) } else { pair.array(&a_shape) };
        let divides = matches!(which, Arithmetic::Div | Arithmetic::FloorDivide | Arithmetic::Remainder);
        let b = pair.array(&b_shape).map(|b| exact(if divides { b + 0.5f64.copysign(b) } else { b }));
        let (a_leaf, b_leaf) = (pair.leaf(&a), pair.leaf(&b));
        let c = match which {
            Arithmetic::Add => a_leaf.add(&b_leaf),
            Arithmetic::Sub => a_leaf.sub(&b_leaf),
            Arithmetic::Mul => a_leaf.mul(&b_leaf),
            Arithmetic::Div => a_leaf.div(&b_leaf),
            Arithmetic::Pow => a_leaf.pow(&b_leaf),
            Arithmetic::FloorDivide => a_leaf.floor_divide(&b_leaf),
            Arithmetic::Remainder => a_leaf.remainder(&b_leaf),
        };
        let c = c.unwrap();
        let expected = which.forward(&a, &b, &mut Trace::silent()).unwrap();
        pair.same("c", &c, &expected);
        let dc = pair.array(expected.shape());
        let (da, db) = which.backward(&a, &b, &dc, &mut Trace::silent()).unwrap();
        pair.same_gradients(&c, &dc, &[("da", &a_leaf, &da), ("db", &b_leaf, &db)]);
    }
}

#[test]
fn activations_agree() {
    // Where GELU bends far out, its steep argument multiplies the rounding of either side.
    hold("activations", 12, [32.0, 16.0], activations::<f64>, activations::<f32>);
}

#[test]
fn sigmoids_agree() {
    hold("sigmoids", 12, [8.0, 8.0], sigmoids::<f64>, sigmoids::<f32>);
}

#[test]
fn broadcast_arithmetic_agrees() {
    hold("broadcast arithmetic", 40, [1024.0, 64.0], arithmetic::<f64>, arithmetic::<f32>);
}
