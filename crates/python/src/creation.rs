//! New tensors: from Python's data, constant, in sequence, joined.

use barehand_tensor::{AnyTensor, DType, Element, Tensor, concat, each_tensor, stack};
use numpy::PyUntypedArray;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyTuple};

use crate::dtype::{DTypeArgument, default_float};
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, detached, len, released};

/// A tensor of whatever Python data holds numbers: a number, nested sequences, arrays, tables, other libraries' tensors.
pub fn from_python(data: &Bound<'_, PyAny>, dtype: Option<DType>) -> Result<AnyTensor> {
    let as_wanted = |value: AnyTensor| match dtype {
        Some(dtype) if dtype != value.dtype() => cast(&value, dtype),
        _ => value,
    };
    if let Ok(tensor) = data.cast::<PyTensor>() {
        return Ok(as_wanted(detached(&tensor.get().value())));
    }
    if let Ok(array) = data.cast::<PyUntypedArray>() {
        return Ok(as_wanted(crate::array::from_numpy(array)?));
    }
    if let Some(number) = Number::of(data)? {
        let dtype = dtype.unwrap_or_else(|| number.dtype());
        return Ok(number.fitting(dtype)?.tensor(dtype));
    }
    // Python's own numbers say nothing about precision; arrays, tables and other libraries' tensors do.
    let typed =
        data.hasattr("__array__")? || data.hasattr("__array_interface__")? || data.hasattr("__dlpack__")?;
    if data.hasattr("__dlpack__")? && !data.hasattr("__array__")? {
        return Ok(as_wanted(crate::dlpack::from_dlpack(data)?));
    }
    let array = data.py().import("numpy")?.call_method1("asarray", (data,))?;
    let value = crate::array::from_numpy(array.cast()?)?;
    if !typed && dtype.is_none() && (value.dtype() == DType::F64 || len(&value) == 0) {
        return Ok(cast(&value, default_float()));
    }
    if let (false, Some(dtype), AnyTensor::I64(numbers)) = (typed, dtype, &value) {
        for number in numbers.to_vec() {
            Number::Int(number).fitting(dtype)?;
        }
    }
    Ok(as_wanted(value))
}

/// A Python number.
#[derive(Clone, Copy)]
pub enum Number {
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl Number {
    /// The number that an object is, where it is one; NumPy's scalars too.
    pub fn of(given: &Bound<'_, PyAny>) -> Result<Option<Self>> {
        if let Ok(value) = given.cast::<PyFloat>() {
            return Ok(Some(Number::Float(value.value())));
        }
        if let Ok(value) = given.cast::<PyBool>() {
            return Ok(Some(Number::Bool(value.is_true())));
        }
        if given.is_instance_of::<PyInt>() {
            let value = given.extract().map_err(|_| {
                PyOverflowError::new_err(format!("the integer {given} is more than 64 bits hold"))
            })?;
            return Ok(Some(Number::Int(value)));
        }
        Ok(None)
    }

    /// Whether an element of this type can be this number; of a real number the whole part counts.
    pub fn fits(self, dtype: DType) -> bool {
        let within = |least: i64, most: i64| match self {
            Number::Bool(_) => true,
            Number::Int(value) => (least..=most).contains(&value),
            // The bounds of 64 bits are no numbers of floating point: what rounds to the upper one is outside.
            Number::Float(value) => value.trunc() >= least as f64 && value.trunc() < most as f64 + 1.0,
        };
        match dtype {
            DType::U8 => within(0, 255),
            DType::I32 => within(i64::from(i32::MIN), i64::from(i32::MAX)),
            DType::I64 => within(i64::MIN, i64::MAX),
            DType::F32 | DType::F64 | DType::Bool => true,
        }
    }

    /// This number, where an element of this type can be it.
    pub fn fitting(self, dtype: DType) -> Result<Self> {
        if self.fits(dtype) {
            return Ok(self);
        }
        let (number, name) = (self.real(), crate::dtype::name(dtype));
        Err(PyOverflowError::new_err(format!("{number} does not fit into {name}")).into())
    }

    /// The element type that it would have alone.
    pub fn dtype(self) -> DType {
        match self {
            Number::Bool(_) => DType::Bool,
            Number::Int(_) => DType::I64,
            Number::Float(_) => default_float(),
        }
    }

    pub fn real(self) -> f64 {
        match self {
            Number::Bool(value) => f64::from(u8::from(value)),
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    /// As an element, exactly where the type holds it.
    pub fn element<T: Element>(self) -> T {
        match self {
            Number::Bool(value) => T::from_integer(i64::from(value)),
            Number::Int(value) => T::from_integer(value),
            Number::Float(value) => T::from_real(value),
        }
    }

    /// As a tensor without axes.
    pub fn tensor(self, dtype: DType) -> AnyTensor {
        filled(&[], self, dtype)
    }
}

impl<'py> FromPyObject<'_, 'py> for Number {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Some(number) = Number::of(&given)? {
            return Ok(number);
        }
        if let Ok(tensor) = given.cast::<PyTensor>()
            && tensor.get().look(len) == 1
        {
            return tensor.get().look(|x| {
                Ok(match x {
                    AnyTensor::F32(x) => Number::Float(f64::from(x.item().map_err(Failure::from)?)),
                    AnyTensor::F64(x) => Number::Float(x.item().map_err(Failure::from)?),
                    AnyTensor::Bool(x) => Number::Bool(x.item().map_err(Failure::from)?),
                    other => Number::Int(each_tensor!(other, x => x.item().map_err(Failure::from)?.as_i64())),
                })
            });
        }
        // NumPy's scalars.
        if let Ok(item) = given.call_method0("item")
            && let Some(number) = Number::of(&item)?
        {
            return Ok(number);
        }
        Err(Failure::wrong_type(format!("{} is not a number", given.repr()?)).into())
    }
}

/// Every element `value`.
pub fn filled(shape: &[usize], value: Number, dtype: DType) -> AnyTensor {
    match dtype {
        DType::F32 => Tensor::<f32>::full(shape, value.element()).into(),
        DType::F64 => Tensor::<f64>::full(shape, value.element()).into(),
        DType::I64 => Tensor::<i64>::full(shape, value.element()).into(),
        DType::I32 => Tensor::<i32>::full(shape, value.element()).into(),
        DType::U8 => Tensor::<u8>::full(shape, value.element()).into(),
        DType::Bool => Tensor::<bool>::full(shape, value.real() != 0.0).into(),
    }
}

/// Lengths given as `f(2, 3)` or `f((2, 3))`.
pub fn sizes(operation: &str, given: &Bound<'_, PyTuple>) -> Result<Vec<usize>> {
    let shape = integers(operation, given)?;
    let lengths: Option<Vec<usize>> = shape.iter().map(|&n| usize::try_from(n).ok()).collect();
    let lengths = lengths
        .ok_or_else(|| Failure::value(operation, format!("the shape {shape:?} has a negative length")))?;
    let bytes = lengths.iter().try_fold(8usize, |bytes, &n| bytes.checked_mul(n.max(1)));
    match bytes.and_then(|bytes| isize::try_from(bytes).ok()) {
        Some(_) => Ok(lengths),
        None => Err(Failure::value(
            operation,
            format!("the shape {shape:?} holds more elements than memory can address"),
        )),
    }
}

/// Integers given as `f(2, 3)` or `f((2, 3))`.
pub fn integers(operation: &str, given: &Bound<'_, PyTuple>) -> Result<Vec<isize>> {
    let wrong = |_| Failure::wrong_type(format!("{operation}: integers expected, not {given}"));
    if given.len() == 1 && given.get_item(0)?.extract::<isize>().is_err() {
        return given.get_item(0)?.extract().map_err(wrong);
    }
    given.extract().map_err(wrong)
}

/// Finishes a new tensor: element type given or the default, and a leaf where asked for.
fn finished(value: AnyTensor, requires_grad: bool) -> Result<PyTensor> {
    let tensor = PyTensor::from(value);
    if requires_grad {
        tensor.make_leaf()?;
    }
    Ok(tensor)
}

/// A tensor with a copy of `data`: a number, nested sequences of numbers, an array.
///
/// Python floats become float32 (see `set_default_dtype`), integers int64; arrays keep their type.
///
/// >>> barehand.tensor([[1.0, 2.0], [3.0, 4.0]])
/// tensor([[1., 2.],
///         [3., 4.]])
#[pyfunction]
#[pyo3(signature = (data, *, dtype=None, device=None, requires_grad=false))]
fn tensor(
    data: &Bound<'_, PyAny>,
    dtype: Option<DTypeArgument>,
    device: Option<&Bound<'_, PyAny>>,
    requires_grad: bool,
) -> Result<PyTensor> {
    device.map(crate::device::check).transpose()?;
    let mut value = from_python(data, dtype.map(|dtype| dtype.0))?;
    each_tensor!(&mut value, x => { x.data_mut(); });
    finished(value, requires_grad)
}

/// A tensor of `data` that shares its memory where it can.
#[pyfunction]
#[pyo3(signature = (data, dtype=None, device=None))]
fn as_tensor<'py>(
    data: &Bound<'py, PyAny>,
    dtype: Option<DTypeArgument>,
    device: Option<&Bound<'_, PyAny>>,
) -> Result<Bound<'py, PyTensor>> {
    device.map(crate::device::check).transpose()?;
    let dtype = dtype.map(|dtype| dtype.0);
    match data.cast::<PyTensor>() {
        Ok(same) if dtype.is_none_or(|dtype| dtype == same.get().dtype()) => Ok(same.clone()),
        Ok(other) => Ok(Bound::new(
            data.py(),
            PyTensor::from(cast(&other.get().value(), dtype.expect("tested above"))),
        )?),
        Err(_) => Ok(Bound::new(data.py(), PyTensor::from(from_python(data, dtype)?))?),
    }
}

macro_rules! constant {
    ($($(#[$doc:meta])* $name:ident, $value:expr;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[pyo3(signature = (*size, dtype=None, device=None, requires_grad=false))]
        fn $name(
            size: &Bound<'_, PyTuple>,
            dtype: Option<DTypeArgument>,
            device: Option<&Bound<'_, PyAny>>,
            requires_grad: bool,
        ) -> Result<PyTensor> {
            device.map(crate::device::check).transpose()?;
            let dtype = dtype.map_or_else(default_float, |dtype| dtype.0);
            finished(filled(&sizes(stringify!($name), size)?, Number::Int($value), dtype), requires_grad)
        }
    )* };
}

constant! {
    /// Every element 0: `zeros(2, 3)` or `zeros((2, 3))`.
    zeros, 0;
    /// Every element 1.
    ones, 1;
    /// Elements of no particular value; here they are 0.
    empty, 0;
}

macro_rules! constant_like {
    ($($(#[$doc:meta])* $name:ident, $value:expr;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[pyo3(signature = (input, *, dtype=None, device=None, requires_grad=false))]
        fn $name(
            input: &Bound<'_, PyTensor>,
            dtype: Option<DTypeArgument>,
            device: Option<&Bound<'_, PyAny>>,
            requires_grad: bool,
        ) -> Result<PyTensor> {
            device.map(crate::device::check).transpose()?;
            let (shape, held) = input.get().look(|x| (x.shape().to_vec(), x.dtype()));
            finished(filled(&shape, Number::Int($value), dtype.map_or(held, |dtype| dtype.0)), requires_grad)
        }
    )* };
}

constant_like! {
    /// Zeros in the shape and type of `input`.
    zeros_like, 0;
    /// Ones in the shape and type of `input`.
    ones_like, 1;
    /// Elements of no particular value in the shape and type of `input`; here they are 0.
    empty_like, 0;
}

/// Every element `fill_value`, whose type decides that of the tensor where no dtype is given.
#[pyfunction]
#[pyo3(signature = (size, fill_value, *, dtype=None, device=None, requires_grad=false))]
fn full(
    size: &Bound<'_, PyAny>,
    fill_value: Number,
    dtype: Option<DTypeArgument>,
    device: Option<&Bound<'_, PyAny>>,
    requires_grad: bool,
) -> Result<PyTensor> {
    device.map(crate::device::check).transpose()?;
    let size = sizes("full", &PyTuple::new(size.py(), [size])?)?;
    let dtype = dtype.map_or_else(|| fill_value.dtype(), |dtype| dtype.0);
    finished(filled(&size, fill_value.fitting(dtype)?, dtype), requires_grad)
}

/// Every element `fill_value`, in the shape and type of `input`.
#[pyfunction]
#[pyo3(signature = (input, fill_value, *, dtype=None))]
fn full_like(
    input: &Bound<'_, PyTensor>,
    fill_value: Number,
    dtype: Option<DTypeArgument>,
) -> Result<PyTensor> {
    let (shape, held) = input.get().look(|x| (x.shape().to_vec(), x.dtype()));
    let dtype = dtype.map_or(held, |dtype| dtype.0);
    Ok(PyTensor::from(filled(&shape, fill_value.fitting(dtype)?, dtype)))
}

/// `start, start + step, ...` up to and excluding `end`: `arange(end)`, `arange(start, end, step)`.
#[pyfunction]
#[pyo3(signature = (start, end=None, step=Number::Int(1), *, dtype=None, device=None, requires_grad=false), text_signature = "(start, end=None, step=1, *, dtype=None, device=None, requires_grad=False)")]
fn arange(
    start: Number,
    end: Option<Number>,
    step: Number,
    dtype: Option<DTypeArgument>,
    device: Option<&Bound<'_, PyAny>>,
    requires_grad: bool,
) -> Result<PyTensor> {
    device.map(crate::device::check).transpose()?;
    let (start, end) = end.map_or((Number::Int(0), start), |end| (start, end));
    let whole = ![start, end, step].iter().any(|number| matches!(number, Number::Float(_)));
    let dtype = dtype.map_or(if whole { DType::I64 } else { default_float() }, |dtype| dtype.0);
    let value = match dtype {
        DType::F32 => Tensor::<f32>::arange(start.real(), end.real(), step.real())?.into(),
        DType::F64 => Tensor::<f64>::arange(start.real(), end.real(), step.real())?.into(),
        _ if whole => cast(&Tensor::<i64>::arange(start.real(), end.real(), step.real())?.into(), dtype),
        _ => cast(&Tensor::<f64>::arange(start.real(), end.real(), step.real())?.into(), dtype),
    };
    finished(value, requires_grad)
}

/// `steps` evenly spaced numbers from `start` to `end`, both included.
#[pyfunction]
#[pyo3(signature = (start, end, steps, *, dtype=None, device=None, requires_grad=false))]
fn linspace(
    start: f64,
    end: f64,
    steps: usize,
    dtype: Option<DTypeArgument>,
    device: Option<&Bound<'_, PyAny>>,
    requires_grad: bool,
) -> Result<PyTensor> {
    device.map(crate::device::check).transpose()?;
    let dtype = dtype.map_or_else(default_float, |dtype| dtype.0);
    let value = match dtype {
        DType::F32 => Tensor::<f32>::linspace(start, end, steps).into(),
        _ => cast(&Tensor::<f64>::linspace(start, end, steps).into(), dtype),
    };
    finished(value, requires_grad)
}

/// The identity matrix, or its first `m` columns.
#[pyfunction]
#[pyo3(signature = (n, m=None, *, dtype=None, requires_grad=false))]
fn eye(n: usize, m: Option<usize>, dtype: Option<DTypeArgument>, requires_grad: bool) -> Result<PyTensor> {
    let dtype = dtype.map_or_else(default_float, |dtype| dtype.0);
    let m = m.unwrap_or(n);
    let square = Tensor::<f64>::eye(n.max(m)).narrow(0, 0, n)?.narrow(1, 0, m)?.contiguous();
    finished(cast(&square.into(), dtype), requires_grad)
}

/// Tensors in the one type in which all of them meet.
fn together(operation: &str, tensors: &[Bound<'_, PyTensor>]) -> Result<Vec<AnyTensor>> {
    let values: Vec<AnyTensor> = tensors.iter().map(|tensor| tensor.get().value()).collect();
    let Some(first) = values.first() else {
        return Err(Failure::value(operation, "no tensors were given"));
    };
    let dtype = values
        .iter()
        .fold(first.dtype(), |dtype, value| crate::dtype::promoted((dtype, 1), (value.dtype(), 1)));
    Ok(values.iter().map(|value| cast(value, dtype)).collect())
}

macro_rules! joining {
    ($($(#[$doc:meta])* $name:ident => $join:ident;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[pyo3(signature = (tensors, dim=0))]
        fn $name(py: Python<'_>, tensors: Vec<Bound<'_, PyTensor>>, dim: isize) -> Result<PyTensor> {
            let values = together(stringify!($name), &tensors)?;
            let elements = values.iter().map(len).sum();
            let joined = released(py, elements, || -> Result<AnyTensor> {
                each_tensor!(&values[0], first => {
                    let mut same = vec![first.clone()];
                    for value in &values[1..] {
                        same.push(value.get()?);
                    }
                    Ok($join(&same.iter().collect::<Vec<_>>(), dim)?.into())
                })
            })?;
            Ok(PyTensor::from(joined))
        }
    )* };
}

joining! {
    /// Tensors one after another along an axis that they have.
    cat => concat;
    /// Tensors of one shape side by side along a new axis.
    stack_tensors => stack;
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(tensor, module)?)?;
    module.add_function(wrap_pyfunction!(as_tensor, module)?)?;
    module.add_function(wrap_pyfunction!(zeros, module)?)?;
    module.add_function(wrap_pyfunction!(ones, module)?)?;
    module.add_function(wrap_pyfunction!(empty, module)?)?;
    module.add_function(wrap_pyfunction!(zeros_like, module)?)?;
    module.add_function(wrap_pyfunction!(ones_like, module)?)?;
    module.add_function(wrap_pyfunction!(empty_like, module)?)?;
    module.add_function(wrap_pyfunction!(full, module)?)?;
    module.add_function(wrap_pyfunction!(full_like, module)?)?;
    module.add_function(wrap_pyfunction!(arange, module)?)?;
    module.add_function(wrap_pyfunction!(linspace, module)?)?;
    module.add_function(wrap_pyfunction!(eye, module)?)?;
    module.add_function(wrap_pyfunction!(cat, module)?)?;
    module.add("stack", wrap_pyfunction!(stack_tensors, module)?)
}
