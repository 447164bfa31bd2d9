//! The feed-forward part of Llama: one linear layer opens and closes another.
//!
//! ```text
//! g = x Wg^T     u = x Wu^T     s = silu(g)     h = s u     y = h Wd^T
//!                                                x (.., E)   Wg, Wu (F, E)   Wd (E, F)
//! dh = dy Wd     du = dh s      dg = dh u silu'(g)          dx = dg Wg + du Wu
//! dWd = dy^T h   dWu = du^T x   dWg = dg^T x
//! ```
//!
//! There are no biases. Shazeer 2020 ("GLU variants improve transformer"), Touvron et al. 2023.

use crate::activation::Activation;
use crate::array::Array;
use crate::elementwise::Elementwise;
use crate::error::Result;
use crate::linear::{WeightLayout, linear, linear_backward};
use crate::trace::Trace;

/// The three weights.
#[derive(Clone, Debug, PartialEq)]
pub struct SwiGluFeedForward {
    /// (F, E): what goes through SiLU.
    pub gate: Array,
    /// (F, E)
    pub up: Array,
    /// (E, F)
    pub down: Array,
}

/// The gradients of a SwiGLU feed-forward part.
#[derive(Clone, Debug, PartialEq)]
pub struct SwiGluGradients {
    /// dx
    pub input: Array,
    /// dWg
    pub gate: Array,
    /// dWu
    pub up: Array,
    /// dWd
    pub down: Array,
}

impl SwiGluFeedForward {
    /// y, the shape of x (.., E).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("SwiGLU feed-forward: forward");
        let [_, _, _, h] = self.parts(x, trace)?;
        Ok(trace.step("y", "h Wd^T", times(&h, &self.down)?))
    }

    /// All gradients, from dy.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<SwiGluGradients> {
        let silent = &mut Trace::silent();
        let [g, u, s, h] = self.parts(x, silent)?;
        trace.section("SwiGLU feed-forward: backward");
        let down = linear_backward(&h, &self.down, WeightLayout::OutIn, dy, silent)?;
        let dh = trace.step("dh", "dy Wd", down.input);
        let du = trace.step("du", "dh s", dh.zip(&s, |dh, s| dh * s)?);
        let open = dh.zip(&u, |dh, u| dh * u)?;
        let dg = trace.step("dg", "dh u silu'(g)", Activation::Silu.backward(&g, &open, silent)?);
        let gate = linear_backward(x, &self.gate, WeightLayout::OutIn, &dg, silent)?;
        let up = linear_backward(x, &self.up, WeightLayout::OutIn, &du, silent)?;
        let both = gate.input.zip(&up.input, |gate, up| gate + up)?;
        Ok(SwiGluGradients {
            input: trace.step("dx", "dg Wg + du Wu", both),
            gate: trace.step("dWg", "dg^T x", gate.weight),
            up: trace.step("dWu", "du^T x", up.weight),
            down: trace.step("dWd", "dy^T h", down.weight),
        })
    }

    /// g, u, s and h.
    fn parts(&self, x: &Array, trace: &mut Trace) -> Result<[Array; 4]> {
        let g = trace.step("g", "x Wg^T", times(x, &self.gate)?);
        let u = trace.step("u", "x Wu^T", times(x, &self.up)?);
        let s = trace.step("s", "silu(g) = g / (1 + e^-g)", g.map(|g| Activation::Silu.value(g)));
        let h = trace.step("h", "s u", s.zip(&u, |s, u| s * u)?);
        Ok([g, u, s, h])
    }
}

/// x W^T
fn times(x: &Array, weight: &Array) -> Result<Array> {
    linear(x, weight, None, WeightLayout::OutIn, &mut Trace::silent())
}
