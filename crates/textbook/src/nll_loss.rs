//! Negative log likelihood of log-probabilities: the cross entropy of class indices, without the softmax.
//!
//! ```text
//! x     (N, C), (N, C, ..) with a loss for each place, or (C) for a single row: n counts rows, places included
//! q_nc  w_c [c = y_n], and 0 where y_n is ignored
//! l_n = - sum_c q_nc x_nc = - w_(y_n) x_(n, y_n)
//! L   = sum_n l_n / W | sum_n l_n | l_n      W = sum_n w_(y_n), not N
//! dl_n/dx_nc = - q_nc
//! ```
//!
//! It believes what it is given: of logits it is a number without meaning, and falls without bound. PyTorch:
//! `torch.nn.NLLLoss`.

use crate::array::Array;
use crate::cross_entropy::{CrossEntropy, Targets};
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::trace::Trace;

/// Negative log likelihood with its options. The default is PyTorch's.
#[derive(Clone, Debug, PartialEq)]
pub struct NllLoss {
    /// One weight for each class.
    pub class_weights: Option<Vec<f64>>,
    /// Rows with this class index do not count.
    pub ignore_index: i64,
    /// How the rows' losses are reduced.
    pub reduction: Reduction,
}

impl Default for NllLoss {
    fn default() -> Self {
        NllLoss { class_weights: None, ignore_index: -100, reduction: Reduction::Mean }
    }
}

impl NllLoss {
    /// The loss of log-probabilities `x`, shape (N, C), (N, C, ..) or (C).
    ///
    /// Should every row be ignored, the mean is 0/0, not a number, as in PyTorch.
    pub fn forward(&self, x: &Array, classes: &[i64], trace: &mut Trace) -> Result<Array> {
        let surprise = self.surprise();
        let (q, total) = surprise.target_weights("nll_loss", x, Targets::Classes(classes))?;
        trace.section("nll loss: forward");
        let q = trace.step("q", "target weights", q);
        surprise.reduce(&q, x, total, trace)
    }

    /// The gradient with respect to the log-probabilities, from the gradient of the loss.
    pub fn backward(&self, x: &Array, classes: &[i64], upstream: &Array, trace: &mut Trace) -> Result<Array> {
        let surprise = self.surprise();
        let (q, total) = surprise.target_weights("nll_loss_backward", x, Targets::Classes(classes))?;
        trace.section("nll loss: backward");
        let dl = surprise.row_gradients(x, total, upstream, trace)?;
        // A row without weight has no gradient, even where every row is ignored and 1/W is infinite.
        let dx = q.zip(&dl, |q, dl| if q == 0.0 { 0.0 } else { -q * dl })?;
        Ok(trace.step("dx", "-q dl", dx))
    }

    /// The cross entropy whose targets these are.
    fn surprise(&self) -> CrossEntropy {
        CrossEntropy {
            class_weights: self.class_weights.clone(),
            ignore_index: self.ignore_index,
            label_smoothing: 0.0,
            reduction: self.reduction,
        }
    }
}
