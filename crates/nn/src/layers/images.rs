//! What layers over images agree on.

use crate::{Float, Result, Tensor};

/// Height and width; one number stands for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub [usize; 2]);

impl From<usize> for Pair {
    fn from(both: usize) -> Self {
        Pair([both, both])
    }
}

impl From<[usize; 2]> for Pair {
    fn from(pair: [usize; 2]) -> Self {
        Pair(pair)
    }
}

/// Runs a layer over (N, C, H, W) on one image (C, H, W) as well.
pub(crate) fn batched<T: Float>(
    x: &Tensor<T>,
    layer: impl FnOnce(&Tensor<T>) -> Result<Tensor<T>>,
) -> Result<Tensor<T>> {
    if x.rank() == 3 { layer(&x.unsqueeze(0)?)?.squeeze(0) } else { layer(x) }
}
