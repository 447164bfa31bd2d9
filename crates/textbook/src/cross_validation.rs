//! Cross-validation: how well does a model do on samples that it has not seen?
//!
//! ```text
//! s_f  = score on fold f of the model that is fitted to all other folds
//! mean = sum_f s_f / k,   std = sqrt(sum_f (s_f - mean)^2 / k)
//! ```
//!
//! Folds count alike, however many samples they have. scikit-learn: `cross_val_score`, `mean()` and `std()` of it.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// What [`cross_validate`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidated {
    /// The score on each fold.
    pub scores: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their deviation, a mean over the folds.
    pub std: f64,
}

/// Scores a model on each of the folds that samples were put into; `score` fits it to the first samples and judges it by the
/// second.
pub fn cross_validate(
    folds: &[usize],
    mut score: impl FnMut(&[usize], &[usize]) -> f64,
    trace: &mut Trace,
) -> Result<CrossValidated> {
    let k = folds.iter().max().map_or(0, |last| last + 1);
    if k < 2 || (0..k).any(|f| !folds.contains(&f)) {
        return Err(Error::new(
            "cross_validate",
            format!("{folds:?}: two folds at least, none empty, expected"),
        ));
    }
    trace.section("cross-validation");
    let scores: Vec<f64> = (0..k)
        .map(|f| {
            let (test, train): (Vec<usize>, Vec<usize>) = (0..folds.len()).partition(|&i| folds[i] == f);
            score(&train, &test)
        })
        .collect();
    let s = trace.step("s", "score on fold f after fitting to the others", Array::vector(&scores));
    let mean = trace.number("mean", "sum_f s_f / k", s.sum() / k as f64);
    let squares = s.map(|s| (s - mean).powi(2));
    let std = trace.number("std", "sqrt(sum_f (s_f - mean)^2 / k)", (squares.sum() / k as f64).sqrt());
    Ok(CrossValidated { scores, mean, std })
}
