//! Kullback-Leibler divergence, in two forms.
//!
//! PyTorch's takes the *logarithm* x of the model's probabilities and the target's probabilities y (or their logarithms), and
//! is the divergence of the target from the model:
//!
//! ```text
//! l = y (log y - x)      or, of logarithms, l = e^y (y - x)      dl/dx = -y  or  -e^y
//! L = mean l | sum l / N ("batchmean") | sum l | l
//! ```
//!
//! Its "mean" divides by every element, classes included; the divergence of a batch is "batchmean". The notes' form takes
//! weights, divides each row by its sum, adds eps, and names its argument order:
//!
//! ```text
//! P = p / sum p + eps, Q = q / sum q + eps      KL(P || Q) = sum P log(P / Q)
//! ```
//!
//! PyTorch: `torch.nn.KLDivLoss`.

use crate::array::Array;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::{Part, PointwiseLoss};
use crate::trace::Trace;

/// PyTorch's divergence; "batchmean" is the sum over the length of the first axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KlDiv {
    /// Whether targets are logarithms too.
    pub log_target: bool,
    /// How the terms are reduced.
    pub reduction: Reduction,
}

impl PointwiseLoss for KlDiv {
    fn name(&self) -> &'static str {
        "KL divergence of logarithms"
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn parts(&self, x: f64, y: f64) -> Vec<Part> {
        if self.log_target {
            return vec![("l", "e^y (y - x)", y.exp() * (y - x))];
        }
        // 0 log 0 = 0
        let entropy = if y == 0.0 { 0.0 } else { y * y.ln() };
        vec![("h", "y log y", entropy), ("l", "h - y x", entropy - y * x)]
    }

    fn slopes(&self, x: f64, y: f64) -> [f64; 2] {
        if self.log_target {
            return [-y.exp(), y.exp() * (y - x + 1.0)];
        }
        [-y, y.ln() + 1.0 - x]
    }

    fn slope_formula(&self) -> &'static str {
        if self.log_target { "-e^y dl" } else { "-y dl" }
    }
}

/// The divergence of rows of weights: of the first argument from the second, KL(P || Q).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KlDivergence {
    /// Added to each probability; the notes' is 1e-12.
    pub eps: f64,
    /// Whether the arguments change places: KL(Q || P).
    pub swapped: bool,
    /// How the rows' divergences are reduced.
    pub reduction: Reduction,
}

impl Default for KlDivergence {
    fn default() -> Self {
        KlDivergence { eps: 1e-12, swapped: false, reduction: Reduction::Mean }
    }
}

impl KlDivergence {
    /// Both arguments in the order of the formula.
    fn ordered<'a>(&self, p: &'a Array, q: &'a Array) -> (&'a Array, &'a Array) {
        if self.swapped { (q, p) } else { (p, q) }
    }

    fn normalized(&self, x: &Array) -> Result<Array> {
        let axis = x.axis("kl_divergence", -1)?;
        x.zip(&x.sum_along(&[axis]), |x, s| x / s + self.eps)
    }

    /// The divergence of weights of one shape.
    pub fn forward(&self, p: &Array, q: &Array, trace: &mut Trace) -> Result<Array> {
        q.expect_shape("kl_divergence", "q", p.shape())?;
        trace.section("KL divergence: forward");
        let (p, q) = self.ordered(p, q);
        let big_p = trace.step("P", "p / sum p + eps", self.normalized(p)?);
        let big_q = trace.step("Q", "q / sum q + eps", self.normalized(q)?);
        let r = trace.step("r", "log(P / Q)", big_p.zip(&big_q, |p, q| (p / q).ln())?);
        let axis = p.rank() - 1;
        let l = big_p.zip(&r, |p, r| p * r)?.sum_along(&[axis]).reshape(&p.shape()[..axis])?;
        let l = trace.step("l", "sum P r", l);
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, l.len() as f64)))
    }

    /// The gradients with respect to p and q, from the gradient of the loss.
    pub fn backward(&self, p: &Array, q: &Array, upstream: &Array, trace: &mut Trace) -> Result<[Array; 2]> {
        q.expect_shape("kl_divergence_backward", "q", p.shape())?;
        trace.section("KL divergence: backward");
        let (p, q) = self.ordered(p, q);
        let axis = p.axis("kl_divergence_backward", -1)?;
        let rows = &p.shape()[..axis];
        let count = rows.iter().product::<usize>() as f64;
        let dl = self.reduction.backward(upstream, rows, count, "kl_divergence_backward")?;
        let dl = trace.step("dl", "dL/dl", dl).reshape(&[rows, &[1]].concat())?;
        let (big_p, big_q) = (self.normalized(p)?, self.normalized(q)?);
        let by_p = big_p.zip(&big_q, |p, q| (p / q).ln() + 1.0)?.zip(&dl, |g, dl| g * dl)?;
        let by_p = trace.step("dP", "(log(P / Q) + 1) dl", by_p);
        let by_q = big_p.zip(&big_q, |p, q| -p / q)?.zip(&dl, |g, dl| g * dl)?;
        let by_q = trace.step("dQ", "-P / Q dl", by_q);
        // x / s: each weight takes part in its row's sum.
        let through = |x: &Array, g: &Array| -> Result<Array> {
            let s = x.sum_along(&[axis]);
            let mean = g.zip(x, |g, x| g * x)?.sum_along(&[axis]).zip(&s, |m, s| m / s)?;
            g.zip(&mean, |g, m| g - m)?.zip(&s, |g, s| g / s)
        };
        let dp = trace.step("dp", "(dP - sum p dP / sum p) / sum p", through(p, &by_p)?);
        let dq = trace.step("dq", "(dQ - sum q dQ / sum q) / sum q", through(q, &by_q)?);
        Ok(if self.swapped { [dq, dp] } else { [dp, dq] })
    }
}
