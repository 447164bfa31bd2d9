//! Max-pooling over sequences and images.

use barehand_tensor::MaxPoolOptions;

use super::images::{Sides, batched, batched_with_indices};
use crate::summary::observe_as;
use crate::{Float, Module, Parameters, Result, Tensor};

/// The largest element of each window of (N, C, L) or (N, C, H, W), or of one sample without N (`torch.nn.MaxPool1d`,
/// `torch.nn.MaxPool2d`).
///
/// ```
/// use barehand_nn::{MaxPool2d, Module, Tensor};
///
/// let x = Tensor::from([[[1.0, 4.0, 0.0, 5.0], [2.0, 3.0, 9.0, 0.0]]]);
/// assert_eq!(MaxPool2d::new(2).forward(&x).unwrap().to_vec(), [4.0, 9.0]);
/// assert_eq!(MaxPool2d::new(2).forward_with_indices(&x).unwrap().1.to_vec(), [1, 6]);
/// ```
#[derive(Clone, Copy, Debug, Parameters)]
#[module(named)]
pub struct MaxPool<const D: usize> {
    /// The windows.
    #[module(skip)]
    pub options: MaxPoolOptions<D>,
}

/// Over sequences.
pub type MaxPool1d = MaxPool<1>;

/// Over images.
pub type MaxPool2d = MaxPool<2>;

impl<const D: usize> MaxPool<D> {
    /// PyTorch's name of the layer.
    pub(super) const NAME: &'static str = if D == 1 { "MaxPool1d" } else { "MaxPool2d" };

    /// Windows of `kernel`, side by side.
    pub fn new(kernel: impl Into<Sides<D>>) -> Self {
        const { assert!(D == 1 || D == 2, "pooling is known over sequences and images") };
        MaxPool { options: MaxPoolOptions::new(kernel.into().0) }
    }

    /// Steps between windows. Default: the kernel.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Sides<D>>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// Negative infinity on every side, at most half a window. Default 0.
    #[must_use]
    pub fn padding(mut self, padding: impl Into<Sides<D>>) -> Self {
        self.options.padding = padding.into().0;
        self
    }

    /// Steps between a window's own elements. Default 1.
    #[must_use]
    pub fn dilation(mut self, dilation: impl Into<Sides<D>>) -> Self {
        self.options.dilation = dilation.into().0;
        self
    }

    /// Whether a last window may hang over the edge. Default false.
    #[must_use]
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.options.ceil_mode = ceil_mode;
        self
    }
}

impl MaxPool1d {
    /// The pooling, and where in its sequence each element was (`return_indices=True`).
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn forward_with_indices<T: Float>(&self, x: &Tensor<T>) -> Result<(Tensor<T>, Tensor<i64>)> {
        batched_with_indices::<1, T>(x, |x| x.max_pool1d_with_indices(self.options))
    }
}

impl MaxPool2d {
    /// The pooling, and where in its plane each element was: row times width plus column (`return_indices=True`).
    ///
    /// # Errors
    /// When the input does not fit.
    pub fn forward_with_indices<T: Float>(&self, x: &Tensor<T>) -> Result<(Tensor<T>, Tensor<i64>)> {
        batched_with_indices::<2, T>(x, |x| x.max_pool2d_with_indices(self.options))
    }
}

impl<T: Float> Module<T> for MaxPool1d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe_as(self, Self::NAME, batched::<1, T>(x, |x| x.max_pool1d(self.options)))
    }
}

impl<T: Float> Module<T> for MaxPool2d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe_as(self, Self::NAME, batched::<2, T>(x, |x| x.max_pool2d(self.options)))
    }
}
