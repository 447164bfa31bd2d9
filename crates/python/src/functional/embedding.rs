//! Embedding.

use barehand_tensor::{AnyTensor, DType, EmbeddingOptions, Tensor, no_grad};
use pyo3::prelude::*;

use super::{compute, on_floats};
use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, detached};

/// The row of `weight` (V, D) for each index: (*) to (*, D).
///
/// The row `padding_idx`, which may count from the end, gets no gradient; `scale_grad_by_freq` divides each row's gradient
/// by the number of times that the row was picked. With `max_norm`, rows that are picked and longer than that are shortened
/// to it first, in `weight` itself and off the tape; `norm_type` says by which norm.
///
/// >>> F.embedding(bh.tensor([1, 1, 0]), bh.tensor([[1.0, 2.0], [3.0, 4.0]]))
/// tensor([[3., 4.],
///         [3., 4.],
///         [1., 2.]])
#[pyfunction]
#[pyo3(signature = (input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=false))]
fn embedding(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    weight: &Bound<'_, PyTensor>,
    padding_idx: Option<i64>,
    max_norm: Option<f64>,
    norm_type: f64,
    scale_grad_by_freq: bool,
) -> Result<PyTensor> {
    const NAME: &str = "embedding";
    let given = input.get().value();
    if !matches!(given.dtype(), DType::I64 | DType::I32) {
        return Err(Failure::wrong_type(format!(
            "{NAME}: indices are int64 or int32, not {}",
            dtype::name(given.dtype())
        )));
    }
    let ids = given.cast::<i64>();
    if let Some(max_norm) = max_norm {
        shorten(weight.get(), &ids, max_norm, norm_type)?;
    }
    on_floats!(NAME, weight, table => {
        let rows = table.shape().first().map_or(0, |&rows| rows as i64);
        let padding_idx = match padding_idx {
            Some(row) if row < -rows || row >= rows => {
                return Err(Failure::value(NAME, format!("padding_idx {row} must be within a table of {rows} rows")));
            }
            Some(row) => Some(row.rem_euclid(rows) as usize),
            None => None,
        };
        let options = EmbeddingOptions { padding_idx, scale_grad_by_freq };
        compute(py, ids.len() * table.shape().last().copied().unwrap_or(1), || table.embedding(&ids, options))
    })
}

/// Shortens the rows that are picked, in the table that the name stands for.
fn shorten(weight: &PyTensor, ids: &Tensor<i64>, max_norm: f64, norm_type: f64) -> Result<()> {
    const NAME: &str = "embedding";
    no_grad(|| {
        weight.check_in_place(NAME)?;
        if !weight.is_window() {
            return weight.update(|table| match table {
                AnyTensor::F32(table) => Ok(table.embedding_renorm(ids, max_norm, norm_type)?),
                AnyTensor::F64(table) => Ok(table.embedding_renorm(ids, max_norm, norm_type)?),
                other => Err(super::not_float(NAME, other.dtype())),
            });
        }
        let mut table = detached(&weight.value());
        match &mut table {
            AnyTensor::F32(table) => table.embedding_renorm(ids, max_norm, norm_type)?,
            AnyTensor::F64(table) => table.embedding_renorm(ids, max_norm, norm_type)?,
            other => return Err(super::not_float(NAME, other.dtype())),
        }
        weight.assign_result(NAME, table)
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(embedding, module)?)
}
