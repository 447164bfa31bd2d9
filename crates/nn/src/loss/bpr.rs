//! Bayesian personalised ranking.

use barehand_tensor::PairLoss;

use crate::{Float, Reduction, Result, Tensor};

/// -ln sigmoid(positive - negative), of the scores of an item that was chosen and of one that was not (Rendle et al. 2009).
/// The logarithm is never taken of a sigmoid, which would be 0 far out. PyTorch has none of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct BprLoss {
    /// Default: mean.
    pub reduction: Reduction,
}

impl BprLoss {
    /// The loss of the scores of what was chosen and of what was not, of one shape.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn forward<T: Float>(&self, positive: &Tensor<T>, negative: &Tensor<T>) -> Result<Tensor<T>> {
        positive.pair_loss(negative, PairLoss::BayesianRanking, self.reduction)
    }
}
