//! `barehand.nn.functional`: layers, activations and losses as functions of tensors.
//!
//! They are the extension's own functions under the names of the Python module, so that a call runs no Python code.

mod activation;
mod attention;
mod convolution;
mod embedding;
mod gradient;
mod initial;
mod kv_cache;
mod loss;
mod metric_loss;
mod multihead_attention;
mod normalization;
mod pooling;
mod recurrent;
mod state;

use barehand_tensor::{AnyTensor, DType, Float, PadMode, Tensor};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, is_leaf, released, set_data};

/// Runs a computation in either precision of its first operand and gives the result to Python.
macro_rules! on_floats {
    ($operation:expr, $input:expr, $x:ident => $body:expr) => {
        match $input.get().value() {
            barehand_tensor::AnyTensor::F32($x) => $body.map(crate::tensor::PyTensor::from),
            barehand_tensor::AnyTensor::F64($x) => $body.map(crate::tensor::PyTensor::from),
            other => Err(crate::functional::not_float($operation, other.dtype())),
        }
    };
}
use on_floats;

fn not_float(operation: &str, dtype: DType) -> Failure {
    Failure::wrong_type(format!(
        "{operation}: the input is {}, and only float32 and float64 will do; convert it with .float()",
        dtype::name(dtype)
    ))
}

/// The tensor inside, without a copy, where its elements are `T`.
fn typed<T: Float>(value: AnyTensor) -> Result<Tensor<T>, DType> {
    let dtype = value.dtype();
    let mut held = Some(value);
    macro_rules! take {
        ($($variant:ident),*) => {
            match held.take() {
                $(Some(AnyTensor::$variant(x)) => {
                    let mut x = Some(x);
                    let x: &mut dyn std::any::Any = &mut x;
                    x.downcast_mut::<Option<Tensor<T>>>().and_then(Option::take)
                })*
                _ => None,
            }
        };
    }
    take!(F32, F64).ok_or(dtype)
}

/// Another operand of the first one's precision.
fn alike<T: Float>(
    operation: &str,
    name: &str,
    given: &Bound<'_, PyTensor>,
    _first: &Tensor<T>,
) -> Result<Tensor<T>> {
    typed(given.get().value()).map_err(|dtype| {
        Failure::wrong_type(format!(
            "{operation}: the input is {} and {name} is {}; convert one of them with .to(dtype)",
            dtype::name(T::DTYPE),
            dtype::name(dtype)
        ))
    })
}

/// Another operand, where there is one.
fn maybe_alike<T: Float>(
    operation: &str,
    name: &str,
    given: Option<&Bound<'_, PyTensor>>,
    first: &Tensor<T>,
) -> Result<Option<Tensor<T>>> {
    given.map(|given| alike(operation, name, given, first)).transpose()
}

/// Runs work on `elements` elements, other Python threads meanwhile where that pays.
#[inline]
fn compute<R: Send>(
    py: Python<'_>,
    elements: usize,
    work: impl FnOnce() -> barehand_tensor::Result<R> + Send,
) -> Result<R> {
    Ok(released(py, elements, work)?)
}

/// A new tensor, or with `inplace` the input under its new value.
fn returned<'py>(
    operation: &str,
    input: &Bound<'py, PyTensor>,
    result: PyTensor,
    inplace: bool,
) -> Result<Bound<'py, PyTensor>> {
    if !inplace {
        return Ok(Bound::new(input.py(), result)?);
    }
    input.get().check_in_place(operation)?;
    input.get().assign_result(operation, result.value())?;
    Ok(input.clone())
}

/// Gives a tensor other elements of the same shape and type, off the tape; a leaf stays the leaf it is.
fn overwrite(operation: &str, tensor: &PyTensor, values: &AnyTensor) -> Result<()> {
    if !tensor.look(is_leaf) {
        tensor.check_in_place(operation)?;
    }
    tensor.update(|held| set_data(held, values))
}

/// y = x Wᵀ + b over the last axis: input (*, in), weight (out, in), bias (out), output (*, out).
///
/// >>> F.linear(bh.ones(1, 2), bh.tensor([[1.0, 2.0], [3.0, 4.0]]), bh.tensor([0.5, 0.5]))
/// tensor([[3.5000, 7.5000]])
#[pyfunction]
#[pyo3(signature = (input, weight, bias=None))]
fn linear(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    weight: &Bound<'_, PyTensor>,
    bias: Option<&Bound<'_, PyTensor>>,
) -> Result<PyTensor> {
    on_floats!("linear", input, x => {
        let weight = alike("linear", "weight", weight, &x)?;
        let bias = maybe_alike("linear", "bias", bias, &x)?;
        compute(py, x.len() + weight.len(), || x.linear(&weight, bias.as_ref()))
    })
}

/// In training each element becomes 0 with probability p, and the others grow by 1 / (1 - p); else nothing happens.
#[pyfunction]
#[pyo3(signature = (input, p=0.5, training=true, inplace=false))]
fn dropout<'py>(
    input: &Bound<'py, PyTensor>,
    p: f64,
    training: bool,
    inplace: bool,
) -> Result<Bound<'py, PyTensor>> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Failure::value("dropout", format!("probability has to be between 0 and 1, but got {p}")));
    }
    if !training || p == 0.0 {
        return Ok(input.clone());
    }
    let result = on_floats!("dropout", input, x => compute(input.py(), x.len(), || {
        crate::random::with_generator(None, |generator| x.dropout(p, generator))
    }))?;
    returned("dropout", input, result, inplace)
}

/// Drops whole channels of an input with one of these numbers of axes; with two it is one sample without N.
fn drop_channels<'py>(
    operation: &str,
    ranks: [usize; 2],
    input: &Bound<'py, PyTensor>,
    p: f64,
    training: bool,
    inplace: bool,
) -> Result<Bound<'py, PyTensor>> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Failure::value(operation, format!("probability has to be between 0 and 1, but got {p}")));
    }
    let rank = input.get().look(|x| x.shape().len());
    if !ranks.contains(&rank) {
        return Err(Failure::value(
            operation,
            format!("expected {}D or {}D input, but received a {rank}D input", ranks[0], ranks[1]),
        ));
    }
    if !training || p == 0.0 {
        return Ok(input.clone());
    }
    let result = on_floats!(operation, input, x => compute(input.py(), x.len(), || {
        crate::random::with_generator(None, |generator| {
            if rank == 2 { x.unsqueeze(0)?.channel_dropout(p, generator)?.squeeze(0) } else { x.channel_dropout(p, generator) }
        })
    }))?;
    returned(operation, input, result, inplace)
}

/// In training each channel of (N, C, L) or (C, L) becomes 0 as a whole with probability p, and the others grow by
/// 1 / (1 - p); else nothing happens.
#[pyfunction]
#[pyo3(signature = (input, p=0.5, training=true, inplace=false))]
fn dropout1d<'py>(
    input: &Bound<'py, PyTensor>,
    p: f64,
    training: bool,
    inplace: bool,
) -> Result<Bound<'py, PyTensor>> {
    drop_channels("dropout1d", [2, 3], input, p, training, inplace)
}

/// In training each channel of (N, C, H, W) becomes 0 as a whole with probability p, and the others grow by 1 / (1 - p);
/// else nothing happens. As in PyTorch, an input of three axes is (N, C, L).
#[pyfunction]
#[pyo3(signature = (input, p=0.5, training=true, inplace=false))]
fn dropout2d<'py>(
    input: &Bound<'py, PyTensor>,
    p: f64,
    training: bool,
    inplace: bool,
) -> Result<Bound<'py, PyTensor>> {
    drop_channels("dropout2d", [3, 4], input, p, training, inplace)
}

/// Axes `start_dim` to `end_dim` become one.
#[pyfunction]
#[pyo3(signature = (input, start_dim=0, end_dim=-1))]
fn flatten(input: &Bound<'_, PyTensor>, start_dim: isize, end_dim: isize) -> Result<PyTensor> {
    let value = input.get().value();
    if value.shape().is_empty() {
        return barehand_tensor::each_tensor!(&value, x => Ok(PyTensor::from(x.unsqueeze(0)?)));
    }
    barehand_tensor::each_tensor!(&value, x => Ok(PyTensor::view_of(x.flatten(start_dim, end_dim)?.into())))
}

/// Surrounded by `value`, or by the tensor's own values: with `mode` "reflect" as in a mirror on the edge element, with
/// "replicate" the edge element, with "circular" the other end. `pad` lists how many before and how many after, for the last
/// axis first: (left, right, top, bottom, ...); negative numbers cut off.
///
/// >>> F.pad(bh.ones(2), (1, 2))
/// tensor([0., 1., 1., 0., 0.])
/// >>> F.pad(bh.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
/// tensor([[3., 2., 1., 2., 3., 2.]])
#[pyfunction]
#[pyo3(signature = (input, pad, mode="constant", value=None))]
fn pad(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    pad: Vec<isize>,
    mode: &str,
    value: Option<crate::creation::Number>,
) -> Result<PyTensor> {
    let own = match mode {
        "constant" => None,
        "reflect" => Some(PadMode::Reflect),
        "replicate" => Some(PadMode::Replicate),
        "circular" => Some(PadMode::Circular),
        other => {
            let known = "'constant', 'reflect', 'replicate' or 'circular'";
            return Err(Failure::value("pad", format!("mode '{other}' is none of {known}")));
        }
    };
    if own.is_some() && value.is_some() {
        return Err(Failure::value("pad", format!("mode '{mode}' takes no value")));
    }
    let any = input.get().value();
    let rank = any.shape().len();
    if pad.len() % 2 == 1 || pad.len() / 2 > rank {
        return Err(Failure::value(
            "pad",
            format!(
                "{} amounts for shape {:?}: one pair for each axis that is padded expected",
                pad.len(),
                any.shape()
            ),
        ));
    }
    let value = value.unwrap_or(crate::creation::Number::Int(0));
    let elements = crate::tensor::len(&any);
    let padded = released(py, elements, || -> barehand_tensor::Result<AnyTensor> {
        barehand_tensor::each_tensor!(any, x => {
            let mut x = x;
            let mut amounts = vec![(0, 0); rank];
            for (i, pair) in pad.chunks_exact(2).enumerate() {
                let axis = rank - 1 - i;
                let cut = (pair[0].min(0).unsigned_abs(), pair[1].min(0).unsigned_abs());
                if cut != (0, 0) {
                    let len = x.shape()[axis];
                    let Some(left) = len.checked_sub(cut.0 + cut.1) else {
                        return Err(barehand_tensor::Error::value(
                            "pad",
                            format!("{} and {} cut off axis {axis}, which has length {len}", cut.0, cut.1),
                        ));
                    };
                    x = x.narrow(axis as isize, cut.0, left)?;
                }
                amounts[axis] = (pair[0].max(0) as usize, pair[1].max(0) as usize);
            }
            Ok(match own {
                None => x.pad(&amounts, value.element())?.into(),
                Some(mode) => x.pad_with(&amounts, mode)?.into(),
            })
        })
    })?;
    Ok(PyTensor::from(padded))
}

/// Row i is 0 but for a 1 at place `tensor[i]`: (*) to (*, num_classes). `num_classes=-1` is one more than the largest.
///
/// >>> F.one_hot(bh.tensor([0, 2]), num_classes=3)
/// tensor([[1, 0, 0],
///         [0, 0, 1]])
#[pyfunction]
#[pyo3(signature = (tensor, num_classes=-1))]
fn one_hot(tensor: &Bound<'_, PyTensor>, num_classes: i64) -> Result<PyTensor> {
    let given = tensor.get().value();
    if dtype::is_float(given.dtype()) || given.dtype() == DType::Bool {
        return Err(Failure::wrong_type(format!(
            "one_hot: whole numbers expected, not {}",
            dtype::name(given.dtype())
        )));
    }
    let classes = given.cast::<i64>().to_vec();
    let most = classes.iter().max().map_or(0, |most| most + 1);
    if classes.iter().any(|&class| class < 0) {
        return Err(Failure::value("one_hot", "class values must be non-negative"));
    }
    if num_classes == -1 && classes.is_empty() {
        return Err(Failure::value("one_hot", "cannot infer the number of classes of an empty tensor"));
    }
    let width = if num_classes == -1 { most } else { num_classes };
    if width < most.max(1) {
        return Err(Failure::value(
            "one_hot",
            format!("num_classes = {width} must be more than the largest class {}", most - 1),
        ));
    }
    let mut hot = vec![0_i64; classes.len() * width as usize];
    for (row, class) in hot.chunks_exact_mut(width as usize).zip(classes) {
        row[class as usize] = 1;
    }
    let shape: Vec<usize> = given.shape().iter().copied().chain([width as usize]).collect();
    Ok(PyTensor::from(Tensor::from_vec(hot, shape)?))
}

/// A number for each of `D` axes, height before width: `2`, `(2, 3)`.
#[derive(Clone, Copy)]
struct Sides<const D: usize>([usize; D]);

impl<'py, const D: usize> FromPyObject<'_, 'py> for Sides<D> {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let many = if D == 1 { "one" } else { "a pair" };
        let wrong = |_| {
            Failure::wrong_type(format!(
                "{} is neither a whole number nor {many} of them, none below 0",
                given.to_owned()
            ))
        };
        if let Ok(all) = given.extract::<usize>() {
            return Ok(Sides([all; D]));
        }
        let sides = given.extract::<Vec<usize>>().map_err(wrong)?;
        match sides[..] {
            [all] => Ok(Sides([all; D])),
            _ => sides.try_into().map(Sides).map_err(|more| {
                let expected = if D == 1 { "one length" } else { "height and width" };
                Failure::wrong_type(format!("{more:?}: {expected} expected")).into()
            }),
        }
    }
}

/// A shape: `5`, `(5, 3)`.
struct Sizes(Vec<usize>);

impl<'py> FromPyObject<'_, 'py> for Sizes {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Sizes(crate::creation::sizes("normalized_shape", &PyTuple::new(given.py(), [given])?)?))
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Under the name by which Python imports it, so that pickled functions are found again.
    let functional = PyModule::new(module.py(), "barehand.nn.functional")?;
    functional.add_function(wrap_pyfunction!(linear, &functional)?)?;
    functional.add_function(wrap_pyfunction!(dropout, &functional)?)?;
    functional.add_function(wrap_pyfunction!(dropout1d, &functional)?)?;
    functional.add_function(wrap_pyfunction!(dropout2d, &functional)?)?;
    functional.add_function(wrap_pyfunction!(flatten, &functional)?)?;
    functional.add_function(wrap_pyfunction!(pad, &functional)?)?;
    functional.add_function(wrap_pyfunction!(one_hot, &functional)?)?;
    activation::register(&functional)?;
    attention::register(&functional)?;
    embedding::register(&functional)?;
    convolution::register(&functional)?;
    loss::register(&functional)?;
    multihead_attention::register(&functional)?;
    metric_loss::register(&functional)?;
    normalization::register(&functional)?;
    pooling::register(&functional)?;
    // Not among the names that `import *` of the package brings.
    module.setattr("_functional", functional)?;
    let init = PyModule::new(module.py(), "barehand.nn.init")?;
    initial::register(&init)?;
    module.setattr("_init", init)?;
    let recurrent = PyModule::new(module.py(), "barehand.nn.rnn")?;
    recurrent::register(&recurrent)?;
    module.setattr("_recurrent", recurrent)?;
    let state = PyModule::new(module.py(), "barehand.nn.module")?;
    state::register(&state)?;
    module.setattr("_state", state)?;
    let gradients = PyModule::new(module.py(), "barehand.nn.utils")?;
    gradient::register(&gradients)?;
    module.setattr("_gradients", gradients)?;
    kv_cache::register(module)
}
