//! Losses of pairs and gated linear units: against their formulas, and their derivatives against differences, on every
//! instruction set, with one and two threads, on contiguous and on strided views.

use barehand_kernels::View;
use barehand_kernels::elementwise::{Elementwise, PairLoss, Side};
use barehand_kernels::gated_linear_unit::{Gate, GatedLinearUnit};

mod agreement;

use agreement::{assert_close, double, everywhere, noise, single};

type Formula = fn(f64, f64) -> f64;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `-0.25 (1 - p)^gamma ln p` for a hard target of 1, 0.75 for 0, and in between for one between.
fn focal(x: f64, y: f64, gamma: f64) -> f64 {
    let p = sigmoid(x);
    let surprise = -(y * p.ln() + (1.0 - y) * (1.0 - p).ln());
    (0.25 * y + 0.75 * (1.0 - y)) * surprise * (1.0 - (y * p + (1.0 - y) * (1.0 - p))).powf(gamma)
}

const POISSON: PairLoss<f64> = PairLoss::PoissonNll { log_input: true, full: false, eps: 1e-8 };

/// Each loss, its formula, and what its targets are: any number, -1 or 1, a probability, or a positive number.
const LOSSES: [(PairLoss<f64>, Formula, &str); 18] = [
    (PairLoss::Squared, |x, y| (x - y).powi(2), "any"),
    (PairLoss::Absolute, |x, y| (x - y).abs(), "any"),
    (
        PairLoss::SmoothL1(0.5),
        |x, y| if (x - y).abs() < 0.5 { (x - y).powi(2) } else { (x - y).abs() - 0.25 },
        "any",
    ),
    (
        PairLoss::Huber(0.5),
        |x, y| if (x - y).abs() < 0.5 { (x - y).powi(2) / 2.0 } else { 0.5 * ((x - y).abs() - 0.25) },
        "any",
    ),
    (PairLoss::Hinge(1.0), |x, y| (1.0 - x * y).max(0.0), "sign"),
    (PairLoss::HingeEmbedding(0.7), |x, y| if y > 0.0 { x } else { (0.7 - x).max(0.0) }, "sign"),
    (PairLoss::SoftMargin, |x, y| (-x * y).exp().ln_1p(), "sign"),
    (PairLoss::KlDivergence, |x, y| y * (y.ln() - x), "probability"),
    (PairLoss::KlDivergenceOfLogs, |x, y| y.exp() * (y - x), "any"),
    (POISSON, |x, y| x.exp() - y * x, "positive"),
    (
        PairLoss::PoissonNll { log_input: true, full: true, eps: 1e-8 },
        |x, y| {
            let stirling = y * y.ln() - y + (std::f64::consts::TAU * y).ln() / 2.0;
            x.exp() - y * x + if y > 1.0 { stirling } else { 0.0 }
        },
        "positive",
    ),
    (
        PairLoss::PoissonNll { log_input: false, full: false, eps: 4.0 },
        |x, y| x - y * (x + 4.0).ln(),
        "positive",
    ),
    (PairLoss::BayesianRanking, |x, y| -sigmoid(x - y).ln(), "any"),
    (PairLoss::BceWithLogits, |x, y| -(y * sigmoid(x).ln() + (1.0 - y) * sigmoid(-x).ln()), "probability"),
    (PairLoss::Focal { gamma: 2.0, positive: 0.25, negative: 0.75 }, |x, y| focal(x, y, 2.0), "hard"),
    (PairLoss::Focal { gamma: 2.0, positive: 0.25, negative: 0.75 }, |x, y| focal(x, y, 2.0), "probability"),
    (PairLoss::Focal { gamma: 0.5, positive: 0.25, negative: 0.75 }, |x, y| focal(x, y, 0.5), "hard"),
    (PairLoss::Focal { gamma: 0.0, positive: 0.25, negative: 0.75 }, |x, y| focal(x, y, 0.0), "probability"),
];

fn in_single(loss: PairLoss<f64>) -> PairLoss<f32> {
    match loss {
        PairLoss::Squared => PairLoss::Squared,
        PairLoss::Absolute => PairLoss::Absolute,
        PairLoss::SmoothL1(s) => PairLoss::SmoothL1(s as f32),
        PairLoss::Huber(s) => PairLoss::Huber(s as f32),
        PairLoss::Hinge(s) => PairLoss::Hinge(s as f32),
        PairLoss::HingeEmbedding(s) => PairLoss::HingeEmbedding(s as f32),
        PairLoss::SoftMargin => PairLoss::SoftMargin,
        PairLoss::KlDivergence => PairLoss::KlDivergence,
        PairLoss::KlDivergenceOfLogs => PairLoss::KlDivergenceOfLogs,
        PairLoss::PoissonNll { log_input, full, eps } => {
            PairLoss::PoissonNll { log_input, full, eps: eps as f32 }
        }
        PairLoss::BayesianRanking => PairLoss::BayesianRanking,
        PairLoss::BceWithLogits => PairLoss::BceWithLogits,
        PairLoss::Focal { gamma, positive, negative } => {
            PairLoss::Focal { gamma: gamma as f32, positive: positive as f32, negative: negative as f32 }
        }
    }
}

// One test: the instruction set is a setting of the whole process.
#[test]
fn pairs_and_gates_agree_with_their_formulas() {
    everywhere(losses);
    everywhere(gates);
    edges();
}

fn losses() {
    for n in [0, 1, 100, 40_001] {
        for (which, (loss, formula, target)) in LOSSES.into_iter().enumerate() {
            let name = format!("{which} {} of {n}", loss.name());
            let x = double(&single(&noise(n, 1, 3.0)));
            let y: Vec<f64> = double(&single(&noise(n, 2, 1.0)))
                .into_iter()
                .map(|u| match target {
                    "sign" => u.signum(),
                    "hard" => f64::from(u > 0.0),
                    "probability" => (u.abs() + 0.0625) / 1.125,
                    "positive" => 3.0 * u.abs() + 0.25,
                    _ => u,
                })
                .collect();
            let y = double(&single(&y));
            let want: Vec<f64> = x.iter().zip(&y).map(|(x, y)| formula(*x, *y)).collect();
            let shape = [n];
            let view = |x| View::new(x, &shape, &[1]);
            let mut got = vec![0.0; n];
            f64::pair_loss(loss, view(&x), view(&y), &mut got);
            assert_close(&name, &got, &want, 1e-12);
            let sum = f64::pair_loss_sum(loss, view(&x), view(&y));
            assert_close(&format!("sum of {name}"), &[sum], &[want.iter().sum()], 1e-11);
            // Every other element of twice as many.
            let doubled: Vec<f64> = x.iter().flat_map(|x| [*x, f64::NAN]).collect();
            let strided = View::new(&doubled, &shape, &[2]);
            assert_eq!(f64::pair_loss_sum(loss, strided, view(&y)), sum, "{name}, strided");
            let mut short = vec![0.0f32; n];
            let (x32, y32) = (single(&x), single(&y));
            f32::pair_loss(
                in_single(loss),
                View::new(&x32, &shape, &[1]),
                View::new(&y32, &shape, &[1]),
                &mut short,
            );
            assert_close(&format!("{name} in f32"), &double(&short), &want, 4e-6);

            if n > 1000 {
                continue;
            }
            let dout = noise(n, 3, 1.0);
            for side in [Side::Left, Side::Right] {
                let h = 1e-6;
                let slope = |x: f64, y: f64| match side {
                    Side::Left => (formula(x + h, y) - formula(x - h, y)) / (2.0 * h),
                    Side::Right => (formula(x, y + h) - formula(x, y - h)) / (2.0 * h),
                };
                // A sign has no neighbours.
                if side == Side::Right && (target == "sign" || target == "hard") {
                    continue;
                }
                let want: Vec<f64> = x.iter().zip(&y).map(|(x, y)| slope(*x, *y)).collect();
                let mut dx = vec![0.0; n];
                f64::pair_loss_backward(loss, side, view(&x), view(&y), 0.5, None, &mut dx);
                let halves: Vec<f64> = want.iter().map(|s| 0.5 * s).collect();
                assert_close(&format!("{name}, {side:?}"), &dx, &halves, 1e-7);
                f64::pair_loss_backward(loss, side, view(&x), view(&y), 1.0, Some(view(&dout)), &mut dx);
                let each: Vec<f64> = want.iter().zip(&dout).map(|(s, d)| d * s).collect();
                assert_close(&format!("{name}, {side:?}, each"), &dx, &each, 1e-7);
            }
        }
    }
}

/// Far out, where a formula taken literally overflows or takes the logarithm of 0.
fn edges() {
    let of = |loss: PairLoss<f32>, x: f32, y: f32| {
        let (mut l, mut dx) = ([0.0], [0.0]);
        let (x, y) = ([x], [y]);
        let (x, y) = (View::new(&x, &[1], &[1]), View::new(&y, &[1], &[1]));
        f32::pair_loss(loss, x, y, &mut l);
        f32::pair_loss_backward(loss, Side::Left, x, y, 1.0, None, &mut dx);
        (l[0], dx[0])
    };
    assert_eq!(of(PairLoss::BayesianRanking, -500.0, 500.0), (1000.0, -1.0));
    assert_eq!(of(PairLoss::SoftMargin, -1000.0, 1.0), (1000.0, -1.0));
    assert_eq!(of(PairLoss::KlDivergence, -3.0, 0.0), (0.0, 0.0));
    let focal = PairLoss::Focal { gamma: 2.0, positive: 1.0, negative: 1.0 };
    assert_eq!(of(focal, -1000.0, 1.0), (1000.0, -1.0));
    assert_eq!(of(focal, 1000.0, 1.0), (0.0, 0.0));
    let fraction = PairLoss::Focal { gamma: 0.5, positive: 1.0, negative: 1.0 };
    assert_eq!(of(fraction, 1000.0, 1.0), (0.0, 0.0));
    // At their bends: no slope.
    assert_eq!(of(PairLoss::Absolute, 2.0, 2.0).1, 0.0);
    assert_eq!(of(PairLoss::Hinge(1.0), 1.0, 1.0).1, 0.0);
    assert_eq!(of(PairLoss::HingeEmbedding(1.0), 1.0, -1.0).1, 0.0);
}

fn gates() {
    let gate = |gate: Gate, g: f64| match gate {
        Gate::Sigmoid => sigmoid(g),
        Gate::Silu => g * sigmoid(g),
        // Slow and sure: the integral of the density by Simpson's rule.
        Gate::Gelu => {
            let density = |t: f64| (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt();
            let (steps, h) = (400, g / 400.0);
            let inner: f64 =
                (1..steps).map(|i| density(f64::from(i) * h) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
            g * (0.5 + h / 3.0 * (density(0.0) + inner + density(g)))
        }
        Gate::GeluTanh => {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (g + 0.044715 * g.powi(3));
            0.5 * g * (1.0 + u.tanh())
        }
        Gate::Relu => g.max(0.0),
    };
    for (rows, half) in [(0, 3), (3, 1), (5, 7), (2, 700), (300, 65)] {
        let x = double(&single(&noise(2 * rows * half, 4, 3.0)));
        let dout = noise(rows * half, 5, 1.0);
        for which in [Gate::Sigmoid, Gate::Silu, Gate::Gelu, Gate::GeluTanh, Gate::Relu] {
            for gate_first in [true, false] {
                let name = format!("{} of {rows} x {half}, gate first: {gate_first}", which.name());
                let (mut want, mut dx_want) = (vec![0.0; rows * half], vec![0.0; x.len()]);
                for i in 0..rows * half {
                    let (first, second) =
                        (i / half * 2 * half + i % half, i / half * 2 * half + half + i % half);
                    let (g, v) = if gate_first { (first, second) } else { (second, first) };
                    want[i] = x[v] * gate(which, x[g]);
                    dx_want[v] = dout[i] * gate(which, x[g]);
                    let h = 1e-5;
                    dx_want[g] = dout[i] * x[v] * (gate(which, x[g] + h) - gate(which, x[g] - h)) / (2.0 * h);
                }
                let (mut out, mut dx) = (vec![0.0; rows * half], vec![0.0; x.len()]);
                f64::gated_linear_unit(which, gate_first, &x, half, &mut out);
                assert_close(&name, &out, &want, 1e-9);
                f64::gated_linear_unit_backward(which, gate_first, &x, half, &dout, &mut dx);
                assert_close(&name, &dx, &dx_want, 1e-7);
                let mut short = vec![0.0; rows * half];
                f32::gated_linear_unit(which, gate_first, &single(&x), half, &mut short);
                assert_close(&name, &double(&short), &want, 4e-6);
            }
        }
    }
}
