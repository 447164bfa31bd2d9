//! Binary cross entropy: each element is its own yes-or-no question.
//!
//! ```text
//! l = -(y log p + (1 - y) log(1 - p))           dl/dp = -(y / p) + (1 - y) / (1 - p)
//! ```
//!
//! From *logits* z, with p = 1 / (1 + e^-z), the same loss needs no guard and its gradient is one subtraction:
//!
//! ```text
//! l = (1 - y) z + max(-z, 0) + log(1 + exp(-|z|))      dl/dz = p - y
//! ```
//!
//! Under a mean both gradients carry 1/N. Multiplying (p - y) by the sigmoid's derivative as well gives the gradient
//! of the squared error, not of this loss. PyTorch: `torch.nn.BCELoss`, `torch.nn.BCEWithLogitsLoss`.

use crate::array::Array;
use crate::cross_entropy::expect_probabilities;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::trace::Trace;

/// Binary cross entropy. The default is PyTorch's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BinaryCrossEntropy {
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl BinaryCrossEntropy {
    /// The loss of logits `z` against `y` in 0..=1, arrays of the same shape.
    pub fn forward(&self, z: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
        y.expect_shape("binary_cross_entropy", "y", z.shape())?;
        trace.section("binary cross entropy: forward");
        let s = z.map(|z| (-z).max(0.0) + (-z.abs()).exp().ln_1p());
        let s = trace.step("s", "log(1 + exp(-z)) = max(-z, 0) + log(1 + exp(-|z|))", s);
        let a = trace.step("a", "(1 - y) z", z.zip(y, |z, y| (1.0 - y) * z)?);
        let l = trace.step("l", "a + s", a.zip(&s, |a, s| a + s)?);
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradient with respect to the logits.
    pub fn backward(&self, z: &Array, y: &Array, upstream: &Array, trace: &mut Trace) -> Result<Array> {
        y.expect_shape("binary_cross_entropy_backward", "y", z.shape())?;
        trace.section("binary cross entropy: backward");
        let dl =
            self.reduction.backward(upstream, z.shape(), z.len() as f64, "binary_cross_entropy_backward")?;
        let dl = trace.step("dl", "dL/dl", dl);
        let p = trace.step("p", "1 / (1 + exp(-z))", z.map(logistic));
        Ok(trace.step("dz", "(p - y) dl", p.zip(y, |p, y| p - y)?.zip(&dl, |g, dl| g * dl)?))
    }

    /// The loss of probabilities `p`. Each logarithm is held at -100 or above, as PyTorch does, so that p = 0 or 1 with
    /// the opposite target costs 100, not infinity.
    pub fn forward_probabilities(&self, p: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
        y.expect_shape("binary_cross_entropy_probabilities", "y", p.shape())?;
        expect_probabilities("binary_cross_entropy_probabilities", p)?;
        trace.section("binary cross entropy from probabilities: forward");
        let yes = trace.step("log_p", "max(log p, -100)", p.map(|p| p.ln().max(-100.0)));
        let no = trace.step("log_q", "max(log(1 - p), -100)", p.map(|p| (-p).ln_1p().max(-100.0)));
        let l = yes
            .zip(y, |log_p, y| -y * log_p)?
            .zip(&no.zip(y, |log_q, y| (1.0 - y) * log_q)?, |a, b| a - b)?;
        let l = trace.step("l", "-(y log_p + (1 - y) log_q)", l);
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradient with respect to the probabilities; the denominator p (1 - p) is held at 1e-12 (rounded to
    /// `f32`) or above, as PyTorch does.
    pub fn backward_probabilities(
        &self,
        p: &Array,
        y: &Array,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<Array> {
        let operation = "binary_cross_entropy_probabilities_backward";
        y.expect_shape(operation, "y", p.shape())?;
        expect_probabilities(operation, p)?;
        trace.section("binary cross entropy from probabilities: backward");
        let dl = self.reduction.backward(upstream, p.shape(), p.len() as f64, operation)?;
        let dl = trace.step("dl", "dL/dl", dl);
        let v = trace.step("v", "p (1 - p)", p.map(|p| (p * (1.0 - p)).max(f64::from(1e-12f32))));
        let g = p.zip(y, |p, y| p - y)?.zip(&v, |e, v| e / v)?;
        Ok(trace.step(
            "dp",
            "(p - y) / v dl = (-(y / p) + (1 - y) / (1 - p)) dl",
            g.zip(&dl, |g, dl| g * dl)?,
        ))
    }
}

/// 1 / (1 + e^-z), arranged so that the exponential never overflows.
pub fn logistic(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}
