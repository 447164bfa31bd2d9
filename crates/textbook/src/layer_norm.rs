//! Layer normalisation: every row on its own, over its last axes.
//!
//! ```text
//! m = mean x,  v = sum (x - m)^2 / n          over the last axes, whose shape is gamma's
//! xhat = (x - m) / sqrt(v + eps)              y = gamma xhat + beta
//!
//! dxhat = gamma dy      dx = (dxhat - mean dxhat - xhat mean(dxhat xhat)) / sqrt(v + eps)
//! dgamma = sum over the rows of dy xhat       dbeta = sum over the rows of dy
//! ```
//!
//! Ba, Kiros and Hinton 2016. PyTorch: `torch.nn.LayerNorm(normalized_shape)`, eps 1e-5.

use crate::array::Array;
use crate::batch_norm::NormGradients;
use crate::broadcast::sum_to;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// A layer normalisation over the last axes, as many as `gamma` has.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// The scale; its shape is the normalised shape.
    pub gamma: Array,
    /// The shift, same shape.
    pub beta: Array,
    /// Added to the variance.
    pub eps: f64,
}

impl LayerNorm {
    /// Scale 1, shift 0, eps 1e-5.
    pub fn new(normalized_shape: &[usize]) -> Self {
        LayerNorm {
            gamma: Array::filled(normalized_shape, 1.0),
            beta: Array::zeros(normalized_shape),
            eps: 1e-5,
        }
    }

    /// y, the shape of x (.., normalised shape).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("layer norm: forward");
        let (xhat, _) = self.normalise("layer_norm", x, trace)?;
        let scaled = xhat.zip(&self.gamma, |xhat, gamma| gamma * xhat)?;
        Ok(trace.step("y", "gamma xhat + beta", scaled.zip(&self.beta, |y, beta| y + beta)?))
    }

    /// The gradients of x, gamma and beta.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<NormGradients> {
        dy.expect_shape("layer_norm_backward", "dy", x.shape())?;
        trace.section("layer norm: backward");
        let (xhat, r) = self.normalise("layer_norm_backward", x, trace)?;
        let axes = self.axes(x);
        let n = self.gamma.len() as f64;
        let mean = |x: &Array| x.sum_along(&axes).map(|s| s / n);
        let dxhat = trace.step("dxhat", "gamma dy", dy.zip(&self.gamma, |dy, gamma| dy * gamma)?);
        let a = trace.step("a", "mean dxhat", mean(&dxhat));
        let b = trace.step("b", "mean(dxhat xhat)", mean(&dxhat.zip(&xhat, |g, xhat| g * xhat)?));
        let inner = dxhat.zip(&a, |g, a| g - a)?.zip(&xhat.zip(&b, |xhat, b| xhat * b)?, |g, xb| g - xb)?;
        let input = trace.step("dx", "r (dxhat - a - xhat b)", inner.zip(&r, |g, r| g * r)?);
        let dgamma = sum_to(&dy.zip(&xhat, |dy, xhat| dy * xhat)?, self.gamma.shape())?;
        let gamma = trace.step("dgamma", "sum over rows of dy xhat", dgamma);
        let beta = trace.step("dbeta", "sum over rows of dy", sum_to(dy, self.beta.shape())?);
        Ok(NormGradients { input, gamma, beta })
    }

    /// xhat and r = 1 / sqrt(v + eps).
    fn normalise(&self, operation: &str, x: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        let shape = self.gamma.shape();
        self.beta.expect_shape(operation, "beta", shape)?;
        if shape.is_empty() || self.gamma.is_empty() || !x.shape().ends_with(shape) {
            let message = format!(
                "x {:?} must end in the normalised shape {shape:?}, which must hold numbers",
                x.shape()
            );
            return Err(Error::new(operation, message));
        }
        let axes = self.axes(x);
        let n = self.gamma.len() as f64;
        let m = trace.step("m", "sum x / n", x.sum_along(&axes).map(|s| s / n));
        let d = x.zip(&m, |x, m| x - m)?;
        let v = trace.step("v", "sum (x - m)^2 / n", d.map(|d| d * d).sum_along(&axes).map(|s| s / n));
        let r = trace.step("r", "1 / sqrt(v + eps)", v.map(|v| 1.0 / (v + self.eps).sqrt()));
        let xhat = trace.step("xhat", "(x - m) r", d.zip(&r, |d, r| d * r)?);
        Ok((xhat, r))
    }

    fn axes(&self, x: &Array) -> Vec<usize> {
        (x.rank() - self.gamma.rank()..x.rank()).collect()
    }
}
