//! The simple recurrent cell.
//!
//! ```text
//! h' = f(W_ih x + b_ih + W_hh h + b_hh)        f = tanh, or max(., 0)
//! ds = dh' f'      tanh' = 1 - h'^2            the gradient of both products
//! ```
//!
//! Elman 1990. PyTorch: `torch.nn.RNNCell`.

use crate::array::Array;
use crate::error::Result;
use crate::recurrence::{Cell, RecurrentWeights, State, StepGradients};
use crate::trace::Trace;

/// A simple recurrent cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Rnn {
    /// One gate.
    pub weights: RecurrentWeights,
    /// max(., 0) in the place of tanh.
    pub relu: bool,
}

impl Cell for Rnn {
    fn name(&self) -> &'static str {
        "rnn"
    }

    fn weights(&self) -> &RecurrentWeights {
        &self.weights
    }

    fn gates(&self) -> usize {
        1
    }

    fn step(&self, x: &Array, state: &State, trace: &mut Trace) -> Result<State> {
        let (a, u) = self.weights.products(x, &state.h, trace)?;
        let s = a.zip(&u, |a, u| a + u)?;
        let h = if self.relu {
            trace.step("h'", "max(a + u, 0)", s.map(|s| s.max(0.0)))
        } else {
            trace.step("h'", "tanh(a + u)", s.map(f64::tanh))
        };
        Ok(State { h, c: None })
    }

    fn step_backward(
        &self,
        x: &Array,
        state: &State,
        after: &State,
        trace: &mut Trace,
    ) -> Result<StepGradients> {
        let h = self.step(x, state, &mut Trace::silent())?.h;
        let ds = if self.relu {
            trace.step("ds", "dh' where h' > 0", after.h.zip(&h, |dh, h| if h > 0.0 { dh } else { 0.0 })?)
        } else {
            trace.step("ds", "dh' (1 - h'^2)", after.h.zip(&h, |dh, h| dh * (1.0 - h * h))?)
        };
        let (input, h, weights) = self.weights.products_backward(x, &state.h, &ds, &ds, trace)?;
        Ok(StepGradients { input, state: State { h, c: None }, weights })
    }
}
