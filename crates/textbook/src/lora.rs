//! Low-rank adaptation of a linear layer.
//!
//! ```text
//! h = x A^T                                     (N, r)
//! y = x W^T + b + (alpha / r) h B^T             W (out, in) and b frozen, A (r, in), B (out, r)
//!
//! dA = (alpha / r) (dy B)^T x                   dB = (alpha / r) dy^T h
//! dx = dy W + (alpha / r) dy B A
//! merged:  W' = W + (alpha / r) B A             the same y at the cost of W alone
//! ```
//!
//! B begins with 0, so that at first y is the frozen layer's; A must not, or neither would ever move: each one's gradient
//! is multiplied by the other. The scale alpha / r keeps the step size where it is when r changes.
//! Hu et al. 2022. `peft`: `LoraConfig(r=8, lora_alpha=8)`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::linear::{WeightLayout, linear, linear_backward};
use crate::trace::Trace;

/// The trained correction beside a frozen linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Lora {
    /// (out, in), frozen.
    pub weight: Array,
    /// (out), frozen.
    pub bias: Option<Array>,
    /// (r, in)
    pub a: Array,
    /// (out, r)
    pub b: Array,
    /// The scale's numerator.
    pub alpha: f64,
}

/// The gradients of a backward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraGradients {
    /// Of x.
    pub input: Array,
    /// Of A.
    pub a: Array,
    /// Of B.
    pub b: Array,
}

impl Lora {
    /// alpha / r
    pub fn scale(&self) -> f64 {
        self.alpha / self.a.shape()[0] as f64
    }

    /// y (N, out), from x (N, in).
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        self.check("lora")?;
        let silent = &mut Trace::silent();
        trace.section("lora: forward");
        let base = linear(x, &self.weight, self.bias.as_ref(), WeightLayout::OutIn, silent)?;
        let base = trace.step("base", "x W^T + b", base);
        let h = trace.step("h", "x A^T", linear(x, &self.a, None, WeightLayout::OutIn, silent)?);
        let low = linear(&h, &self.b, None, WeightLayout::OutIn, silent)?.map(|low| self.scale() * low);
        let low = trace.step("low", "(alpha / r) h B^T", low);
        Ok(trace.step("y", "base + low", base.zip(&low, |base, low| base + low)?))
    }

    /// The gradients of x, A and B.
    pub fn backward(&self, x: &Array, dy: &Array, trace: &mut Trace) -> Result<LoraGradients> {
        self.check("lora_backward")?;
        let silent = &mut Trace::silent();
        trace.section("lora: backward");
        let h = trace.step("h", "x A^T", linear(x, &self.a, None, WeightLayout::OutIn, silent)?);
        let scaled = dy.map(|dy| self.scale() * dy);
        let through_b = linear_backward(&h, &self.b, WeightLayout::OutIn, &scaled, silent)?;
        let b = trace.step("dB", "(alpha / r) dy^T h", through_b.weight);
        let dh = trace.step("dh", "(alpha / r) dy B", through_b.input);
        let through_a = linear_backward(x, &self.a, WeightLayout::OutIn, &dh, silent)?;
        let a = trace.step("dA", "dh^T x", through_a.weight);
        let base = linear_backward(x, &self.weight, WeightLayout::OutIn, dy, silent)?.input;
        let input = trace.step("dx", "dy W + dh A", base.zip(&through_a.input, |base, low| base + low)?);
        Ok(LoraGradients { input, a, b })
    }

    /// W + (alpha / r) B A, which computes the same alone.
    pub fn merged(&self, trace: &mut Trace) -> Result<Array> {
        self.check("lora")?;
        trace.section("lora: merge");
        // B A, as a linear map of B's rows.
        let product = linear(&self.b, &self.a, None, WeightLayout::InOut, &mut Trace::silent())?;
        let merged = self.weight.zip(&product, |w, ba| w + self.scale() * ba)?;
        Ok(trace.step("W'", "W + (alpha / r) B A", merged))
    }

    fn check(&self, operation: &str) -> Result<()> {
        self.a.expect_rank(operation, "A", 2)?;
        let (rank, inputs) = (self.a.shape()[0], self.a.shape()[1]);
        if rank == 0 {
            return Err(Error::new(operation, "the rank must be 1 or more"));
        }
        self.weight.expect_rank(operation, "W", 2)?;
        let outputs = self.weight.shape()[0];
        self.weight.expect_shape(operation, "W", &[outputs, inputs])?;
        self.b.expect_shape(operation, "B", &[outputs, rank])
    }
}
