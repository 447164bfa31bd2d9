//! Gradients by finite differences, to check the others against.
//!
//! ```text
//! df/dx_i = (f(x + h e_i) - f(x - h e_i)) / (2 h)
//! ```
//!
//! The central difference errs by h^2 f'''/6 and by rounding, eps |f| / h; h = 1e-5 balances the two in `f64` and leaves
//! some ten digits. Always put a layer *before* the block under test: a wrong input gradient goes unseen when the input
//! is the end of the graph.

use crate::array::Array;
use crate::error::Result;

/// The gradient of the scalar function f at x, one pair of evaluations for each element.
pub fn finite_differences(x: &Array, mut f: impl FnMut(&Array) -> Result<f64>) -> Result<Array> {
    let mut gradient = Array::zeros(x.shape());
    let mut moved = x.clone();
    for i in 0..x.len() {
        let h = 1e-5 * x[i].abs().max(1.0);
        let mut at = |value: f64| {
            moved[i] = value;
            f(&moved)
        };
        gradient[i] = (at(x[i] + h)? - at(x[i] - h)?) / (2.0 * h);
        moved[i] = x[i];
    }
    Ok(gradient)
}

/// The largest difference between two gradients, relative to the larger of 1 and the element itself; infinite where
/// shapes differ or something is not a number.
pub fn largest_difference(a: &Array, b: &Array) -> f64 {
    if a.shape() != b.shape() {
        return f64::INFINITY;
    }
    let differences =
        a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs() / 1f64.max(a.abs()).max(b.abs()));
    differences.map(|d| if d.is_nan() { f64::INFINITY } else { d }).fold(0.0, f64::max)
}
