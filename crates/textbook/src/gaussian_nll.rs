//! Negative log likelihood of measurements under a normal distribution of given mean and variance.
//!
//! ```text
//! v = max(variance, eps)
//! l = (log v + (x - y)^2 / v) / 2      full: + log(2 pi) / 2
//! dl/dx = (x - y) / v                  dl/dvariance = (1/v - (x - y)^2 / v^2) / 2
//! ```
//!
//! As in PyTorch, eps holds the value of a small variance and not its slope. PyTorch: `torch.nn.GaussianNLLLoss`.

use std::f64::consts::TAU;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::loss_reduction::Reduction;
use crate::trace::Trace;

/// The loss with its options. The default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNll {
    /// Whether the constant is there.
    pub full: bool,
    /// The least variance.
    pub eps: f64,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl Default for GaussianNll {
    fn default() -> Self {
        GaussianNll { full: false, eps: 1e-6, reduction: Reduction::Mean }
    }
}

/// One shape, and no negative variance.
fn check(operation: &str, x: &Array, y: &Array, variance: &Array) -> Result<()> {
    y.expect_shape(operation, "the target", x.shape())?;
    variance.expect_shape(operation, "the variance", x.shape())?;
    if let Some(v) = variance.data().iter().find(|v| **v < 0.0) {
        return Err(Error::new(operation, format!("the variance {v} is negative")));
    }
    Ok(())
}

impl GaussianNll {
    /// The loss of means, measurements and variances, arrays of one shape.
    pub fn forward(&self, x: &Array, y: &Array, variance: &Array, trace: &mut Trace) -> Result<Array> {
        check("gaussian_nll", x, y, variance)?;
        trace.section("Gaussian likelihood: forward");
        let e = trace.step("e", "x - y", x.zip(y, |x, y| x - y)?);
        let v = trace.step("v", "max(variance, eps)", variance.map(|v| v.max(self.eps)));
        let constant = if self.full { TAU.ln() / 2.0 } else { 0.0 };
        let l = e.zip(&v, |e, v| 0.5 * (v.ln() + e * e / v) + constant)?;
        let l = trace.step("l", "(log v + e^2 / v) / 2, full: + log(2 pi) / 2", l);
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradients with respect to the mean and the variance; the measurement's is the negative of the mean's.
    pub fn backward(
        &self,
        x: &Array,
        y: &Array,
        variance: &Array,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<[Array; 2]> {
        check("gaussian_nll_backward", x, y, variance)?;
        trace.section("Gaussian likelihood: backward");
        let dl = self.reduction.backward(upstream, x.shape(), x.len() as f64, "gaussian_nll_backward")?;
        let dl = trace.step("dl", "dL/dl", dl);
        let e = x.zip(y, |x, y| x - y)?;
        let v = variance.map(|v| v.max(self.eps));
        let dx = e.zip(&v, |e, v| e / v)?.zip(&dl, |s, dl| s * dl)?;
        let dv = e.zip(&v, |e, v| (1.0 / v - e * e / (v * v)) / 2.0)?.zip(&dl, |s, dl| s * dl)?;
        Ok([trace.step("dx", "e / v dl", dx), trace.step("dv", "(1/v - e^2 / v^2) / 2 dl", dv)])
    }
}
