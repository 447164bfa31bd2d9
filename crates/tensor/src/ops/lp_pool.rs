//! Power-average pooling over one and two dimensions.

use super::avg_pool::{AvgPool1dOptions, AvgPool2dOptions, AvgPoolOptions};
use crate::element::Float;
use crate::error::Result;
use crate::tensor::Tensor;

impl<T: Float> Tensor<T> {
    /// (sum of x^p)^(1/p) over windows of (N, C, L), `kernel` long and `stride` apart (`torch.nn.functional.lp_pool1d`).
    ///
    /// As there, x^p keeps its sign for an odd p, and a sum below zero has no root: it becomes NaN. A window that hangs over
    /// the edge counts as if the whole of it had the mean of its elements inside.
    ///
    /// # Errors
    /// When the input is not (N, C, L) or no window fits.
    pub fn lp_pool1d(&self, p: f64, kernel: usize, stride: usize, ceil_mode: bool) -> Result<Tensor<T>> {
        let options = AvgPool1dOptions { stride: [stride], ceil_mode, ..AvgPoolOptions::new([kernel]) };
        root(&self.pow_scalar(p)?.avg_pool1d(options)?, kernel, p)
    }

    /// (sum of x^p)^(1/p) over windows of (N, C, H, W) (`torch.nn.functional.lp_pool2d`); see
    /// [`lp_pool1d`](Tensor::lp_pool1d).
    ///
    /// ```
    /// # use barehand_tensor::Tensor;
    /// let x = Tensor::from([[[3.0, 0.0], [0.0, -4.0]]]).unsqueeze(0).unwrap();
    /// assert_eq!(x.lp_pool2d(2.0, [2, 2], [2, 2], false).unwrap().to_vec(), [5.0]);
    /// ```
    ///
    /// # Errors
    /// When the input is not (N, C, H, W) or no window fits.
    pub fn lp_pool2d(
        &self,
        p: f64,
        kernel: [usize; 2],
        stride: [usize; 2],
        ceil_mode: bool,
    ) -> Result<Tensor<T>> {
        let options = AvgPool2dOptions { stride, ceil_mode, ..AvgPoolOptions::new(kernel) };
        root(&self.pow_scalar(p)?.avg_pool2d(options)?, kernel[0] * kernel[1], p)
    }
}

/// (`elements` times the means)^(1/p)
fn root<T: Float>(means: &Tensor<T>, elements: usize, p: f64) -> Result<Tensor<T>> {
    means.mul_scalar(elements as f64)?.pow_scalar(1.0 / p)
}
