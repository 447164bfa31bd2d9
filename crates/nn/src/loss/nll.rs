//! Negative log likelihood.

use barehand_tensor::NllLossOptions;

use crate::{Float, Reduction, Result, Tensor};

/// The mean of -x at the right class, from log-probabilities (N, C), (N, C, ...) or, for one sample, (C)
/// (`torch.nn.functional.nll_loss`). After a log-softmax this is [`cross_entropy`](crate::cross_entropy).
///
/// ```
/// use barehand_nn::{Tensor, nll_loss};
///
/// let log_p = Tensor::from([[0.9_f64, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]).ln().unwrap();
/// let loss = nll_loss(&log_p, &Tensor::from([0_i64, 1, 2])).unwrap();
/// assert!((loss.item().unwrap() - 0.2797765635793423).abs() < 1e-12);
/// ```
///
/// # Errors
/// As [`Tensor::nll_loss`].
pub fn nll_loss<T: Float>(log_probabilities: &Tensor<T>, target: &Tensor<i64>) -> Result<Tensor<T>> {
    NllLoss::default().forward(log_probabilities, target)
}

/// Negative log likelihood (`torch.nn.NLLLoss`).
#[derive(Clone, Debug)]
pub struct NllLoss<T: Float = f32> {
    /// A weight for each class; the mean is then weighted too.
    pub weight: Option<Tensor<T>>,
    /// Samples of this class count for nothing. Default -100.
    pub ignore_index: i64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl<T: Float> Default for NllLoss<T> {
    fn default() -> Self {
        let NllLossOptions { weight, ignore_index, reduction } = NllLossOptions::default();
        NllLoss { weight, ignore_index, reduction }
    }
}

impl<T: Float> NllLoss<T> {
    /// The loss of log-probabilities and class indices.
    ///
    /// # Errors
    /// As [`Tensor::nll_loss`].
    pub fn forward(&self, log_probabilities: &Tensor<T>, target: &Tensor<i64>) -> Result<Tensor<T>> {
        let options = NllLossOptions {
            weight: self.weight.clone(),
            ignore_index: self.ignore_index,
            reduction: self.reduction,
        };
        log_probabilities.nll_loss(target, &options)
    }
}
