//! Layers on layers, in one or both directions, over a packed or a padded batch: what [`RNN`](super::RNN),
//! [`LSTM`](super::LSTM) and [`GRU`](super::GRU) of every language share.

use barehand_tensor::{RecurrentCell, RecurrentWeights, concat, stack};

use crate::{Error, Float, Generator, Result, Tensor};

/// A stack of recurrent layers, of which D directions see each input: L of them, or 2 L when it is bidirectional.
pub struct Stacked<'a, T: Float> {
    /// What a step computes.
    pub cell: RecurrentCell,
    /// The parameters of each layer and direction: layer 0, layer 0 reversed, layer 1, ...
    pub weights: Vec<RecurrentWeights<'a, T>>,
    /// Whether every layer also reads from the end.
    pub bidirectional: bool,
    /// Drops outputs of all layers but the last with this probability, in training.
    pub dropout: Option<(f64, &'a mut Generator)>,
}

/// Initial or final states of all layers and directions: hidden states (D L, N, P), and an LSTM's cells (D L, N, H).
pub type States<T> = (Tensor<T>, Option<Tensor<T>>);

impl<T: Float> Stacked<'_, T> {
    /// Over a packed batch (rows, inputs), of which step t has `sizes[t]` rows: outputs (rows, D P) and final states.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn packed(
        &mut self,
        x: &Tensor<T>,
        sizes: &[usize],
        h: Option<&Tensor<T>>,
        c: Option<&Tensor<T>>,
    ) -> Result<(Tensor<T>, States<T>)> {
        let name = self.cell.name();
        let batch = sizes.first().copied().unwrap_or(0);
        let directions = if self.bidirectional { 2 } else { 1 };
        let [first, ..] = &self.weights[..] else {
            return Err(Error::value(name, "there is no layer"));
        };
        if x.rank() != 2 || x.shape()[1] != first.weight_ih.shape()[first.weight_ih.rank() - 1] {
            return Err(Error::shape(
                name,
                format!(
                    "input of shape {:?}: its last axis must be {}",
                    x.shape(),
                    first.weight_ih.shape()[first.weight_ih.rank() - 1]
                ),
            ));
        }
        let width = first.weight_hh.shape()[first.weight_hh.rank() - 1];
        let hidden = first.weight_hh.shape()[0] / self.cell.gates();
        for (what, state, width) in [("hidden state", h, width), ("cell state", c, hidden)] {
            let expected = [self.weights.len(), batch, width];
            if let Some(state) = state
                && state.shape() != expected
            {
                return Err(Error::shape(
                    name,
                    format!("expected a {what} of shape {expected:?}, got {:?}", state.shape()),
                ));
            }
        }
        let mut x = x.clone();
        let (mut hs, mut cs) = (Vec::new(), Vec::new());
        let layers = self.weights.len() / directions;
        for layer in 0..layers {
            let mut outs = Vec::with_capacity(directions);
            for direction in 0..directions {
                let k = layer * directions + direction;
                let of = |state: Option<&Tensor<T>>| state.map(|s| s.select(0, k as isize)).transpose();
                let (h, c) = (of(h)?, of(c)?);
                let step =
                    x.recurrent(self.cell, sizes, direction == 1, self.weights[k], h.as_ref(), c.as_ref())?;
                outs.push(step.out);
                hs.push(step.h);
                cs.extend(step.c);
            }
            x = match &outs[..] {
                [one] => one.clone(),
                both => concat(&both.iter().collect::<Vec<_>>(), 1)?,
            };
            if let Some((p, generator)) = &mut self.dropout
                && layer + 1 < layers
            {
                x = x.dropout(*p, generator)?;
            }
        }
        let together = |states: &[Tensor<T>]| match states {
            [one] => one.unsqueeze(0),
            all => stack(&all.iter().collect::<Vec<_>>(), 0),
        };
        let c = (!cs.is_empty()).then(|| together(&cs)).transpose()?;
        Ok((x, (together(&hs)?, c)))
    }

    /// Over sequences of one length: (T, N, inputs), or (N, T, inputs) with `batch_first`, to (T, N, D P) or (N, T, D P);
    /// or over one sequence (T, inputs) to (T, D P), whose states have no N.
    ///
    /// # Errors
    /// When shapes do not fit, or there is no step.
    pub fn padded(
        &mut self,
        x: &Tensor<T>,
        batch_first: bool,
        h: Option<&Tensor<T>>,
        c: Option<&Tensor<T>>,
    ) -> Result<(Tensor<T>, States<T>)> {
        let name = self.cell.name();
        if !matches!(x.rank(), 2 | 3) {
            return Err(Error::shape(
                name,
                format!("expected input to be 2D or 3D, got shape {:?}", x.shape()),
            ));
        }
        if x.rank() == 2 {
            let batched = |state: Option<&Tensor<T>>| state.map(|state| state.unsqueeze(1)).transpose();
            if let Some(state) = [h, c].into_iter().flatten().find(|state| state.rank() != 2) {
                return Err(Error::shape(
                    name,
                    format!("one sequence has states of two axes, got shape {:?}", state.shape()),
                ));
            }
            let (h, c) = (batched(h)?, batched(c)?);
            let (y, (h, c)) = self.padded(&x.unsqueeze(1)?, false, h.as_ref(), c.as_ref())?;
            let c = c.map(|c| c.squeeze(1)).transpose()?;
            return Ok((y.squeeze(1)?, (h.squeeze(1)?, c)));
        }
        let x = if batch_first { x.transpose(0, 1)? } else { x.clone() };
        let (steps, batch) = (x.shape()[0], x.shape()[1]);
        if steps == 0 {
            return Err(Error::shape(name, "expected sequence length to be larger than 0"));
        }
        // A step has a size of its own, and where nobody takes part there may be more of them than memory has room for.
        let room = steps
            .checked_mul(batch)
            .is_some_and(|rows| rows < (isize::MAX as usize) / (64 * size_of::<usize>()));
        if !room {
            return Err(Error::shape(
                name,
                format!("input of shape {:?} has more steps than memory can address", x.shape()),
            ));
        }
        let sizes = if batch == 0 { Vec::new() } else { vec![batch; steps] };
        let (y, states) = self.packed(&x.flatten(0, 1)?, &sizes, h, c)?;
        let y = y.reshape([steps as isize, batch as isize, y.shape()[1] as isize])?;
        Ok((if batch_first { y.transpose(0, 1)? } else { y }, states))
    }
}

/// One step: (N, inputs) and states (N, H) to states (N, H), or (inputs) and (H) to (H).
///
/// # Errors
/// When shapes do not fit.
pub fn single_step<T: Float>(
    cell: RecurrentCell,
    name: &str,
    x: &Tensor<T>,
    weights: RecurrentWeights<T>,
    h: Option<&Tensor<T>>,
    c: Option<&Tensor<T>>,
) -> Result<States<T>> {
    if !matches!(x.rank(), 1 | 2) {
        return Err(Error::shape(name, format!("expected input to be 1D or 2D, got shape {:?}", x.shape())));
    }
    if let Some(state) = [h, c].into_iter().flatten().find(|state| state.rank() != x.rank()) {
        return Err(Error::shape(
            name,
            format!("input {:?} and state {:?} must both have a batch, or neither", x.shape(), state.shape()),
        ));
    }
    if x.rank() == 1 {
        let batched = |state: Option<&Tensor<T>>| state.map(|state| state.unsqueeze(0)).transpose();
        let (h, c) = (batched(h)?, batched(c)?);
        let (h, c) = single_step(cell, name, &x.unsqueeze(0)?, weights, h.as_ref(), c.as_ref())?;
        return Ok((h.squeeze(0)?, c.map(|c| c.squeeze(0)).transpose()?));
    }
    let step = x.recurrent(cell, &[x.shape()[0]], false, weights, h, c)?;
    Ok((step.h, step.c))
}
