//! What `barehand.nn` has of recurrent layers, and `barehand.nn.utils.rnn`.

use barehand_nn::layers::recurrent::stacked::{Stacked, single_step};
use barehand_nn::packed_sequence::{PaddingSide, pad_packed_sequence as pad_packed, pad_sequence as pad};
use barehand_nn::{PackedSequence, packed_sequence};
use barehand_tensor::{AnyTensor, Float, Generator, RecurrentCell, RecurrentWeights, Tensor, each_tensor};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::{alike, compute, maybe_alike, not_float};
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

/// PyTorch's name of what a step computes.
struct Mode(RecurrentCell);

impl<'py> FromPyObject<'_, 'py> for Mode {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match given.cast::<PyString>()?.to_string().as_str() {
            "RNN_TANH" => Ok(Mode(RecurrentCell::RnnTanh)),
            "RNN_RELU" => Ok(Mode(RecurrentCell::RnnRelu)),
            "LSTM" => Ok(Mode(RecurrentCell::Lstm)),
            "GRU" => Ok(Mode(RecurrentCell::Gru)),
            other => Err(Failure::value("mode", format!("'{other}' is no recurrent layer")).into()),
        }
    }
}

/// Runs a computation in either precision of its first operand, and gives its state to Python.
macro_rules! in_either {
    ($operation:expr, $input:expr, $x:ident => $body:expr) => {
        match $input.get().value() {
            AnyTensor::F32($x) => $body,
            AnyTensor::F64($x) => $body,
            other => Err(not_float($operation, other.dtype())),
        }
    };
}

/// The operands of one precision under PyTorch's names, layer by layer: two weights, two biases, a projection.
fn gather<'a, T: Float>(
    weights: &'a [Tensor<T>],
    bias: bool,
    projected: bool,
) -> Vec<RecurrentWeights<'a, T>> {
    let each = 2 + if bias { 2 } else { 0 } + usize::from(projected);
    let one = |w: &'a [Tensor<T>]| RecurrentWeights {
        weight_ih: &w[0],
        weight_hh: &w[1],
        bias: bias.then(|| [&w[2], &w[3]]),
        weight_hr: projected.then(|| &w[each - 1]),
    };
    weights.chunks_exact(each).map(one).collect()
}

type Outcome = (PyTensor, PyTensor, Option<PyTensor>);

/// All layers of a recurrent module, over a padded batch, or over a packed one where `batch_sizes` are given. Returns the
/// outputs, the last hidden states, and an LSTM's cells.
#[pyfunction]
fn layers(
    py: Python<'_>,
    mode: Mode,
    input: &Bound<'_, PyTensor>,
    batch_sizes: Option<Vec<usize>>,
    weights: Vec<Bound<'_, PyTensor>>,
    bias: bool,
    projected: bool,
    bidirectional: bool,
    batch_first: bool,
    dropout: f64,
    h: Option<&Bound<'_, PyTensor>>,
    c: Option<&Bound<'_, PyTensor>>,
) -> Result<Outcome> {
    let cell = mode.0;
    let name = cell.name();
    in_either!(name, input, x => {
        let weights = weights.iter().map(|w| alike(name, "weight", w, &x)).collect::<Result<Vec<_>>>()?;
        let (h, c) = (maybe_alike(name, "hx", h, &x)?, maybe_alike(name, "cx", c, &x)?);
        let run = |dropout: Option<(f64, &mut Generator)>| {
            let weights = gather(&weights, bias, projected);
            let mut stacked = Stacked { cell, weights, bidirectional, dropout };
            match &batch_sizes {
                Some(sizes) => stacked.packed(&x, sizes, h.as_ref(), c.as_ref()),
                None => stacked.padded(&x, batch_first, h.as_ref(), c.as_ref()),
            }
        };
        let (y, (h, c)) = compute(py, usize::MAX, || {
            if dropout > 0.0 {
                crate::random::with_generator(None, |generator| run(Some((dropout, generator))))
            } else {
                run(None)
            }
        })?;
        Ok((y.into(), h.into(), c.map(PyTensor::from)))
    })
}

/// One step of a recurrent module: the hidden state after it, and an LSTM's cell.
#[pyfunction]
fn step(
    py: Python<'_>,
    mode: Mode,
    input: &Bound<'_, PyTensor>,
    weights: Vec<Bound<'_, PyTensor>>,
    h: Option<&Bound<'_, PyTensor>>,
    c: Option<&Bound<'_, PyTensor>>,
) -> Result<(PyTensor, Option<PyTensor>)> {
    let name = match mode.0 {
        RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => "RNNCell",
        RecurrentCell::Lstm => "LSTMCell",
        RecurrentCell::Gru => "GRUCell",
    };
    in_either!(name, input, x => {
        let weights = weights.iter().map(|w| alike(name, "weight", w, &x)).collect::<Result<Vec<_>>>()?;
        let (h, c) = (maybe_alike(name, "hx", h, &x)?, maybe_alike(name, "cx", c, &x)?);
        let (h, c) = compute(py, usize::MAX, || {
            let all = gather(&weights, weights.len() > 2, false);
            single_step(mode.0, name, &x, all[0], h.as_ref(), c.as_ref())
        })?;
        Ok((h.into(), c.map(PyTensor::from)))
    })
}

/// The elements of a padded batch, how many rows each step has, and which sequence became the i-th longest.
#[pyfunction]
fn pack_padded(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    lengths: Vec<usize>,
    batch_first: bool,
) -> Result<(PyTensor, Vec<usize>, Vec<usize>)> {
    each_tensor!(input.get().value(), x => {
        let packed = compute(py, x.len(), || packed_sequence::pack_padded_sequence(&x, &lengths, batch_first))?;
        Ok((PyTensor::from(AnyTensor::from(packed.data)), packed.batch_sizes, packed.sorted_indices))
    })
}

/// The padded batch of a packed one, and the lengths of its sequences.
#[pyfunction]
fn pad_packed_sequence(
    py: Python<'_>,
    data: &Bound<'_, PyTensor>,
    batch_sizes: Vec<usize>,
    sorted_indices: Option<Vec<usize>>,
    batch_first: bool,
    padding_value: f64,
    total_length: Option<usize>,
) -> Result<(PyTensor, Vec<usize>)> {
    const NAME: &str = "pad_packed_sequence";
    let batch = batch_sizes.first().copied().unwrap_or(0);
    let sorted_indices = sorted_indices.unwrap_or_else(|| (0..batch).collect());
    let mut places = sorted_indices.clone();
    places.sort_unstable();
    let rows = batch_sizes.iter().try_fold(0usize, |rows, &size| rows.checked_add(size));
    let fits = data.get().value().shape().first().copied() == rows
        && rows.is_some()
        && batch_sizes.windows(2).all(|pair| pair[0] >= pair[1])
        && places.iter().copied().eq(0..batch);
    if !fits {
        return Err(Failure::value(
            NAME,
            format!(
                "batch_sizes {batch_sizes:?} and sorted_indices {sorted_indices:?} are not those of packed data of shape {:?}",
                data.get().value().shape()
            ),
        ));
    }
    each_tensor!(data.get().value(), x => {
        let packed = PackedSequence { data: x, batch_sizes, sorted_indices };
        let elements = packed.data.len();
        let (padded, lengths) =
            compute(py, elements, || pad_packed(&packed, batch_first, padding_value, total_length))?;
        Ok((PyTensor::from(AnyTensor::from(padded)), lengths))
    })
}

/// Sequences padded to the longest, on the right or on the left.
#[pyfunction]
fn pad_sequence(
    py: Python<'_>,
    sequences: Vec<Bound<'_, PyTensor>>,
    batch_first: bool,
    padding_value: f64,
    left: bool,
) -> Result<PyTensor> {
    const NAME: &str = "pad_sequence";
    let Some(first) = sequences.first() else {
        return Err(Failure::value(NAME, "received an empty list of sequences"));
    };
    let side = if left { PaddingSide::Left } else { PaddingSide::Right };
    macro_rules! padded {
        ($($variant:ident),*) => {
            match first.get().value() {
                $(AnyTensor::$variant(_) => {
                    let typed = sequences.iter().map(|x| match x.get().value() {
                        AnyTensor::$variant(x) => Ok(x),
                        other => Err(Failure::wrong_type(format!(
                            "{NAME}: sequences of {} and {}; convert them to one type",
                            crate::dtype::name(first.get().dtype()),
                            crate::dtype::name(other.dtype())
                        ))),
                    });
                    let typed = typed.collect::<Result<Vec<_>>>()?;
                    let all: Vec<_> = typed.iter().collect();
                    let elements = all.iter().map(|x| x.len()).sum();
                    let y = compute(py, elements, || pad(&all, batch_first, padding_value, side))?;
                    Ok(PyTensor::from(AnyTensor::from(y)))
                })*
            }
        };
    }
    padded!(F32, F64, I64, I32, U8, Bool)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(layers, module)?)?;
    module.add_function(wrap_pyfunction!(step, module)?)?;
    module.add_function(wrap_pyfunction!(pack_padded, module)?)?;
    module.add_function(wrap_pyfunction!(pad_packed_sequence, module)?)?;
    module.add_function(wrap_pyfunction!(pad_sequence, module)?)
}
