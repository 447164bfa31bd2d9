//! Squared error.
//!
//! ```text
//! l_i = (p_i - y_i)^2            or, with the half, l_i = (p_i - y_i)^2 / 2
//! L   = mean l | sum l | l
//! dL/dp_i = 2 (p_i - y_i) / N    (half: (p_i - y_i) / N;  sum and none: without 1/N)
//! ```
//!
//! The half is only there to cancel the 2 of the derivative. The gradient must belong to the reduction that was
//! reported: a per-element gradient beside a mean loss is N times too long. PyTorch: `torch.nn.MSELoss` (no half).

use crate::array::Array;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::trace::Trace;

/// Squared error with its conventions. The default is PyTorch's: no half, mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mse {
    /// Whether each square is halved.
    pub half: bool,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl Mse {
    /// The loss of `prediction` against `target`, arrays of the same shape.
    pub fn forward(&self, prediction: &Array, target: &Array, trace: &mut Trace) -> Result<Array> {
        target.expect_shape("mse", "target", prediction.shape())?;
        trace.section("squared error: forward");
        let e = trace.step("e", "p - y", prediction.zip(target, |p, y| p - y)?);
        let l = if self.half {
            trace.step("l", "e^2 / 2", e.map(|e| e * e / 2.0))
        } else {
            trace.step("l", "e^2", e.map(|e| e * e))
        };
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradient with respect to the prediction, from the gradient of the loss (a scalar 1 at the end of a graph).
    pub fn backward(
        &self,
        prediction: &Array,
        target: &Array,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<Array> {
        target.expect_shape("mse_backward", "target", prediction.shape())?;
        trace.section("squared error: backward");
        let count = prediction.len() as f64;
        let dl = self.reduction.backward(upstream, prediction.shape(), count, "mse_backward")?;
        let dl = trace.step("dl", "dL/dl", dl);
        let e = prediction.zip(target, |p, y| p - y)?;
        let (formula, factor) = if self.half { ("(p - y) dl", 1.0) } else { ("2 (p - y) dl", 2.0) };
        Ok(trace.step("dp", formula, e.zip(&dl, |e, dl| factor * e * dl)?))
    }
}
