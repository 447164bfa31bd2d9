//! A loss of the angle between vectors.

use super::same_shape;
use crate::{Error, Float, Reduction, Result, Tensor};

/// 1 - cos(x, y) for pairs that belong together (target 1), max(0, cos(x, y) - margin) for those that do not (-1)
/// (`torch.nn.CosineEmbeddingLoss`).
#[derive(Clone, Copy, Debug, Default)]
pub struct CosineEmbeddingLoss {
    /// Default 0.
    pub margin: f64,
    /// Default: mean.
    pub reduction: Reduction,
}

impl CosineEmbeddingLoss {
    /// The loss of vectors (N, D) against targets (N) of -1 and 1, or of (D) against a single one.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn forward<T: Float>(&self, x: &Tensor<T>, y: &Tensor<T>, target: &Tensor<T>) -> Result<Tensor<T>> {
        same_shape("cosine_embedding_loss", x, y)?;
        if x.rank() == 0 || target.shape() != &x.shape()[..x.rank() - 1] {
            return Err(Error::shape(
                "cosine_embedding_loss",
                format!(
                    "vectors of shape {:?} and targets of shape {:?}: (N, D) and (N), or (D) and one, expected",
                    x.shape(),
                    target.shape()
                ),
            ));
        }
        // PyTorch's bound, under the root.
        let square = |x: &Tensor<T>| x.square()?.sum_dim(-1, false)?.add_scalar(1e-12);
        let cosine = x.mul(y)?.sum_dim(-1, false)?.div(&square(x)?.mul(&square(y)?)?.sqrt()?)?;
        let of = |sign: f64, losses: Tensor<T>| {
            losses.masked_fill(&target.ne_scalar(T::from_real(sign))?, T::from_real(0.0))
        };
        let together = of(1.0, cosine.scalar_sub(1.0)?)?;
        let apart = of(-1.0, cosine.add_scalar(-self.margin)?.relu()?)?;
        self.reduction.apply(&together.add(&apart)?)
    }
}
