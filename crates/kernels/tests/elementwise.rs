//! Elementwise functions on every kind of view, their derivatives against differences, strided copies, comparisons.

use barehand_kernels::View;
use barehand_kernels::compare::{Compare, Logic, compare, logic, not, select};
use barehand_kernels::elementwise::{Binary, Elementwise, Saved, Side, Unary};
use barehand_kernels::isa::{self, Isa};
use barehand_kernels::strided::{assign, cast, copy};
use barehand_kernels::threads::with_num_threads;

/// Numbers in (-scale, scale), different for every seed.
fn noise(n: usize, seed: u64, scale: f64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0) * scale
        })
        .collect()
}

/// The elements of a view, one index at a time.
fn naive<T: Copy>(x: View<T>) -> Vec<T> {
    (0..x.len())
        .map(|i| {
            let (mut rest, mut offset) = (i, 0);
            for (n, stride) in x.shape.iter().zip(x.strides).rev() {
                offset += rest % n * stride;
                rest /= n;
            }
            x.data[offset]
        })
        .collect()
}

/// A shape and several layouts for it: contiguous, broadcast along each side, transposed, with gaps.
fn layouts() -> Vec<(Vec<usize>, Vec<Vec<usize>>)> {
    vec![
        (vec![], vec![vec![]]),
        (vec![0], vec![vec![1]]),
        (vec![1], vec![vec![1]]),
        (vec![7], vec![vec![1], vec![0], vec![3]]),
        (vec![65], vec![vec![1], vec![0], vec![2]]),
        (vec![3, 0, 2], vec![vec![0, 2, 1]]),
        (vec![63, 10], vec![vec![10, 1], vec![0, 1], vec![1, 0], vec![1, 63], vec![0, 0], vec![13, 1]]),
        (vec![33, 1000], vec![vec![1000, 1], vec![0, 1], vec![1, 0], vec![1, 33], vec![2003, 2]]),
        (
            vec![5, 17, 40],
            vec![vec![680, 40, 1], vec![1, 200, 5], vec![40, 200, 1], vec![0, 40, 1], vec![17, 1, 0]],
        ),
        (
            vec![3, 1, 4, 70],
            vec![vec![280, 280, 70, 1], vec![0, 9, 1, 4], vec![280, 5, 1, 4], vec![4, 0, 1, 12]],
        ),
        (vec![70_001], vec![vec![1], vec![0]]),
        (vec![300, 301], vec![vec![301, 1], vec![1, 300], vec![0, 1], vec![1, 0]]),
    ]
}

fn extent(shape: &[usize], strides: &[usize]) -> usize {
    if shape.contains(&0) {
        0
    } else {
        1 + shape.iter().zip(strides).map(|(n, s)| (n - 1) * s).sum::<usize>()
    }
}

/// Runs `test` in every setting.
fn everywhere(test: impl Fn()) {
    for isa in Isa::available() {
        assert!(isa::force(Some(isa)));
        with_num_threads(1, &test);
        with_num_threads(2, &test);
    }
    isa::force(None);
}

// One test: the instruction set is a setting of the whole process.
#[test]
fn elementwise_kernels_agree_with_plain_loops() {
    everywhere(|| {
        moves();
        views();
    });
    everywhere(derivatives);
    edges();
}

fn moves() {
    for (shape, layouts) in layouts() {
        for strides in &layouts {
            let data: Vec<u32> = (0..extent(&shape, strides) as u32).collect();
            let x = View::new(&data, &shape, strides);
            let want = naive(x);
            let mut out = vec![9; x.len()];
            copy(x, &mut out);
            assert_eq!(out, want, "copy {shape:?} {strides:?}");
            let mut wide = vec![0.0; x.len()];
            cast(x, &mut wide, |x: u32| f64::from(x));
            assert!(wide.iter().zip(&want).all(|(a, b)| *a == f64::from(*b)));

            // Back into the same places, and nowhere else; only where places are distinct.
            if !strides.contains(&0) {
                let mut back = vec![u32::MAX; data.len()];
                let rows: Vec<usize> = (0..shape.len()).map(|i| shape[i + 1..].iter().product()).collect();
                assign(&mut back, &shape, strides, View::new(&want, &shape, &rows));
                let x = View::new(&back, &shape, strides);
                assert_eq!(naive(x), want, "assign {shape:?} {strides:?}");
                assert_eq!(back.iter().filter(|v| **v != u32::MAX).count(), want.len());
            }
        }
    }
}

fn views() {
    for (shape, layouts) in layouts() {
        for (i, left) in layouts.iter().enumerate() {
            let a = noise(extent(&shape, left), 1 + i as u64, 2.0);
            let x = View::new(&a, &shape, left);
            let xs = naive(x);
            let mut out = vec![0.0; x.len()];
            f64::unary(Unary::Affine { scale: 2.0, shift: 1.0 }, x, &mut out);
            assert!(out.iter().zip(&xs).all(|(y, x)| *y == 2.0 * x + 1.0), "{shape:?} {left:?}");
            for (j, right) in layouts.iter().enumerate() {
                let b = noise(extent(&shape, right), 100 + j as u64, 2.0);
                let y = View::new(&b, &shape, right);
                let ys = naive(y);
                f64::binary(Binary::Sub, x, y, &mut out);
                let all = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
                    xs.iter().zip(&ys).map(|(x, y)| f(*x, *y)).collect()
                };
                assert_eq!(out, all(&|x, y| x - y), "{shape:?} {left:?} {right:?}");
                let mut assigned = xs.clone();
                f64::binary_assign(Binary::Mul, &mut assigned, y);
                assert_eq!(assigned, all(&|x, y| x * y));
                let mut sums = xs.clone();
                f64::axpy(0.5, y, &mut sums);
                assert_eq!(sums, all(&|x, y| x + 0.5 * y));
                f64::binary_backward(Binary::Div, Side::Right, x, y, x, &mut out);
                assert_eq!(out, all(&|x, y| -x * ((x / y) / y)));
                f64::unary_backward(Unary::Square, x, y, &mut out);
                assert_eq!(out, all(&|x, y| y * (2.0 * x)));
                let mut flags = vec![false; x.len()];
                for (op, holds) in [
                    (Compare::Eq, (|x, y| x == y) as fn(f64, f64) -> bool),
                    (Compare::Ne, |x, y| x != y),
                    (Compare::Lt, |x, y| x < y),
                    (Compare::Le, |x, y| x <= y),
                    (Compare::Gt, |x, y| x > y),
                    (Compare::Ge, |x, y| x >= y),
                ] {
                    compare(op, x, y, &mut flags);
                    assert!(
                        flags.iter().zip(xs.iter().zip(&ys)).all(|(f, (x, y))| *f == holds(*x, *y)),
                        "{op:?}"
                    );
                }
                let rows: Vec<usize> = (0..shape.len()).map(|i| shape[i + 1..].iter().product()).collect();
                let cond = View::new(&flags, &shape, &rows);
                select(cond, x, y, &mut out);
                assert_eq!(out, all(&f64::max));
                let mut other = vec![false; flags.len()];
                not(cond, &mut other);
                let other = View::new(&other, &shape, &rows);
                let mut result = vec![false; flags.len()];
                for (op, want) in [(Logic::And, false), (Logic::Or, true), (Logic::Xor, true)] {
                    logic(op, cond, other, &mut result);
                    assert!(result.iter().all(|r| *r == want), "{op:?}");
                }
            }
        }
    }
}

/// Every function with points of its domain, away from kinks.
fn unaries() -> Vec<(Unary<f64>, f64, f64)> {
    vec![
        (Unary::Neg, -3.0, 3.0),
        (Unary::Abs, 0.1, 3.0),
        (Unary::Sign, 0.1, 3.0),
        (Unary::Square, -3.0, 3.0),
        (Unary::Sqrt, 0.1, 5.0),
        (Unary::Rsqrt, 0.1, 5.0),
        (Unary::Recip, 0.3, 5.0),
        (Unary::Exp, -3.0, 3.0),
        (Unary::Exp2, -3.0, 3.0),
        (Unary::Expm1, -3.0, 3.0),
        (Unary::Ln, 0.1, 5.0),
        (Unary::Log1p, -0.9, 5.0),
        (Unary::Log2, 0.1, 5.0),
        (Unary::Log10, 0.1, 5.0),
        (Unary::Sin, -9.0, 9.0),
        (Unary::Cos, -9.0, 9.0),
        (Unary::Tan, -1.4, 1.4),
        (Unary::Atan, -5.0, 5.0),
        (Unary::Asin, -0.9, 0.9),
        (Unary::Acos, -0.9, 0.9),
        (Unary::Asinh, -5.0, 5.0),
        (Unary::Acosh, 1.1, 5.0),
        (Unary::Atanh, -0.9, 0.9),
        (Unary::Sinh, -3.0, 3.0),
        (Unary::Cosh, -3.0, 3.0),
        (Unary::Tanh, -3.0, 3.0),
        (Unary::Erf, -3.0, 3.0),
        (Unary::Sigmoid, -5.0, 5.0),
        (Unary::LogSigmoid, -5.0, 5.0),
        (Unary::Softplus { beta: 2.0, threshold: 20.0 }, -5.0, 5.0),
        (Unary::Softplus { beta: 2.0, threshold: 4.0 }, 2.5, 5.0),
        (Unary::Relu, 0.1, 3.0),
        (Unary::Relu, -3.0, -0.1),
        (Unary::LeakyRelu(0.1), -3.0, -0.1),
        (Unary::Elu(1.5), -3.0, -0.1),
        (Unary::Selu, -3.0, -0.1),
        (Unary::Selu, 0.1, 3.0),
        (Unary::GeluErf, -5.0, 5.0),
        (Unary::GeluTanh, -5.0, 5.0),
        (Unary::Silu, -5.0, 5.0),
        (Unary::Mish, -5.0, 5.0),
        (Unary::Hardswish, -2.9, 2.9),
        (Unary::Hardswish, 3.1, 5.0),
        (Unary::Hardswish, -5.0, -3.1),
        (Unary::Softsign, -3.0, 3.0),
        (Unary::Hardtanh(-1.0, 2.0), -0.9, 1.9),
        (Unary::Hardtanh(-1.0, 2.0), 2.1, 3.0),
        (Unary::Hardsigmoid, -2.9, 2.9),
        (Unary::Hardsigmoid, 3.1, 5.0),
        (Unary::Celu(1.5), -3.0, -0.1),
        (Unary::Celu(1.5), 0.1, 3.0),
        (Unary::Threshold(0.5, 7.0), 0.6, 3.0),
        (Unary::Threshold(0.5, 7.0), -3.0, 0.4),
        (Unary::Softshrink(0.5), 0.6, 3.0),
        (Unary::Softshrink(0.5), -0.4, 0.4),
        (Unary::Softshrink(0.5), -3.0, -0.6),
        (Unary::Hardshrink(0.5), 0.6, 3.0),
        (Unary::Hardshrink(0.5), -0.4, 0.4),
        (Unary::Tanhshrink, -3.0, 3.0),
        (Unary::ScaledErf(1.25), -3.0, 3.0),
        (Unary::Gudermannian, -3.0, 3.0),
        (Unary::AlgebraicSigmoid, -3.0, 3.0),
        (Unary::ArctangentSigmoid, -3.0, 3.0),
        (Unary::Floor, 0.1, 0.9),
        (Unary::Ceil, 0.1, 0.9),
        (Unary::Round, 0.6, 1.4),
        (Unary::Trunc, 0.1, 0.9),
        (Unary::AddScalar(1.5), -3.0, 3.0),
        (Unary::MulScalar(1.5), -3.0, 3.0),
        (Unary::DivScalar(1.5), -3.0, 3.0),
        (Unary::ScalarSub(1.5), -3.0, 3.0),
        (Unary::ScalarDiv(1.5), 0.3, 3.0),
        (Unary::PowScalar(0.0), 0.3, 3.0),
        (Unary::PowScalar(0.5), 0.3, 3.0),
        (Unary::PowScalar(1.0), 0.3, 3.0),
        (Unary::PowScalar(2.0), -3.0, 3.0),
        (Unary::PowScalar(3.0), -3.0, 3.0),
        (Unary::PowScalar(-1.0), 0.3, 3.0),
        (Unary::PowScalar(2.7), 0.3, 3.0),
        (Unary::Clamp(-1.0, 1.0), -0.9, 0.9),
        (Unary::Clamp(-1.0, 1.0), 1.1, 3.0),
        (Unary::Affine { scale: -0.7, shift: 0.3 }, -3.0, 3.0),
    ]
}

/// Textbook formulas, one element at a time.
fn formula(op: Unary<f64>, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match op {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sign => x.signum(),
        Unary::Square => x * x,
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => 1.0 / x.sqrt(),
        Unary::Recip => 1.0 / x,
        Unary::Exp => x.exp(),
        Unary::Exp2 => x.exp2(),
        Unary::Expm1 => x.exp_m1(),
        Unary::Ln => x.ln(),
        Unary::Log1p => x.ln_1p(),
        Unary::Log2 => x.log2(),
        Unary::Log10 => x.log10(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Atan => x.atan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Asinh => x.asinh(),
        Unary::Acosh => x.acosh(),
        Unary::Atanh => x.atanh(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Tanh => x.tanh(),
        Unary::Erf => erf(x),
        Unary::Sigmoid => sigmoid(x),
        Unary::LogSigmoid => sigmoid(x).ln(),
        Unary::Softplus { beta, threshold } => {
            if beta * x > threshold {
                x
            } else {
                (beta * x).exp().ln_1p() / beta
            }
        }
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        Unary::Elu(alpha) => {
            if x > 0.0 {
                x
            } else {
                alpha * x.exp_m1()
            }
        }
        Unary::Selu => 1.0507009873554805 * if x > 0.0 { x } else { 1.6732632423543772 * x.exp_m1() },
        Unary::GeluErf => 0.5 * x * (1.0 + erf(x / 2f64.sqrt())),
        Unary::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        Unary::Silu => x * sigmoid(x),
        Unary::Mish => x * x.exp().ln_1p().tanh(),
        Unary::Hardswish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Unary::Softsign => x / (1.0 + x.abs()),
        Unary::Hardsigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Unary::Celu(s) => {
            if x > 0.0 {
                x
            } else {
                s * (x / s).exp_m1()
            }
        }
        Unary::Threshold(threshold, value) => {
            if x > threshold {
                x
            } else {
                value
            }
        }
        Unary::Softshrink(s) => x - x.clamp(-s, s),
        Unary::Hardshrink(s) => {
            if x.abs() > s {
                x
            } else {
                0.0
            }
        }
        Unary::Tanhshrink => x - x.tanh(),
        Unary::ScaledErf(s) => erf(s * x),
        Unary::Gudermannian => 4.0 / std::f64::consts::PI * (std::f64::consts::PI / 4.0 * x).tanh().atan(),
        Unary::AlgebraicSigmoid => x / (1.0 + x * x).sqrt(),
        Unary::ArctangentSigmoid => 2.0 / std::f64::consts::PI * (std::f64::consts::PI / 2.0 * x).atan(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Trunc => x.trunc(),
        Unary::AddScalar(s) => x + s,
        Unary::MulScalar(s) => x * s,
        Unary::DivScalar(s) => x / s,
        Unary::ScalarSub(s) => s - x,
        Unary::ScalarDiv(s) => s / x,
        Unary::PowScalar(s) => x.powf(s),
        Unary::Clamp(low, high) | Unary::Hardtanh(low, high) => x.clamp(low, high),
        Unary::Affine { scale, shift } => scale * x + shift,
    }
}

/// `erf` by its Taylor series, for moderate arguments.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// A function, its formula, and whether its arguments are probabilities.
type Pair = (Binary, fn(f64, f64) -> f64, bool);

fn derivatives() {
    let n = 200;
    let close = |a: f64, b: f64, tolerance: f64| (a - b).abs() <= tolerance * b.abs().max(1.0);
    for (op, low, high) in unaries() {
        let x: Vec<f64> = noise(n, 5, 1.0).iter().map(|u| low + (high - low) * (u + 1.0) / 2.0).collect();
        let shape = [n];
        let view = |x| View::new(x, &shape, &[1]);
        let mut y = vec![0.0; n];
        f64::unary(op, view(&x), &mut y);
        for (x, y) in x.iter().zip(&y) {
            assert!(close(*y, formula(op, *x), 1e-13), "{}({x}) = {y}, not {}", op.name(), formula(op, *x));
        }
        let mut assigned = x.clone();
        f64::unary_assign(op, &mut assigned);
        assert_eq!(assigned, y, "{}", op.name());
        let single: Vec<f32> = y_single(op, &x);
        for ((x, single), y) in x.iter().zip(single).zip(&y) {
            let scale = y.abs().max(x.abs()).max(1.0);
            assert!(
                (f64::from(single) - y).abs() <= 2e-6 * scale * scale,
                "{}({x}) = {single} in f32, {y} in f64",
                op.name()
            );
        }
        let dy = noise(n, 6, 1.0);
        let saved = if op.saves() == Saved::Output { &y } else { &x };
        if op.has_cheap_slope() {
            let (mut again, mut slope, mut slopes, ones) =
                (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![1.0; n]);
            f64::unary_with_slope(op, &x, &mut again, &mut slope);
            f64::unary_backward(
                op,
                View::new(saved, &shape, &[1]),
                View::new(&ones, &shape, &[1]),
                &mut slopes,
            );
            assert_eq!((again, slope), (y.clone(), slopes), "{} with its slope", op.name());
        }
        let mut dx = vec![0.0; n];
        f64::unary_backward(op, view(saved), view(&dy), &mut dx);
        for i in 0..n {
            let h = 1e-5;
            let slope = (formula(op, x[i] + h) - formula(op, x[i] - h)) / (2.0 * h);
            assert!(
                close(dx[i], dy[i] * slope, 1e-6),
                "{}'({}) = {}, not {slope}",
                op.name(),
                x[i],
                dx[i] / dy[i]
            );
        }
    }
    let pairs: [Pair; 15] = [
        (Binary::Add, |x, y| x + y, false),
        (Binary::Sub, |x, y| x - y, false),
        (Binary::Mul, |x, y| x * y, false),
        (Binary::Div, |x, y| x / y, true),
        (Binary::Pow, f64::powf, true),
        (Binary::FloorDivide, |x, y| (x / y).floor(), true),
        (Binary::Remainder, |x, y| x - y * (x / y).floor(), true),
        (Binary::Fmod, |x, y| x - y * (x / y).trunc(), true),
        (Binary::Maximum, f64::max, false),
        (Binary::Minimum, f64::min, false),
        (Binary::Atan2, f64::atan2, false),
        (Binary::Prelu, |x, y| if x > 0.0 { x } else { y * x }, false),
        (Binary::SquaredError, |x, y| (x - y).powi(2), false),
        (
            Binary::BceWithLogits,
            |x, y| -(y * (1.0 / (1.0 + (-x).exp())).ln() + (1.0 - y) * (1.0 / (1.0 + x.exp())).ln()),
            false,
        ),
        (Binary::Bce, |x, y| -(y * x.ln() + (1.0 - y) * (1.0 - x).ln()), true),
    ];
    for (op, formula, positive) in pairs {
        let of = |seed| -> Vec<f64> {
            noise(n, seed, 1.0).iter().map(|u| if positive { 0.5 + 0.45 * u } else { 2.0 * u }).collect()
        };
        let (x, y, d) = (of(7), of(8), noise(n, 9, 1.0));
        let shape = [n];
        let view = |x| View::new(x, &shape, &[1]);
        let mut out = vec![0.0; n];
        f64::binary(op, view(&x), view(&y), &mut out);
        for i in 0..n {
            assert!(
                close(out[i], formula(x[i], y[i]), 1e-12),
                "{}({}, {}) = {}",
                op.name(),
                x[i],
                y[i],
                out[i]
            );
        }
        for side in [Side::Left, Side::Right] {
            f64::binary_backward(op, side, view(&x), view(&y), view(&d), &mut out);
            for i in 0..n {
                let h = 1e-6;
                let difference = match side {
                    Side::Left => formula(x[i] + h, y[i]) - formula(x[i] - h, y[i]),
                    Side::Right => formula(x[i], y[i] + h) - formula(x[i], y[i] - h),
                };
                let want = d[i] * difference / (2.0 * h);
                assert!(
                    close(out[i], want, 1e-6),
                    "{} {side:?} at ({}, {}): {} for {want}",
                    op.name(),
                    x[i],
                    y[i],
                    out[i]
                );
            }
        }
    }
}

/// The function in `f32`. Its parameters convert exactly enough.
fn y_single(op: Unary<f64>, x: &[f64]) -> Vec<f32> {
    let x: Vec<f32> = x.iter().map(|x| *x as f32).collect();
    let mut y = vec![0.0; x.len()];
    let single = match op {
        Unary::Softplus { beta, threshold } => {
            Unary::Softplus { beta: beta as f32, threshold: threshold as f32 }
        }
        Unary::LeakyRelu(s) => Unary::LeakyRelu(s as f32),
        Unary::Elu(s) => Unary::Elu(s as f32),
        Unary::AddScalar(s) => Unary::AddScalar(s as f32),
        Unary::MulScalar(s) => Unary::MulScalar(s as f32),
        Unary::DivScalar(s) => Unary::DivScalar(s as f32),
        Unary::ScalarSub(s) => Unary::ScalarSub(s as f32),
        Unary::ScalarDiv(s) => Unary::ScalarDiv(s as f32),
        Unary::PowScalar(s) => Unary::PowScalar(s as f32),
        Unary::Clamp(a, b) => Unary::Clamp(a as f32, b as f32),
        Unary::Hardtanh(a, b) => Unary::Hardtanh(a as f32, b as f32),
        Unary::Celu(s) => Unary::Celu(s as f32),
        Unary::Threshold(a, b) => Unary::Threshold(a as f32, b as f32),
        Unary::Softshrink(s) => Unary::Softshrink(s as f32),
        Unary::Hardshrink(s) => Unary::Hardshrink(s as f32),
        Unary::ScaledErf(s) => Unary::ScaledErf(s as f32),
        Unary::Affine { scale, shift } => Unary::Affine { scale: scale as f32, shift: shift as f32 },
        // The operations left have no parameters.
        other => plain(other),
    };
    f32::unary(single, View::new(&x, &[x.len()], &[1]), &mut y);
    y
}

/// The same operation for another type, for operations without parameters.
fn plain(op: Unary<f64>) -> Unary<f32> {
    let all = [
        Unary::Neg,
        Unary::Abs,
        Unary::Sign,
        Unary::Square,
        Unary::Sqrt,
        Unary::Rsqrt,
        Unary::Recip,
        Unary::Exp,
        Unary::Exp2,
        Unary::Expm1,
        Unary::Ln,
        Unary::Log1p,
        Unary::Log2,
        Unary::Log10,
        Unary::Sin,
        Unary::Cos,
        Unary::Tan,
        Unary::Atan,
        Unary::Asin,
        Unary::Acos,
        Unary::Asinh,
        Unary::Acosh,
        Unary::Atanh,
        Unary::Sinh,
        Unary::Cosh,
        Unary::Tanh,
        Unary::Erf,
        Unary::Sigmoid,
        Unary::LogSigmoid,
        Unary::Relu,
        Unary::Selu,
        Unary::GeluErf,
        Unary::GeluTanh,
        Unary::Silu,
        Unary::Mish,
        Unary::Hardswish,
        Unary::Softsign,
        Unary::Hardsigmoid,
        Unary::Tanhshrink,
        Unary::Gudermannian,
        Unary::AlgebraicSigmoid,
        Unary::ArctangentSigmoid,
        Unary::Floor,
        Unary::Ceil,
        Unary::Round,
        Unary::Trunc,
    ];
    *all.iter().find(|single: &&Unary<f32>| single.name() == op.name()).expect("every operation is listed")
}

/// Kinks and special values, as PyTorch has them.
fn edges() {
    let nan = f32::NAN;
    let backward = |op: Unary<f32>, saved: f32| {
        let mut dx = [9.0];
        f32::unary_backward(op, View::new(&[saved], &[], &[]), View::new(&[1.0], &[], &[]), &mut dx);
        dx[0]
    };
    assert_eq!(backward(Unary::Relu, 0.0), 0.0);
    assert_eq!(backward(Unary::Abs, 0.0), 0.0);
    assert_eq!(backward(Unary::LeakyRelu(0.5), 0.0), 0.5);
    assert_eq!(backward(Unary::Clamp(-1.0, 1.0), 0.5), 1.0);
    assert_eq!(backward(Unary::Clamp(-1.0, 1.0), 1.0), 0.0);
    assert_eq!(backward(Unary::Hardswish, 3.0), 1.0);
    assert_eq!(backward(Unary::Hardswish, -3.0), 0.0);
    assert_eq!(backward(Unary::PowScalar(0.0), 0.0), 0.0);
    assert_eq!([-1.0, 1.0, nan].map(|x| backward(Unary::Hardtanh(-1.0, 1.0), x)), [0.0, 0.0, 1.0]);
    assert_eq!([-3.0, 3.0, nan].map(|x| backward(Unary::Hardsigmoid, x)), [0.0; 3]);
    assert_eq!([0.5, -0.5, nan].map(|x| backward(Unary::Softshrink(0.5), x)), [0.0, 0.0, 1.0]);
    assert_eq!([0.5, nan].map(|x| backward(Unary::Threshold(0.5, 9.0), x)), [0.0, 1.0]);
    let forward = |op: Unary<f32>, x: f32| {
        let mut y = [9.0];
        f32::unary(op, View::new(&[x], &[], &[]), &mut y);
        y[0]
    };
    assert!(forward(Unary::Relu, nan).is_nan() && forward(Unary::Clamp(0.0, 1.0), nan).is_nan());
    assert!(
        forward(Unary::Softshrink(0.5), nan).is_nan() && forward(Unary::Threshold(0.0, 1.0), nan).is_nan()
    );
    // The tail of the normal distribution keeps its digits: -6 Phi(-6).
    assert!((f64::from(forward(Unary::GeluErf, -6.0)) / -5.919525878217166e-9 - 1.0).abs() < 1e-6);
    assert_eq!([3e38, -3e38].map(|x| forward(Unary::AlgebraicSigmoid, x)), [1.0, -1.0]);
    assert_eq!(forward(Unary::Gudermannian, f32::INFINITY), 1.0);
    assert_eq!(forward(Unary::Round, 2.5), 2.0);
    assert_eq!(forward(Unary::Sign, 0.0), 0.0);
    assert_eq!(forward(Unary::Mish, 100.0), 100.0);
    assert!((forward(Unary::Silu, -100.0) + 3.72e-42).abs() < 1e-43);
    assert!((forward(Unary::Sin, 1e20) - 1e20f32.sin()).abs() < 1e-6);
    assert_eq!(forward(Unary::Softplus { beta: 1.0, threshold: 20.0 }, 1e30), 1e30);

    let binary = |op: Binary, x: f32, y: f32| {
        let mut out = [9.0];
        f32::binary(op, View::new(&[x], &[], &[]), View::new(&[y], &[], &[]), &mut out);
        out[0]
    };
    assert!(binary(Binary::Maximum, nan, 1.0).is_nan() && binary(Binary::Maximum, 1.0, nan).is_nan());
    assert!(binary(Binary::Minimum, nan, 1.0).is_nan() && binary(Binary::Minimum, 1.0, nan).is_nan());
    for (x, y, quotient, rest) in [
        (7.0, 2.0, 3.0, 1.0),
        (-7.0, 2.0, -4.0, 1.0),
        (7.0, -2.0, -4.0, -1.0),
        (-1.0, f32::INFINITY, -1.0, f32::INFINITY),
        // The quotient 9.999.. rounds to 10.
        (1.0, 0.1, 9.0, 1.0 % 0.1),
        (-1e-30, 1.0, -1.0, 1.0),
    ] {
        assert_eq!(binary(Binary::FloorDivide, x, y), quotient, "{x} // {y}");
        assert_eq!(binary(Binary::Remainder, x, y), rest, "{x} % {y}");
    }
    assert_eq!(binary(Binary::FloorDivide, -1.0, 0.0), f32::NEG_INFINITY);
    assert!(binary(Binary::Remainder, 1.0, 0.0).is_nan());
    assert_eq!(binary(Binary::BceWithLogits, 200.0, 0.0), 200.0);
    assert_eq!(binary(Binary::BceWithLogits, -200.0, 1.0), 200.0);
    assert_eq!(binary(Binary::Bce, 0.0, 1.0), 100.0);
    assert_eq!(binary(Binary::Bce, 1.0, 1.0), 0.0);
    let gradient = |op: Binary, side: Side, x: f32, y: f32| {
        let mut dx = [9.0];
        let at = |v| View::new(v, &[], &[]);
        f32::binary_backward(op, side, at(&[x]), at(&[y]), at(&[1.0]), &mut dx);
        dx[0]
    };
    for (op, x, y, left, right) in [
        (Binary::Maximum, 1.0, 1.0, 0.5, 0.5),
        (Binary::Minimum, 1.0, 1.0, 0.5, 0.5),
        (Binary::Maximum, 2.0, 1.0, 1.0, 0.0),
        (Binary::Minimum, 2.0, 1.0, 0.0, 1.0),
        (Binary::Pow, 0.0, 2.0, 0.0, 0.0),
        (Binary::Pow, 3.0, 0.0, 0.0, 3f32.ln()),
        (Binary::Atan2, 0.0, 0.0, 0.0, 0.0),
    ] {
        assert_eq!(gradient(op, Side::Left, x, y), left, "{op:?}({x}, {y})");
        assert!((gradient(op, Side::Right, x, y) - right).abs() < 1e-6, "{op:?}({x}, {y})");
    }
}
