//! The contrastive loss of pairs.

use crate::distance::PairwiseDistance;
use crate::{Error, Float, Reduction, Result, Tensor};

/// y d² + (1 - y) max(margin - d, 0)², where d is the distance of a pair and y is 1 for one that belongs together, else 0
/// (Hadsell et al. 2006, without its half). PyTorch has none of it.
#[derive(Clone, Copy, Debug)]
pub struct ContrastiveLoss {
    /// Default 1.
    pub margin: f64,
    /// The distance. Default: Euclidean, with PyTorch's eps of 1e-6; the other convention has an eps of 0.
    pub distance: PairwiseDistance,
    /// Default: mean.
    pub reduction: Reduction,
}

impl Default for ContrastiveLoss {
    fn default() -> Self {
        ContrastiveLoss { margin: 1.0, distance: PairwiseDistance::default(), reduction: Reduction::Mean }
    }
}

impl ContrastiveLoss {
    /// The loss of vectors (..., D) and of whether each pair belongs together, (...).
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn forward<T: Float>(&self, x: &Tensor<T>, y: &Tensor<T>, together: &Tensor<T>) -> Result<Tensor<T>> {
        let distance = PairwiseDistance { keepdim: false, ..self.distance }.forward(x, y)?;
        if together.shape() != distance.shape() {
            return Err(Error::shape(
                "contrastive_loss",
                format!(
                    "{:?} pairs and targets of shape {:?} must be equal",
                    distance.shape(),
                    together.shape()
                ),
            ));
        }
        let apart = distance.scalar_sub(self.margin)?.relu()?.square()?;
        let losses = together.mul(&distance.square()?)?.add(&together.scalar_sub(1.0)?.mul(&apart)?)?;
        self.reduction.apply(&losses)
    }
}
