//! Binary cross entropy, from probabilities and from logits.

use barehand_tensor::{InputGradients, Operator, PairLoss, apply};

use super::same_shape;
use crate::{Error, Float, Reduction, Result, Tensor};

/// The mean of -(t ln p + (1 - t) ln(1 - p)) from probabilities (`torch.nn.functional.binary_cross_entropy`).
///
/// # Errors
/// When the shapes differ, or a probability is outside [0, 1].
pub fn bce_loss<T: Float>(probability: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
    BceLoss::default().forward(probability, target)
}

/// The mean of -(t ln sigmoid(x) + (1 - t) ln(1 - sigmoid(x))) from logits, without overflow
/// (`torch.nn.functional.binary_cross_entropy_with_logits`).
///
/// # Errors
/// When the shapes differ.
pub fn bce_with_logits_loss<T: Float>(logits: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
    BceWithLogitsLoss::default().forward(logits, target)
}

fn reduced<T: Float>(
    losses: &Tensor<T>,
    weight: Option<&Tensor<T>>,
    reduction: Reduction,
) -> Result<Tensor<T>> {
    match weight {
        Some(weight) => {
            let weighted = losses.mul(weight)?;
            same_shape("binary cross entropy's weight", &weighted, losses)?;
            reduction.apply(&weighted)
        }
        None => reduction.apply(losses),
    }
}

/// Binary cross entropy from probabilities (`torch.nn.BCELoss`). Logarithms are held at -100, and the gradient's
/// denominator p (1 - p) at 1e-12, so that a certain mistake costs 100 and not infinity.
#[derive(Clone, Debug)]
pub struct BceLoss<T: Float = f32> {
    /// Multiplies each loss; any shape that broadcasts to the losses'.
    pub weight: Option<Tensor<T>>,
    /// Default: mean.
    pub reduction: Reduction,
}

impl<T: Float> Default for BceLoss<T> {
    fn default() -> Self {
        BceLoss { weight: None, reduction: Reduction::Mean }
    }
}

impl<T: Float> BceLoss<T> {
    /// The loss of probabilities and targets of one shape.
    ///
    /// # Errors
    /// When the shapes differ, or a probability is outside [0, 1].
    pub fn forward(&self, probability: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        same_shape("bce_loss", probability, target)?;
        let outside =
            probability.ge_scalar(T::from_real(0.0))?.and(&probability.le_scalar(T::from_real(1.0))?)?;
        if !outside.all() {
            return Err(Error::value(
                "bce_loss",
                "predictions must be probabilities from 0 to 1; for logits take bce_with_logits_loss",
            ));
        }
        let losses = apply(BinaryCrossEntropy, &[probability, target])?;
        // As in PyTorch, where this loss has no gradient for its weight.
        reduced(&losses, self.weight.as_ref().map(Tensor::detach).as_ref(), self.reduction)
    }
}

/// -(t ln p + (1 - t) ln(1 - p)), with PyTorch's bounds.
struct BinaryCrossEntropy;

/// ln p and ln(1 - p), held at -100.
fn bounded_logarithms<T: Float>(p: &Tensor<T>) -> Result<(Tensor<T>, Tensor<T>)> {
    let bounded = |logarithm: Tensor<T>| logarithm.clamp(-100.0, f64::INFINITY);
    Ok((bounded(p.ln()?)?, bounded(p.neg()?.log1p()?)?))
}

impl<T: Float> Operator<T> for BinaryCrossEntropy {
    type Saved = (Tensor<T>, Tensor<T>);

    fn name(&self) -> &'static str {
        "bce_loss"
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let (p, target) = (inputs[0].detach(), inputs[1].detach());
        let (log_p, log_not_p) = bounded_logarithms(&p)?;
        let losses = target.add_scalar(-1.0)?.mul(&log_not_p)?.sub(&target.mul(&log_p)?)?;
        Ok((losses, (p, target)))
    }

    fn backward(
        &self,
        (p, target): &Self::Saved,
        grad: &Tensor<T>,
        wants: &[bool],
    ) -> Result<InputGradients<T>> {
        let of_p = || {
            // PyTorch's bound is a float constant, in double precision too.
            let spread = p.scalar_sub(1.0)?.mul(p)?.clamp(f64::from(1e-12_f32), f64::INFINITY)?;
            grad.mul(&p.sub(target)?.div(&spread)?)
        };
        let of_target = || {
            let (log_p, log_not_p) = bounded_logarithms(p)?;
            grad.mul(&log_not_p.sub(&log_p)?)
        };
        Ok([wants[0].then(of_p).transpose()?, wants[1].then(of_target).transpose()?].into_iter().collect())
    }
}

/// Binary cross entropy from logits (`torch.nn.BCEWithLogitsLoss`):
/// (1 - t) x - (1 + (pos_weight - 1) t) ln sigmoid(x).
#[derive(Clone, Debug)]
pub struct BceWithLogitsLoss<T: Float = f32> {
    /// Multiplies each loss; any shape that broadcasts to the losses'.
    pub weight: Option<Tensor<T>>,
    /// Multiplies the positive term; one number for each class, or any shape that broadcasts to the losses'.
    pub pos_weight: Option<Tensor<T>>,
    /// Default: mean.
    pub reduction: Reduction,
}

impl<T: Float> Default for BceWithLogitsLoss<T> {
    fn default() -> Self {
        BceWithLogitsLoss { weight: None, pos_weight: None, reduction: Reduction::Mean }
    }
}

impl<T: Float> BceWithLogitsLoss<T> {
    /// The loss of logits and targets of one shape.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward(&self, logits: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        let Some(pos_weight) = &self.pos_weight else {
            let Some(weight) = &self.weight else {
                return logits.pair_loss(target, PairLoss::BceWithLogits, self.reduction);
            };
            let losses = logits.pair_loss(target, PairLoss::BceWithLogits, Reduction::None)?;
            return reduced(&losses, Some(weight), self.reduction);
        };
        same_shape("bce_with_logits_loss", logits, target)?;
        let factor = pos_weight.add_scalar(-1.0)?.mul(target)?.add_scalar(1.0)?;
        same_shape("bce_with_logits_loss's pos_weight", &factor, target)?;
        let positive = logits.log_sigmoid()?.mul(&factor)?;
        let losses = target.scalar_sub(1.0)?.mul(logits)?.sub(&positive)?;
        reduced(&losses, self.weight.as_ref(), self.reduction)
    }
}
