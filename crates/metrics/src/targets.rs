//! True and predicted classes, side by side, checked once for every score.

use barehand_tensor::{Error, Result, Tensor};

/// Equally many true and predicted labels, and the weight of each pair where weights were given.
pub(crate) struct Targets {
    pub(crate) y_true: Vec<i64>,
    pub(crate) y_pred: Vec<i64>,
    pub(crate) weights: Option<Vec<f64>>,
}

impl Targets {
    pub(crate) fn new(
        operation: &str,
        y_true: &Tensor<i64>,
        y_pred: &Tensor<i64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Targets> {
        let (t, p) = (y_true.shape(), y_pred.shape());
        if t.len() != 1 || t != p {
            let text = format!("expected true and predicted labels of one shape (N), found {t:?} and {p:?}");
            return Err(Error::shape(operation, text));
        }
        if t[0] == 0 {
            return Err(Error::value(operation, "there is no score of no samples"));
        }
        let weights = checked_weights(operation, sample_weight, t[0])?;
        Ok(Targets { y_true: y_true.to_vec(), y_pred: y_pred.to_vec(), weights })
    }

    /// (true label, predicted label, weight), weight 1 where none were given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, i64, f64)> {
        self.y_true
            .iter()
            .zip(&self.y_pred)
            .enumerate()
            .map(|(i, (&t, &p))| (t, p, weight(self.weights.as_ref(), i)))
    }

    /// Every label that occurs, true or predicted, in ascending order.
    pub(crate) fn labels(&self) -> Vec<i64> {
        sorted_unique(self.y_true.iter().chain(&self.y_pred).copied())
    }
}

/// Weights for `n` samples: finite, not negative, and not all zero.
pub(crate) fn checked_weights(
    operation: &str,
    sample_weight: Option<&Tensor<f64>>,
    n: usize,
) -> Result<Option<Vec<f64>>> {
    let Some(tensor) = sample_weight else {
        return Ok(None);
    };
    if tensor.shape() != [n] {
        let text = format!("expected one weight for each of {n} samples, found shape {:?}", tensor.shape());
        return Err(Error::shape(operation, text));
    }
    let weights = tensor.to_vec();
    if let Some(weight) = weights.iter().find(|weight| !weight.is_finite() || **weight < 0.0) {
        return Err(Error::value(operation, format!("a weight is finite and not negative, found {weight}")));
    }
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(Error::value(operation, "every sample has weight 0"));
    }
    Ok(Some(weights))
}

pub(crate) fn weight(weights: Option<&Vec<f64>>, i: usize) -> f64 {
    weights.map_or(1.0, |weights| weights[i])
}

/// The weighted mean of `values`, or their weighted sum.
pub(crate) fn total(values: impl Iterator<Item = f64>, weights: Option<&Vec<f64>>, normalize: bool) -> f64 {
    let (mut sum, mut whole) = (0.0, 0.0);
    for (i, value) in values.enumerate() {
        sum += value * weight(weights, i);
        whole += weight(weights, i);
    }
    if normalize { sum / whole } else { sum }
}

pub(crate) fn sorted_unique(labels: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut labels: Vec<i64> = labels.collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// Refuses an empty list of labels and one that names a label twice.
pub(crate) fn check_labels(operation: &str, labels: &[i64]) -> Result<()> {
    if labels.is_empty() {
        return Err(Error::value(operation, "the list of labels is empty"));
    }
    if sorted_unique(labels.iter().copied()).len() < labels.len() {
        return Err(Error::value(operation, format!("labels {labels:?} name a class twice")));
    }
    Ok(())
}
