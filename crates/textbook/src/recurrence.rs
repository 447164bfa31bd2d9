//! Through time: a recurrent layer is one step, taken again and again on its own result.
//!
//! ```text
//! s_t = step(x_t, s_(t-1))     out_t = the hidden state of s_t                    forward through time
//! ds_(t-1), dx_t, dW_t = step_backward(ds_t + dout_t)     dW = sum over t of dW_t  backward through time
//! ```
//!
//! Sequences of one batch may differ in length. A step beyond the end of a sequence leaves its state as it is and puts
//! out 0, so the last state is the one at the sequence's own end; and in reverse, where the steps are taken from the last
//! to the first, a sequence begins at its own end. Outputs stay at the places of their inputs in both directions.
//!
//! Werbos 1990 (backpropagation through time). PyTorch: `torch.nn.RNN`, `LSTM`, `GRU`, and `pack_padded_sequence`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::linear::{LinearGradients, WeightLayout, linear, linear_backward};
use crate::trace::Trace;

/// What a cell carries from step to step.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The hidden state, (N, P).
    pub h: Array,
    /// The cell of an LSTM, (N, H).
    pub c: Option<Array>,
}

/// The weights of a cell: G gates of H units stacked, or their gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct RecurrentWeights {
    /// (G H, inputs)
    pub weight_ih: Array,
    /// (G H, P)
    pub weight_hh: Array,
    /// (G H)
    pub bias_ih: Array,
    /// (G H)
    pub bias_hh: Array,
    /// (P, H), of an LSTM whose hidden state is projected.
    pub weight_hr: Option<Array>,
}

impl RecurrentWeights {
    /// The input's product and the hidden state's, both (N, G H), biases included.
    pub(crate) fn products(&self, x: &Array, h: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        let silent = &mut Trace::silent();
        let a = linear(x, &self.weight_ih, Some(&self.bias_ih), WeightLayout::OutIn, silent)?;
        let u = linear(h, &self.weight_hh, Some(&self.bias_hh), WeightLayout::OutIn, silent)?;
        Ok((trace.step("a", "W_ih x + b_ih", a), trace.step("u", "W_hh h + b_hh", u)))
    }

    /// The gradients of x, h and the weights from those of the two products.
    pub(crate) fn products_backward(
        &self,
        x: &Array,
        h: &Array,
        da: &Array,
        du: &Array,
        trace: &mut Trace,
    ) -> Result<(Array, Array, RecurrentWeights)> {
        let silent = &mut Trace::silent();
        let LinearGradients { input: dx, weight: weight_ih, bias: bias_ih } =
            linear_backward(x, &self.weight_ih, WeightLayout::OutIn, da, silent)?;
        let LinearGradients { input: dh, weight: weight_hh, bias: bias_hh } =
            linear_backward(h, &self.weight_hh, WeightLayout::OutIn, du, silent)?;
        let dx = trace.step("dx", "da W_ih", dx);
        let dh = trace.step("dh", "du W_hh", dh);
        trace.step("dW_ih", "da^T x", weight_ih.clone());
        trace.step("dW_hh", "du^T h", weight_hh.clone());
        Ok((dx, dh, RecurrentWeights { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr: None }))
    }
}

/// The gradients of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepGradients {
    /// dx, (N, inputs).
    pub input: Array,
    /// That of the state before the step.
    pub state: State,
    /// Those of the weights.
    pub weights: RecurrentWeights,
}

/// One step of a recurrent layer.
pub trait Cell {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Its weights.
    fn weights(&self) -> &RecurrentWeights;

    /// How many gates they stack.
    fn gates(&self) -> usize;

    /// Whether its state has a cell beside the hidden state.
    fn has_cell(&self) -> bool {
        false
    }

    /// The state after x (N, inputs).
    fn step(&self, x: &Array, state: &State, trace: &mut Trace) -> Result<State>;

    /// The gradients of a step that was taken on `x` from `state`, given that of the state after it.
    fn step_backward(
        &self,
        x: &Array,
        state: &State,
        after: &State,
        trace: &mut Trace,
    ) -> Result<StepGradients>;

    /// A state of zeros.
    fn zeros(&self, batch: usize) -> Result<State> {
        let [h, c] = self.sizes()?;
        let c = self.has_cell().then(|| Array::zeros(&[batch, c]));
        Ok(State { h: Array::zeros(&[batch, h]), c })
    }

    /// P and H: how many numbers a hidden state has, and how many units the cell has.
    fn sizes(&self) -> Result<[usize; 2]> {
        let RecurrentWeights { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr } = self.weights();
        weight_ih.expect_rank(self.name(), "weight_ih", 2)?;
        weight_hh.expect_rank(self.name(), "weight_hh", 2)?;
        let [stacked, width] = [weight_hh.shape()[0], weight_hh.shape()[1]];
        let hidden = stacked / self.gates();
        if hidden == 0 || hidden * self.gates() != stacked {
            let message = format!("weight_hh {:?} must stack {} gates", weight_hh.shape(), self.gates());
            return Err(Error::new(self.name(), message));
        }
        weight_ih.expect_shape(self.name(), "weight_ih", &[stacked, weight_ih.shape()[1]])?;
        bias_ih.expect_shape(self.name(), "bias_ih", &[stacked])?;
        bias_hh.expect_shape(self.name(), "bias_hh", &[stacked])?;
        match weight_hr {
            Some(projection) => projection.expect_shape(self.name(), "weight_hr", &[width, hidden])?,
            None => weight_hh.expect_shape(self.name(), "weight_hh", &[stacked, hidden])?,
        }
        Ok([width, hidden])
    }
}

/// How a batch is walked through.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    /// The number of steps of each sequence.
    pub lengths: Vec<usize>,
    /// From the last step to the first.
    pub reverse: bool,
}

/// The gradients of a walk.
#[derive(Clone, Debug, PartialEq)]
pub struct WalkGradients {
    /// dx, (T, N, inputs).
    pub input: Array,
    /// That of the initial state.
    pub state: State,
    /// Those of the weights, summed over all steps.
    pub weights: RecurrentWeights,
}

impl Walk {
    /// Every hidden state (T, N, P), and the last state of each sequence.
    pub fn forward(
        &self,
        cell: &dyn Cell,
        x: &Array,
        start: &State,
        trace: &mut Trace,
    ) -> Result<(Array, State)> {
        let (states, end) = self.states(cell, x, start, trace)?;
        let width = end.h.shape()[1];
        let mut out = Array::zeros(&[x.shape()[0], x.shape()[1], width]);
        for (&(t, _), after) in states.iter().zip(states.iter().skip(1).map(|(_, state)| state).chain([&end]))
        {
            for n in (0..self.lengths.len()).filter(|&n| t < self.lengths[n]) {
                for j in 0..width {
                    let to = out.position(&[t, n, j]);
                    out.data_mut()[to] = after.h.get(&[n, j]);
                }
            }
        }
        Ok((out, end))
    }

    /// The gradients from those of every hidden state and of the last state of each sequence.
    pub fn backward(
        &self,
        cell: &dyn Cell,
        x: &Array,
        start: &State,
        dout: &Array,
        dend: &State,
        trace: &mut Trace,
    ) -> Result<WalkGradients> {
        let (states, end) = self.states(cell, x, start, &mut Trace::silent())?;
        let expected = [x.shape()[0], x.shape()[1], end.h.shape()[1]];
        dout.expect_shape("recurrence_backward", "dout", &expected)?;
        let mut input = Array::zeros(x.shape());
        let mut weights: Option<RecurrentWeights> = None;
        let mut after = dend.clone();
        for (t, before) in states.iter().rev() {
            trace.section(&format!("{}: backward, step {t}", cell.name()));
            let running = |n: usize| *t < self.lengths[n];
            // What reaches the state after this step: from later steps, and from the output here.
            let arrived = State {
                h: Array::from_fn(after.h.shape(), |i| {
                    if running(i[0]) { after.h.get(i) + dout.get(&[*t, i[0], i[1]]) } else { 0.0 }
                }),
                c: after.c.as_ref().map(|c| rows_of(c, running)),
            };
            let step = cell.step_backward(&at_step(x, *t), before, &arrived, trace)?;
            for n in 0..x.shape()[1] {
                for j in 0..x.shape()[2] {
                    let to = input.position(&[*t, n, j]);
                    input.data_mut()[to] = step.input.get(&[n, j]);
                }
            }
            // The gradient of a sequence that has no such step passes by it.
            after = choose(&step.state, &after, running)?;
            weights = Some(match weights {
                None => step.weights,
                Some(sum) => add(&sum, &step.weights)?,
            });
        }
        let weights = weights.ok_or_else(|| Error::new("recurrence_backward", "there is no step"))?;
        Ok(WalkGradients { input, state: after, weights })
    }

    /// The state before each step, in the order in which they are taken, and the last one.
    fn states(
        &self,
        cell: &dyn Cell,
        x: &Array,
        start: &State,
        trace: &mut Trace,
    ) -> Result<(Vec<(usize, State)>, State)> {
        x.expect_rank("recurrence", "x", 3)?;
        let [steps, batch] = [x.shape()[0], x.shape()[1]];
        if self.lengths.len() != batch || self.lengths.iter().any(|&length| length > steps) {
            let message =
                format!("lengths {:?} for x {:?}: one of at most T for each N", self.lengths, x.shape());
            return Err(Error::new("recurrence", message));
        }
        let [h, c] = cell.sizes()?;
        start.h.expect_shape("recurrence", "h", &[batch, h])?;
        if let Some(given) = &start.c {
            given.expect_shape("recurrence", "c", &[batch, c])?;
        }
        if start.c.is_some() != cell.has_cell() {
            return Err(Error::new("recurrence", "an LSTM, and it alone, has a cell"));
        }
        let mut state = start.clone();
        let mut states = Vec::with_capacity(steps);
        let order: Vec<usize> = if self.reverse { (0..steps).rev().collect() } else { (0..steps).collect() };
        for t in order {
            trace.section(&format!("{}: step {t}", cell.name()));
            let after = cell.step(&at_step(x, t), &state, trace)?;
            let after = choose(&after, &state, |n| t < self.lengths[n])?;
            states.push((t, std::mem::replace(&mut state, after)));
        }
        Ok((states, state))
    }
}

/// x_t, (N, inputs).
fn at_step(x: &Array, t: usize) -> Array {
    Array::from_fn(&x.shape()[1..], |i| x.get(&[t, i[0], i[1]]))
}

/// The rows of sequences that are running, 0 elsewhere.
fn rows_of(x: &Array, running: impl Fn(usize) -> bool) -> Array {
    Array::from_fn(x.shape(), |i| if running(i[0]) { x.get(i) } else { 0.0 })
}

/// `a` for sequences that are running, `b` for the others.
fn choose(a: &State, b: &State, running: impl Fn(usize) -> bool) -> Result<State> {
    let rows =
        |a: &Array, b: &Array| Array::from_fn(a.shape(), |i| if running(i[0]) { a.get(i) } else { b.get(i) });
    let c = match (&a.c, &b.c) {
        (Some(a), Some(b)) => Some(rows(a, b)),
        (None, None) => None,
        _ => return Err(Error::new("recurrence", "one state has a cell and the other has none")),
    };
    Ok(State { h: rows(&a.h, &b.h), c })
}

fn add(a: &RecurrentWeights, b: &RecurrentWeights) -> Result<RecurrentWeights> {
    let sum = |a: &Array, b: &Array| a.zip(b, |a, b| a + b);
    Ok(RecurrentWeights {
        weight_ih: sum(&a.weight_ih, &b.weight_ih)?,
        weight_hh: sum(&a.weight_hh, &b.weight_hh)?,
        bias_ih: sum(&a.bias_ih, &b.bias_ih)?,
        bias_hh: sum(&a.bias_hh, &b.bias_hh)?,
        weight_hr: match (&a.weight_hr, &b.weight_hr) {
            (Some(a), Some(b)) => Some(sum(a, b)?),
            _ => None,
        },
    })
}

/// Gate k of `count`, (N, H), out of (N, count H).
pub(crate) fn gate(stacked: &Array, k: usize, count: usize) -> Array {
    let hidden = stacked.shape()[1] / count;
    Array::from_fn(&[stacked.shape()[0], hidden], |i| stacked.get(&[i[0], k * hidden + i[1]]))
}

/// Gates (N, H) side by side, (N, count H).
pub(crate) fn beside(gates: &[&Array]) -> Array {
    let [rows, hidden] = [gates[0].shape()[0], gates[0].shape()[1]];
    Array::from_fn(&[rows, gates.len() * hidden], |i| gates[i[1] / hidden].get(&[i[0], i[1] % hidden]))
}
