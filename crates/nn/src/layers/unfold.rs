//! Windows of images as columns, and back.

use barehand_tensor::Conv2dOptions;

use super::images::Pair;
use crate::summary::observe;
use crate::{Float, Module, Parameters, Result, Tensor};

/// The windows of (N, C, H, W) as columns (N, C kernel height kernel width, places) (`torch.nn.Unfold`; `im2col`).
///
/// ```
/// use barehand_nn::{Fold, Module, Tensor, Unfold};
///
/// let unfold = Unfold::new(2).stride(2);
/// let x = Tensor::<f32>::ones([1, 3, 4, 6]);
/// let columns = unfold.forward(&x).unwrap();
/// assert_eq!(columns.shape(), [1, 12, 6]);
/// assert_eq!(Fold::new([4, 6], unfold).forward(&columns).unwrap(), x);
/// ```
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Unfold {
    #[module(skip)]
    kernel: [usize; 2],
    #[module(skip)]
    options: Conv2dOptions,
}

impl Unfold {
    /// Windows of `kernel`, one step apart.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        Unfold { kernel: kernel.into().0, options: Conv2dOptions::default() }
    }

    /// Steps between windows. Default 1.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// Zeros on every side. Default 0.
    #[must_use]
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.options.padding = padding.into().0;
        self
    }

    /// Steps between a window's own elements. Default 1.
    #[must_use]
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.options.dilation = dilation.into().0;
        self
    }
}

impl<T: Float> Module<T> for Unfold {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.unfold2d(self.kernel, self.options))
    }
}

/// Columns (N, C kernel height kernel width, places) added up to images (N, C, H, W) where their windows lie
/// (`torch.nn.Fold`; `col2im`).
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Fold {
    #[module(skip)]
    image: [usize; 2],
    #[module(skip)]
    windows: Unfold,
}

impl Fold {
    /// To images of a height and width, from the columns of `windows`.
    pub fn new(image: impl Into<Pair>, windows: Unfold) -> Self {
        Fold { image: image.into().0, windows }
    }
}

impl<T: Float> Module<T> for Fold {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.fold2d(self.image, self.windows.kernel, self.windows.options))
    }
}
