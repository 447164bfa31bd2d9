//! The cosine embedding loss.
//!
//! ```text
//! c = x1.x2 / sqrt((|x1|^2 + 1e-12) (|x2|^2 + 1e-12))
//! l = 1 - c if y = 1      max(0, c - margin) if y = -1
//! dc/dx1 = (x2 - c |x2|/|x1| x1) / (|x1| |x2|)
//! ```
//!
//! PyTorch: `torch.nn.CosineEmbeddingLoss`, whose 1e-12 stands under the root.

use crate::array::Array;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::step;
use crate::trace::Trace;

/// The loss with its options. The default is PyTorch's: no margin, mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CosineEmbedding {
    /// Below which cosine pairs that do not belong together cost nothing.
    pub margin: f64,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

/// Added to each squared length.
const EPS: f64 = 1e-12;

impl CosineEmbedding {
    /// The loss of vectors (.., D) and of whether pairs belong together, (..) of -1 and 1.
    pub fn forward(&self, a: &Array, b: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
        let (aa, bb, c) = cosine("cosine_embedding", a, b)?;
        y.expect_shape("cosine_embedding", "y", &a.shape()[..a.rank() - 1])?;
        trace.section("cosine embedding: forward");
        trace.step("|x1|^2", "sum x1^2 + 1e-12", aa);
        trace.step("|x2|^2", "sum x2^2 + 1e-12", bb);
        let c = trace.step("c", "x1.x2 / sqrt(|x1|^2 |x2|^2)", c.reshape(y.shape())?);
        let l = c.zip(y, |c, y| match y {
            1.0 => 1.0 - c,
            -1.0 => (c - self.margin).max(0.0),
            _ => 0.0,
        })?;
        let l = trace.step("l", "1 - c if y = 1, max(0, c - margin) if y = -1", l);
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradients with respect to both vectors, from the gradient of the loss.
    pub fn backward(
        &self,
        a: &Array,
        b: &Array,
        y: &Array,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<[Array; 2]> {
        let (aa, bb, c) = cosine("cosine_embedding_backward", a, b)?;
        trace.section("cosine embedding: backward");
        let dl = self.reduction.backward(upstream, y.shape(), y.len() as f64, "cosine_embedding_backward")?;
        let dl = trace.step("dl", "dL/dl", dl);
        let slope = c.reshape(y.shape())?.zip(y, |c, y| match y {
            1.0 => -1.0,
            -1.0 => step(c - self.margin),
            _ => 0.0,
        })?;
        let dc =
            trace.step("dc", "(-1 if y = 1, 1 if y = -1 and c > margin) dl", slope.zip(&dl, |s, dl| s * dl)?);
        let dc = dc.reshape(c.shape())?;
        let root = aa.zip(&bb, |aa, bb| (aa * bb).sqrt())?;
        let turn = |own: &Array, other: &Array, square: &Array| -> Result<Array> {
            let pull = c.zip(square, |c, square| c / square)?;
            let back = own.zip(&pull, |x, pull| x * pull)?;
            other.zip(&root, |y, root| y / root)?.zip(&back, |y, x| y - x)?.zip(&dc, |g, dc| g * dc)
        };
        let da = trace.step("dx1", "(x2 / sqrt(|x1|^2 |x2|^2) - c x1 / |x1|^2) dc", turn(a, b, &aa)?);
        let db = trace.step("dx2", "(x1 / sqrt(|x1|^2 |x2|^2) - c x2 / |x2|^2) dc", turn(b, a, &bb)?);
        Ok([da, db])
    }
}

/// Both squared lengths and the cosine, with an axis of length 1 in place of the vectors.
fn cosine(operation: &str, a: &Array, b: &Array) -> Result<(Array, Array, Array)> {
    b.expect_shape(operation, "x2", a.shape())?;
    let axis = a.axis(operation, -1)?;
    let square = |x: &Array| x.map(|x| x * x).sum_along(&[axis]).map(|s| s + EPS);
    let (aa, bb) = (square(a), square(b));
    let dot = a.zip(b, |a, b| a * b)?.sum_along(&[axis]);
    let c = dot.zip(&aa.zip(&bb, |aa, bb| (aa * bb).sqrt())?, |dot, root| dot / root)?;
    Ok((aa, bb, c))
}
