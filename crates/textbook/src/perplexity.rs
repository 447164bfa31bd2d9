//! Perplexity: among how many equally likely tokens a language model seems to choose.
//!
//! ```text
//! q_i = exp(z_i[y_i] - max z_i) / sum_c exp(z_i[c] - max z_i)
//! perplexity = exp(-mean ln q_i)
//! ```

use crate::array::Array;
use crate::confusion_matrix::check_classes;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The perplexity of logits `(N, C)` at tokens `(N)`.
pub fn perplexity(logits: &Array, tokens: &[usize], trace: &mut Trace) -> Result<f64> {
    logits.expect_rank("perplexity", "logits", 2)?;
    let classes = logits.shape()[1];
    logits.expect_shape("perplexity", "logits", &[tokens.len(), classes])?;
    check_classes("perplexity", tokens, classes)?;
    if tokens.is_empty() || logits.data().iter().any(|z| !z.is_finite()) {
        return Err(Error::new("perplexity", "one or more rows of finite logits expected"));
    }
    trace.section("perplexity");
    let surprise = |(i, &token): (usize, &usize)| {
        let row: Vec<f64> = (0..classes).map(|c| logits.get(&[i, c])).collect();
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let whole: f64 = row.iter().map(|z| (z - most).exp()).sum();
        -(row[token] - most - whole.ln())
    };
    let surprises: Vec<f64> = tokens.iter().enumerate().map(surprise).collect();
    let surprises = trace.step("-ln q", "ln sum_c exp z_c - z_token", Array::vector(&surprises));
    let mean = trace.number("mean", "mean -ln q", surprises.sum() / tokens.len() as f64);
    Ok(trace.number("perplexity", "exp mean", mean.exp()))
}
