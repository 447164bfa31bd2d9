//! Pooling of sequences and images to a given size.

use super::images::{Sides, batched, batched_with_indices};
use crate::summary::observe_as;
use crate::{Float, Module, Parameters, Result, Tensor};

/// The means of as many windows as the output has places, which cover the input (`torch.nn.AdaptiveAvgPool1d`,
/// `torch.nn.AdaptiveAvgPool2d`).
#[derive(Clone, Copy, Debug, Parameters)]
#[module(named)]
pub struct AdaptiveAvgPool<const D: usize> {
    /// The sides of the output.
    #[module(skip)]
    pub output: [usize; D],
}

/// Over sequences.
pub type AdaptiveAvgPool1d = AdaptiveAvgPool<1>;

/// Over images.
pub type AdaptiveAvgPool2d = AdaptiveAvgPool<2>;

impl<const D: usize> AdaptiveAvgPool<D> {
    const NAME: &'static str = if D == 1 { "AdaptiveAvgPool1d" } else { "AdaptiveAvgPool2d" };

    /// To `output` places.
    pub fn new(output: impl Into<Sides<D>>) -> Self {
        const { assert!(D == 1 || D == 2, "pooling is known over sequences and images") };
        AdaptiveAvgPool { output: output.into().0 }
    }
}

impl<T: Float> Module<T> for AdaptiveAvgPool1d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe_as(self, Self::NAME, batched::<1, T>(x, |x| x.adaptive_avg_pool1d(self.output[0])))
    }
}

impl<T: Float> Module<T> for AdaptiveAvgPool2d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe_as(self, Self::NAME, batched::<2, T>(x, |x| x.adaptive_avg_pool2d(self.output)))
    }
}

/// The largest elements of as many windows as the output has places, which cover the input
/// (`torch.nn.AdaptiveMaxPool1d`, `torch.nn.AdaptiveMaxPool2d`).
#[derive(Clone, Copy, Debug, Parameters)]
#[module(named)]
pub struct AdaptiveMaxPool<const D: usize> {
    /// The sides of the output.
    #[module(skip)]
    pub output: [usize; D],
}

/// Over sequences.
pub type AdaptiveMaxPool1d = AdaptiveMaxPool<1>;

/// Over images.
pub type AdaptiveMaxPool2d = AdaptiveMaxPool<2>;

impl<const D: usize> AdaptiveMaxPool<D> {
    const NAME: &'static str = if D == 1 { "AdaptiveMaxPool1d" } else { "AdaptiveMaxPool2d" };

    /// To `output` places.
    pub fn new(output: impl Into<Sides<D>>) -> Self {
        const { assert!(D == 1 || D == 2, "pooling is known over sequences and images") };
        AdaptiveMaxPool { output: output.into().0 }
    }
}

impl AdaptiveMaxPool1d {
    /// The pooling, and where in its sequence each element was (`return_indices=True`).
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn forward_with_indices<T: Float>(&self, x: &Tensor<T>) -> Result<(Tensor<T>, Tensor<i64>)> {
        batched_with_indices::<1, T>(x, |x| x.adaptive_max_pool1d(self.output[0]))
    }
}

impl AdaptiveMaxPool2d {
    /// The pooling, and where in its plane each element was: row times width plus column (`return_indices=True`).
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn forward_with_indices<T: Float>(&self, x: &Tensor<T>) -> Result<(Tensor<T>, Tensor<i64>)> {
        batched_with_indices::<2, T>(x, |x| x.adaptive_max_pool2d(self.output))
    }
}

impl<T: Float> Module<T> for AdaptiveMaxPool1d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe_as(self, Self::NAME, self.forward_with_indices(x).map(|(y, _)| y))
    }
}

impl<T: Float> Module<T> for AdaptiveMaxPool2d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe_as(self, Self::NAME, self.forward_with_indices(x).map(|(y, _)| y))
    }
}
