//! True kinds and scores of samples, side by side, checked once for every curve and area.

use std::any::Any;

use barehand_tensor::{Element, Error, Float, Result, Tensor};

use crate::targets::{checked_weights, sorted_unique};

/// The elements in row-major order as `f64`: where they lie if they are that already, else a copy.
pub(crate) fn reals<T: Element>(x: &Tensor<T>) -> Tensor<f64> {
    match (x as &dyn Any).downcast_ref::<Tensor<f64>>() {
        Some(x) => x.contiguous(),
        None => x.cast(),
    }
}

/// The elements of what [`reals`] made.
pub(crate) fn slice_of(x: &Tensor<f64>) -> &[f64] {
    x.as_slice().unwrap_or_default()
}

/// Refuses NaN and infinity.
pub(crate) fn finite(operation: &str, what: &str, values: &[f64]) -> Result<()> {
    // A block at a time without a jump; where something is wrong, where it is.
    let fine = |block: &[f64]| block.iter().fold(true, |fine, value| fine & value.is_finite());
    if values.chunks(1 << 12).all(fine) {
        return Ok(());
    }
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(i) => {
            let text = format!("{what} are finite numbers, found {} at position {i}", values[i]);
            Err(Error::value(operation, text))
        }
    }
}

/// Scores of positive and negative samples.
pub(crate) struct BinaryScores {
    pub(crate) scores: Tensor<f64>,
    pub(crate) positive: Vec<bool>,
    pub(crate) weights: Option<Vec<f64>>,
}

impl BinaryScores {
    /// Labels and scores `(N)`. Without `pos_label`, labels are 0 and 1, or -1 and 1, and 1 is positive.
    pub(crate) fn new<T: Float>(
        operation: &str,
        y_true: &Tensor<i64>,
        y_score: &Tensor<T>,
        pos_label: Option<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<BinaryScores> {
        let (t, s) = (y_true.shape(), y_score.shape());
        if t.len() != 1 || t != s {
            let text = format!("expected labels and scores of one shape (N), found {t:?} and {s:?}");
            return Err(Error::shape(operation, text));
        }
        if t[0] == 0 {
            return Err(Error::value(operation, "there is no score of no samples"));
        }
        let labels = y_true.contiguous();
        let labels = labels.as_slice().unwrap_or_default();
        let pos_label = match pos_label {
            Some(label) => label,
            None => {
                let present = sorted_unique(labels.iter().copied());
                if !matches!(present[..], [-1..=1] | [0 | -1, 1]) {
                    let text = format!(
                        "labels are {present:?}: without pos_label they must be 0 and 1, or -1 and 1"
                    );
                    return Err(Error::value(operation, text));
                }
                1
            }
        };
        let positive = labels.iter().map(|&label| label == pos_label).collect();
        let scores = reals(y_score);
        finite(operation, "scores", slice_of(&scores))?;
        let weights = checked_weights(operation, sample_weight, labels.len())?;
        Ok(BinaryScores { scores, positive, weights })
    }

    pub(crate) fn scores(&self) -> &[f64] {
        slice_of(&self.scores)
    }
}
