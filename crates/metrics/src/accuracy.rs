//! Accuracy: the share of predictions that are right.

use barehand_tensor::{Result, Tensor};

use crate::targets::{Targets, total};

/// The share of samples whose predicted label is the true one:
///
/// ```text
/// accuracy = sum_i w_i [y_true_i = y_pred_i] / sum_i w_i
/// ```
///
/// Both `(N)`; every weight 1. [`Accuracy`] has the options. Source: scikit-learn's `accuracy_score`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 1, 2, 3], [4])?;
/// let y_pred = Tensor::from_vec(vec![0i64, 2, 2, 3], [4])?;
/// assert_eq!(barehand_metrics::accuracy(&y_true, &y_pred)?, 0.75);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes are not both `(N)` with `N > 0`.
pub fn accuracy(y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<f64> {
    Accuracy::new().score(y_true, y_pred)
}

/// [`accuracy`] with options.
#[derive(Clone, Copy, Debug)]
pub struct Accuracy<'a> {
    normalize: bool,
    sample_weight: Option<&'a Tensor<f64>>,
}

impl Default for Accuracy<'_> {
    fn default() -> Self {
        Accuracy { normalize: true, sample_weight: None }
    }
}

impl<'a> Accuracy<'a> {
    /// The share of right predictions, every sample of weight 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to divide by the sum of the weights (default: yes); otherwise the score is the weight of the right
    /// predictions.
    #[must_use]
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// A weight for each sample, `(N)`.
    #[must_use]
    pub fn sample_weight(mut self, weights: &'a Tensor<f64>) -> Self {
        self.sample_weight = Some(weights);
        self
    }

    /// The score of labels `(N)` and predictions `(N)`.
    ///
    /// # Errors
    /// The shapes are not all `(N)` with `N > 0`, or the weights are negative, not finite, or all 0.
    pub fn score(&self, y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<f64> {
        let targets = Targets::new("accuracy", y_true, y_pred, self.sample_weight)?;
        let right = targets.iter().map(|(t, p, _)| f64::from(u8::from(t == p)));
        Ok(total(right, targets.weights.as_ref(), self.normalize))
    }
}
