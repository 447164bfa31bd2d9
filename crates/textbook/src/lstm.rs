//! The LSTM cell: a memory that is kept, written and read through gates.
//!
//! ```text
//! i = sigmoid(a_i + u_i)   what is written       a = W_ih x + b_ih, the gates stacked i, f, g, o
//! f = sigmoid(a_f + u_f)   what is kept          u = W_hh h + b_hh
//! g = tanh(a_g + u_g)      what it would be
//! o = sigmoid(a_o + u_o)   what is shown
//! c' = f c + i g           h' = o tanh(c')       projected: h' = W_hr (o tanh(c'))
//!
//! do = dh' tanh(c') o (1 - o)         dc' += dh' o (1 - tanh(c')^2)
//! di = dc' g i (1 - i)    df = dc' c f (1 - f)    dg = dc' i (1 - g^2)    dc = dc' f
//! ```
//!
//! Hochreiter and Schmidhuber 1997; the forget gate is Gers, Schmidhuber and Cummins 2000, the projection Sak, Senior and
//! Beaufays 2014. The order of the gates is PyTorch's, and a matter of convention: others stack i, g, f, o or i, o, f, g.
//! PyTorch: `torch.nn.LSTMCell`.

use crate::array::Array;
use crate::binary_cross_entropy::logistic;
use crate::error::{Error, Result};
use crate::linear::{WeightLayout, linear, linear_backward};
use crate::recurrence::{Cell, RecurrentWeights, State, StepGradients, beside, gate};
use crate::trace::Trace;

/// An LSTM cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Lstm {
    /// Four gates: i, f, g, o.
    pub weights: RecurrentWeights,
}

/// The gates, and what comes of them.
struct Gates {
    i: Array,
    f: Array,
    g: Array,
    o: Array,
    /// c'
    c: Array,
    /// tanh(c')
    t: Array,
    /// o tanh(c')
    shown: Array,
}

impl Lstm {
    fn gates(&self, x: &Array, h: &Array, c: &Array, trace: &mut Trace) -> Result<Gates> {
        let (a, u) = self.weights.products(x, h, trace)?;
        let s = a.zip(&u, |a, u| a + u)?;
        let i = trace.step("i", "sigmoid(a_i + u_i)", gate(&s, 0, 4).map(logistic));
        let f = trace.step("f", "sigmoid(a_f + u_f)", gate(&s, 1, 4).map(logistic));
        let g = trace.step("g", "tanh(a_g + u_g)", gate(&s, 2, 4).map(f64::tanh));
        let o = trace.step("o", "sigmoid(a_o + u_o)", gate(&s, 3, 4).map(logistic));
        let written = i.zip(&g, |i, g| i * g)?;
        let c = trace.step("c'", "f c + i g", f.zip(c, |f, c| f * c)?.zip(&written, |kept, new| kept + new)?);
        let t = trace.step("t", "tanh(c')", c.map(f64::tanh));
        let shown = o.zip(&t, |o, t| o * t)?;
        Ok(Gates { i, f, g, o, c, t, shown })
    }
}

fn cell(state: &State) -> Result<&Array> {
    state.c.as_ref().ok_or_else(|| Error::new("lstm", "the state of an LSTM has a cell"))
}

impl Cell for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn weights(&self) -> &RecurrentWeights {
        &self.weights
    }

    fn gates(&self) -> usize {
        4
    }

    fn has_cell(&self) -> bool {
        true
    }

    fn step(&self, x: &Array, state: &State, trace: &mut Trace) -> Result<State> {
        let gates = self.gates(x, &state.h, cell(state)?, trace)?;
        let h = match &self.weights.weight_hr {
            None => trace.step("h'", "o t", gates.shown),
            Some(projection) => {
                let shown = trace.step("shown", "o t", gates.shown);
                let h = linear(&shown, projection, None, WeightLayout::OutIn, &mut Trace::silent())?;
                trace.step("h'", "W_hr shown", h)
            }
        };
        Ok(State { h, c: Some(gates.c) })
    }

    fn step_backward(
        &self,
        x: &Array,
        state: &State,
        after: &State,
        trace: &mut Trace,
    ) -> Result<StepGradients> {
        let c = cell(state)?;
        let Gates { i, f, g, o, t, shown, .. } = self.gates(x, &state.h, c, &mut Trace::silent())?;
        let (dh, projection) = match &self.weights.weight_hr {
            None => (after.h.clone(), None),
            Some(projection) => {
                let silent = &mut Trace::silent();
                let d = linear_backward(&shown, projection, WeightLayout::OutIn, &after.h, silent)?;
                (
                    trace.step("dshown", "dh' W_hr", d.input),
                    Some(trace.step("dW_hr", "dh'^T shown", d.weight)),
                )
            }
        };
        let slope = |s: f64| s * (1.0 - s);
        let d_o =
            trace.step("do", "dh' t o (1 - o)", dh.zip(&t, |dh, t| dh * t)?.zip(&o, |d, o| d * slope(o))?);
        let through_h = dh.zip(&o, |dh, o| dh * o)?.zip(&t, |d, t| d * (1.0 - t * t))?;
        let dc = cell(after)?.zip(&through_h, |dc, d| dc + d)?;
        let dc = trace.step("dc'", "dc' + dh' o (1 - t^2)", dc);
        let di =
            trace.step("di", "dc' g i (1 - i)", dc.zip(&g, |dc, g| dc * g)?.zip(&i, |d, i| d * slope(i))?);
        let df =
            trace.step("df", "dc' c f (1 - f)", dc.zip(c, |dc, c| dc * c)?.zip(&f, |d, f| d * slope(f))?);
        let dg = trace.step(
            "dg",
            "dc' i (1 - g^2)",
            dc.zip(&i, |dc, i| dc * i)?.zip(&g, |d, g| d * (1.0 - g * g))?,
        );
        let ds = beside(&[&di, &df, &dg, &d_o]);
        let (input, h, mut weights) = self.weights.products_backward(x, &state.h, &ds, &ds, trace)?;
        weights.weight_hr = projection;
        let c = trace.step("dc", "dc' f", dc.zip(&f, |dc, f| dc * f)?);
        Ok(StepGradients { input, state: State { h, c: Some(c) }, weights })
    }
}
