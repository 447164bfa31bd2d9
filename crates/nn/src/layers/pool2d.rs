//! Pooling over images.

use barehand_tensor::{AvgPool2dOptions, MaxPool2dOptions};

use super::images::{Pair, batched};
use crate::summary::observe;
use crate::{Float, Module, Parameters, Result, Tensor};

/// The largest element of each window of (N, C, H, W), or of one image (C, H, W) (`torch.nn.MaxPool2d`).
#[derive(Clone, Copy, Debug, Parameters)]
pub struct MaxPool2d {
    /// The windows.
    #[module(skip)]
    pub options: MaxPool2dOptions,
}

impl MaxPool2d {
    /// Windows of `kernel`, side by side.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        MaxPool2d { options: MaxPool2dOptions::new(kernel.into().0) }
    }

    /// Steps between windows. Default: the kernel.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// Negative infinity on every side, at most half a window. Default 0.
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

    /// Whether a last window may hang over the edge. Default false.
    #[must_use]
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.options.ceil_mode = ceil_mode;
        self
    }
}

impl<T: Float> Module<T> for MaxPool2d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, batched(x, |x| x.max_pool2d(self.options)))
    }
}

/// The mean of each window of (N, C, H, W), or of one image (C, H, W) (`torch.nn.AvgPool2d`).
#[derive(Clone, Copy, Debug, Parameters)]
pub struct AvgPool2d {
    /// The windows.
    #[module(skip)]
    pub options: AvgPool2dOptions,
}

impl AvgPool2d {
    /// Windows of `kernel`, side by side.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        AvgPool2d { options: AvgPool2dOptions::new(kernel.into().0) }
    }

    /// Steps between windows. Default: the kernel.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// Zeros on every side, at most half a window. Default 0.
    #[must_use]
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
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

    /// Divides by this instead of by the number of elements.
    #[must_use]
    pub fn divisor_override(mut self, divisor: usize) -> Self {
        self.options.divisor_override = Some(divisor);
        self
    }
}

impl<T: Float> Module<T> for AvgPool2d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, batched(x, |x| x.avg_pool2d(self.options)))
    }
}

/// The means of as many windows as the output has places, which cover the image (`torch.nn.AdaptiveAvgPool2d`).
#[derive(Clone, Copy, Debug, Parameters)]
pub struct AdaptiveAvgPool2d {
    /// Height and width of the output.
    #[module(skip)]
    pub output: [usize; 2],
}

impl AdaptiveAvgPool2d {
    /// To `output` places.
    pub fn new(output: impl Into<Pair>) -> Self {
        AdaptiveAvgPool2d { output: output.into().0 }
    }
}

impl<T: Float> Module<T> for AdaptiveAvgPool2d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, batched(x, |x| x.adaptive_avg_pool2d(self.output)))
    }
}
