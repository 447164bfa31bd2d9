//! The contrastive loss of pairs.
//!
//! ```text
//! d = |x1 - x2 + eps|      y = 1 for a pair that belongs together, 0 for one that does not
//! l = y d^2 + (1 - y) max(margin - d, 0)^2
//! dl/dd = 2 y d - 2 (1 - y) max(margin - d, 0)
//! ```
//!
//! Hadsell et al. 2006, whose form is half of this. Two conventions for the distance: with PyTorch's eps of 1e-6, and without.

use crate::array::Array;
use crate::distance::PairwiseDistance;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::trace::Trace;

/// The contrastive loss with its conventions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrastive {
    /// How far apart pairs that do not belong together should be.
    pub margin: f64,
    /// The distance.
    pub distance: PairwiseDistance,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl Default for Contrastive {
    fn default() -> Self {
        Contrastive { margin: 1.0, distance: PairwiseDistance::default(), reduction: Reduction::Mean }
    }
}

impl Contrastive {
    /// The loss of vectors (.., D) and of which pairs belong together, (..).
    pub fn forward(&self, a: &Array, b: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
        let d = self.distance.forward(a, b, trace)?;
        y.expect_shape("contrastive", "y", d.shape())?;
        trace.section("contrastive loss: forward");
        let v = trace.step("v", "max(margin - d, 0)", d.map(|d| (self.margin - d).max(0.0)));
        let near = y.zip(&d, |y, d| y * d * d)?;
        let l = near.zip(&y.zip(&v, |y, v| (1.0 - y) * v * v)?, |near, far| near + far)?;
        let l = trace.step("l", "y d^2 + (1 - y) v^2", l);
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
        let d = self.distance.forward(a, b, &mut Trace::silent())?;
        y.expect_shape("contrastive_backward", "y", d.shape())?;
        trace.section("contrastive loss: backward");
        let dl = self.reduction.backward(upstream, d.shape(), d.len() as f64, "contrastive_backward")?;
        let dl = trace.step("dl", "dL/dl", dl);
        let slope = d.zip(y, |d, y| 2.0 * y * d - 2.0 * (1.0 - y) * (self.margin - d).max(0.0))?;
        let dd = trace.step("dd", "(2 y d - 2 (1 - y) v) dl", slope.zip(&dl, |s, dl| s * dl)?);
        let da = self.distance.backward(a, b, &dd, trace)?;
        let db = da.map(|g| -g);
        Ok([da, db])
    }
}
