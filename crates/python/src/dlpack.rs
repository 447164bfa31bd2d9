//! DLPack both ways: tensors of PyTorch, JAX, NumPy and others over the same memory.
//!
//! The structures are those of the DLPack specification, version 1.0, and its older form without a version.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

use barehand_tensor::{AnyTensor, Buffer, DType, Element, Tensor, each_tensor};
use pyo3::exceptions::{PyBufferError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods, PyDict, PyTuple};
use pyo3::{ffi, intern};

use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, detached, is_recorded};

#[repr(C)]
#[derive(Clone, Copy)]
struct Device {
    kind: i32,
    id: i32,
}

const CPU: i32 = 1;

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

const INT: u8 = 0;
const UINT: u8 = 1;
const FLOAT: u8 = 2;
const BOOL: u8 = 6;

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device: Device,
    ndim: i32,
    dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Managed {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Managed)>,
}

#[repr(C)]
struct Version {
    major: u32,
    minor: u32,
}

#[repr(C)]
struct ManagedVersioned {
    version: Version,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut ManagedVersioned)>,
    flags: u64,
    tensor: DlTensor,
}

const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 2;

const NAME: &CStr = c"dltensor";
const USED: &CStr = c"used_dltensor";
const NAME_VERSIONED: &CStr = c"dltensor_versioned";
const USED_VERSIONED: &CStr = c"used_dltensor_versioned";

/// What an exported tensor keeps alive: the memory and the numbers that describe it.
struct Exported<M> {
    managed: M,
    shape: Vec<i64>,
    strides: Vec<i64>,
    #[expect(dead_code, reason = "held, never looked at")]
    tensor: AnyTensor,
}

fn data_type(dtype: DType) -> DataType {
    let code = match dtype {
        DType::F32 | DType::F64 => FLOAT,
        DType::I64 | DType::I32 => INT,
        DType::U8 => UINT,
        DType::Bool => BOOL,
    };
    DataType { code, bits: (8 * dtype.size()) as u8, lanes: 1 }
}

fn described(tensor: &AnyTensor) -> (DlTensor, Vec<i64>, Vec<i64>) {
    each_tensor!(tensor, x => {
        let described = DlTensor {
            data: x.memory().as_ptr().cast_mut().cast(),
            device: Device { kind: CPU, id: 0 },
            ndim: x.rank() as i32,
            dtype: data_type(x.dtype()),
            shape: std::ptr::null_mut(),
            strides: std::ptr::null_mut(),
            byte_offset: 0,
        };
        let signed = |lengths: &[usize]| lengths.iter().map(|&n| n as i64).collect::<Vec<_>>();
        (described, signed(x.shape()), signed(x.strides()))
    })
}

#[allow(unsafe_code)]
unsafe extern "C" fn delete(managed: *mut Managed) {
    // SAFETY: the consumer calls this once, with what `export` leaked.
    drop(unsafe { Box::from_raw((*managed).context.cast::<Exported<Managed>>()) });
}

#[allow(unsafe_code)]
unsafe extern "C" fn delete_versioned(managed: *mut ManagedVersioned) {
    // SAFETY: as above.
    drop(unsafe { Box::from_raw((*managed).context.cast::<Exported<ManagedVersioned>>()) });
}

/// A capsule that nobody consumed deletes what it holds.
#[allow(unsafe_code)]
unsafe extern "C" fn drop_capsule(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this with the capsule as it dies; a consumer has renamed it.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, NAME.as_ptr()) != 0 {
            let managed = ffi::PyCapsule_GetPointer(capsule, NAME.as_ptr()).cast::<Managed>();
            if let Some(deleter) = (*managed).deleter {
                deleter(managed);
            }
        } else if ffi::PyCapsule_IsValid(capsule, NAME_VERSIONED.as_ptr()) != 0 {
            let managed =
                ffi::PyCapsule_GetPointer(capsule, NAME_VERSIONED.as_ptr()).cast::<ManagedVersioned>();
            if let Some(deleter) = (*managed).deleter {
                deleter(managed);
            }
        }
    }
}

#[allow(unsafe_code)]
fn capsule(py: Python<'_>, pointer: *mut c_void, name: &'static CStr) -> Result<Py<PyAny>> {
    // SAFETY: the name lives forever and the destructor knows what the pointer is.
    unsafe {
        let capsule = ffi::PyCapsule_New(pointer, name.as_ptr(), Some(drop_capsule));
        Ok(Bound::from_owned_ptr_or_err(py, capsule)?.unbind())
    }
}

fn export(py: Python<'_>, tensor: AnyTensor) -> Result<Py<PyAny>> {
    let (described, shape, strides) = described(&tensor);
    let managed = Managed { tensor: described, context: std::ptr::null_mut(), deleter: Some(delete) };
    let exported = Box::leak(Box::new(Exported { managed, shape, strides, tensor }));
    exported.managed.tensor.shape = exported.shape.as_mut_ptr();
    exported.managed.tensor.strides = exported.strides.as_mut_ptr();
    exported.managed.context = std::ptr::from_mut(exported).cast();
    capsule(py, std::ptr::from_mut(&mut exported.managed).cast(), NAME)
}

fn export_versioned(py: Python<'_>, tensor: AnyTensor, flags: u64) -> Result<Py<PyAny>> {
    let (described, shape, strides) = described(&tensor);
    let managed = ManagedVersioned {
        version: Version { major: 1, minor: 0 },
        context: std::ptr::null_mut(),
        deleter: Some(delete_versioned),
        flags,
        tensor: described,
    };
    let exported = Box::leak(Box::new(Exported { managed, shape, strides, tensor }));
    exported.managed.tensor.shape = exported.shape.as_mut_ptr();
    exported.managed.tensor.strides = exported.strides.as_mut_ptr();
    exported.managed.context = std::ptr::from_mut(exported).cast();
    capsule(py, std::ptr::from_mut(&mut exported.managed).cast(), NAME_VERSIONED)
}

/// Foreign memory on its way in; dropping it tells its owner.
enum Imported {
    Plain(NonNull<Managed>),
    Versioned(NonNull<ManagedVersioned>),
}

// SAFETY: whoever makes a capsule must accept its deleter being called from any thread.
#[allow(unsafe_code)]
unsafe impl Send for Imported {}
// SAFETY: shared access only reads.
#[allow(unsafe_code)]
unsafe impl Sync for Imported {}

#[allow(unsafe_code)]
impl Drop for Imported {
    fn drop(&mut self) {
        // The producer may be a Python library whose deleter touches Python objects.
        Python::attach(|_| {
            // SAFETY: the pointer came from a capsule that was marked as used, so this is the only call of its deleter.
            unsafe {
                match self {
                    Imported::Plain(managed) => {
                        if let Some(deleter) = managed.as_ref().deleter {
                            deleter(managed.as_ptr());
                        }
                    }
                    Imported::Versioned(managed) => {
                        if let Some(deleter) = managed.as_ref().deleter {
                            deleter(managed.as_ptr());
                        }
                    }
                }
            }
        });
    }
}

/// A tensor over the memory of whatever offers DLPack on the CPU.
pub fn from_dlpack(source: &Bound<'_, PyAny>) -> Result<AnyTensor> {
    let py = source.py();
    if let Ok(device) = source.call_method0(intern!(py, "__dlpack_device__")) {
        let (kind, _): (i32, i32) = device.extract()?;
        if kind != CPU {
            return Err(PyBufferError::new_err(format!(
                "from_dlpack: the tensor is on a device of kind {kind}; move it to the CPU first"
            ))
            .into());
        }
    }
    let options = PyDict::new(py);
    options.set_item("max_version", (1, 0))?;
    let given = match source.call_method(intern!(py, "__dlpack__"), (), Some(&options)) {
        Ok(capsule) => capsule,
        // A producer from before versions.
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) => {
            source.call_method0(intern!(py, "__dlpack__"))?
        }
        Err(error) => return Err(error.into()),
    };
    consume(given.cast::<PyCapsule>()?)
}

#[allow(unsafe_code)]
fn consume(given: &Bound<'_, PyCapsule>) -> Result<AnyTensor> {
    let name = given.name()?;
    // SAFETY: the name says what the pointer is; renaming the capsule makes us the owner.
    unsafe {
        let name = name.map(|name| name.as_cstr());
        if name == Some(NAME_VERSIONED) {
            let managed = given.pointer_checked(Some(NAME_VERSIONED))?.cast::<ManagedVersioned>();
            if managed.as_ref().version.major != 1 {
                return Err(PyBufferError::new_err(format!(
                    "from_dlpack: version {} of DLPack is not understood",
                    managed.as_ref().version.major
                ))
                .into());
            }
            ffi::PyCapsule_SetName(given.as_ptr(), USED_VERSIONED.as_ptr());
            let owner = Imported::Versioned(managed);
            return looked_at(&managed.as_ref().tensor, owner);
        }
        if name != Some(NAME) {
            return Err(Failure::wrong_type("from_dlpack: the capsule holds no tensor, or was used before"));
        }
        let managed = given.pointer_checked(Some(NAME))?.cast::<Managed>();
        ffi::PyCapsule_SetName(given.as_ptr(), USED.as_ptr());
        let owner = Imported::Plain(managed);
        looked_at(&managed.as_ref().tensor, owner)
    }
}

/// # Safety
/// The description is true while the owner lives.
#[allow(unsafe_code)]
unsafe fn looked_at(tensor: &DlTensor, owner: Imported) -> Result<AnyTensor> {
    let rank = tensor.ndim as usize;
    // SAFETY: a description has as many lengths and strides as axes.
    let (shape, strides) = unsafe {
        let signed = |numbers: *mut i64| {
            if rank == 0 || numbers.is_null() {
                Vec::new()
            } else {
                std::slice::from_raw_parts(numbers, rank).to_vec()
            }
        };
        (signed(tensor.shape), (!tensor.strides.is_null()).then(|| signed(tensor.strides)))
    };
    let lengths =
        |numbers: &[i64]| numbers.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<usize>>>();
    let Some(shape) = lengths(&shape) else {
        return Err(PyBufferError::new_err(format!(
            "from_dlpack: the shape {shape:?} has a negative length"
        ))
        .into());
    };
    let strides = match strides {
        // Row-major.
        None => {
            let mut step = 1;
            let mut strides = vec![1; rank];
            for (stride, &n) in strides.iter_mut().zip(&shape).rev() {
                *stride = step;
                step *= n.max(1);
            }
            strides
        }
        Some(given) => lengths(&given).ok_or_else(|| {
            PyBufferError::new_err(
                "from_dlpack: axes that run backward in memory are not supported; copy first",
            )
        })?,
    };
    let DataType { code, bits, lanes } = tensor.dtype;
    // SAFETY: passed on.
    unsafe {
        match (code, bits, lanes) {
            (FLOAT, 32, 1) => over::<f32>(tensor, &shape, &strides, owner),
            (FLOAT, 64, 1) => over::<f64>(tensor, &shape, &strides, owner),
            (INT, 64, 1) => over::<i64>(tensor, &shape, &strides, owner),
            (INT, 32, 1) => over::<i32>(tensor, &shape, &strides, owner),
            (UINT, 8, 1) => over::<u8>(tensor, &shape, &strides, owner),
            (BOOL, 8, 1) => Ok(over::<u8>(tensor, &shape, &strides, owner)?.cast::<bool>().into()),
            _ => Err(Failure::wrong_type(format!(
                "from_dlpack: elements of kind {code} with {bits} bits and {lanes} lanes are not supported; convert to \
                 float32, float64, int64, int32, uint8 or bool first"
            ))),
        }
    }
}

#[allow(unsafe_code)]
unsafe fn over<T: Element>(
    tensor: &DlTensor,
    shape: &[usize],
    strides: &[usize],
    owner: Imported,
) -> Result<AnyTensor>
where
    AnyTensor: From<Tensor<T>>,
{
    let len = if shape.contains(&0) {
        0
    } else {
        1 + shape.iter().zip(strides).map(|(n, stride)| (n - 1) * stride).sum::<usize>()
    };
    if len == 0 {
        return Ok(Tensor::<T>::zeros(shape).into());
    }
    // SAFETY: the offset stays inside the memory that the description is about.
    let start = unsafe { tensor.data.cast::<u8>().add(tensor.byte_offset as usize) }.cast::<T>();
    match NonNull::new(start).filter(|start| start.is_aligned()) {
        Some(start) => {
            // SAFETY: the description holds an element at every index, and the owner keeps the memory.
            let buffer = unsafe { Buffer::foreign(start, len, owner) };
            Ok(Tensor::from_strided(buffer, shape, strides)?.into())
        }
        None => Err(PyBufferError::new_err("from_dlpack: the elements are not aligned").into()),
    }
}

/// A tensor that shares memory with one of another library (PyTorch, JAX, NumPy, ...) on the CPU.
///
/// Changes that the other library makes show here; this tensor never writes to the other's memory.
#[pyfunction]
#[pyo3(name = "from_dlpack")]
fn from_dlpack_function(source: &Bound<'_, PyAny>) -> Result<PyTensor> {
    Ok(PyTensor::from(from_dlpack(source)?))
}

#[pymethods]
impl PyTensor {
    /// These elements for another library: shared and marked as read-only where the protocol's version can say so, else
    /// a copy. PyTorch shares them and does not mind the mark: clone there before writing.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__(
        &self,
        py: Python<'_>,
        stream: Option<&Bound<'_, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> Result<Py<PyAny>> {
        if stream.is_some() {
            return Err(PyBufferError::new_err("__dlpack__: there are no streams on the CPU").into());
        }
        if dl_device.is_some_and(|(kind, _)| kind != CPU) {
            return Err(PyBufferError::new_err("__dlpack__: tensors can only be had on the CPU").into());
        }
        let value = self.value();
        if is_recorded(&value) {
            return Err(PyRuntimeError::new_err(
                "__dlpack__ of a tensor that requires grad would lose its gradient: use .detach()",
            )
            .into());
        }
        let versioned = max_version.is_some_and(|(major, _)| major >= 1);
        let copied = copy == Some(true) || (!versioned && copy.is_none());
        let mut value = detached(&value);
        if copied {
            // Twice held, so that writing makes the copy even where the memory is ours alone.
            let held = value.clone();
            each_tensor!(&mut value, x => { x.data_mut(); });
            drop(held);
        }
        match (versioned, copied) {
            (true, true) => export_versioned(py, value, IS_COPIED),
            (true, false) => export_versioned(py, value, READ_ONLY),
            (false, _) => export(py, value),
        }
    }

    /// Kind and number of the device: `(1, 0)`, the CPU.
    fn __dlpack_device__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, [CPU, 0])
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(from_dlpack_function, module)?)
}
