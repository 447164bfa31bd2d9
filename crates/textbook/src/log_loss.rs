//! The mean surprise at the true classes: the cross entropy of probabilities, as a score.
//!
//! ```text
//! q_n = min(max(p_n[class_n], e), 1 - e)       e = 2^-52
//! log loss = -mean ln q_n
//! ```
//!
//! scikit-learn: `log_loss`, which keeps probabilities of 0 finite in this way.

use crate::array::Array;
use crate::confusion_matrix::check_classes;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The log loss of `probabilities` `(samples, classes)`.
pub fn log_loss(truth: &[usize], probabilities: &Array, trace: &mut Trace) -> Result<f64> {
    probabilities.expect_rank("log_loss", "probabilities", 2)?;
    let classes = probabilities.shape()[1];
    probabilities.expect_shape("log_loss", "probabilities", &[truth.len(), classes])?;
    check_classes("log_loss", truth, classes)?;
    if truth.is_empty() {
        return Err(Error::new("log_loss", "no samples, so no mean"));
    }
    if let Some(p) = probabilities.data().iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::new("log_loss", format!("{p} is not a probability from 0 to 1")));
    }
    trace.section("log loss");
    let own: Vec<f64> = truth.iter().enumerate().map(|(n, &class)| probabilities.get(&[n, class])).collect();
    let p = trace.step("p", "the probability of the true class", Array::vector(&own));
    let q = trace.step("q", "min(max(p, e), 1 - e)", p.map(|p| p.clamp(f64::EPSILON, 1.0 - f64::EPSILON)));
    let l = trace.step("l", "-ln q", q.map(|q| -q.ln()));
    Ok(trace.number("log loss", "mean l", l.sum() / truth.len() as f64))
}
