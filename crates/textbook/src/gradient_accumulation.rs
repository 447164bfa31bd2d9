//! Gradients of several micro-batches, put together as if they were one batch.
//!
//! ```text
//! g = sum_i n_i g_i / sum_i n_i                 g_i the gradient of a mean over n_i samples or tokens
//! ```
//!
//! The mean of the means, sum_i g_i / k, is another number as soon as two micro-batches differ in size: a token of a short
//! one then counts more. Losses that ignore padding have micro-batches of unequal size even where the shapes agree.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The gradient of the mean over all micro-batches, from that of each one's own mean and its size.
pub fn accumulate_gradients(micro_batches: &[(Array, f64)], trace: &mut Trace) -> Result<Array> {
    let total: f64 = micro_batches.iter().map(|(_, n)| n).sum();
    let Some((first, _)) = micro_batches.first().filter(|_| total > 0.0) else {
        return Err(Error::new("accumulate_gradients", "there is no mean of no samples"));
    };
    trace.section("gradient accumulation");
    let mut sum = Array::zeros(first.shape());
    for (g, n) in micro_batches {
        g.expect_shape("accumulate_gradients", "a gradient", first.shape())?;
        sum = trace.step("sum", "sum + n_i g_i", sum.zip(g, |sum, g| sum + n * g)?);
    }
    trace.number("n", "sum of n_i", total);
    Ok(trace.step("g", "sum / n", sum.map(|sum| sum / total)))
}
