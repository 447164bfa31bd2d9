//! Precision and recall at every threshold, and the mean of the one over the other.
//!
//! ```text
//! tp_t = positives with score >= t    fp_t = negatives with score >= t
//! precision_t = tp_t / (tp_t + fp_t)    recall_t = tp_t / positives
//! AP = sum over thresholds t, from the highest down, of (recall_t - recall before) precision_t
//! ```
//!
//! Thresholds are the distinct scores: samples with equal scores pass together. No interpolation; the trapezoid rule between
//! points would be too optimistic (Davis and Goadrich 2006). scikit-learn: `precision_recall_curve`,
//! `average_precision_score`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::roc_auc::check_scores;
use crate::trace::Trace;

/// The average precision of `positive[i]` and `scores[i]`.
pub fn average_precision(positive: &[bool], scores: &[f64], trace: &mut Trace) -> Result<f64> {
    check_scores("average_precision", positive.len(), scores)?;
    let positives = positive.iter().filter(|p| **p).count() as f64;
    if positives == 0.0 {
        return Err(Error::new("average_precision", "there are no positives"));
    }
    trace.section("average precision");
    let mut thresholds = scores.to_vec();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let thresholds = trace.step("t", "the distinct scores, descending", Array::vector(&thresholds));
    let passing = |kind: bool| {
        thresholds.map(|t| scores.iter().zip(positive).filter(|&(&s, &p)| s >= t && p == kind).count() as f64)
    };
    let tp = trace.step("tp", "positives with score >= t", passing(true));
    let fp = trace.step("fp", "negatives with score >= t", passing(false));
    let precision = trace.step("precision", "tp / (tp + fp)", tp.zip(&fp, |tp, fp| tp / (tp + fp))?);
    let recall = trace.step("recall", "tp / positives", tp.map(|tp| tp / positives));
    let mut before = 0.0;
    let steps = recall.map(|recall| {
        let step = recall - before;
        before = recall;
        step
    });
    let steps = trace.step("step", "recall - recall before", steps);
    Ok(trace.number("AP", "sum step precision", steps.zip(&precision, |step, p| step * p)?.sum()))
}
