//! Products of matrices and vectors, and sums of products by Einstein's notation.

use barehand_tensor::{AnyTensor, DType, Tensor, each_tensor};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arithmetic::{Operand, Operation};
use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, len, released};

#[pymethods]
impl PyTensor {
    /// The product of matrices, or of vectors with them; leading axes are batches and broadcast.
    fn matmul(slf: &Bound<'_, Self>, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        product(slf.py(), "matmul", &slf.get().value(), &other.get().value())
    }

    fn __matmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<Py<PyAny>> {
        let py = slf.py();
        match Operand::of(other)? {
            Some(Operand::Tensor(y)) => {
                Ok(Py::new(py, product(py, "matmul", &slf.get().value(), &y)?)?.into_any())
            }
            _ => Ok(py.NotImplemented()),
        }
    }

    fn __rmatmul__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> Result<Py<PyAny>> {
        let py = slf.py();
        match Operand::of(other)? {
            Some(Operand::Tensor(x)) => {
                Ok(Py::new(py, product(py, "matmul", &x, &slf.get().value())?)?.into_any())
            }
            _ => Ok(py.NotImplemented()),
        }
    }

    /// The product of two matrices.
    fn mm(slf: &Bound<'_, Self>, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        product_of_ranks(slf, "mm", other, 2, 2)
    }

    /// The products of two rows of matrices.
    fn bmm(slf: &Bound<'_, Self>, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        product_of_ranks(slf, "bmm", other, 3, 3)
    }

    /// The product of a matrix and a vector.
    fn mv(slf: &Bound<'_, Self>, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        product_of_ranks(slf, "mv", other, 2, 1)
    }

    /// Σ x y of two vectors.
    fn dot(slf: &Bound<'_, Self>, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        let lengths = (slf.get().look(len), other.get().look(len));
        if lengths.0 != lengths.1 {
            return Err(Failure::value(
                "dot",
                format!("vectors of {} and {} elements", lengths.0, lengths.1),
            ));
        }
        product_of_ranks(slf, "dot", other, 1, 1)
    }

    /// x_i y_j of two vectors.
    fn outer(slf: &Bound<'_, Self>, other: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        let (x, y) = (slf.get().value(), other.get().value());
        if x.shape().len() != 1 || y.shape().len() != 1 {
            return Err(Failure::value(
                "outer",
                format!("two vectors expected, not shapes {:?} and {:?}", x.shape(), y.shape()),
            ));
        }
        let column: AnyTensor = each_tensor!(&x, x => x.unsqueeze(1)?.into());
        Ok(PyTensor::from(Operation::Mul.apply(slf.py(), column, Operand::Tensor(y), false)?))
    }
}

fn product_of_ranks(
    slf: &Bound<'_, PyTensor>,
    operation: &str,
    other: &Bound<'_, PyTensor>,
    left: usize,
    right: usize,
) -> Result<PyTensor> {
    let (x, y) = (slf.get().value(), other.get().value());
    if x.shape().len() != left || y.shape().len() != right {
        return Err(Failure::value(
            operation,
            format!("shapes {:?} and {:?} must have {left} and {right} axes", x.shape(), y.shape()),
        ));
    }
    product(slf.py(), operation, &x, &y)
}

/// Refuses operands of two element types, or of none that has products.
pub fn same_real(operation: &str, tensors: &[&AnyTensor]) -> Result<DType> {
    let dtype = tensors[0].dtype();
    for tensor in tensors {
        if tensor.dtype() != dtype || !dtype::is_float(dtype) {
            let names: Vec<&str> = tensors.iter().map(|tensor| dtype::name(tensor.dtype())).collect();
            return Err(Failure::wrong_type(format!(
                "{operation}: the operands must have one dtype, float32 or float64, not {}",
                names.join(" and ")
            )));
        }
    }
    Ok(dtype)
}

fn product(py: Python<'_>, operation: &str, x: &AnyTensor, y: &AnyTensor) -> Result<PyTensor> {
    same_real(operation, &[x, y])?;
    let work = len(x) * y.shape().last().copied().unwrap_or(1);
    released(py, work, || match (x, y) {
        (AnyTensor::F32(x), AnyTensor::F32(y)) => Ok(x.matmul(y)?.into()),
        (AnyTensor::F64(x), AnyTensor::F64(y)) => Ok(x.matmul(y)?.into()),
        _ => unreachable!("checked above"),
    })
}

/// Sums of products by Einstein's notation: `einsum("ij,jk->ik", a, b)`.
#[pyfunction]
#[pyo3(signature = (equation, *operands))]
fn einsum(py: Python<'_>, equation: &str, operands: &Bound<'_, PyTuple>) -> Result<PyTensor> {
    let given: Vec<Bound<'_, PyTensor>> =
        if operands.len() == 1 && operands.get_item(0)?.cast::<PyTensor>().is_err() {
            operands.get_item(0)?.extract()?
        } else {
            operands.extract()?
        };
    let values: Vec<AnyTensor> = given.iter().map(|tensor| tensor.get().value()).collect();
    if values.is_empty() {
        return Err(Failure::value("einsum", "no operands were given"));
    }
    let dtype = same_real("einsum", &values.iter().collect::<Vec<_>>())?;
    let work = values.iter().map(len).sum::<usize>() * 64;
    released(py, work, || {
        if dtype == DType::F32 {
            let same =
                values.iter().map(AnyTensor::get).collect::<barehand_tensor::Result<Vec<Tensor<f32>>>>()?;
            Ok(barehand_tensor::einsum(equation, &same.iter().collect::<Vec<_>>())?.into())
        } else {
            let same =
                values.iter().map(AnyTensor::get).collect::<barehand_tensor::Result<Vec<Tensor<f64>>>>()?;
            Ok(barehand_tensor::einsum(equation, &same.iter().collect::<Vec<_>>())?.into())
        }
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(einsum, module)?)
}
