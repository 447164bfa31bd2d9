//! Power-average pooling over sequences and images.

use super::images::{Sides, batched};
use crate::summary::observe_as;
use crate::{Float, Module, Parameters, Result, Tensor};

/// (sum of x^p)^(1/p) over each window of (N, C, L) or (N, C, H, W), or of one sample without N (`torch.nn.LPPool1d`,
/// `torch.nn.LPPool2d`): p = 1 is the sum, and the larger p is, the nearer it comes to the maximum.
///
/// ```
/// use barehand_nn::{LPPool2d, Module, Tensor};
///
/// let x = Tensor::from([[[3.0, 0.0], [0.0, -4.0]]]);
/// assert_eq!(LPPool2d::new(2.0, 2).forward(&x).unwrap().to_vec(), [5.0]);
/// ```
#[derive(Clone, Copy, Debug, Parameters)]
#[module(named)]
pub struct LPPool<const D: usize> {
    /// The exponent.
    #[module(skip)]
    pub p: f64,
    #[module(skip)]
    kernel: [usize; D],
    #[module(skip)]
    stride: [usize; D],
    #[module(skip)]
    ceil_mode: bool,
}

/// Over sequences.
pub type LPPool1d = LPPool<1>;

/// Over images.
pub type LPPool2d = LPPool<2>;

impl<const D: usize> LPPool<D> {
    const NAME: &'static str = if D == 1 { "LPPool1d" } else { "LPPool2d" };

    /// Windows of `kernel`, side by side, with the exponent `p`.
    pub fn new(p: f64, kernel: impl Into<Sides<D>>) -> Self {
        const { assert!(D == 1 || D == 2, "pooling is known over sequences and images") };
        let kernel = kernel.into().0;
        LPPool { p, kernel, stride: kernel, ceil_mode: false }
    }

    /// Steps between windows. Default: the kernel.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Sides<D>>) -> Self {
        self.stride = stride.into().0;
        self
    }

    /// Whether a last window may hang over the edge. Default false.
    #[must_use]
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }
}

impl<T: Float> Module<T> for LPPool1d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let run = |x: &Tensor<T>| x.lp_pool1d(self.p, self.kernel[0], self.stride[0], self.ceil_mode);
        observe_as(self, Self::NAME, batched::<1, T>(x, run))
    }
}

impl<T: Float> Module<T> for LPPool2d {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let run = |x: &Tensor<T>| x.lp_pool2d(self.p, self.kernel, self.stride, self.ceil_mode);
        observe_as(self, Self::NAME, batched::<2, T>(x, run))
    }
}
