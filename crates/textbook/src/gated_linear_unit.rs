//! Gated linear units: one half of an axis opens or closes the other.
//!
//! ```text
//! y = v f(g)      dv = dy f(g)      dg = dy v f'(g)      g and v are the halves of x along an axis
//! GLU     f = sigmoid, and the gate is the second half (PyTorch)
//! SwiGLU  f = SiLU        GEGLU  f = GELU        ReGLU  f = ReLU        and the gate is the first half (Shazeer, Llama)
//! ```
//!
//! The order of the halves is a convention, and some models have the other one. Dauphin et al. 2017, Shazeer 2020. PyTorch:
//! `torch.nn.GLU`.

use crate::activation::Activation;
use crate::array::Array;
use crate::elementwise::Elementwise;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// What the gate goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The logistic function: GLU.
    Logistic,
    /// SiLU: SwiGLU.
    Silu,
    /// GELU: GEGLU.
    Gelu,
    /// GELU by its tanh approximation.
    GeluTanh,
    /// ReLU: ReGLU.
    Relu,
}

/// A gated linear unit with its conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatedLinearUnit {
    /// What the gate goes through.
    pub gate: Gate,
    /// Whether the gate is the first half.
    pub gate_first: bool,
    /// The axis that is halved, negative from the back.
    pub axis: isize,
}

impl GatedLinearUnit {
    fn function(&self) -> Activation {
        match self.gate {
            Gate::Logistic => Activation::Logistic,
            Gate::Silu => Activation::Silu,
            Gate::Gelu => Activation::Gelu,
            Gate::GeluTanh => Activation::GeluTanh,
            Gate::Relu => Activation::Relu,
        }
    }

    /// Gate and value.
    fn halves(&self, operation: &str, x: &Array) -> Result<(usize, Array, Array)> {
        let axis = x.axis(operation, self.axis)?;
        let n = x.shape()[axis];
        if !n.is_multiple_of(2) {
            return Err(Error::new(operation, format!("axis {axis} of {:?} has no halves", x.shape())));
        }
        let mut shape = x.shape().to_vec();
        shape[axis] = n / 2;
        let half = |from: usize| {
            Array::from_fn(&shape, |index| {
                let mut own = index.to_vec();
                own[axis] += from;
                x.get(&own)
            })
        };
        let (first, second) = (half(0), half(n / 2));
        Ok(if self.gate_first { (axis, first, second) } else { (axis, second, first) })
    }

    /// y, half as long as `x` along the axis.
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        let (_, g, v) = self.halves("gated_linear_unit", x)?;
        trace.section("gated linear unit: forward");
        let f = self.function();
        let g = trace.step("g", "the gate's half of x", g);
        let v = trace.step("v", "the other half", v);
        let open = trace.step("f", f.formulas()[0], g.map(|g| f.value(g)));
        Ok(trace.step("y", "v f(g)", v.zip(&open, |v, open| v * open)?))
    }

    /// The gradient with respect to x, from the gradient of y.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<Array> {
        let (axis, g, v) = self.halves("gated_linear_unit_backward", x)?;
        dy.expect_shape("gated_linear_unit_backward", "dy", g.shape())?;
        trace.section("gated linear unit: backward");
        let f = self.function();
        let dv = trace.step("dv", "f(g) dy", g.zip(dy, |g, dy| f.value(g) * dy)?);
        let dg = g.zip(&v, |g, v| f.derivative(g) * v)?.zip(dy, |s, dy| s * dy)?;
        let dg = trace.step("dg", "v f'(g) dy", dg);
        let (first, second) = if self.gate_first { (dg, dv) } else { (dv, dg) };
        let half = first.shape()[axis];
        let dx = Array::from_fn(x.shape(), |index| {
            let mut own = index.to_vec();
            if own[axis] < half {
                return first.get(&own);
            }
            own[axis] -= half;
            second.get(&own)
        });
        Ok(trace.step("dx", "both halves", dx))
    }
}
