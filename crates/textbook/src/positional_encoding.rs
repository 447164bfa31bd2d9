//! Sinusoidal positions: waves of falling frequency tell a transformer where each token stands.
//!
//! ```text
//! a[pos, i] = pos / 10000^(2 floor(i / 2) / d)
//! pe[pos, i] = sin a at even i, cos a at odd i        (length, d)
//! ```
//!
//! Two neighbouring columns share a frequency, hence the floor. Nothing is learned, so there is no backward pass of its
//! own: what is added passes the gradient on. Vaswani et al. 2017.

use crate::array::Array;
use crate::trace::Trace;

/// The waves of the first `length` positions, (length, d).
///
/// ```
/// use barehand_textbook::{Trace, positional_encoding};
///
/// let pe = positional_encoding(3, 4, &mut Trace::silent());
/// assert!((pe[[1, 0]] - 0.84147098).abs() < 5e-9 && (pe[[2, 3]] - 0.99980001).abs() < 5e-9);
/// ```
pub fn positional_encoding(length: usize, d: usize, trace: &mut Trace) -> Array {
    trace.section("positional encoding: forward");
    let angle = Array::from_fn(&[length, d], |index| {
        let (position, i) = (index[0] as f64, index[1]);
        position / 10_000_f64.powf((2 * (i / 2)) as f64 / d as f64)
    });
    let angle = trace.step("a", "pos / 10000^(2 floor(i/2) / d)", angle);
    let wave = Array::from_fn(&[length, d], |index| {
        let a = angle.get(index);
        if index[1] % 2 == 0 { a.sin() } else { a.cos() }
    });
    trace.step("pe", "sin a at even i, cos a at odd i", wave)
}
