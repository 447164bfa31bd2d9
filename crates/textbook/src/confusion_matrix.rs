//! What was predicted for what was true, and the share that was right.
//!
//! ```text
//! C_ij = number of samples of class i that were predicted as class j
//! accuracy = sum_i C_ii / sum_ij C_ij
//! ```
//!
//! scikit-learn: `confusion_matrix`, `accuracy_score`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The counts `(classes, classes)`: rows are true classes, columns predicted ones.
pub fn confusion_matrix(
    truth: &[usize],
    predicted: &[usize],
    classes: usize,
    trace: &mut Trace,
) -> Result<Array> {
    check_classes("confusion_matrix", truth, classes)?;
    check_classes("confusion_matrix", predicted, classes)?;
    if truth.len() != predicted.len() {
        let message = format!("{} true classes and {} predicted ones", truth.len(), predicted.len());
        return Err(Error::new("confusion_matrix", message));
    }
    trace.section("confusion matrix");
    let mut counts = Array::zeros(&[classes, classes]);
    for (&i, &j) in truth.iter().zip(predicted) {
        let cell = counts.position(&[i, j]);
        counts.data_mut()[cell] += 1.0;
    }
    Ok(trace.step("C", "C_ij = samples of class i predicted as j", counts))
}

/// The share of samples that were predicted right.
pub fn accuracy(truth: &[usize], predicted: &[usize], classes: usize, trace: &mut Trace) -> Result<f64> {
    let counts = confusion_matrix(truth, predicted, classes, trace)?;
    if truth.is_empty() {
        return Err(Error::new("accuracy", "no samples, so no share of them is right"));
    }
    trace.section("accuracy");
    let diagonal: Vec<f64> = (0..classes).map(|i| counts.get(&[i, i])).collect();
    let right = trace.number("right", "sum_i C_ii", diagonal.iter().sum());
    Ok(trace.number("accuracy", "right / samples", right / truth.len() as f64))
}

/// Every class must be below `classes`.
pub(crate) fn check_classes(operation: &str, labels: &[usize], classes: usize) -> Result<()> {
    match labels.iter().enumerate().find(|(_, class)| **class >= classes) {
        None => Ok(()),
        Some((i, class)) => {
            Err(Error::new(operation, format!("class {class} of sample {i} is not below {classes}")))
        }
    }
}
