//! Of what was predicted, how much is right; of what there is, how much was found; and the mean of both.
//!
//! ```text
//! precision_i = C_ii / sum_j C_ji        recall_i = C_ii / sum_j C_ij
//! F_i = (1 + b^2) C_ii / (b^2 sum_j C_ij + sum_j C_ji)
//! macro: mean over classes    weighted: mean weighted by support    micro: from the sums over all classes
//! ```
//!
//! A division by 0 gives 0. `b` is how many times as important recall is as precision: 1 for F1. scikit-learn:
//! `precision_recall_fscore_support`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// Precision, recall and F of each class `(classes)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    /// Of the samples predicted as the class, the share that are of it.
    pub precision: Array,
    /// Of the samples of the class, the share predicted as it.
    pub recall: Array,
    /// The weighted harmonic mean of both.
    pub f: Array,
}

/// The scores of each class from a confusion matrix (true classes in rows), and their averages as steps of the trace.
pub fn precision_recall(confusion: &Array, beta: f64, trace: &mut Trace) -> Result<ClassScores> {
    confusion.expect_rank("precision_recall", "confusion", 2)?;
    let classes = confusion.shape()[0];
    confusion.expect_shape("precision_recall", "confusion", &[classes, classes])?;
    if beta.is_nan() || beta < 0.0 {
        return Err(Error::new("precision_recall", format!("beta = {beta}: 0 or more expected")));
    }
    let share = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
    trace.section("precision, recall, F");
    let right: Vec<f64> = (0..classes).map(|i| confusion.get(&[i, i])).collect();
    let right = trace.step("right", "C_ii", Array::vector(&right));
    let support = trace.step("support", "sum_j C_ij", confusion.sum_along(&[1]).reshape(&[classes])?);
    let predicted = trace.step("predicted", "sum_j C_ji", confusion.sum_along(&[0]).reshape(&[classes])?);
    let precision = trace.step("precision", "right / predicted", right.zip(&predicted, share)?);
    let recall = trace.step("recall", "right / support", right.zip(&support, share)?);
    let b2 = beta * beta;
    let weight = support.zip(&predicted, |s, p| b2 * s + p)?;
    let f = right.zip(&weight, |right, weight| share((1.0 + b2) * right, weight))?;
    let f = trace.step("F", "(1 + b^2) right / (b^2 support + predicted)", f);

    let scores = [("precision", &precision), ("recall", &recall), ("F", &f)];
    for (name, score) in scores {
        trace.number(&format!("macro {name}"), "sum / classes", share(score.sum(), classes as f64));
        let weighted = score.zip(&support, |score, support| score * support)?.sum();
        trace.number(
            &format!("weighted {name}"),
            "sum of score * support / samples",
            share(weighted, support.sum()),
        );
    }
    // Every sample is predicted as one class, so the sums of predicted and support are equal, and so are all three.
    trace.number("micro F", "sum right / samples", share(right.sum(), support.sum()));
    Ok(ClassScores { precision, recall, f })
}
