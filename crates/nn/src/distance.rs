//! Distances and similarities of pairs of vectors.

use barehand_tensor::no_grad;

use crate::{Error, Float, Result, Tensor};

/// (Σ |x - y + eps|^p)^(1/p) over the last axis (`torch.nn.PairwiseDistance`).
///
/// ```
/// use barehand_nn::{PairwiseDistance, Tensor};
///
/// let (x, y) = (Tensor::from([[0.0_f64, 3.0]]), Tensor::from([[4.0, 0.0]]));
/// let exact = PairwiseDistance { eps: 0.0, ..PairwiseDistance::default() };
/// assert_eq!(exact.forward(&x, &y).unwrap().to_vec(), [5.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PairwiseDistance {
    /// Default 2; infinity takes the largest difference.
    pub p: f64,
    /// Added to each difference, so that equal vectors have a slope. Default 1e-6; with 0 their slope is taken as 0.
    pub eps: f64,
    /// Whether the last axis stays, with length 1. Default false.
    pub keepdim: bool,
}

impl Default for PairwiseDistance {
    fn default() -> Self {
        PairwiseDistance { p: 2.0, eps: 1e-6, keepdim: false }
    }
}

impl PairwiseDistance {
    /// The distances of vectors whose shapes broadcast.
    ///
    /// # Errors
    /// When they do not, there is no axis, or p is not positive.
    pub fn forward<T: Float>(&self, x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
        let difference = x.sub(y)?;
        let difference = if self.eps == 0.0 { difference } else { difference.add_scalar(self.eps)? };
        difference.vector_norm(self.p, -1, self.keepdim)
    }
}

/// x·y / (max(‖x‖, eps) max(‖y‖, eps)) along an axis (`torch.nn.CosineSimilarity`).
#[derive(Clone, Copy, Debug)]
pub struct CosineSimilarity {
    /// Default 1.
    pub axis: isize,
    /// The least length a vector is taken to have. Default 1e-8.
    pub eps: f64,
}

impl Default for CosineSimilarity {
    fn default() -> Self {
        CosineSimilarity { axis: 1, eps: 1e-8 }
    }
}

impl CosineSimilarity {
    /// The similarities of vectors whose shapes broadcast.
    ///
    /// # Errors
    /// When they do not, or the axis does not exist.
    pub fn forward<T: Float>(&self, x: &Tensor<T>, y: &Tensor<T>) -> Result<Tensor<T>> {
        let (x, y) = broadcast("cosine_similarity", x, y)?;
        let unit = |x: &Tensor<T>| {
            let length = x.vector_norm(2.0, self.axis, true)?;
            // As in PyTorch, the bound moves the value and not the slope.
            let raised = no_grad(|| length.clamp(self.eps, f64::INFINITY)?.sub(&length))?;
            x.div(&length.add(&raised)?)
        };
        unit(&x)?.mul(&unit(&y)?)?.sum_dim(self.axis, false)
    }
}

fn broadcast<T: Float>(operation: &str, x: &Tensor<T>, y: &Tensor<T>) -> Result<(Tensor<T>, Tensor<T>)> {
    let rank = x.rank().max(y.rank());
    let length = |shape: &[usize], axis: usize| shape.len().checked_sub(rank - axis).map_or(1, |i| shape[i]);
    let mut shape = Vec::with_capacity(rank);
    for axis in 0..rank {
        shape.push(match (length(x.shape(), axis), length(y.shape(), axis)) {
            (m, n) if m == n || n == 1 => m,
            (1, n) => n,
            _ => {
                return Err(Error::shape(
                    operation,
                    format!("shapes {:?} and {:?} do not broadcast", x.shape(), y.shape()),
                ));
            }
        });
    }
    Ok((x.expand(&shape)?, y.expand(&shape)?))
}
