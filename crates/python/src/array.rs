//! NumPy arrays in and out, without a copy where memory allows.
//!
//! In: an array of one of our element types, aligned, in the machine's byte order and without negative strides is looked
//! at where it lies, read-only or not, in any order of axes; the tensor keeps the array alive and never writes to it.
//! Out: the array looks at the tensor's memory, keeps it alive, and is read-only, because the tape and other tensors may
//! hold the same memory; `numpy.array(x)` makes a copy to write to.

use std::ffi::c_int;
use std::ptr::NonNull;

use barehand_tensor::{AnyTensor, Buffer, DType, Element, Tensor, each_tensor};
use numpy::npyffi::{NPY_ARRAY_ALIGNED, NPY_ARRAY_CARRAY, PY_ARRAY_API, npy_intp};
use numpy::{
    IntoPyArray, PyArrayDescr, PyArrayDescrMethods, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::PyTypeInfo;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::dtype::{self, DTypeArgument};
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, is_recorded};

/// What keeps a tensor's memory alive for an array that looks at it.
#[pyclass(name = "_Memory", module = "barehand", frozen)]
struct Memory {
    #[expect(dead_code, reason = "held, never looked at")]
    tensor: AnyTensor,
}

/// An array that looks at the elements of a tensor.
pub fn to_numpy<'py>(py: Python<'py>, tensor: &AnyTensor) -> Result<Bound<'py, PyAny>> {
    each_tensor!(tensor, x => view_as_array(py, x, tensor))
}

#[allow(unsafe_code)]
fn view_as_array<'py, T: Element>(
    py: Python<'py>,
    x: &Tensor<T>,
    any: &AnyTensor,
) -> Result<Bound<'py, PyAny>> {
    let owner = Bound::new(py, Memory { tensor: crate::tensor::detached(any) })?;
    let descriptor = PyArrayDescr::new(py, dtype::name(T::DTYPE))?;
    let mut shape: Vec<npy_intp> = x.shape().iter().map(|&n| n as npy_intp).collect();
    let size = size_of::<T>() as npy_intp;
    let mut strides: Vec<npy_intp> = x.strides().iter().map(|&stride| stride as npy_intp * size).collect();
    // SAFETY: the memory holds an element at every index of `shape` over `strides` (a tensor's layout stays inside its
    // memory), it lives as long as `owner`, which becomes the base of the array, and the array is not writeable. NumPy
    // steals the reference to the descriptor, and SetBaseObject that to the owner.
    unsafe {
        let array = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            PyUntypedArray::type_object_raw(py),
            descriptor.into_dtype_ptr(),
            shape.len() as c_int,
            shape.as_mut_ptr(),
            strides.as_mut_ptr(),
            x.memory().as_ptr().cast_mut().cast(),
            NPY_ARRAY_ALIGNED,
            std::ptr::null_mut(),
        );
        let array = Bound::from_owned_ptr_or_err(py, array)?;
        if PY_ARRAY_API.PyArray_SetBaseObject(py, array.as_ptr().cast(), owner.into_ptr()) < 0 {
            return Err(PyErr::fetch(py).into());
        }
        Ok(array)
    }
}

/// Elements from which a result becomes an array where it lies; copying fewer is cheaper than an object that holds them.
const WORTH_HANDING_OVER: usize = 4096;

/// An array that its holder may write to: of memory that nobody else has, where the tensor's is such, else of a copy.
pub fn given(py: Python<'_>, tensor: AnyTensor) -> Result<Bound<'_, PyAny>> {
    each_tensor!(tensor, x => {
        if x.len() >= WORTH_HANDING_OVER && !x.is_shared() && x.is_contiguous() {
            return handed_over(py, x);
        }
        let shape = x.shape().to_vec();
        let flat = x.to_vec().into_pyarray(py);
        if shape.len() == 1 {
            return Ok(flat.into_any());
        }
        flat.reshape(shape).map(Bound::into_any).map_err(Failure::from)
    })
}

#[allow(unsafe_code)]
fn handed_over<T: Element>(py: Python<'_>, mut x: Tensor<T>) -> Result<Bound<'_, PyAny>>
where
    AnyTensor: From<Tensor<T>>,
{
    let descriptor = PyArrayDescr::new(py, dtype::name(T::DTYPE))?;
    let mut shape: Vec<npy_intp> = x.shape().iter().map(|&n| n as npy_intp).collect();
    let start = x.data_mut().as_mut_ptr();
    let owner = Bound::new(py, Memory { tensor: x.into() })?;
    // SAFETY: the memory holds an element at every index of `shape`, row by row (it is contiguous), and lives as long as
    // `owner`, which becomes the base of the array. Nobody else has it (it was not shared, so `data_mut` gave the memory
    // itself, and `owner` never looks at its tensor), so the array may be written to. NumPy steals the reference to the
    // descriptor, and SetBaseObject that to the owner.
    unsafe {
        let array = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            PyUntypedArray::type_object_raw(py),
            descriptor.into_dtype_ptr(),
            shape.len() as c_int,
            shape.as_mut_ptr(),
            std::ptr::null_mut(),
            start.cast(),
            NPY_ARRAY_CARRAY,
            std::ptr::null_mut(),
        );
        let array = Bound::from_owned_ptr_or_err(py, array)?;
        if PY_ARRAY_API.PyArray_SetBaseObject(py, array.as_ptr().cast(), owner.into_ptr()) < 0 {
            return Err(PyErr::fetch(py).into());
        }
        Ok(array)
    }
}

/// The elements of an array: where they lie if that can be, else a copy.
pub fn from_numpy(array: &Bound<'_, PyUntypedArray>) -> Result<AnyTensor> {
    let descriptor = array.dtype();
    if !matches!(descriptor.byteorder(), b'=' | b'|') && descriptor.byteorder() != NATIVE {
        return from_numpy(&converted(array, descriptor.call_method1("newbyteorder", ("=",))?)?);
    }
    match (descriptor.kind(), descriptor.itemsize()) {
        (b'f', 4) => shared::<f32>(array),
        (b'f', 8) => shared::<f64>(array),
        (b'i', 8) => shared::<i64>(array),
        (b'i', 4) => shared::<i32>(array),
        (b'u', 1) => shared::<u8>(array),
        // A byte of a boolean array may be more than 1 where somebody reinterpreted memory, so it is looked at.
        (b'b', 1) => {
            let bytes = array.call_method1("view", ("uint8",))?;
            Ok(shared::<u8>(bytes.cast()?)?.cast::<bool>().into())
        }
        (b'f', 2) => from_numpy(&converted(array, "float32")?),
        (b'i', 1 | 2) | (b'u', 2) => from_numpy(&converted(array, "int32")?),
        (b'u', 4) => from_numpy(&converted(array, "int64")?),
        (b'u', 8) => {
            if array.len() > 0 && array.call_method0("max")?.gt(i64::MAX)? {
                return Err(Failure::value(
                    "from_numpy",
                    "an element is more than a 64-bit signed integer holds",
                ));
            }
            from_numpy(&converted(array, "int64")?)
        }
        _ => Err(Failure::wrong_type(format!(
            "an array of dtype {} holds no numbers that a tensor can hold (float, int, uint, bool)",
            descriptor.str()?
        ))),
    }
}

const NATIVE: u8 = if cfg!(target_endian = "little") { b'<' } else { b'>' };

fn converted<'py>(
    array: &Bound<'py, PyUntypedArray>,
    dtype: impl IntoPyObject<'py>,
) -> Result<Bound<'py, PyUntypedArray>> {
    Ok(array.call_method1("astype", (dtype,))?.cast_into::<PyUntypedArray>().map_err(PyErr::from)?)
}

#[allow(unsafe_code)]
fn shared<T: Element>(array: &Bound<'_, PyUntypedArray>) -> Result<AnyTensor>
where
    AnyTensor: From<Tensor<T>>,
{
    let size = size_of::<T>();
    // SAFETY: the pointer is that of a live array object.
    let start = unsafe { (*array.as_array_ptr()).fields.data.cast::<T>() };
    let strides: Option<Vec<usize>> = array
        .strides()
        .iter()
        .map(|&s| usize::try_from(s).ok().filter(|s| s % size == 0).map(|s| s / size))
        .collect();
    let (Some(strides), Some(start)) = (strides.filter(|_| start.is_aligned()), NonNull::new(start)) else {
        // Backward or out of step: NumPy copies.
        let copy = array.call_method1("copy", ("C",))?;
        return shared::<T>(copy.cast()?);
    };
    let shape = array.shape();
    let len = if shape.contains(&0) {
        0
    } else {
        1 + shape.iter().zip(&strides).map(|(n, stride)| (n - 1) * stride).sum::<usize>()
    };
    // NumPy may give axes of length 0 or 1 any stride at all.
    let strides: Vec<usize> = shape.iter().zip(strides).map(|(&n, s)| if n > 1 { s } else { 1 }).collect();
    // SAFETY: the array's memory holds an element at every index, so the first `len` elements from `start` lie within
    // one allocation, which the owner keeps; every bit pattern is a number. That nobody writes while we read is what
    // every library that shares an array's memory asks of its user.
    let buffer = unsafe { Buffer::foreign(start, len, array.clone().into_any().unbind()) };
    Ok(Tensor::from_strided(buffer, shape, &strides)?.into())
}

/// A tensor that shares memory with an array: changes of the array show in the tensor, the tensor never changes the array.
///
/// >>> barehand.from_numpy(numpy.arange(3.0))
/// tensor([0., 1., 2.], dtype=barehand.float64)
#[pyfunction]
#[pyo3(name = "from_numpy")]
fn from_numpy_function(array: &Bound<'_, PyUntypedArray>) -> Result<PyTensor> {
    Ok(PyTensor::from(from_numpy(array)?))
}

#[pymethods]
impl PyTensor {
    /// A read-only array that looks at these elements; `numpy.array(x)` makes a copy to write to.
    #[pyo3(signature = (*, force=false))]
    fn numpy<'py>(&self, py: Python<'py>, force: bool) -> Result<Bound<'py, PyAny>> {
        let value = self.value();
        if !force && is_recorded(&value) {
            return Err(PyRuntimeError::new_err(
                "numpy() of a tensor that requires grad would lose its gradient: use .detach().numpy()",
            )
            .into());
        }
        to_numpy(py, &value)
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> Result<Bound<'py, PyAny>> {
        let mut value = self.value();
        if is_recorded(&value) {
            return Err(PyRuntimeError::new_err(
                "an array of a tensor that requires grad would lose its gradient: use .detach()",
            )
            .into());
        }
        let mut array = None;
        if let Some(dtype) = &dtype {
            match dtype.extract::<DTypeArgument>() {
                Ok(DTypeArgument(wanted)) if wanted == value.dtype() => {}
                _ if copy == Some(false) => {
                    return Err(Failure::value("__array__", "another dtype cannot be had without a copy"));
                }
                Ok(DTypeArgument(wanted)) if wanted != DType::Bool => value = cast(&value, wanted),
                _ => array = Some(to_numpy(py, &value)?.call_method1("astype", (dtype,))?),
            }
        }
        let array = array.map_or_else(|| to_numpy(py, &value), Ok)?;
        if copy == Some(true) { Ok(array.call_method0("copy")?) } else { Ok(array) }
    }

    /// NumPy leaves `array + tensor` to the tensor.
    #[classattr]
    fn __array_ufunc__() -> Option<()> {
        None
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(from_numpy_function, module)?)
}
