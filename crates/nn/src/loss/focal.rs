//! The focal loss.

use barehand_tensor::PairLoss;

use super::same_shape;
use crate::{Error, Float, Reduction, Result, Tensor};

/// How much the two answers count: three conventions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Alpha {
    /// Each 1: the default.
    #[default]
    None,
    /// Each this much.
    Uniform(f64),
    /// Positives this much, negatives 1 less this much: the paper's α_t.
    Balanced(f64),
}

impl Alpha {
    /// The weights of positives and of negatives.
    fn weights(self) -> [f64; 2] {
        match self {
            Alpha::None => [1.0, 1.0],
            Alpha::Uniform(alpha) => [alpha, alpha],
            Alpha::Balanced(alpha) => [alpha, 1.0 - alpha],
        }
    }
}

/// -α (1 - p_t)^gamma ln p_t, where p_t is the probability given to the right answer of a yes-or-no question: what is known
/// already counts little (Lin et al. 2017). PyTorch has none of it, torchvision has.
///
/// ```
/// use barehand_nn::{Alpha, FocalLoss, Tensor};
///
/// let loss = FocalLoss { alpha: Alpha::Balanced(0.25), ..FocalLoss::default() };
/// let value = loss.forward(&Tensor::from([0.0_f64]), &Tensor::from([1.0])).unwrap();
/// assert!((value.item().unwrap() - 0.25 * 0.25 * 2_f64.ln()).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FocalLoss {
    /// Default 2; with 0 it is binary cross entropy.
    pub gamma: f64,
    /// Default: none.
    pub alpha: Alpha,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for FocalLoss {
    fn default() -> Self {
        FocalLoss { gamma: 2.0, alpha: Alpha::None, reduction: Reduction::Mean }
    }
}

impl FocalLoss {
    fn check(&self) -> Result<()> {
        if self.gamma.is_nan() || self.gamma < 0.0 {
            return Err(Error::value("focal_loss", format!("gamma = {} must be 0 or more", self.gamma)));
        }
        Ok(())
    }

    /// The loss of logits and targets from 0 to 1, of one shape, without overflow and without logarithms of 0.
    ///
    /// # Errors
    /// When the shapes differ, or gamma is negative.
    pub fn forward<T: Float>(&self, logits: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        self.check()?;
        let [positive, negative] = self.alpha.weights().map(T::from_real);
        let loss = PairLoss::Focal { gamma: T::from_real(self.gamma), positive, negative };
        logits.pair_loss(target, loss, self.reduction)
    }

    /// The loss of probabilities, which are first held in `clip..=1 - clip` (the sources have 1e-7 and 1e-12).
    ///
    /// # Errors
    /// When the shapes differ, gamma is negative, or the clip is not in [0, 0.5).
    pub fn forward_probabilities<T: Float>(
        &self,
        probability: &Tensor<T>,
        target: &Tensor<T>,
        clip: f64,
    ) -> Result<Tensor<T>> {
        same_shape("focal_loss", probability, target)?;
        self.check()?;
        if !(0.0..0.5).contains(&clip) {
            return Err(Error::value("focal_loss", format!("clip = {clip} is not in [0, 0.5)")));
        }
        let p = probability.clamp(clip, 1.0 - clip)?;
        let no = target.scalar_sub(1.0)?;
        let right = target.mul(&p)?.add(&no.mul(&p.scalar_sub(1.0)?)?)?;
        let [positive, negative] = self.alpha.weights();
        let alpha = target.affine(positive - negative, negative)?;
        let losses = right.scalar_sub(1.0)?.pow_scalar(self.gamma)?.mul(&right.ln()?)?.mul(&alpha)?.neg()?;
        self.reduction.apply(&losses)
    }
}
