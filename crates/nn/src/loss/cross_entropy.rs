//! Cross entropy from logits.

use barehand_tensor::CrossEntropyOptions;

use crate::{Float, Reduction, Result, Targets, Tensor};

/// The mean of -ln softmax(logits) at the right class, from logits (N, C), (N, C, ...) or, for one sample, (C)
/// (`torch.nn.functional.cross_entropy`).
///
/// ```
/// use barehand_nn::{Tensor, cross_entropy};
///
/// let logits = Tensor::from([[0.9_f64, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]).ln().unwrap();
/// let loss = cross_entropy(&logits, &Tensor::from([0_i64, 1, 2])).unwrap();
/// assert!((loss.item().unwrap() - 0.2797765635793423).abs() < 1e-12);
/// ```
///
/// # Errors
/// As [`Tensor::cross_entropy`].
pub fn cross_entropy<'a, T: Float>(
    logits: &Tensor<T>,
    target: impl Into<Targets<'a, T>>,
) -> Result<Tensor<T>> {
    CrossEntropyLoss::default().forward(logits, target)
}

/// Cross entropy (`torch.nn.CrossEntropyLoss`): the targets are class indices, or probabilities of the logits' shape.
#[derive(Clone, Debug)]
pub struct CrossEntropyLoss<T: Float = f32> {
    /// A weight for each class; the mean is then weighted too.
    pub weight: Option<Tensor<T>>,
    /// Samples of this class count for nothing. Default -100.
    pub ignore_index: i64,
    /// The share of probability spread evenly over all classes. Default 0.
    pub label_smoothing: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl<T: Float> Default for CrossEntropyLoss<T> {
    fn default() -> Self {
        let CrossEntropyOptions { weight, ignore_index, label_smoothing, reduction } =
            CrossEntropyOptions::default();
        CrossEntropyLoss { weight, ignore_index, label_smoothing, reduction }
    }
}

impl<T: Float> CrossEntropyLoss<T> {
    /// The loss of logits and targets.
    ///
    /// # Errors
    /// As [`Tensor::cross_entropy`].
    pub fn forward<'a>(&self, logits: &Tensor<T>, target: impl Into<Targets<'a, T>>) -> Result<Tensor<T>> {
        let options = CrossEntropyOptions {
            weight: self.weight.clone(),
            ignore_index: self.ignore_index,
            label_smoothing: self.label_smoothing,
            reduction: self.reduction,
        };
        logits.cross_entropy(target, &options)
    }
}
