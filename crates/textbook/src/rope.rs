//! Rotary position embedding.
//!
//! ```text
//! theta_i = base^(-2 i / w)          i = 0 .. w/2
//! phi_ti  = (offset + t) theta_i
//! (a, b)  becomes  (a cos phi - b sin phi, b cos phi + a sin phi)
//! ```
//!
//! Row t of x (.., T, D) has w elements that turn in pairs; the others stay. Queries and keys are turned, values never: the
//! product of a query at t and a key at u then depends on t - u alone. The gradient is the rotation back.
//!
//! Which two elements are a pair is a matter of [`RopeLayout`], and weights trained with one layout are nonsense in the
//! other. Su et al. 2021, "RoFormer".

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// Which elements make a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RopeLayout {
    /// 2 i and 2 i + 1: the paper, Meta's Llama, GGUF files.
    #[default]
    Interleaved,
    /// i and i + w/2: GPT-NeoX, Hugging Face.
    HalfSplit,
}

/// A rotary embedding; the default is the paper's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// Which elements make a pair.
    pub layout: RopeLayout,
    /// The base of the frequencies, 10000.
    pub base: f64,
    /// The position of the first row.
    pub offset: usize,
    /// w; all of a row if absent.
    pub width: Option<usize>,
}

impl Default for Rope {
    fn default() -> Self {
        Rope { layout: RopeLayout::Interleaved, base: 10_000.0, offset: 0, width: None }
    }
}

impl Rope {
    /// x turned, its shape.
    pub fn forward(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("rope: forward");
        let y = self.turn("rope", x, 1.0, trace)?;
        Ok(trace.step("y", "(a cos phi - b sin phi, b cos phi + a sin phi)", y))
    }

    /// dx, the gradient of y turned back.
    pub fn backward(&self, dy: &Array, trace: &mut Trace) -> Result<Array> {
        trace.section("rope: backward");
        let dx = self.turn("rope_backward", dy, -1.0, trace)?;
        Ok(trace.step("dx", "(a cos phi + b sin phi, b cos phi - a sin phi)", dx))
    }

    fn turn(&self, operation: &str, x: &Array, sign: f64, trace: &mut Trace) -> Result<Array> {
        let &[.., positions, columns] = x.shape() else {
            return Err(Error::new(operation, format!("x {:?} must be (.., positions, width)", x.shape())));
        };
        let w = self.width.unwrap_or(columns);
        if !w.is_multiple_of(2) || w > columns {
            return Err(Error::new(operation, format!("width {w} must be an even number up to {columns}")));
        }
        if !(self.base > 0.0 && self.base.is_finite()) {
            return Err(Error::new(operation, format!("the base must be positive, got {}", self.base)));
        }
        let theta = Array::from_fn(&[w / 2], |i| self.base.powf(-2.0 * i[0] as f64 / w as f64));
        let theta = trace.step("theta", "base^(-2 i / w)", theta);
        let phi = Array::from_fn(&[positions, w / 2], |at| (self.offset + at[0]) as f64 * theta[at[1]]);
        let phi = trace.step("phi", "(offset + t) theta", phi);
        let mut y = x.clone();
        for row in 0..x.len() / columns.max(1) {
            for i in 0..w / 2 {
                let (first, second) = match self.layout {
                    RopeLayout::Interleaved => (2 * i, 2 * i + 1),
                    RopeLayout::HalfSplit => (i, i + w / 2),
                };
                let (first, second) = (row * columns + first, row * columns + second);
                let (a, b) = (x[first], x[second]);
                let (sin, cos) = phi[[row % positions, i]].sin_cos();
                y[first] = a * cos - sign * b * sin;
                y[second] = b * cos + sign * a * sin;
            }
        }
        Ok(y)
    }
}
