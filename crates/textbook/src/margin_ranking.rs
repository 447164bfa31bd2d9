//! The margin ranking loss of two scores and which of them should be higher.
//!
//! ```text
//! l = max(0, -y (x1 - x2) + margin)      y = 1: the first, y = -1: the second
//! dl/dx1 = -y = -dl/dx2 where l > 0
//! ```
//!
//! PyTorch: `torch.nn.MarginRankingLoss`.

use crate::array::Array;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::step;
use crate::trace::Trace;

/// The loss with its options. The default is PyTorch's: no margin, mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MarginRanking {
    /// By how much the scores should differ.
    pub margin: f64,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl MarginRanking {
    fn excess(&self, operation: &str, x1: &Array, x2: &Array, y: &Array) -> Result<Array> {
        x2.expect_shape(operation, "x2", x1.shape())?;
        y.expect_shape(operation, "y", x1.shape())?;
        x1.zip(x2, |a, b| a - b)?.zip(y, |e, y| -y * e + self.margin)
    }

    /// The loss of two scores and their order, arrays of one shape.
    pub fn forward(&self, x1: &Array, x2: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
        let v = self.excess("margin_ranking", x1, x2, y)?;
        trace.section("margin ranking: forward");
        let v = trace.step("v", "-y (x1 - x2) + margin", v);
        let l = trace.step("l", "max(v, 0)", v.map(|v| v.max(0.0)));
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradients with respect to both scores, from the gradient of the loss.
    pub fn backward(
        &self,
        x1: &Array,
        x2: &Array,
        y: &Array,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<[Array; 2]> {
        let v = self.excess("margin_ranking_backward", x1, x2, y)?;
        trace.section("margin ranking: backward");
        let dl = self.reduction.backward(upstream, v.shape(), v.len() as f64, "margin_ranking_backward")?;
        let dl = trace.step("dl", "dL/dl", dl);
        let first = v.zip(y, |v, y| -y * step(v))?.zip(&dl, |s, dl| s * dl)?;
        let first = trace.step("dx1", "(-y if v > 0 else 0) dl", first);
        let second = first.map(|g| -g);
        Ok([first, second])
    }
}
