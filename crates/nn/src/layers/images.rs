//! What layers over images and sequences agree on.

use crate::{Float, Result, Tensor};

/// A number for each of `D` axes, height before width; one number stands for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides<const D: usize>(pub [usize; D]);

/// Height and width.
pub type Pair = Sides<2>;

impl<const D: usize> From<usize> for Sides<D> {
    fn from(all: usize) -> Self {
        Sides([all; D])
    }
}

impl<const D: usize> From<[usize; D]> for Sides<D> {
    fn from(sides: [usize; D]) -> Self {
        Sides(sides)
    }
}

/// Runs a layer over (N, C, ...) on one sample without N, of `D` axes behind its channels, as well.
pub(crate) fn batched<const D: usize, T: Float>(
    x: &Tensor<T>,
    layer: impl FnOnce(&Tensor<T>) -> Result<Tensor<T>>,
) -> Result<Tensor<T>> {
    if x.rank() == D + 1 { layer(&x.unsqueeze(0)?)?.squeeze(0) } else { layer(x) }
}

/// The same for layers that also say where each element came from.
pub(crate) fn batched_with_indices<const D: usize, T: Float>(
    x: &Tensor<T>,
    layer: impl FnOnce(&Tensor<T>) -> Result<(Tensor<T>, Tensor<i64>)>,
) -> Result<(Tensor<T>, Tensor<i64>)> {
    if x.rank() != D + 1 {
        return layer(x);
    }
    let (y, indices) = layer(&x.unsqueeze(0)?)?;
    Ok((y.squeeze(0)?, indices.squeeze(0)?))
}
