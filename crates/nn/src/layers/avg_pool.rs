//! Average-pooling over sequences and images.

use barehand_tensor::AvgPoolOptions;

use super::images::{Sides, batched};
use crate::summary::observe_as;
use crate::{Float, Module, Parameters, Result, Tensor};

/// The mean of each window of (N, C, L) or (N, C, H, W), or of one sample without N (`torch.nn.AvgPool1d`,
/// `torch.nn.AvgPool2d`).
#[derive(Clone, Copy, Debug, Parameters)]
#[module(named)]
pub struct AvgPool<const D: usize> {
    /// The windows.
    #[module(skip)]
    pub options: AvgPoolOptions<D>,
}

/// Over sequences.
pub type AvgPool1d = AvgPool<1>;

/// Over images.
pub type AvgPool2d = AvgPool<2>;

impl<const D: usize> AvgPool<D> {
    /// PyTorch's name of the layer.
    const NAME: &'static str = if D == 1 { "AvgPool1d" } else { "AvgPool2d" };

    /// Windows of `kernel`, side by side.
    pub fn new(kernel: impl Into<Sides<D>>) -> Self {
        const { assert!(D == 1 || D == 2, "pooling is known over sequences and images") };
        AvgPool { options: AvgPoolOptions::new(kernel.into().0) }
    }

    /// Steps between windows. Default: the kernel.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Sides<D>>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// Zeros on every side, at most half a window. Default 0.
    #[must_use]
    pub fn padding(mut self, padding: impl Into<Sides<D>>) -> Self {
        self.options.padding = padding.into().0;
        self
    }

    /// Whether a last window may hang over the edge. Default false.
    #[must_use]
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.options.ceil_mode = ceil_mode;
        self
    }

    /// Whether padding counts as elements of the mean. Default true.
    #[must_use]
    pub fn count_include_pad(mut self, count: bool) -> Self {
        self.options.count_include_pad = count;
        self
    }
}

impl AvgPool2d {
    /// Divides by this instead of by the number of elements.
    #[must_use]
    pub fn divisor_override(mut self, divisor: usize) -> Self {
        self.options.divisor_override = Some(divisor);
        self
    }
}

impl<T: Float> Module<T> for AvgPool1d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe_as(self, Self::NAME, batched::<1, T>(x, |x| x.avg_pool1d(self.options)))
    }
}

impl<T: Float> Module<T> for AvgPool2d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe_as(self, Self::NAME, batched::<2, T>(x, |x| x.avg_pool2d(self.options)))
    }
}
