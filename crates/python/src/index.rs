//! `x[...]` and `x[...] = y`, and methods that pick and place elements by index.

use barehand_tensor::{AnyTensor, DType, Index, Tensor, each_tensor, where_};
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PyList, PySlice, PySliceMethods, PyTuple};

use crate::arithmetic::Operand;
use crate::creation::{Number, filled};
use crate::dtype::{self, promoted};
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, len, released};

/// What stands between the brackets, for a tensor of this shape.
fn indices(key: &Bound<'_, PyAny>, shape: &[usize]) -> Result<Vec<Index>> {
    let parts: Vec<Bound<'_, PyAny>> = match key.cast::<PyTuple>() {
        Ok(parts) => parts.iter().collect(),
        Err(_) => vec![key.clone()],
    };
    // Slices come last, because the lengths of their axes count and a mask lies on several axes.
    let others: Vec<Option<Index>> = parts
        .iter()
        .map(|part| if part.is_instance_of::<PySlice>() { Ok(None) } else { one_index(part).map(Some) })
        .collect::<Result<_>>()?;
    let axes = |index: &Option<Index>| match index {
        Some(Index::NewAxis | Index::Ellipsis) => 0,
        Some(Index::Mask(mask)) => mask.rank(),
        _ => 1,
    };
    // Which axis a slice after an ellipsis is about is counted from the end.
    let consumed: usize = others.iter().map(axes).sum();
    let mut axis = 0;
    let mut indices = Vec::with_capacity(parts.len());
    for (part, other) in parts.iter().zip(others) {
        let here = axis;
        axis += match &other {
            Some(Index::Ellipsis) => shape.len().saturating_sub(consumed),
            other => axes(other),
        };
        indices.push(match other {
            Some(index) => index,
            None => slice_index(part.cast::<PySlice>()?, shape.get(here).copied().unwrap_or(0))?,
        });
    }
    Ok(indices)
}

/// A slice of an axis of this length.
fn slice_index(slice: &Bound<'_, PySlice>, length: usize) -> Result<Index> {
    // A step that is not positive is refused with our words; Python would compute with it.
    let step = slice.getattr("step")?;
    if !step.is_none() && step.extract::<isize>()? <= 0 {
        return Err(Failure::value(
            "index",
            format!("a slice's step must be at least 1, not {step}; use .flip()"),
        ));
    }
    let found = slice.indices(length as isize)?;
    let stop = found.stop.max(found.start);
    Ok(Index::Slice { start: found.start, stop: Some(stop), step: found.step as usize })
}

fn one_index(part: &Bound<'_, PyAny>) -> Result<Index> {
    if part.is_exact_instance_of::<PyInt>() {
        return Ok(Index::At(part.extract()?));
    }
    if part.is_none() {
        return Ok(Index::NewAxis);
    }
    if part.is_instance_of::<PyEllipsis>() {
        return Ok(Index::Ellipsis);
    }
    if part.is_instance_of::<PyBool>() {
        return Err(Failure::wrong_type("index: a single boolean is no index; use a mask, or where()"));
    }
    if let Ok(tensor) = part.cast::<PyTensor>() {
        return tensor_index(tensor.get().value());
    }
    if let Ok(array) = part.cast::<PyUntypedArray>() {
        return tensor_index(crate::array::from_numpy(array)?);
    }
    if part.is_instance_of::<PyList>() || part.is_instance_of::<PyTuple>() {
        let value = crate::creation::from_python(part, None)?;
        // An empty list picks nothing.
        return tensor_index(if len(&value) == 0 { cast(&value, DType::I64) } else { value });
    }
    if part.hasattr("__index__")? {
        return Ok(Index::At(part.call_method0("__index__")?.extract()?));
    }
    Err(Failure::wrong_type(format!(
        "index: integers, slices, None, ..., and tensors or lists of integers or booleans are indices, not {}",
        part.get_type().name()?
    )))
}

fn tensor_index(value: AnyTensor) -> Result<Index> {
    match value {
        AnyTensor::Bool(mask) => Ok(Index::Mask(mask)),
        AnyTensor::I64(x) if x.rank() == 0 => Ok(Index::At(x.item()? as isize)),
        AnyTensor::I64(x) => Ok(Index::Take(x)),
        AnyTensor::I32(_) | AnyTensor::U8(_) => tensor_index(cast(&value, DType::I64)),
        other => Err(Failure::wrong_type(format!(
            "index: tensors of integers or booleans are indices, not of {}",
            dtype::name(other.dtype())
        ))),
    }
}

fn is_view(indices: &[Index]) -> bool {
    !indices.iter().any(|index| matches!(index, Index::Take(_) | Index::Mask(_)))
}

/// Whether the values are those elements themselves, where they lie.
fn is_window(x: &AnyTensor, indices: &[Index], values: &AnyTensor) -> Result<bool> {
    each_tensor!(x, x => {
        let Ok(values) = values.get() else { return Ok(false) };
        Ok(x.shares_memory(&values) && x.detach().index(indices)?.same_memory(&values))
    })
}

#[pymethods]
impl PyTensor {
    fn __getitem__(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>) -> Result<PyTensor> {
        let value = slf.get().value();
        let indices = indices(key, value.shape())?;
        if is_view(&indices) {
            return PyTensor::window(slf, indices);
        }
        let elements = len(&value);
        released(slf.py(), elements, || each_tensor!(&value, x => Ok(PyTensor::from(x.index(&indices)?))))
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, values: &Bound<'_, PyAny>) -> Result<()> {
        let (shape, held) = self.look(|x| (x.shape().to_vec(), x.dtype()));
        let indices = indices(key, &shape)?;
        let values = match Operand::of(values)? {
            Some(Operand::Tensor(y)) if y.dtype() == held => y,
            Some(Operand::Tensor(y)) => cast(&y, held),
            Some(Operand::Number(number)) => number.fitting(held)?.tensor(held),
            None => crate::creation::from_python(values, Some(held))?,
        };
        // The end of `x[0] += 1`: the window has written already.
        if is_view(&indices) && self.look(|x| is_window(x, &indices, &values))? {
            return Ok(());
        }
        self.check_in_place("x[...] = y")?;
        self.write(&indices, &without_leading_ones(values)?)
    }

    /// The indices of an axis that `index` names.
    fn index_select(&self, py: Python<'_>, dim: isize, index: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        let (value, index) = (self.value(), whole(&index.get().value())?);
        let elements = len(&value);
        released(py, elements, || each_tensor!(&value, x => Ok(PyTensor::from(x.index_select(dim, &index)?))))
    }

    /// out[i][j] = x[index[i][j]][j], for `dim` 0.
    fn gather(&self, py: Python<'_>, dim: isize, index: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        let (value, index) = (self.value(), whole(&index.get().value())?);
        let elements = len(&value);
        released(py, elements, || each_tensor!(&value, x => Ok(PyTensor::from(x.gather(dim, &index)?))))
    }

    /// A copy with out[index[i][j]][j] = src[i][j], for `dim` 0.
    fn scatter(
        &self,
        py: Python<'_>,
        dim: isize,
        index: &Bound<'_, PyTensor>,
        src: &Bound<'_, PyAny>,
    ) -> Result<PyTensor> {
        self.scattered(py, dim, index, src, false)
    }

    /// A copy with out[index[i][j]][j] += src[i][j], for `dim` 0.
    fn scatter_add(
        &self,
        py: Python<'_>,
        dim: isize,
        index: &Bound<'_, PyTensor>,
        src: &Bound<'_, PyAny>,
    ) -> Result<PyTensor> {
        self.scattered(py, dim, index, src, true)
    }

    /// `scatter` in place.
    fn scatter_<'py>(
        slf: Bound<'py, Self>,
        dim: isize,
        index: &Bound<'py, PyTensor>,
        src: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, Self>> {
        slf.get().check_in_place("scatter_")?;
        let result = slf.get().scattered(slf.py(), dim, index, src, false)?.value();
        slf.get().assign_result("scatter_", result)?;
        Ok(slf)
    }

    /// `scatter_add` in place.
    fn scatter_add_<'py>(
        slf: Bound<'py, Self>,
        dim: isize,
        index: &Bound<'py, PyTensor>,
        src: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, Self>> {
        slf.get().check_in_place("scatter_add_")?;
        let result = slf.get().scattered(slf.py(), dim, index, src, true)?.value();
        slf.get().assign_result("scatter_add_", result)?;
        Ok(slf)
    }

    /// `value` where the mask is true.
    fn masked_fill(&self, py: Python<'_>, mask: &Bound<'_, PyTensor>, value: Number) -> Result<PyTensor> {
        let (x, mask) = (self.value(), boolean("masked_fill", &mask.get().value())?);
        let (elements, value) = (len(&x), value.fitting(x.dtype())?);
        released(
            py,
            elements,
            || each_tensor!(&x, x => Ok(PyTensor::from(x.masked_fill(&mask, value.element())?))),
        )
    }

    /// `masked_fill` in place.
    fn masked_fill_<'py>(
        slf: Bound<'py, Self>,
        mask: &Bound<'py, PyTensor>,
        value: Number,
    ) -> Result<Bound<'py, Self>> {
        slf.get().check_in_place("masked_fill_")?;
        let result = slf.get().masked_fill(slf.py(), mask, value)?.value();
        slf.get().assign_result("masked_fill_", result)?;
        Ok(slf)
    }

    /// The elements where the mask is true, in one axis.
    fn masked_select(&self, mask: &Bound<'_, PyTensor>) -> Result<PyTensor> {
        let mask = boolean("masked_select", &mask.get().value())?;
        let value = self.value();
        each_tensor!(&value, x => {
            let shape = barehand_tensor::layout::broadcast_shapes("masked_select", x.shape(), mask.shape())?;
            Ok(PyTensor::from(x.expand(&shape)?.masked_select(&mask.expand(&shape)?)?))
        })
    }

    /// The indices of the elements that are not 0, one row for each.
    fn nonzero(&self) -> Result<PyTensor> {
        let x = self.value().cast::<bool>();
        let places: Vec<usize> = x.to_vec().iter().enumerate().filter(|(_, v)| **v).map(|(i, _)| i).collect();
        let mut rows = Vec::with_capacity(places.len() * x.rank());
        for place in &places {
            let mut row = vec![0; x.rank()];
            let mut rest = *place;
            for axis in (0..x.rank()).rev() {
                row[axis] = (rest % x.shape()[axis]) as i64;
                rest /= x.shape()[axis];
            }
            rows.extend(row);
        }
        Ok(Tensor::from_vec(rows, [places.len(), x.rank()])?.into())
    }

    /// This where the condition is true, `other` elsewhere.
    fn r#where(
        slf: &Bound<'_, Self>,
        condition: &Bound<'_, PyTensor>,
        other: &Bound<'_, PyAny>,
    ) -> Result<PyTensor> {
        where_function(slf.py(), condition, slf, other)
    }
}

impl PyTensor {
    fn scattered(
        &self,
        py: Python<'_>,
        dim: isize,
        index: &Bound<'_, PyTensor>,
        src: &Bound<'_, PyAny>,
        add: bool,
    ) -> Result<PyTensor> {
        let (value, index) = (self.value(), whole(&index.get().value())?);
        let operation = if add { "scatter_add" } else { "scatter" };
        let source = match Operand::expected(operation, src)? {
            Operand::Tensor(source) if source.dtype() == value.dtype() => source,
            Operand::Tensor(source) => {
                return Err(Failure::wrong_type(format!(
                    "{operation}: src is {}, the tensor {}",
                    dtype::name(source.dtype()),
                    dtype::name(value.dtype())
                )));
            }
            Operand::Number(number) => filled(index.shape(), number.fitting(value.dtype())?, value.dtype()),
        };
        let elements = len(&value);
        released(py, elements, || {
            each_tensor!(&value, x => {
                let source = source.get()?;
                let result = if add { x.scatter_add(dim, &index, &source) } else { x.scatter(dim, &index, &source) };
                Ok(PyTensor::from(result?))
            })
        })
    }
}

/// Values may have leading axes of length 1 that what is indexed lacks, as in NumPy.
fn without_leading_ones(values: AnyTensor) -> Result<AnyTensor> {
    let mut shape = values.shape().to_vec();
    while shape.len() > 1 && shape[0] == 1 {
        shape.remove(0);
    }
    if shape.len() == values.shape().len() {
        return Ok(values);
    }
    let shape: Vec<isize> = shape.iter().map(|&n| n as isize).collect();
    each_tensor!(&values, x => Ok(x.reshape(&shape)?.into()))
}

/// Indices as int64.
pub fn whole(value: &AnyTensor) -> Result<Tensor<i64>> {
    match value {
        AnyTensor::I64(x) => Ok(x.clone()),
        AnyTensor::I32(x) => Ok(x.cast()),
        AnyTensor::U8(x) => Ok(x.cast()),
        other => {
            Err(Failure::wrong_type(format!("indices must be integers, not {}", dtype::name(other.dtype()))))
        }
    }
}

fn boolean(operation: &str, value: &AnyTensor) -> Result<Tensor<bool>> {
    match value {
        AnyTensor::Bool(x) => Ok(x.clone()),
        other => Err(Failure::wrong_type(format!(
            "{operation}: the mask must be of bool, not {}",
            dtype::name(other.dtype())
        ))),
    }
}

/// `input` where the condition is true, `other` elsewhere; all three broadcast.
#[pyfunction]
#[pyo3(name = "where", signature = (condition, input, other))]
fn where_function(
    py: Python<'_>,
    condition: &Bound<'_, PyTensor>,
    input: &Bound<'_, PyAny>,
    other: &Bound<'_, PyAny>,
) -> Result<PyTensor> {
    let condition = boolean("where", &condition.get().value())?;
    let (x, y) = (Operand::expected("where", input)?, Operand::expected("where", other)?);
    // Numbers take the type of the tensor beside them.
    let kind = |operand: &Operand| match operand {
        Operand::Tensor(x) => (x.dtype(), x.shape().len()),
        Operand::Number(number) => (number.dtype(), 0),
    };
    let dtype = match (&x, &y) {
        (Operand::Tensor(x), Operand::Number(number)) | (Operand::Number(number), Operand::Tensor(x)) => {
            dtype::with_number(x.dtype(), number.dtype())
        }
        _ => promoted(kind(&x), kind(&y)),
    };
    let (x, y) = (x.into_tensor(dtype), y.into_tensor(dtype));
    let elements = condition.len().max(len(&x));
    released(py, elements, || each_tensor!(&x, x => Ok(PyTensor::from(where_(&condition, x, &y.get()?)?))))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(where_function, module)?)
}
