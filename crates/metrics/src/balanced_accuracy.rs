//! Balanced accuracy: the mean of every class's recall.

use barehand_tensor::{Result, Tensor};

use crate::precision_recall::PrecisionRecall;

/// The mean recall of the classes that occur in `y_true`, so that frequent classes do not outvote rare ones:
///
/// ```text
/// balanced accuracy = 1/K sum_k (weight of class k predicted as k) / (weight of class k)
/// ```
///
/// [`BalancedAccuracy`] has the options. Source: scikit-learn's `balanced_accuracy_score`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 1, 0, 0, 1, 0], [6])?;
/// let y_pred = Tensor::from_vec(vec![0i64, 1, 0, 0, 0, 1], [6])?;
/// assert_eq!(barehand_metrics::balanced_accuracy(&y_true, &y_pred)?, 0.625);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes are not both `(N)` with `N > 0`.
pub fn balanced_accuracy(y_true: &Tensor<i64>, y_pred: &Tensor<i64>) -> Result<f64> {
    BalancedAccuracy::new().score(y_true, y_pred)
}

/// [`balanced_accuracy`] with options.
#[derive(Clone, Copy, Debug, Default)]
pub struct BalancedAccuracy<'a> {
    adjusted: bool,
    sample_weight: Option<&'a Tensor<f64>>,
}

impl<'a> BalancedAccuracy<'a> {
    /// Not adjusted for chance, every sample of weight 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to rescale so that guessing scores 0: `(score - 1/K) / (1 - 1/K)` (default: no; NaN for one class).
    #[must_use]
    pub fn adjusted(mut self, adjusted: bool) -> Self {
        self.adjusted = adjusted;
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
        let options = PrecisionRecall { sample_weight: self.sample_weight, ..PrecisionRecall::new() };
        let classes = options.per_class(y_true, y_pred)?;
        let recalls: Vec<f64> =
            classes.iter().filter(|class| class.support > 0.0).map(|class| class.recall).collect();
        let score = recalls.iter().sum::<f64>() / recalls.len() as f64;
        let chance = 1.0 / recalls.len() as f64;
        Ok(if self.adjusted { (score - chance) / (1.0 - chance) } else { score })
    }
}
