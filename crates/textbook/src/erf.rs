//! The error function and the normal distribution, to the last digits of `f64`.
//!
//! ```text
//! erf x = 2/sqrt(pi) integral_0^x e^(-t^2) dt          Phi(x) = erfc(-x / sqrt 2) / 2
//! ```
//!
//! Near 0 a series of positive terms (no cancellation), far out the continued fraction of the complement, which keeps
//! its relative precision where 1 - erf x would have lost every digit. Abramowitz and Stegun 7.1.6 and 7.1.14.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Where the continued fraction takes over from the series.
const BORDER: f64 = 2.0;

/// erf x.
pub fn erf(x: f64) -> f64 {
    if x.abs() < BORDER { series(x) } else { x.signum() * (1.0 - complement(x.abs())) }
}

/// erfc x = 1 - erf x, precise even where it is tiny.
pub fn erfc(x: f64) -> f64 {
    match x {
        x if x >= BORDER => complement(x),
        x if x <= -BORDER => 2.0 - complement(-x),
        x => 1.0 - series(x),
    }
}

/// The standard normal distribution function.
pub fn normal_cdf(x: f64) -> f64 {
    erfc(-x * FRAC_1_SQRT_2) / 2.0
}

/// The standard normal density, e^(-x^2/2) / sqrt(2 pi).
pub fn normal_density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * PI).sqrt()
}

/// erf x = 2/sqrt(pi) e^(-x^2) sum_n 2^n x^(2n+1) / (1 3 5 .. (2n+1)).
fn series(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    let mut odd = 1.0;
    while term.abs() > f64::EPSILON / 4.0 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// erfc x = e^(-x^2) / sqrt(pi) · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ..)))), from the inside out.
fn complement(x: f64) -> f64 {
    let mut tail = x;
    for k in (1..=120).rev() {
        tail = x + k as f64 / 2.0 / tail;
    }
    (-x * x).exp() / PI.sqrt() / tail
}
