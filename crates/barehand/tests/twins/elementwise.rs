//! Functions of one number, and arithmetic that broadcasts.

use barehand_tensor::{Float, Gate, Result, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::{Activation, Arithmetic, Array, Elementwise, GatedLinearUnit, Sigmoid, Trace};

use crate::pair::{Pair, exact, hold, largest};

const ACTIVATIONS: [Activation; 27] = [
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
    Activation::Relu6,
    Activation::Hardtanh { low: -1.0, high: 1.0 },
    Activation::Hardsigmoid,
    Activation::Celu { alpha: 1.0 },
    Activation::Celu { alpha: 0.5 },
    Activation::Threshold { threshold: 0.5, value: -2.0 },
    Activation::Softshrink { margin: 0.5 },
    Activation::Hardshrink { margin: 0.5 },
    Activation::Tanhshrink,
    Activation::LogSigmoid,
];

const ARITHMETIC: [Arithmetic; 8] = [
    Arithmetic::Add,
    Arithmetic::Sub,
    Arithmetic::Mul,
    Arithmetic::Div,
    Arithmetic::Pow,
    Arithmetic::FloorDivide,
    Arithmetic::Remainder,
    Arithmetic::Fmod,
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
        Activation::Relu6 => x.relu6(),
        Activation::Hardtanh { low, high } => x.hardtanh(low, high),
        Activation::Hardsigmoid => x.hardsigmoid(),
        Activation::Celu { alpha } => x.celu(alpha),
        Activation::Threshold { threshold, value } => x.threshold(threshold, value),
        Activation::Softshrink { margin } => x.softshrink(margin),
        Activation::Hardshrink { margin } => x.hardshrink(margin),
        Activation::Tanhshrink => x.tanhshrink(),
        Activation::LogSigmoid => x.log_sigmoid(),
    }
}

fn sigmoid<T: Float>(which: Sigmoid, x: &Tensor<T>) -> Result<Tensor<T>> {
    match which {
        Sigmoid::Logistic => x.sigmoid(),
        Sigmoid::ErfPrinted => x.erf_sigmoid_printed(),
        Sigmoid::Erf => x.erf_sigmoid(),
        Sigmoid::Tanh => x.tanh(),
        Sigmoid::Gudermannian => x.gudermannian(),
        Sigmoid::Algebraic => x.algebraic_sigmoid(),
        Sigmoid::Arctangent => x.arctangent_sigmoid(),
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
        let cancels = matches!(which, Activation::Gelu | Activation::GeluTanh | Activation::Tanhshrink);
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
        let divides = matches!(
            which,
            Arithmetic::Div | Arithmetic::FloorDivide | Arithmetic::Remainder | Arithmetic::Fmod
        );
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
            Arithmetic::Fmod => a_leaf.fmod(&b_leaf),
        };
        let c = c.unwrap();
        let expected = which.forward(&a, &b, &mut Trace::silent()).unwrap();
        pair.same("c", &c, &expected);
        let dc = pair.array(expected.shape());
        let (da, db) = which.backward(&a, &b, &dc, &mut Trace::silent()).unwrap();
        pair.same_gradients(&c, &dc, &[("da", &a_leaf, &da), ("db", &b_leaf, &db)]);
    }
}

fn gates_and_learned_slopes<T: Float>(pair: &mut Pair<T>) {
    let kinds = [
        (Gate::Sigmoid, textbook::Gate::Logistic),
        (Gate::Silu, textbook::Gate::Silu),
        (Gate::Gelu, textbook::Gate::Gelu),
        (Gate::GeluTanh, textbook::Gate::GeluTanh),
        (Gate::Relu, textbook::Gate::Relu),
    ];
    for (gate, twin) in kinds {
        let mut shape = pair.shape(1..=4);
        let axis = pair.between(0..=shape.len() - 1);
        shape[axis] = shape[axis].next_multiple_of(2);
        let unit = GatedLinearUnit { gate: twin, gate_first: pair.flag(), axis: axis as isize };
        let x = pair.array(&shape).map(|x| exact(2.0 * x));
        let leaf = pair.leaf(&x);
        let y = leaf.gated_linear_unit(gate, unit.gate_first, axis as isize).unwrap();
        let expected = unit.forward(&x, &mut Trace::silent()).unwrap();
        pair.terms = largest(&x).powi(2);
        pair.same("y", &y, &expected);
        let dy = pair.array(expected.shape());
        let dx = unit.backward(&x, &dy, &mut Trace::silent()).unwrap();
        pair.terms = largest(&x) * largest(&dy);
        pair.same_gradients(&y, &dy, &[("dx", &leaf, &dx)]);
        pair.terms = 0.0;
    }
    let shape = pair.shape(2..=4);
    let slopes = if pair.flag() { vec![shape[1]] } else { vec![1] };
    let (x, w) = (pair.array(&shape), pair.array(&slopes));
    let (x_leaf, w_leaf) = (pair.leaf(&x), pair.leaf(&w));
    let y = x_leaf.prelu(&w_leaf).unwrap();
    pair.same("y", &y, &textbook::prelu(&x, &w, &mut Trace::silent()).unwrap());
    let dy = pair.array(&shape);
    let [dx, dw] = textbook::prelu_backward(&x, &w, &dy, &mut Trace::silent()).unwrap();
    // Sums of both signs may end near 0.
    pair.terms = largest(&x) * largest(&dy);
    pair.same_gradients(&y, &dy, &[("dx", &x_leaf, &dx), ("dw", &w_leaf, &dw)]);
}

#[test]
fn gates_and_learned_slopes_agree() {
    hold("gates", 12, [1024.0, 64.0], gates_and_learned_slopes::<f64>, gates_and_learned_slopes::<f32>);
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
