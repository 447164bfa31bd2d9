//! Losses of signs: targets are -1 or 1.

use barehand_tensor::PairLoss;

use crate::{Float, Reduction, Result, Tensor};

/// max(0, margin - target · score): a support vector machine's loss (Cortes and Vapnik 1995). PyTorch has none of it.
#[derive(Clone, Copy, Debug)]
pub struct HingeLoss {
    /// Default 1.
    pub margin: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for HingeLoss {
    fn default() -> Self {
        HingeLoss { margin: 1.0, reduction: Reduction::Mean }
    }
}

impl HingeLoss {
    /// The loss of scores against targets of -1 and 1.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, score: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        score.pair_loss(target, PairLoss::Hinge(T::from_real(self.margin)), self.reduction)
    }
}

/// The input itself where the target is 1, max(0, margin - input) where it is -1 (`torch.nn.HingeEmbeddingLoss`): of
/// distances, small for pairs that belong together.
#[derive(Clone, Copy, Debug)]
pub struct HingeEmbeddingLoss {
    /// Default 1.
    pub margin: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for HingeEmbeddingLoss {
    fn default() -> Self {
        HingeEmbeddingLoss { margin: 1.0, reduction: Reduction::Mean }
    }
}

impl HingeEmbeddingLoss {
    /// The loss of distances against targets of -1 and 1.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, input: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        input.pair_loss(target, PairLoss::HingeEmbedding(T::from_real(self.margin)), self.reduction)
    }
}

/// ln(1 + e^(-target · input)) (`torch.nn.SoftMarginLoss`), without overflow, where PyTorch's gives infinity.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoftMarginLoss {
    /// Default: mean.
    pub reduction: Reduction,
}

impl SoftMarginLoss {
    /// The loss of scores against targets of -1 and 1.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, input: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        input.pair_loss(target, PairLoss::SoftMargin, self.reduction)
    }
}
