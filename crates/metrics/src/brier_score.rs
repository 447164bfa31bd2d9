//! The Brier score: the squared error of predicted probabilities.

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::log_loss::Probabilities;

/// The mean squared distance between probabilities and what happened:
///
/// ```text
/// Brier = 1/N sum_i sum_c ([y_i = c] - p_ic)^2        of two classes half of that: 1/N sum_i ([y_i = 1] - p_i)^2
/// ```
///
/// `y_true` is `(N)`, `y_proba` `(N, C)` with columns for the labels of `y_true` in ascending order, or, for two classes,
/// `(N)` or `(N, 1)` with the probability of the larger label. [`BrierScore`] has the options. Source: scikit-learn's
/// `brier_score_loss`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let y_true = Tensor::from_vec(vec![0i64, 1, 1, 0], [4])?;
/// let y_proba = Tensor::from([0.1, 0.9, 0.8, 0.3f64]);
/// assert!((barehand_metrics::brier_score(&y_true, &y_proba)? - 0.0375).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// The shapes differ from these, labels and columns do not match, or a probability is outside `[0, 1]`.
pub fn brier_score<T: Float>(y_true: &Tensor<i64>, y_proba: &Tensor<T>) -> Result<f64> {
    BrierScore::new().score(y_true, y_proba)
}

/// [`brier_score`] with options.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrierScore<'a> {
    labels: Option<&'a [i64]>,
    sample_weight: Option<&'a Tensor<f64>>,
    scale_by_half: Option<bool>,
}

impl<'a> BrierScore<'a> {
    /// Labels as they occur, every sample of weight 1, halved for two classes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The labels of the columns, in ascending order of which columns stand for them.
    #[must_use]
    pub fn labels(mut self, labels: &'a [i64]) -> Self {
        self.labels = Some(labels);
        self
    }

    /// A weight for each sample, `(N)`.
    #[must_use]
    pub fn sample_weight(mut self, weights: &'a Tensor<f64>) -> Self {
        self.sample_weight = Some(weights);
        self
    }

    /// Whether to halve the sum over classes, so that the score lies in `[0, 1]` (default: for two classes).
    #[must_use]
    pub fn scale_by_half(mut self, half: bool) -> Self {
        self.scale_by_half = Some(half);
        self
    }

    /// The score of probabilities `(N, C)`, `(N, 1)` or `(N)` for labels `(N)`.
    ///
    /// # Errors
    /// As [`brier_score`]; also where there are fewer than two labels, `y_true` has others, or weights are unusable.
    pub fn score<T: Float>(&self, y_true: &Tensor<i64>, y_proba: &Tensor<T>) -> Result<f64> {
        let data = Probabilities::new("brier_score", y_true, y_proba, self.labels, self.sample_weight)?;
        let half = self.scale_by_half.unwrap_or(data.classes == 2);
        Ok(if half { 0.5 } else { 1.0 } * data.mean(|class, row| distance(class, row.map(T::to_f64))))
    }

    /// How much better than the classes' frequencies the probabilities are: `1 - Brier(p) / Brier(frequencies)`. Source:
    /// scikit-learn's `d2_brier_score`.
    ///
    /// # Errors
    /// As [`BrierScore::score`], or where there are fewer than two samples.
    pub fn d2<T: Float>(&self, y_true: &Tensor<i64>, y_proba: &Tensor<T>) -> Result<f64> {
        let data = Probabilities::new("d2_brier_score", y_true, y_proba, self.labels, self.sample_weight)?;
        if y_true.len() < 2 {
            return Err(Error::value("d2_brier_score", "not defined for fewer than two samples"));
        }
        let frequencies = data.frequencies();
        let left = data.mean(|class, row| distance(class, row.map(T::to_f64)));
        Ok(1.0 - left / data.mean(|class, _| distance(class, frequencies.iter().map(|&p| p.to_f64()))))
    }
}

/// The squared distance between the probabilities and the corner of the true class.
fn distance(class: usize, probabilities: impl Iterator<Item = f64>) -> f64 {
    probabilities.enumerate().map(|(c, p)| (f64::from(u8::from(c == class)) - p).powi(2)).sum()
}
