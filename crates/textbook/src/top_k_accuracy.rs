//! The share of samples whose class is among the k with the highest scores.
//!
//! ```text
//! rank_n = number of classes scored above the true one
//! top-k accuracy = share of samples with rank_n < k
//! ```
//!
//! Of classes with equal scores the later one counts as higher, as in scikit-learn's `top_k_accuracy_score`.

use crate::array::Array;
use crate::confusion_matrix::check_classes;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The share of the rows of `scores` `(samples, classes)` whose true class is among the `k` best.
pub fn top_k_accuracy(truth: &[usize], scores: &Array, k: usize, trace: &mut Trace) -> Result<f64> {
    scores.expect_rank("top_k_accuracy", "scores", 2)?;
    let classes = scores.shape()[1];
    scores.expect_shape("top_k_accuracy", "scores", &[truth.len(), classes])?;
    check_classes("top_k_accuracy", truth, classes)?;
    if truth.is_empty() || k == 0 {
        return Err(Error::new(
            "top_k_accuracy",
            format!("{} samples and k = {k}: neither may be 0", truth.len()),
        ));
    }
    trace.section("top-k accuracy");
    let own: Vec<f64> = truth.iter().enumerate().map(|(n, &class)| scores.get(&[n, class])).collect();
    let own = trace.step("own", "the score of the true class", Array::vector(&own));
    let rank = |n: usize| {
        let own = own.get(&[n]);
        let above = |&class: &usize| {
            let score = scores.get(&[n, class]);
            score > own || (score == own && class > truth[n])
        };
        (0..classes).filter(above).count() as f64
    };
    let ranks: Vec<f64> = (0..truth.len()).map(rank).collect();
    let ranks = trace.step("rank", "classes scored above it", Array::vector(&ranks));
    let among = trace.step("among", "rank < k", ranks.map(|rank| f64::from(u8::from(rank < k as f64))));
    Ok(trace.number("top-k accuracy", "sum among / samples", among.sum() / truth.len() as f64))
}
