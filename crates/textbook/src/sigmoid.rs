//! The family of S-shaped functions, all but the logistic scaled to run from -1 to 1.
//!
//! The plot of these functions that everybody copies scales each to slope 1 at the origin. For the error function that
//! takes erf(sqrt(pi)/2 x); the form often printed, erf(sqrt(pi/2) x), has slope sqrt 2. Both are here.
//! x / sqrt(1 + x^2) is sometimes called ArcSinh, which it is not: it is tanh(asinh x) without the tanh's name,
//! an algebraic function.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI, SQRT_2};

use crate::binary_cross_entropy::logistic;
use crate::elementwise::Elementwise;
use crate::erf::erf;

/// A sigmoid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sigmoid {
    /// 1 / (1 + e^-x), from 0 to 1, slope 1/4.
    Logistic,
    /// erf(sqrt(pi/2) x): as often printed, slope sqrt 2.
    ErfPrinted,
    /// erf(sqrt(pi)/2 x): slope 1.
    Erf,
    /// tanh x.
    Tanh,
    /// (2/pi) gd(pi/2 x), where gd(u) = 2 atan(tanh(u/2)) is the Gudermannian.
    Gudermannian,
    /// x / sqrt(1 + x^2).
    Algebraic,
    /// (2/pi) atan(pi/2 x).
    Arctangent,
    /// x / (1 + |x|).
    Softsign,
}

impl Sigmoid {
    /// All of them, in the order above.
    pub const ALL: [Sigmoid; 8] = [
        Sigmoid::Logistic,
        Sigmoid::ErfPrinted,
        Sigmoid::Erf,
        Sigmoid::Tanh,
        Sigmoid::Gudermannian,
        Sigmoid::Algebraic,
        Sigmoid::Arctangent,
        Sigmoid::Softsign,
    ];
}

impl Elementwise for Sigmoid {
    fn value(&self, x: f64) -> f64 {
        match self {
            Sigmoid::Logistic => logistic(x),
            Sigmoid::ErfPrinted => erf(FRAC_PI_2.sqrt() * x),
            Sigmoid::Erf => erf(PI.sqrt() / 2.0 * x),
            Sigmoid::Tanh => x.tanh(),
            Sigmoid::Gudermannian => FRAC_2_PI * 2.0 * (FRAC_PI_2 * x / 2.0).tanh().atan(),
            Sigmoid::Algebraic => x / 1f64.hypot(x),
            Sigmoid::Arctangent => FRAC_2_PI * (FRAC_PI_2 * x).atan(),
            Sigmoid::Softsign => x / (1.0 + x.abs()),
        }
    }

    fn derivative(&self, x: f64) -> f64 {
        match self {
            Sigmoid::Logistic => logistic(x) * (1.0 - logistic(x)),
            Sigmoid::ErfPrinted => SQRT_2 * (-FRAC_PI_2 * x * x).exp(),
            Sigmoid::Erf => (-PI / 4.0 * x * x).exp(),
            Sigmoid::Tanh => 1.0 - x.tanh().powi(2),
            Sigmoid::Gudermannian => (FRAC_PI_2 * x).cosh().recip(),
            Sigmoid::Algebraic => 1f64.hypot(x).powi(-3),
            Sigmoid::Arctangent => (1.0 + (FRAC_PI_2 * x).powi(2)).recip(),
            Sigmoid::Softsign => (1.0 + x.abs()).powi(-2),
        }
    }

    fn formulas(&self) -> [&'static str; 2] {
        match self {
            Sigmoid::Logistic => ["1 / (1 + e^-x)", "y (1 - y)"],
            Sigmoid::ErfPrinted => ["erf(sqrt(pi/2) x)", "sqrt(2) e^(-pi/2 x^2)"],
            Sigmoid::Erf => ["erf(sqrt(pi)/2 x)", "e^(-pi/4 x^2)"],
            Sigmoid::Tanh => ["tanh x", "1 - y^2"],
            Sigmoid::Gudermannian => ["(2/pi) gd(pi/2 x), gd(u) = 2 atan(tanh(u/2))", "1 / cosh(pi/2 x)"],
            Sigmoid::Algebraic => ["x / sqrt(1 + x^2)", "(1 + x^2)^(-3/2)"],
            Sigmoid::Arctangent => ["(2/pi) atan(pi/2 x)", "1 / (1 + (pi/2 x)^2)"],
            Sigmoid::Softsign => ["x / (1 + |x|)", "1 / (1 + |x|)^2"],
        }
    }
}
