//! Recurrent layers: one operator for a layer and a direction over whole sequences, not one for each step.
//!
//! The input's product is one product over all steps; then the kernel walks through time; on the way back the gradients of
//! both weights are one product each over all steps again.

use barehand_kernels::Buffer;
use barehand_kernels::gemm::{Matrix, MatrixMut};
use barehand_kernels::gru::{GruBackward, GruForward, GruKept};
use barehand_kernels::lstm::{LstmBackward, LstmForward, LstmKept};
use barehand_kernels::recurrent::Steps;
use barehand_kernels::rnn::{Nonlinearity, RnnBackward, RnnForward};

use super::matmul::matrix;
use crate::autograd::operator::{InputGradients, Operator, apply};
use crate::autograd::tape::is_recording;
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What a recurrent layer computes at each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrentCell {
    /// h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990).
    RnnTanh,
    /// The same with max(., 0).
    RnnRelu,
    /// Long short-term memory (Hochreiter and Schmidhuber 1997); gates in the order i, f, g, o.
    Lstm,
    /// The gated recurrent unit (Cho et al. 2014), the reset gate over the hidden product and its bias; gates in the order
    /// r, z, n.
    Gru,
}

impl RecurrentCell {
    /// PyTorch's name of the layer.
    pub fn name(self) -> &'static str {
        match self {
            RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => "RNN",
            RecurrentCell::Lstm => "LSTM",
            RecurrentCell::Gru => "GRU",
        }
    }

    /// How many gates are stacked in its weights.
    pub fn gates(self) -> usize {
        match self {
            RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => 1,
            RecurrentCell::Lstm => 4,
            RecurrentCell::Gru => 3,
        }
    }
}

/// The parameters of a recurrent layer in one direction: G gates of H units each, P = H without a projection.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentWeights<'a, T: Element> {
    /// (G H, inputs)
    pub weight_ih: &'a Tensor<T>,
    /// (G H, P)
    pub weight_hh: &'a Tensor<T>,
    /// (G H) for the input's product, (G H) for the hidden state's.
    pub bias: Option<[&'a Tensor<T>; 2]>,
    /// (P, H): an LSTM's hidden state is projected by it.
    pub weight_hr: Option<&'a Tensor<T>>,
}

/// What a recurrent layer makes of a packed batch.
#[derive(Clone, Debug)]
pub struct Recurrence<T: Element> {
    /// The hidden state after every step, (rows, P).
    pub out: Tensor<T>,
    /// The hidden state after the last step of each sequence, (batch, P).
    pub h: Tensor<T>,
    /// An LSTM's cell after the last step of each sequence, (batch, H).
    pub c: Option<Tensor<T>>,
}

/// Inputs: x, weight_ih, weight_hh, h; an LSTM's c; two biases; the projection. The output holds all of
/// [`Recurrence`] in one row.
struct Recurrent {
    cell: RecurrentCell,
    sizes: Vec<usize>,
    reverse: bool,
    bias: bool,
    projected: bool,
    /// Whether there will be a way back.
    keep: bool,
}

struct Saved<T: Element> {
    x: Tensor<T>,
    weight_ih: Tensor<T>,
    weight_hh: Tensor<T>,
    projection: Option<Tensor<T>>,
    /// All of the output.
    output: Tensor<T>,
    gates: Buffer<T>,
    /// The hidden state before every step.
    h: Buffer<T>,
    /// An LSTM's cell before every step; a GRU's hidden product.
    c: Buffer<T>,
    unprojected: Buffer<T>,
}

impl Recurrent {
    fn steps(&self) -> Steps<'_> {
        Steps { sizes: &self.sizes, reverse: self.reverse }
    }

    /// Where the biases are among the inputs.
    fn bias_at(&self) -> Option<usize> {
        self.bias.then_some(if self.cell == RecurrentCell::Lstm { 5 } else { 4 })
    }
}

fn nonlinearity(cell: RecurrentCell) -> Nonlinearity {
    if cell == RecurrentCell::RnnRelu { Nonlinearity::Relu } else { Nonlinearity::Tanh }
}

/// `a^T b` of row-major matrices that share their rows.
fn weight_gradient<T: Float>(a: &[T], b: Matrix<T>, shape: &[usize]) -> Tensor<T> {
    let mut out = Buffer::scratch(shape[0] * shape[1]);
    let a = Matrix::row_major(a, b.rows, shape[0]).transpose();
    T::gemm(T::ONE, a, b, T::ZERO, MatrixMut::row_major(&mut out, shape[0], shape[1]));
    Tensor::from_buffer(out, shape)
}

fn bias_gradient<T: Float>(d: &[T], rows: usize, cols: usize) -> Tensor<T> {
    let mut sums = Buffer::scratch(cols);
    T::sum_to_columns(d, rows, cols, &mut sums);
    Tensor::from_buffer(sums, &[cols])
}

impl<T: Float> Operator<T> for Recurrent {
    type Saved = Saved<T>;

    fn name(&self) -> &'static str {
        match self.cell {
            RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => "rnn",
            RecurrentCell::Lstm => "lstm",
            RecurrentCell::Gru => "gru",
        }
    }

    fn forward(&self, inputs: &[&Tensor<T>]) -> Result<(Tensor<T>, Self::Saved)> {
        let (steps, lstm) = (self.steps(), self.cell == RecurrentCell::Lstm);
        let (x, weight_ih, weight_hh) = (inputs[0].detach(), inputs[1].detach(), inputs[2].packed());
        let projection = self.projected.then(|| inputs[inputs.len() - 1].packed());
        let (rows, batch, width) = (steps.rows(), steps.batch(), weight_hh.shape()[1]);
        let stacked = weight_hh.shape()[0];
        let hidden = stacked / self.cell.gates();
        let (all_h, all_c) = (batch * width, if lstm { batch * hidden } else { 0 });
        let mut output = Buffer::scratch(rows * width + all_h + all_c);
        let (out, states) = output.split_at_mut(rows * width);
        let (h, c) = states.split_at_mut(all_h);
        h.copy_from_slice(inputs[3].packed().packed_slice());
        if lstm {
            c.copy_from_slice(inputs[4].packed().packed_slice());
        }
        let biases = self.bias_at().map(|at| (inputs[at], inputs[at + 1]));
        // A GRU's second bias belongs inside the reset.
        let bias = match biases {
            Some((ih, hh)) if self.cell != RecurrentCell::Gru => Some(ih.add(hh)?.packed()),
            Some((ih, _)) => Some(ih.packed()),
            None => None,
        };
        let product = |gates: &mut [T]| {
            T::linear(matrix(&x), matrix(&weight_ih), bias.as_ref().map(Tensor::packed_slice), gates);
        };
        let keep = |wanted: bool, len: usize| Buffer::scratch(if self.keep && wanted { len } else { 0 });
        let mut kept_h = keep(true, rows * width);
        let mut kept_c = keep(self.cell.gates() > 1, rows * hidden);
        let mut unprojected = keep(self.projected, rows * hidden);
        let weight = weight_hh.packed_slice();
        let mut gates = Buffer::scratch(0);
        match self.cell {
            // The kernels know the batch by what they are given of it.
            _ if rows == 0 => {}
            RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => {
                product(out);
                let nonlinearity = nonlinearity(self.cell);
                let previous = self.keep.then_some(&mut kept_h[..]);
                T::rnn(RnnForward { steps, nonlinearity, weight, out, h, previous });
            }
            RecurrentCell::Lstm => {
                gates = Buffer::scratch(rows * stacked);
                product(&mut gates);
                let projection = projection.as_ref().map(Tensor::packed_slice);
                let kept = self.keep.then_some(LstmKept {
                    h: &mut kept_h,
                    c: &mut kept_c,
                    unprojected: &mut unprojected,
                });
                T::lstm(LstmForward { steps, weight, projection, gates: &mut gates, h, c, out, kept });
            }
            RecurrentCell::Gru => {
                gates = Buffer::scratch(rows * stacked);
                product(&mut gates);
                let bias = biases.map(|(_, hh)| hh.packed());
                let bias = bias.as_ref().map(Tensor::packed_slice);
                let kept = self.keep.then_some(GruKept { h: &mut kept_h, u: &mut kept_c });
                T::gru(GruForward { steps, weight, bias, gates: &mut gates, h, out, kept });
            }
        }
        let len = output.len();
        let output = Tensor::from_buffer(output, &[len]);
        let (h, c) = (kept_h, kept_c);
        let saved =
            Saved { x, weight_ih, weight_hh, projection, output: output.clone(), gates, h, c, unprojected };
        Ok((output, saved))
    }

    fn backward(&self, saved: &Self::Saved, grad: &Tensor<T>, wants: &[bool]) -> Result<InputGradients<T>> {
        let (steps, lstm) = (self.steps(), self.cell == RecurrentCell::Lstm);
        let (rows, batch) = (steps.rows(), steps.batch());
        let [stacked, width] = [saved.weight_hh.shape()[0], saved.weight_hh.shape()[1]];
        let hidden = stacked / self.cell.gates();
        let grad = grad.packed();
        let (dout, states) = grad.packed_slice().split_at(rows * width);
        let (dh, dc) = states.split_at(batch * width);
        let (mut dh, mut dc) = (Buffer::copy_of(dh), Buffer::copy_of(dc));
        let mut da = Buffer::scratch(rows * stacked);
        let mut du = Buffer::scratch(if self.cell == RecurrentCell::Gru { da.len() } else { 0 });
        let mut dprojected = Buffer::scratch(if self.projected { rows * width } else { 0 });
        let weight = saved.weight_hh.packed_slice();
        let gates = &saved.gates[..];
        match self.cell {
            _ if rows == 0 => {}
            RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => T::rnn_backward(RnnBackward {
                steps,
                nonlinearity: nonlinearity(self.cell),
                weight,
                out: &saved.output.packed_slice()[..rows * width],
                dout,
                dh: &mut dh,
                da: &mut da,
            }),
            RecurrentCell::Lstm => T::lstm_backward(LstmBackward {
                steps,
                weight,
                projection: saved.projection.as_ref().map(Tensor::packed_slice),
                gates,
                c: &saved.c,
                dout,
                dh: &mut dh,
                dc: &mut dc,
                da: &mut da,
                dprojected: &mut dprojected,
            }),
            RecurrentCell::Gru => T::gru_backward(GruBackward {
                steps,
                weight,
                gates,
                h: &saved.h,
                u: &saved.c,
                dout,
                dh: &mut dh,
                da: &mut da,
                du: &mut du,
            }),
        }
        // The gradient of the hidden state's product: but for a GRU, that of the input's.
        let hidden_product = if self.cell == RecurrentCell::Gru { &du } else { &da };
        let mut next = wants.iter().copied();
        let mut wanted = || next.next().unwrap_or(false);
        let mut gradients = InputGradients::new();
        gradients.push(wanted().then(|| {
            let inputs = saved.weight_ih.shape()[1];
            let mut dx = Buffer::scratch(rows * inputs);
            let da = Matrix::row_major(&da, rows, stacked);
            T::gemm(
                T::ONE,
                da,
                matrix(&saved.weight_ih),
                T::ZERO,
                MatrixMut::row_major(&mut dx, rows, inputs),
            );
            Tensor::from_buffer(dx, &[rows, inputs])
        }));
        gradients.push(wanted().then(|| weight_gradient(&da, matrix(&saved.x), saved.weight_ih.shape())));
        let previous = Matrix::row_major(&saved.h, rows, width);
        gradients.push(wanted().then(|| weight_gradient(hidden_product, previous, saved.weight_hh.shape())));
        gradients.push(wanted().then(|| Tensor::from_buffer(dh, &[batch, width])));
        if lstm {
            gradients.push(wanted().then(|| Tensor::from_buffer(dc, &[batch, hidden])));
        }
        if self.bias {
            let (ih, hh) = (wanted(), wanted());
            let first = (ih || hh).then(|| bias_gradient(&da, rows, stacked));
            let second = if self.cell == RecurrentCell::Gru {
                hh.then(|| bias_gradient(&du, rows, stacked))
            } else {
                first.clone().filter(|_| hh)
            };
            gradients.push(first.filter(|_| ih));
            gradients.push(second);
        }
        if let Some(projection) = &saved.projection {
            let unprojected = Matrix::row_major(&saved.unprojected, rows, hidden);
            gradients.push(wanted().then(|| weight_gradient(&dprojected, unprojected, projection.shape())));
        }
        Ok(gradients)
    }
}

impl<T: Float> Tensor<T> {
    /// One recurrent layer in one direction over a packed batch, from the hidden states `h` (batch, P) and, of an LSTM,
    /// the cells `c` (batch, H); zeros where there are none.
    ///
    /// A packed batch has the elements of all sequences at step 0, then those at step 1 of the sequences that are that
    /// long, and so on, longest sequences first: (rows, inputs), of which step t has `sizes[t]`. With `reverse` the steps
    /// are taken from the last to the first; outputs stay in the order of the inputs.
    ///
    /// # Errors
    /// When shapes do not fit, sizes grow or do not add up to the rows, or anything but an LSTM has cells or a projection.
    pub fn recurrent(
        &self,
        cell: RecurrentCell,
        sizes: &[usize],
        reverse: bool,
        weights: RecurrentWeights<T>,
        h: Option<&Tensor<T>>,
        c: Option<&Tensor<T>>,
    ) -> Result<Recurrence<T>> {
        let name = cell.name();
        let RecurrentWeights { weight_ih, weight_hh, bias, weight_hr } = weights;
        let gates = cell.gates();
        let fits = self.rank() == 2
            && weight_ih.rank() == 2
            && weight_hh.rank() == 2
            && weight_ih.shape()[1] == self.shape()[1]
            && weight_ih.shape()[0] == weight_hh.shape()[0]
            && weight_hh.shape()[0].is_multiple_of(gates)
            && bias.is_none_or(|biases| biases.iter().all(|bias| bias.shape() == &weight_hh.shape()[..1]));
        if !fits {
            let biases: Vec<_> = bias.iter().flatten().map(|bias| bias.shape()).collect();
            return Err(Error::shape(
                name,
                format!(
                    "input {:?}, weight_ih {:?}, weight_hh {:?} and biases {biases:?} must be (rows, inputs), \
                     ({gates} H, inputs), ({gates} H, P) and ({gates} H)",
                    self.shape(),
                    weight_ih.shape(),
                    weight_hh.shape(),
                ),
            ));
        }
        let [hidden, width] = [weight_hh.shape()[0] / gates, weight_hh.shape()[1]];
        let lstm = cell == RecurrentCell::Lstm;
        if (weight_hr.is_some() || c.is_some()) && !lstm {
            return Err(Error::value(name, "only an LSTM has cells or a projection"));
        }
        let square = [hidden, hidden];
        let projection = weight_hr.map_or(&square[..], Tensor::shape);
        if projection != [width, hidden] {
            return Err(Error::shape(
                name,
                format!(
                    "weight_hh {:?} and a projection of shape {projection:?} must be ({gates} H, P) and (P, H), P = H \
                     without one",
                    weight_hh.shape()
                ),
            ));
        }
        let rows = sizes.iter().try_fold(0usize, |rows, &size| rows.checked_add(size));
        if rows != Some(self.shape()[0]) || sizes.windows(2).any(|pair| pair[0] < pair[1]) {
            return Err(Error::value(
                name,
                format!("batch sizes {sizes:?} must not grow, and add up to the {} rows", self.shape()[0]),
            ));
        }
        let batch = sizes.first().copied().unwrap_or(0);
        for (what, state, expected) in [("h", h, [batch, width]), ("c", c, [batch, hidden])] {
            if let Some(state) = state
                && state.shape() != expected
            {
                return Err(Error::shape(
                    name,
                    format!("expected hidden state {what} of shape {expected:?}, got {:?}", state.shape()),
                ));
            }
        }
        let rows = self.shape()[0];
        let widest = weight_hh.shape()[0].max(width).max(self.shape()[1]);
        // Floats, which round but do not wrap.
        if rows as f64 * widest as f64 * size_of::<f64>() as f64 >= (isize::MAX / 16) as f64 {
            return Err(Error::shape(
                name,
                format!("{rows} rows of {widest} elements are more than memory can address"),
            ));
        }
        let h = h.cloned().unwrap_or_else(|| Tensor::zeros([batch, width]));
        let c = c.cloned().unwrap_or_else(|| Tensor::zeros([batch, hidden]));
        let inputs: Vec<&Tensor<T>> = [self, weight_ih, weight_hh, &h]
            .into_iter()
            .chain(lstm.then_some(&c))
            .chain(bias.into_iter().flatten())
            .chain(weight_hr)
            .collect();
        let operator = Recurrent {
            cell,
            sizes: sizes.to_vec(),
            reverse,
            bias: bias.is_some(),
            projected: weight_hr.is_some(),
            keep: is_recording() && inputs.iter().any(|input| input.node.is_some()),
        };
        let all = apply(operator, &inputs)?;
        let part = |start: usize, rows: usize, cols: usize| {
            all.narrow(0, start, rows * cols)?.reshape([rows as isize, cols as isize])
        };
        Ok(Recurrence {
            out: part(0, rows, width)?,
            h: part(rows * width, batch, width)?,
            c: lstm.then(|| part((rows + batch) * width, batch, hidden)).transpose()?,
        })
    }
}
