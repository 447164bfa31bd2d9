//! Cross entropy between a target and a prediction over C classes.
//!
//! ```text
//! x     (N, C), (N, C, ..) with a loss for each place, or (C) for a single row: n counts rows, places included
//! q_nc  the target's weight on class c       class index y: w_y [c = y];   distribution t: w_c t_nc
//! l_n = - sum_c q_nc log p_nc
//! L   = sum_n l_n / W | sum_n l_n | l_n      W = sum_n w_(y_n) for indices, N for distributions
//! ```
//!
//! All of the usual options are choices of q: label smoothing e mixes the target with the uniform distribution,
//! q_nc = (1 - e) q_nc + e w_c / C; a row whose index is `ignore_index` has q = 0 and no share in W.
//!
//! From *logits* x the softmax is fused into the loss, which makes both the value and the gradient stable:
//!
//! ```text
//! log p = log_softmax(x)        dl_n/dx_nc = p_nc sum_k q_nk - q_nc
//! ```
//!
//! From *probabilities* the logarithm needs a guard against p = 0, see [`LogGuard`]; dl_n/dp_nc = -q_nc / p_nc.
//! PyTorch: `torch.nn.CrossEntropyLoss` (logits), scikit-learn: `log_loss` (probabilities).

use crate::array::Array;
use crate::error::{Error, Result};
use crate::loss_reduction::Reduction;
use crate::softmax::log_softmax;
use crate::trace::Trace;

/// What the classes should have been.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// A class index for each row, in the row-major order of the shape without its class axis; an error outside 0..C unless it equals `ignore_index`.
    Classes(&'a [i64]),
    /// A distribution over the classes for each row, one-hot or not: the shape of the prediction.
    Distribution(&'a Array),
}

/// Cross entropy with its options. The default is PyTorch's.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropy {
    /// One weight for each class.
    pub class_weights: Option<Vec<f64>>,
    /// Rows with this class index do not count.
    pub ignore_index: i64,
    /// Share of the target that is spread evenly over all classes, in 0..=1.
    pub label_smoothing: f64,
    /// How the rows' losses are reduced.
    pub reduction: Reduction,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        CrossEntropy {
            class_weights: None,
            ignore_index: -100,
            label_smoothing: 0.0,
            reduction: Reduction::Mean,
        }
    }
}

/// What keeps log p finite when a probability is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogGuard {
    /// Probabilities are first clipped to `clip..=1 - clip`; a clipped one has no gradient.
    pub clip: f64,
    /// Then this is added inside the logarithm.
    pub inside: f64,
}

impl LogGuard {
    /// scikit-learn's `log_loss`: clip at the machine epsilon of `f64`.
    pub const SCIKIT_LEARN: LogGuard = LogGuard { clip: f64::EPSILON, inside: 0.0 };

    fn log(self, p: f64) -> f64 {
        (p.clamp(self.clip, 1.0 - self.clip) + self.inside).ln()
    }

    fn log_derivative(self, p: f64) -> f64 {
        let clipped = p < self.clip || p > 1.0 - self.clip;
        if clipped { 0.0 } else { 1.0 / (p + self.inside) }
    }

    fn check(self, operation: &str) -> Result<()> {
        let valid = (0.0..0.5).contains(&self.clip) && self.inside >= 0.0;
        if valid {
            return Ok(());
        }
        Err(Error::new(
            operation,
            format!("the clip must lie in 0..0.5 and the term inside log be >= 0, got {self:?}"),
        ))
    }
}

impl CrossEntropy {
    /// The loss of logits `x`, shape (N, C), (N, C, ..) or (C).
    ///
    /// Should every row be ignored, the mean is 0/0, not a number, as in PyTorch.
    pub fn forward(&self, x: &Array, targets: Targets, trace: &mut Trace) -> Result<Array> {
        let (q, total) = self.target_weights("cross_entropy", x, targets)?;
        let log_p = log_softmax(x, class_axis(x) as isize, trace)?;
        trace.section("cross entropy: forward");
        let q = trace.step("q", "target weights", q);
        self.reduce(&q, &log_p, total, trace)
    }

    /// The gradient with respect to the logits, from the gradient of the loss.
    pub fn backward(
        &self,
        x: &Array,
        targets: Targets,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<Array> {
        let (q, total) = self.target_weights("cross_entropy_backward", x, targets)?;
        let p = log_softmax(x, class_axis(x) as isize, &mut Trace::silent())?.map(f64::exp);
        trace.section("cross entropy: backward");
        let p = trace.step("p", "softmax x", p);
        let dl = self.row_gradients(x, total, upstream, trace)?;
        let mass = q.sum_along(&[class_axis(&q)]);
        let dx = p.zip(&mass, |p, mass| p * mass)?.zip(&q, |pm, q| pm - q)?;
        // A row without weight has no gradient, even where every row is ignored and 1/W is infinite.
        let dx = dx.zip(&dl, |g, dl| if g == 0.0 { 0.0 } else { g * dl })?;
        Ok(trace.step("dx", "(p sum q - q) dl", dx))
    }

    /// The loss of probabilities `p`, shape (N, C), (N, C, ..) or (C): values in 0..=1, taken as they are (rows need not
    /// sum to 1).
    pub fn forward_probabilities(
        &self,
        p: &Array,
        targets: Targets,
        guard: LogGuard,
        trace: &mut Trace,
    ) -> Result<Array> {
        let (q, total) = self.target_weights("cross_entropy_probabilities", p, targets)?;
        guard.check("cross_entropy_probabilities")?;
        expect_probabilities("cross_entropy_probabilities", p)?;
        trace.section("cross entropy from probabilities: forward");
        let log_p = trace.step("log_p", "log(clip(p) + inside)", p.map(|p| guard.log(p)));
        let q = trace.step("q", "target weights", q);
        self.reduce(&q, &log_p, total, trace)
    }

    /// The gradient with respect to the probabilities: -q/p, times 1/W under a mean.
    pub fn backward_probabilities(
        &self,
        p: &Array,
        targets: Targets,
        guard: LogGuard,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<Array> {
        let (q, total) = self.target_weights("cross_entropy_probabilities_backward", p, targets)?;
        guard.check("cross_entropy_probabilities_backward")?;
        expect_probabilities("cross_entropy_probabilities_backward", p)?;
        trace.section("cross entropy from probabilities: backward");
        let dl = self.row_gradients(p, total, upstream, trace)?;
        let dp = q.zip(p, |q, p| if q == 0.0 { 0.0 } else { -q * guard.log_derivative(p) })?;
        Ok(trace.step("dp", "-(q / p) dl", dp.zip(&dl, |g, dl| g * dl)?))
    }

    pub(crate) fn reduce(&self, q: &Array, log_p: &Array, total: f64, trace: &mut Trace) -> Result<Array> {
        // 0 log 0 = 0: a class without weight adds nothing, even where its probability is exactly 0.
        let terms = q.zip(log_p, |q, log_p| if q == 0.0 { 0.0 } else { -q * log_p })?;
        let l = terms.sum_along(&[class_axis(q)]).reshape(&row_shape(q))?;
        let l = trace.step("l", "-sum q log_p", l);
        trace.number("W", "weight of the rows", total);
        Ok(trace.step("L", self.reduction.formula(), self.reduction.apply(&l, total)))
    }

    /// dL/dl for each row, with an axis of length 1 in place of the classes.
    pub(crate) fn row_gradients(
        &self,
        x: &Array,
        total: f64,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<Array> {
        let rows = row_shape(x);
        let dl = self.reduction.backward(upstream, &rows, total, "cross_entropy_backward")?;
        let mut column = rows;
        column.insert(class_axis(x), 1);
        trace.step("dl", "dL/dl", dl).reshape(&column)
    }

    /// q, in the shape of the prediction, and W.
    pub(crate) fn target_weights(
        &self,
        operation: &str,
        x: &Array,
        targets: Targets,
    ) -> Result<(Array, f64)> {
        if x.rank() == 0 {
            return Err(Error::new(operation, "expected shape (N, C), (N, C, ..) or (C), got []"));
        }
        let axis = class_axis(x);
        let classes = x.shape()[axis];
        let lanes = x.lanes(axis);
        let rows = lanes.len();
        let smoothing = self.label_smoothing;
        if !(0.0..=1.0).contains(&smoothing) {
            return Err(Error::new(operation, format!("label smoothing must lie in 0..=1, got {smoothing}")));
        }
        let weights = self.class_weights.clone().unwrap_or_else(|| vec![1.0; classes]);
        if weights.len() != classes {
            return Err(Error::new(
                operation,
                format!("{} class weights for {classes} classes", weights.len()),
            ));
        }
        let uniform = smoothing / classes as f64;
        match targets {
            Targets::Distribution(t) => {
                t.expect_shape(operation, "the target distribution", x.shape())?;
                let mut q = Array::zeros(x.shape());
                for lane in lanes {
                    for (c, i) in lane.into_iter().enumerate() {
                        q[i] = weights[c] * ((1.0 - smoothing) * t[i] + uniform);
                    }
                }
                Ok((q, rows as f64))
            }
            Targets::Classes(labels) => {
                if labels.len() != rows {
                    return Err(Error::new(operation, format!("{} targets for {rows} rows", labels.len())));
                }
                let mut q = Array::zeros(x.shape());
                let mut total = 0.0;
                for (row, (lane, &y)) in lanes.into_iter().zip(labels).enumerate() {
                    if y == self.ignore_index {
                        continue;
                    }
                    if y < 0 || y as usize >= classes {
                        let message = format!("target {y} of row {row} is not one of {classes} classes");
                        return Err(Error::new(operation, message));
                    }
                    for (c, i) in lane.into_iter().enumerate() {
                        let hot = if c == y as usize { 1.0 - smoothing } else { 0.0 };
                        q[i] = weights[c] * (hot + uniform);
                    }
                    total += weights[y as usize];
                }
                Ok((q, total))
            }
        }
    }
}

/// The second axis, or the only one.
fn class_axis(x: &Array) -> usize {
    usize::from(x.rank() > 1)
}

/// The shape without its class axis.
fn row_shape(x: &Array) -> Vec<usize> {
    let mut shape = x.shape().to_vec();
    shape.remove(class_axis(x));
    shape
}

/// Refuses what cannot be a probability; logits passed by mistake rarely survive it.
pub(crate) fn expect_probabilities(operation: &str, p: &Array) -> Result<()> {
    match p.data().iter().find(|p| !(0.0..=1.0).contains(*p)) {
        None => Ok(()),
        Some(p) => Err(Error::new(operation, format!("{p} is not a probability (are these logits?)"))),
    }
}
