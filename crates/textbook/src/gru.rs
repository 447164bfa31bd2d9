//! The gated recurrent unit: an LSTM's idea with one state and two gates.
//!
//! ```text
//! r = sigmoid(a_r + u_r)       what of the past is looked at      a = W_ih x + b_ih, the gates stacked r, z, n
//! z = sigmoid(a_z + u_z)       what of it is kept                 u = W_hh h + b_hh
//! n = tanh(a_n + r u_n)        what would replace it
//! h' = (1 - z) n + z h
//!
//! dn = dh' (1 - z) (1 - n^2)    dz = dh' (h - n) z (1 - z)    dr = dn u_n r (1 - r)
//! da = (dr, dz, dn)             du = (dr, dz, dn r)            dh = dh' z + du W_hh
//! ```
//!
//! The reset gate multiplies the hidden product, its bias b_hn included: so cuDNN and PyTorch, and Cho et al. 2014 in its
//! first version. In the printed one it multiplies h before the product, which is another function.
//! PyTorch: `torch.nn.GRUCell`.

use crate::array::Array;
use crate::binary_cross_entropy::logistic;
use crate::error::Result;
use crate::recurrence::{Cell, RecurrentWeights, State, StepGradients, beside, gate};
use crate::trace::Trace;

/// A GRU cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Gru {
    /// Three gates: r, z, n.
    pub weights: RecurrentWeights,
}

struct Gates {
    r: Array,
    z: Array,
    n: Array,
    /// The hidden product of n.
    u: Array,
}

impl Gru {
    fn gates(&self, x: &Array, h: &Array, trace: &mut Trace) -> Result<Gates> {
        let (a, u) = self.weights.products(x, h, trace)?;
        let s = a.zip(&u, |a, u| a + u)?;
        let r = trace.step("r", "sigmoid(a_r + u_r)", gate(&s, 0, 3).map(logistic));
        let z = trace.step("z", "sigmoid(a_z + u_z)", gate(&s, 1, 3).map(logistic));
        let u = gate(&u, 2, 3);
        let inside = gate(&a, 2, 3).zip(&r.zip(&u, |r, u| r * u)?, |a, ru| a + ru)?;
        let n = trace.step("n", "tanh(a_n + r u_n)", inside.map(f64::tanh));
        Ok(Gates { r, z, n, u })
    }
}

impl Cell for Gru {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn weights(&self) -> &RecurrentWeights {
        &self.weights
    }

    fn gates(&self) -> usize {
        3
    }

    fn step(&self, x: &Array, state: &State, trace: &mut Trace) -> Result<State> {
        let Gates { z, n, .. } = self.gates(x, &state.h, trace)?;
        let new = z.zip(&n, |z, n| (1.0 - z) * n)?;
        let h = new.zip(&z.zip(&state.h, |z, h| z * h)?, |new, kept| new + kept)?;
        Ok(State { h: trace.step("h'", "(1 - z) n + z h", h), c: None })
    }

    fn step_backward(
        &self,
        x: &Array,
        state: &State,
        after: &State,
        trace: &mut Trace,
    ) -> Result<StepGradients> {
        let Gates { r, z, n, u } = self.gates(x, &state.h, &mut Trace::silent())?;
        let (dh, h) = (&after.h, &state.h);
        let slope = |s: f64| s * (1.0 - s);
        let dn = dh.zip(&z, |dh, z| dh * (1.0 - z))?.zip(&n, |d, n| d * (1.0 - n * n))?;
        let dn = trace.step("dn", "dh' (1 - z) (1 - n^2)", dn);
        let difference = h.zip(&n, |h, n| h - n)?;
        let dz = dh.zip(&difference, |dh, d| dh * d)?.zip(&z, |d, z| d * slope(z))?;
        let dz = trace.step("dz", "dh' (h - n) z (1 - z)", dz);
        let dr =
            trace.step("dr", "dn u_n r (1 - r)", dn.zip(&u, |dn, u| dn * u)?.zip(&r, |d, r| d * slope(r))?);
        let dn_hidden = dn.zip(&r, |dn, r| dn * r)?;
        let (da, du) = (beside(&[&dr, &dz, &dn]), beside(&[&dr, &dz, &dn_hidden]));
        let (input, through_u, weights) = self.weights.products_backward(x, h, &da, &du, trace)?;
        let direct = dh.zip(&z, |dh, z| dh * z)?;
        let h = trace.step("dh", "dh' z + du W_hh", direct.zip(&through_u, |d, u| d + u)?);
        Ok(StepGradients { input, state: State { h, c: None }, weights })
    }
}
