//! What `barehand.nn.utils` does to gradients.

use barehand_nn::Norm;
use barehand_tensor::{AnyTensor, Tensor};
use pyo3::prelude::*;

use super::not_float;
use crate::error::{Failure, Result};
use crate::tensor::PyTensor;

/// The norm of all tensors together, in the type of the first.
#[pyfunction]
fn total_norm(tensors: Vec<Bound<'_, PyTensor>>, p: f64) -> Result<PyTensor> {
    let norm = match p {
        2.0 => Norm::Two,
        f64::INFINITY => Norm::Infinity,
        p if p > 0.0 => Norm::P(p),
        p => return Err(Failure::value("total_norm", format!("the norm's p = {p} must be positive"))),
    };
    let mut double = false;
    let mut norms = Vec::with_capacity(tensors.len());
    for (i, tensor) in tensors.iter().enumerate() {
        norms.push(match tensor.get().value() {
            AnyTensor::F32(x) => norm.of_tensor(&x),
            AnyTensor::F64(x) => {
                double |= i == 0;
                norm.of_tensor(&x)
            }
            other => return Err(not_float("total_norm", other.dtype())),
        });
    }
    let total = norm.of_norms(&norms);
    Ok(if double { Tensor::scalar(total).into() } else { Tensor::scalar(total as f32).into() })
}

/// Multiplies every tensor, in place.
#[pyfunction]
fn scale(tensors: Vec<Bound<'_, PyTensor>>, factor: f64) -> Result<()> {
    changed(tensors, "scale", |x| x.mul_scalar(factor), |x| x.mul_scalar(factor))
}

/// Holds every element between -limit and limit, in place.
#[pyfunction]
fn clamp(tensors: Vec<Bound<'_, PyTensor>>, limit: f64) -> Result<()> {
    if limit.is_nan() || limit < 0.0 {
        return Err(Failure::value("clip_grad_value_", format!("clip_value = {limit} must be 0 or more")));
    }
    changed(tensors, "clip_grad_value_", |x| x.clamp(-limit, limit), |x| x.clamp(-limit, limit))
}

fn changed(
    tensors: Vec<Bound<'_, PyTensor>>,
    operation: &str,
    single: impl Fn(&Tensor<f32>) -> barehand_tensor::Result<Tensor<f32>>,
    double: impl Fn(&Tensor<f64>) -> barehand_tensor::Result<Tensor<f64>>,
) -> Result<()> {
    for tensor in tensors {
        let result = match crate::tensor::detached(&tensor.get().value()) {
            AnyTensor::F32(x) => single(&x)?.into(),
            AnyTensor::F64(x) => double(&x)?.into(),
            other => return Err(not_float(operation, other.dtype())),
        };
        tensor.get().replace(result);
    }
    Ok(())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(total_norm, module)?)?;
    module.add_function(wrap_pyfunction!(scale, module)?)?;
    module.add_function(wrap_pyfunction!(clamp, module)?)
}
