//! The triplet loss.

use super::margin::PairwiseMarginLoss;
use super::same_shape;
use crate::distance::PairwiseDistance;
use crate::{Float, Reduction, Result, Tensor};

/// max(0, d(anchor, positive) - d(anchor, negative) + margin) (Balntas et al. 2016; `torch.nn.TripletMarginLoss`).
#[derive(Clone, Copy, Debug)]
pub struct TripletMarginLoss {
    /// Default 1.
    pub margin: f64,
    /// The norm. Default 2.
    pub p: f64,
    /// Added to each difference. Default 1e-6; the other convention is 0.
    pub eps: f64,
    /// Whether the negative's distance is that to the anchor or to the positive, whichever is less. Default false.
    pub swap: bool,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for TripletMarginLoss {
    fn default() -> Self {
        TripletMarginLoss { margin: 1.0, p: 2.0, eps: 1e-6, swap: false, reduction: Reduction::Mean }
    }
}

impl TripletMarginLoss {
    /// The loss of vectors (..., D): an anchor, what belongs to it, and what does not.
    ///
    /// # Errors
    /// When the shapes differ, or p is not positive.
    pub fn forward<T: Float>(
        &self,
        anchor: &Tensor<T>,
        positive: &Tensor<T>,
        negative: &Tensor<T>,
    ) -> Result<Tensor<T>> {
        same_shape("triplet_margin_loss", anchor, positive)?;
        same_shape("triplet_margin_loss", anchor, negative)?;
        let distance = PairwiseDistance { p: self.p, eps: self.eps, keepdim: false };
        let mut apart = distance.forward(anchor, negative)?;
        if self.swap {
            apart = apart.minimum(&distance.forward(positive, negative)?)?;
        }
        PairwiseMarginLoss { margin: self.margin, reduction: self.reduction }
            .forward(&distance.forward(anchor, positive)?, &apart)
    }
}
