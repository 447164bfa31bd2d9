//! RMS normalisation: every row on its own, over its last axes, without taking out the mean.
//!
//! ```text
//! s = sum x^2 / n                               over the last axes, whose shape is gamma's
//! xhat = x / sqrt(s + eps)                      y = gamma xhat
//!
//! dxhat = gamma dy      dx = (dxhat - xhat mean(dxhat xhat)) / sqrt(s + eps)
//! dgamma = sum over the rows of dy xhat
//! ```
//!
//! Layer norm without its mean, and without its shift: of its two corrections in the backward only one is left.
//! Zhang and Sennrich 2019. PyTorch: `torch.nn.RMSNorm(normalized_shape)`, whose eps is by default the gap between 1 and
//! the next number of the element type; Llama's files say 1e-5 or 1e-6.

use crate::array::Array;
use crate::broadcast::sum_to;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// An RMS normalisation over the last axes, as many as `gamma` has.
#[derive(Clone, Debug, PartialEq)]
pub struct RmsNorm {
    /// The scale; its shape is the normalised shape.
    pub gamma: Array,
    /// Added to the mean square.
    pub eps: f64,
}

impl RmsNorm {
    /// Scale 1; eps is that of `f64`.
    pub fn new(normalized_shape: &[usize]) -> Self {
        RmsNorm { gamma: Array::filled(normalized_shape, 1.0), eps: f64::EPSILON }
    }

    /// y, the shape of x (.., normalised shape).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("rms norm: forward");
        let (xhat, _) = self.normalise("rms_norm", x, trace)?;
        Ok(trace.step("y", "gamma xhat", xhat.zip(&self.gamma, |xhat, gamma| gamma * xhat)?))
    }

    /// The gradients of x and gamma.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        dy.expect_shape("rms_norm_backward", "dy", x.shape())?;
        trace.section("rms norm: backward");
        let (xhat, r) = self.normalise("rms_norm_backward", x, trace)?;
        let n = self.gamma.len() as f64;
        let dxhat = trace.step("dxhat", "gamma dy", dy.zip(&self.gamma, |dy, gamma| dy * gamma)?);
        let product = dxhat.zip(&xhat, |g, xhat| g * xhat)?;
        let b = trace.step("b", "mean(dxhat xhat)", product.sum_along(&self.axes(x)).map(|s| s / n));
        let inner = dxhat.zip(&xhat.zip(&b, |xhat, b| xhat * b)?, |g, xb| g - xb)?;
        let dx = trace.step("dx", "r (dxhat - xhat b)", inner.zip(&r, |g, r| g * r)?);
        let dgamma = sum_to(&dy.zip(&xhat, |dy, xhat| dy * xhat)?, self.gamma.shape())?;
        Ok((dx, trace.step("dgamma", "sum over rows of dy xhat", dgamma)))
    }

    /// xhat and r = 1 / sqrt(s + eps).
    fn normalise(&self, operation: &str, x: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        let shape = self.gamma.shape();
        if shape.is_empty() || self.gamma.is_empty() || !x.shape().ends_with(shape) {
            let message = format!(
                "x {:?} must end in the normalised shape {shape:?}, which must hold numbers",
                x.shape()
            );
            return Err(Error::new(operation, message));
        }
        let n = self.gamma.len() as f64;
        let s = trace.step("s", "sum x^2 / n", x.map(|x| x * x).sum_along(&self.axes(x)).map(|s| s / n));
        let r = trace.step("r", "1 / sqrt(s + eps)", s.map(|s| 1.0 / (s + self.eps).sqrt()));
        let xhat = trace.step("xhat", "x r", x.zip(&r, |x, r| x * r)?);
        Ok((xhat, r))
    }

    fn axes(&self, x: &Array) -> Vec<usize> {
        (x.rank() - self.gamma.rank()..x.rank()).collect()
    }
}
