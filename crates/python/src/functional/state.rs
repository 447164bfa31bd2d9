//! What `barehand.nn.Module` does to its tensors.

use barehand_tensor::{AnyTensor, each_tensor};
use pyo3::prelude::*;

use crate::creation::{Number, filled, from_python};
use crate::dtype::DTypeArgument;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, detached, is_leaf, set_data};

/// Forgets the gradients of tensors, or sets them to 0.
#[pyfunction]
pub fn zero_grads(tensors: Vec<Bound<'_, PyTensor>>, set_to_none: bool) {
    for tensor in tensors {
        let gradient = tensor.get().gradient();
        if set_to_none {
            gradient.set(None);
        } else if let Some(held) = gradient.get(tensor.py()) {
            let zeros = held.get().look(|grad| filled(grad.shape(), Number::Int(0), grad.dtype()));
            held.get().replace(zeros);
        }
    }
}

/// Converts a tensor and its gradient in place; a leaf stays a leaf, and the object the object it is.
#[pyfunction]
fn convert(tensor: &Bound<'_, PyTensor>, dtype: DTypeArgument) -> Result<()> {
    let held = tensor.get();
    if held.dtype() == dtype.0 {
        return Ok(());
    }
    let leaf = held.look(is_leaf);
    held.replace(cast(&detached(&held.value()), dtype.0));
    if let Some(grad) = held.gradient().get(tensor.py()) {
        grad.get().replace(cast(&detached(&grad.get().value()), dtype.0));
    }
    if leaf { held.make_leaf() } else { Ok(()) }
}

/// The elements of anything that holds numbers, as a tensor of one element type with memory of its own.
#[pyfunction]
fn copied(values: &Bound<'_, PyAny>, dtype: DTypeArgument) -> Result<PyTensor> {
    let values = from_python(values, None)?;
    let mut values = if values.dtype() == dtype.0 { values } else { cast(&values, dtype.0) };
    each_tensor!(&mut values, x => { x.data_mut(); });
    Ok(PyTensor::from(values))
}

/// Gives a tensor the elements of another one of its shape and type.
#[pyfunction]
fn copy_into(tensor: &Bound<'_, PyTensor>, values: &Bound<'_, PyTensor>) -> Result<()> {
    let values = detached(&values.get().value());
    tensor.get().update(|held| set_data(held, &values))
}

/// Adds one to a count, in place, and returns it.
#[pyfunction]
fn increment(count: &Bound<'_, PyTensor>) -> Result<i64> {
    count.get().update(|held| match held {
        AnyTensor::I64(x) if x.len() == 1 => {
            let count = &mut x.data_mut()[0];
            *count += 1;
            Ok(*count)
        }
        other => Err(Failure::wrong_type(format!(
            "a count is one int64, not {:?} of {}",
            other.shape(),
            other.dtype()
        ))),
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(zero_grads, module)?)?;
    module.add_function(wrap_pyfunction!(convert, module)?)?;
    module.add_function(wrap_pyfunction!(copied, module)?)?;
    module.add_function(wrap_pyfunction!(copy_into, module)?)?;
    module.add_function(wrap_pyfunction!(increment, module)?)
}
