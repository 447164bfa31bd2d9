//! Power-average pooling.
//!
//! ```text
//! y = (sum over the window of x^p)^(1/p)          dx = sum over the windows of dy y^(1 - p) x^(p - 1)
//! ```
//!
//! p = 1 is the sum; the larger p is, the nearer to the maximum. PyTorch: `torch.nn.LPPool2d`.

use crate::array::Array;
use crate::error::Result;
use crate::pool2d::{Pool, Pool2d};
use crate::trace::Trace;

/// A pooling by the p-norm; pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LpPool2d {
    /// The exponent.
    pub p: f64,
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Steps between neighbouring windows.
    pub stride: [usize; 2],
}

impl LpPool2d {
    fn mean(&self) -> Pool2d {
        Pool2d { stride: self.stride, ..Pool2d::new(Pool::Average { count_padding: true }, self.kernel) }
    }

    fn size(&self) -> f64 {
        (self.kernel[0] * self.kernel[1]) as f64
    }

    /// x (.., H, W) to (.., out, out).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("lp_pool2d: forward");
        let powers = trace.step("powers", "x^p", x.map(|x| x.powf(self.p)));
        let means = self.mean().forward(&powers, &mut Trace::silent())?;
        let sums = trace.step("sums", "sum over the window of x^p", means.map(|mean| mean * self.size()));
        Ok(trace.step("y", "sums^(1/p)", sums.map(|sum| sum.powf(1.0 / self.p))))
    }

    /// The gradient with respect to x.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<Array> {
        let y = self.forward(x, &mut Trace::silent())?;
        dy.expect_shape("lp_pool2d_backward", "dy", y.shape())?;
        trace.section("lp_pool2d: backward");
        let dsums = y.zip(dy, |y, dy| dy * y.powf(1.0 - self.p))?;
        let dsums = trace.step("dsums", "dy y^(1 - p), for the sums over p", dsums);
        let spread = self.mean().backward(x, &dsums, &mut Trace::silent())?;
        let dx = spread.zip(x, |spread, x| spread * self.size() * x.powf(self.p - 1.0))?;
        Ok(trace.step("dx", "sum over the windows of dsums x^(p - 1)", dx))
    }
}
