//! The part of a transformer that works on each token by itself.
//!
//! ```text
//! z = x W1^T + b1     h = f(z)     y = h W2^T + b2          x (.., E)   W1 (F, E)   W2 (E, F)
//!
//! dh = dy W2          dz = dh f'(z)          dx = dz W1
//! dW2 = dy^T h        dW1 = dz^T x           db2, db1 = sums of dy, dz over all rows
//! ```
//!
//! Vaswani et al. 2017, with f = ReLU; GPT and BERT have f = GELU and F = 4 E.

use crate::activation::Activation;
use crate::array::Array;
use crate::elementwise::Elementwise;
use crate::error::Result;
use crate::linear::{LinearGradients, WeightLayout, linear, linear_backward};
use crate::multi_head_attention::Projection;
use crate::trace::Trace;

/// Two linear layers with an activation between them.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedForward {
    /// (F, E)
    pub first: Projection,
    /// f
    pub activation: Activation,
    /// (E, F)
    pub second: Projection,
}

/// The gradients of a feed-forward part.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedForwardGradients {
    /// dx
    pub input: Array,
    /// dW1 and db1, and the gradient of what they got.
    pub first: LinearGradients,
    /// dW2 and db2, and the gradient of what they got.
    pub second: LinearGradients,
}

impl FeedForward {
    /// y, the shape of x (.., E).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("feed-forward: forward");
        let (_, h) = self.hidden(x, trace)?;
        Ok(trace.step("y", "h W2^T + b2", through(&self.second, &h)?))
    }

    /// All gradients, from dy.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<FeedForwardGradients> {
        let silent = &mut Trace::silent();
        let (z, h) = self.hidden(x, silent)?;
        trace.section("feed-forward: backward");
        let second = linear_backward(&h, &self.second.weight, WeightLayout::OutIn, dy, silent)?;
        let dh = trace.step("dh", "dy W2", second.input.clone());
        trace.step("dW2", "dy^T h", second.weight.clone());
        let dz = trace.step("dz", "dh f'(z)", self.activation.backward(&z, &dh, silent)?);
        let first = linear_backward(x, &self.first.weight, WeightLayout::OutIn, &dz, silent)?;
        trace.step("dW1", "dz^T x", first.weight.clone());
        let input = trace.step("dx", "dz W1", first.input.clone());
        Ok(FeedForwardGradients { input, first, second })
    }

    /// z and h.
    fn hidden(&self, x: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        let z = trace.step("z", "x W1^T + b1", through(&self.first, x)?);
        let h = self.activation.forward(&z, &mut Trace::silent());
        let h = trace.step("h", self.activation.formulas()[0], h);
        Ok((z, h))
    }
}

fn through(by: &Projection, x: &Array) -> Result<Array> {
    linear(x, &by.weight, by.bias.as_ref(), WeightLayout::OutIn, &mut Trace::silent())
}
