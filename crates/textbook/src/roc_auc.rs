//! The area under the ROC curve, from ranks: how likely a positive sample scores higher than a negative one.
//!
//! ```text
//! rank_i = 1 + samples that score lower + (samples with the same score, other than i) / 2
//! R+     = sum of the ranks of positives
//! AUC    = (R+ - n+ (n+ + 1) / 2) / (n+ n-)
//! ```
//!
//! Equal scores share the mean of the ranks that they take, so a tie counts as half a win: the area is the share of (positive,
//! negative) pairs in the right order. Without both kinds there are no pairs and no area. scikit-learn: `roc_auc_score`; Mann
//! and Whitney 1947.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The area of `positive[i]` and `scores[i]`.
pub fn roc_auc(positive: &[bool], scores: &[f64], trace: &mut Trace) -> Result<f64> {
    check_scores("roc_auc", positive.len(), scores)?;
    let count = |kind: bool| positive.iter().filter(|&&p| p == kind).count() as f64;
    let (positives, negatives) = (count(true), count(false));
    if positives * negatives == 0.0 {
        let message =
            format!("{positives} positives and {negatives} negatives: there is no area without both");
        return Err(Error::new("roc_auc", message));
    }
    trace.section("area under the ROC curve");
    let positives = trace.number("n+", "positives", positives);
    let negatives = trace.number("n-", "negatives", negatives);
    let rank = |&score: &f64| {
        let lower = scores.iter().filter(|&&other| other < score).count() as f64;
        let same = scores.iter().filter(|&&other| other == score).count() as f64;
        1.0 + lower + (same - 1.0) / 2.0
    };
    let ranks: Vec<f64> = scores.iter().map(rank).collect();
    let ranks = trace.step("rank", "1 + lower + (same - 1) / 2", Array::vector(&ranks));
    let of_positives = ranks.data().iter().zip(positive).filter(|pair| *pair.1).map(|pair| pair.0);
    let sum = trace.number("R+", "sum of the positives' ranks", of_positives.sum());
    let wins = trace.number("U", "R+ - n+ (n+ + 1) / 2", sum - positives * (positives + 1.0) / 2.0);
    Ok(trace.number("AUC", "U / (n+ n-)", wins / (positives * negatives)))
}

/// As many finite scores as samples.
pub(crate) fn check_scores(operation: &str, samples: usize, scores: &[f64]) -> Result<()> {
    if samples != scores.len() {
        return Err(Error::new(operation, format!("{samples} samples and {} scores", scores.len())));
    }
    match scores.iter().find(|score| !score.is_finite()) {
        Some(score) => Err(Error::new(operation, format!("{score} is not a finite score"))),
        None => Ok(()),
    }
}
