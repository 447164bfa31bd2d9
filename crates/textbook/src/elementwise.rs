//! A function of one number, applied to every element of an array.

use crate::array::Array;
use crate::error::Result;
use crate::trace::Trace;

/// y = f(x) element by element, and dx = dy f'(x).
pub trait Elementwise {
    /// f(x).
    fn value(&self, x: f64) -> f64;

    /// f'(x); at a kink, the slope that PyTorch uses.
    fn derivative(&self, x: f64) -> f64;

    /// f and f' as text.
    fn formulas(&self) -> [&'static str; 2];

    /// f of every element.
    fn forward(&self, x: &Array, trace: &mut Trace) -> Array {
        trace.section("activation: forward");
        trace.step("y", self.formulas()[0], x.map(|x| self.value(x)))
    }

    /// The gradient with respect to x from the gradient dy of y.
    fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<Array> {
        dy.expect_shape("activation_backward", "dy", x.shape())?;
        trace.section("activation: backward");
        let slope = trace.step("f'", self.formulas()[1], x.map(|x| self.derivative(x)));
        Ok(trace.step("dx", "f' dy", slope.zip(dy, |slope, dy| slope * dy)?))
    }
}
