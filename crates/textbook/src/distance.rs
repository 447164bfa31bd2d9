//! Distances and similarities of pairs of vectors, along the last axis.
//!
//! ```text
//! pairwise distance   d = (sum |x - y + eps|^p)^(1/p)        dd/dx_i = sign(u_i) (|u_i| / d)^(p - 1), u = x - y + eps
//! cosine              c = x.y / (max(|x|, e) max(|y|, e))    dc/dx = (y/|y| - c x/|x|) / |x|
//! ```
//!
//! PyTorch adds its eps of 1e-6 to the difference, so that equal vectors have a slope; without it their slope is taken as 0.
//! The bound of the cosine moves the value and not the slope. PyTorch: `torch.nn.PairwiseDistance`,
//! `torch.nn.CosineSimilarity`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// Pairwise distance with its conventions. The default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairwiseDistance {
    /// The norm; infinity takes the largest difference.
    pub p: f64,
    /// Added to each difference.
    pub eps: f64,
    /// Whether the last axis stays, with length 1.
    pub keepdim: bool,
}

impl Default for PairwiseDistance {
    fn default() -> Self {
        PairwiseDistance { p: 2.0, eps: 1e-6, keepdim: false }
    }
}

impl PairwiseDistance {
    /// The distances of vectors of one shape.
    pub fn forward(&self, x: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
        let axis = self.check("pairwise_distance", x, y)?;
        trace.section("pairwise distance: forward");
        let u = trace.step("u", "x - y + eps", x.zip(y, |x, y| x - y + self.eps)?);
        let d = trace.step("d", "(sum |u|^p)^(1/p)", self.length(&u, axis));
        if self.keepdim { Ok(d) } else { d.reshape(&x.shape()[..axis]) }
    }

    /// The gradient with respect to x, from that of the distances; y's is the negative.
    pub fn backward(&self, x: &Array, y: &Array, dd: &Array, trace: &mut Trace) -> Result<Array> {
        let axis = self.check("pairwise_distance_backward", x, y)?;
        trace.section("pairwise distance: backward");
        let u = x.zip(y, |x, y| x - y + self.eps)?;
        let d = self.length(&u, axis);
        let dd = dd.reshape(d.shape())?;
        let p = self.p;
        let slope = if p == f64::INFINITY {
            let ties = u.zip(&d, |u, d| f64::from(u.abs() == d))?;
            let count = ties.sum_along(&[axis]);
            u.zip(&ties, |u, tie| sign(u) * tie)?.zip(&count, |s, count| s / count)?
        } else {
            u.zip(&d, |u, d| if d == 0.0 || u == 0.0 { 0.0 } else { sign(u) * (u.abs() / d).powf(p - 1.0) })?
        };
        Ok(trace.step("dx", "sign(u) (|u| / d)^(p - 1) dd", slope.zip(&dd, |s, dd| s * dd)?))
    }

    fn check(&self, operation: &str, x: &Array, y: &Array) -> Result<usize> {
        y.expect_shape(operation, "y", x.shape())?;
        if self.p.is_nan() || self.p <= 0.0 {
            return Err(Error::new(operation, format!("p must be positive, got {}", self.p)));
        }
        x.axis(operation, -1)
    }

    fn length(&self, u: &Array, axis: usize) -> Array {
        if self.p == f64::INFINITY {
            return u.map(f64::abs).max_along(axis);
        }
        u.map(|u| u.abs().powf(self.p)).sum_along(&[axis]).map(|s| s.powf(1.0 / self.p))
    }
}

/// Cosine similarity along the last axis, of vectors of one shape; `eps` is the least length a vector is taken to have
/// (PyTorch's is 1e-8).
pub fn cosine_similarity(x: &Array, y: &Array, eps: f64, trace: &mut Trace) -> Result<Array> {
    y.expect_shape("cosine_similarity", "y", x.shape())?;
    let axis = x.axis("cosine_similarity", -1)?;
    trace.section("cosine similarity: forward");
    let a = trace.step("a", "max(|x|, eps)", euclidean(x, axis).map(|n| n.max(eps)));
    let b = trace.step("b", "max(|y|, eps)", euclidean(y, axis).map(|n| n.max(eps)));
    let dot = trace.step("x.y", "sum x y", x.zip(y, |x, y| x * y)?.sum_along(&[axis]));
    let c = dot.zip(&a, |dot, a| dot / a)?.zip(&b, |c, b| c / b)?;
    trace.step("c", "x.y / (a b)", c).reshape(&x.shape()[..axis])
}

/// The gradients with respect to x and y, from that of the similarities.
pub fn cosine_similarity_backward(
    x: &Array,
    y: &Array,
    eps: f64,
    dc: &Array,
    trace: &mut Trace,
) -> Result<[Array; 2]> {
    y.expect_shape("cosine_similarity_backward", "y", x.shape())?;
    let axis = x.axis("cosine_similarity_backward", -1)?;
    trace.section("cosine similarity: backward");
    let dc = dc.reshape(&[&x.shape()[..axis], &[1]].concat())?;
    let unit = |x: &Array| x.zip(&euclidean(x, axis).map(|n| n.max(eps)), |x, n| x / n);
    let (x_unit, y_unit) = (unit(x)?, unit(y)?);
    let c = x_unit.zip(&y_unit, |x, y| x * y)?.sum_along(&[axis]);
    let of = |x: &Array, y_unit: &Array| -> Result<Array> {
        let n = euclidean(x, axis);
        // The slope of the length is x / |x|, and 0 at 0.
        let along = x.zip(&n, |x, n| if n == 0.0 { 0.0 } else { x / n })?;
        let turned = y_unit.zip(&along.zip(&c, |a, c| a * c)?, |y, ac| y - ac)?;
        turned.zip(&n.map(|n| n.max(eps)), |t, n| t / n)?.zip(&dc, |t, dc| t * dc)
    };
    let dx = trace.step("dx", "(y / b - c x / |x|) / a dc", of(x, &y_unit)?);
    let dy = trace.step("dy", "(x / a - c y / |y|) / b dc", of(y, &x_unit)?);
    Ok([dx, dy])
}

fn euclidean(x: &Array, axis: usize) -> Array {
    x.map(|x| x * x).sum_along(&[axis]).map(f64::sqrt)
}

/// -1, 0 or 1.
fn sign(u: f64) -> f64 {
    if u == 0.0 { 0.0 } else { u.signum() }
}
