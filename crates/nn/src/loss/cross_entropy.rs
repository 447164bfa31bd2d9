//! Cross entropy from logits, and from probabilities.

use barehand_tensor::{CrossEntropyOptions, NllLossOptions};

use super::same_shape;
use crate::{Error, Float, Reduction, Result, Targets, Tensor};

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

/// Cross entropy of probabilities, as many notes compute it: -Σ q ln(clip(p) + inside), where p is first held in
/// `clip..=1 - clip`. For logits take [`CrossEntropyLoss`], whose logarithm needs no guard. PyTorch has none of it.
///
/// ```
/// use barehand_nn::{ProbabilityCrossEntropyLoss, Tensor};
///
/// let p = Tensor::from([[0.9_f64, 0.05, 0.05], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]);
/// let loss = ProbabilityCrossEntropyLoss { clip: 1e-12, inside: 1e-9, ..Default::default() };
/// let value = loss.forward(&p, &Tensor::from([0_i64, 1, 2])).unwrap();
/// assert!((value.item().unwrap() - 0.2797765622367497).abs() < 1e-15);
/// ```
#[derive(Clone, Debug)]
pub struct ProbabilityCrossEntropyLoss<T: Float = f32> {
    /// Probabilities are held in `clip..=1 - clip`; a clipped one has no gradient. Default: the element type's epsilon, as
    /// scikit-learn's `log_loss` has it.
    pub clip: f64,
    /// Added inside the logarithm. Default 0.
    pub inside: f64,
    /// A weight for each class; the mean is then weighted too, where targets are classes.
    pub weight: Option<Tensor<T>>,
    /// Samples of this class count for nothing. Default -100.
    pub ignore_index: i64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl<T: Float> Default for ProbabilityCrossEntropyLoss<T> {
    fn default() -> Self {
        let clip = T::EPSILON.as_f64();
        let CrossEntropyLoss { weight, ignore_index, reduction, .. } = CrossEntropyLoss::default();
        ProbabilityCrossEntropyLoss { clip, inside: 0.0, weight, ignore_index, reduction }
    }
}

impl<T: Float> ProbabilityCrossEntropyLoss<T> {
    /// The loss of probabilities (N, C), (N, C, ...) or (C), taken as they are: rows need not sum to 1.
    ///
    /// # Errors
    /// When shapes do not fit, what should be a probability is outside [0, 1], a class is outside 0..C (and not
    /// `ignore_index`), or the clip is not in [0, 0.5).
    pub fn forward<'a>(
        &self,
        probability: &Tensor<T>,
        target: impl Into<Targets<'a, T>>,
    ) -> Result<Tensor<T>> {
        const NAME: &str = "probability_cross_entropy_loss";
        if !(0.0..0.5).contains(&self.clip) || self.inside.is_nan() || self.inside < 0.0 {
            return Err(Error::value(
                NAME,
                format!("clip = {} must be in [0, 0.5) and inside = {} be 0 or more", self.clip, self.inside),
            ));
        }
        let inside =
            probability.ge_scalar(T::from_real(0.0))?.and(&probability.le_scalar(T::from_real(1.0))?)?;
        if !inside.all() {
            return Err(Error::value(
                NAME,
                "predictions must be probabilities from 0 to 1; for logits take cross_entropy",
            ));
        }
        let logarithms = probability.clamp(self.clip, 1.0 - self.clip)?.add_scalar(self.inside)?.ln()?;
        match target.into() {
            Targets::Classes(classes) => {
                let options = NllLossOptions {
                    weight: self.weight.clone(),
                    ignore_index: self.ignore_index,
                    reduction: self.reduction,
                };
                logarithms.nll_loss(classes, &options)
            }
            Targets::Probabilities(q) => {
                same_shape(NAME, probability, q)?;
                let axis = usize::from(probability.rank() > 1);
                let mut terms = logarithms.mul(q)?;
                if let Some(weight) = &self.weight {
                    let mut shape = vec![1; probability.rank()];
                    shape[axis] = -1;
                    terms = terms.mul(&weight.detach().reshape(shape)?)?;
                    same_shape("probability_cross_entropy_loss's weight", &terms, q)?;
                }
                self.reduction.apply(&terms.sum_dim(axis as isize, false)?.neg()?)
            }
        }
    }
}
