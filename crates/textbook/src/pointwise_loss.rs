//! Losses of pairs: each element of a prediction beside one of a target.

use crate::array::Array;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::trace::Trace;

/// A value on the way from a pair to its loss: its name, its formula, and itself.
pub type Part = (&'static str, &'static str, f64);

/// l = l(x, y) element by element, reduced, and dx = dl/dx times the gradient of l.
pub trait PointwiseLoss {
    /// What it is called in traces and messages.
    fn name(&self) -> &'static str;

    /// How the losses are reduced.
    fn reduction(&self) -> Reduction;

    /// Every value on the way, for one pair; the last is the loss.
    fn parts(&self, x: f64, y: f64) -> Vec<Part>;

    /// dl/dx and dl/dy; at a kink, the slope that PyTorch uses.
    fn slopes(&self, x: f64, y: f64) -> [f64; 2];

    /// dl/dx as text.
    fn slope_formula(&self) -> &'static str;

    /// The loss of `x` against `y`, arrays of the same shape.
    fn forward(&self, x: &Array, y: &Array, trace: &mut Trace) -> Result<Array> {
        y.expect_shape(self.name(), "the target", x.shape())?;
        trace.section(&format!("{}: forward", self.name()));
        let all: Vec<Vec<Part>> = x.data().iter().zip(y.data()).map(|(&x, &y)| self.parts(x, y)).collect();
        let mut l = Array::zeros(x.shape());
        for (i, &(name, formula, _)) in self.parts(0.5, 1.0).iter().enumerate() {
            let values = all.iter().map(|parts| parts[i].2).collect();
            l = trace.step(name, formula, Array::new(x.shape(), values)?);
        }
        let reduction = self.reduction();
        Ok(trace.step("L", reduction.formula(), reduction.apply(&l, l.len() as f64)))
    }

    /// The gradients with respect to x and to y, from the gradient of the loss.
    fn backward(&self, x: &Array, y: &Array, upstream: &Array, trace: &mut Trace) -> Result<[Array; 2]> {
        y.expect_shape(self.name(), "the target", x.shape())?;
        trace.section(&format!("{}: backward", self.name()));
        let dl = self.reduction().backward(upstream, x.shape(), x.len() as f64, self.name())?;
        let dl = trace.step("dl", "dL/dl", dl);
        let of = |side: usize| x.zip(y, |x, y| self.slopes(x, y)[side])?.zip(&dl, |slope, dl| slope * dl);
        Ok([trace.step("dx", self.slope_formula(), of(0)?), of(1)?])
    }
}

/// 1 for what is positive, else 0: the slope of max(0, v).
pub(crate) fn step(v: f64) -> f64 {
    f64::from(v > 0.0)
}
