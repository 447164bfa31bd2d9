//! Discounted cumulative gain, and its share of the best order's.
//!
//! ```text
//! DCG  = sum over ranks r = 1, 2, ... of gain at r / log2(r + 1)
//! NDCG = DCG / DCG of the gains in descending order
//! ```
//!
//! Equal scores share their ranks: each counts with their mean gain, the mean over all orders of the ties. scikit-learn:
//! `dcg_score`, `ndcg_score`; Jarvelin and Kekalainen 2002, McSherry and Najork 2008 for ties.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::roc_auc::check_scores;
use crate::trace::Trace;

/// The share of the best order's gain, of gains and scores `(K)` of one query; 0 where there is nothing to gain.
pub fn ndcg(gains: &[f64], scores: &[f64], trace: &mut Trace) -> Result<f64> {
    check_scores("ndcg", gains.len(), scores)?;
    if gains.is_empty() || gains.iter().any(|gain| !gain.is_finite() || *gain < 0.0) {
        return Err(Error::new(
            "ndcg",
            format!("gains {gains:?}: one or more that are not negative expected"),
        ));
    }
    trace.section("discounted cumulative gain");
    let discounts: Vec<f64> = (0..gains.len()).map(|r| 1.0 / (r as f64 + 2.0).log2()).collect();
    let discounts = trace.step("discount", "1 / log2(r + 1)", Array::vector(&discounts));
    let mut order: Vec<usize> = (0..gains.len()).collect();
    order.sort_by(|&i, &j| scores[j].partial_cmp(&scores[i]).unwrap_or(std::cmp::Ordering::Equal));
    let mean_of_equals = |&i: &usize| {
        let equals: Vec<f64> =
            (0..gains.len()).filter(|&j| scores[j] == scores[i]).map(|j| gains[j]).collect();
        equals.iter().sum::<f64>() / equals.len() as f64
    };
    let ranked: Vec<f64> = order.iter().map(mean_of_equals).collect();
    let ranked = trace.step("gain", "mean gain of equal scores, by descending score", Array::vector(&ranked));
    let dcg = trace.number("DCG", "sum discount gain", discounts.zip(&ranked, |d, g| d * g)?.sum());
    let mut best = gains.to_vec();
    best.sort_by(|a, b| b.total_cmp(a));
    let best = trace.step("best", "gains, descending", Array::vector(&best));
    let ideal = trace.number("ideal DCG", "sum discount best", discounts.zip(&best, |d, g| d * g)?.sum());
    Ok(trace.number("NDCG", "DCG / ideal DCG", if ideal == 0.0 { 0.0 } else { dcg / ideal }))
}
