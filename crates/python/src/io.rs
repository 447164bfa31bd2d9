//! Named tensors in files: safetensors both ways, NumPy's `.npz` in. Neither can hold code.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Arc;

use barehand_tensor::safetensors::Archive;
use barehand_tensor::{AnyTensor, Buffer, Element, Tensor, npz, read_npz, regular_file};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use safetensors::{Dtype, SafeTensors};

use crate::error::Result;
use crate::tensor::{PyTensor, detached};

fn archive(tensors: &Bound<'_, PyDict>, metadata: BTreeMap<String, String>) -> Result<Archive> {
    let mut archive = Archive { metadata, ..Archive::default() };
    for (name, tensor) in tensors {
        let tensor = detached(&tensor.cast::<PyTensor>()?.get().value());
        archive.tensors.insert(name.extract()?, tensor);
    }
    Ok(archive)
}

fn named(
    py: Python<'_>,
    tensors: impl IntoIterator<Item = (String, AnyTensor)>,
) -> Result<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (name, tensor) in tensors {
        dict.set_item(name, PyTensor::from(tensor))?;
    }
    Ok(dict)
}

type Contents<'py> = (Bound<'py, PyDict>, BTreeMap<String, String>);

fn contents(py: Python<'_>, archive: Archive) -> Result<Contents<'_>> {
    Ok((named(py, archive.tensors)?, archive.metadata))
}

#[pyfunction]
#[pyo3(name = "_write_safetensors")]
fn write_safetensors(
    py: Python<'_>,
    tensors: &Bound<'_, PyDict>,
    path: PathBuf,
    metadata: BTreeMap<String, String>,
) -> Result<()> {
    let archive = archive(tensors, metadata)?;
    Ok(py.detach(|| archive.write(path))?)
}

#[pyfunction]
#[pyo3(name = "_safetensors_to_bytes")]
fn safetensors_to_bytes<'py>(
    py: Python<'py>,
    tensors: &Bound<'_, PyDict>,
    metadata: BTreeMap<String, String>,
) -> Result<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(py, &archive(tensors, metadata)?.to_bytes()?))
}

/// The tensors of a file where its bytes were read to, without a copy, if all of them can be had like that.
fn in_place(bytes: &Arc<Vec<u8>>) -> Option<Archive> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    let mut archive = Archive::default();
    archive.metadata.extend(header.metadata().clone().unwrap_or_default());
    for (name, view) in SafeTensors::deserialize(bytes).ok()?.iter() {
        let (data, shape) = (view.data(), view.shape());
        let tensor = match view.dtype() {
            Dtype::F32 => elements::<f32>(bytes, data, shape),
            Dtype::F64 => elements::<f64>(bytes, data, shape),
            Dtype::I64 => elements::<i64>(bytes, data, shape),
            Dtype::I32 => elements::<i32>(bytes, data, shape),
            Dtype::U8 => elements::<u8>(bytes, data, shape),
            _ => None,
        };
        archive.tensors.insert(name.to_owned(), tensor?);
    }
    Some(archive)
}

/// `data`, a part of `bytes`, as a tensor that keeps them.
#[allow(unsafe_code)]
fn elements<T: Element>(bytes: &Arc<Vec<u8>>, data: &[u8], shape: &[usize]) -> Option<AnyTensor>
where
    AnyTensor: From<Tensor<T>>,
{
    let count = shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n))?;
    let start = NonNull::new(data.as_ptr().cast_mut().cast::<T>()).filter(|start| start.is_aligned())?;
    if cfg!(target_endian = "big") || count.checked_mul(size_of::<T>()) != Some(data.len()) {
        return None;
    }
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    // SAFETY: `data` has `count` elements from an aligned start, any bits are a number of these types, and nobody writes
    // to the bytes, which the buffer keeps.
    let buffer = unsafe { Buffer::foreign(start, count, bytes.clone()) };
    Some(Tensor::from_strided(buffer, shape, &strides).ok()?.into())
}

#[pyfunction]
#[pyo3(name = "_read_safetensors")]
fn read_safetensors(py: Python<'_>, path: PathBuf) -> Result<Contents<'_>> {
    let archive = py.detach(|| {
        let bytes = Arc::new(regular_file::read(&path, u64::MAX)?);
        match in_place(&bytes) {
            Some(archive) => Ok(archive),
            // What is wrong, or needs another type, is the reader's to say.
            None => Archive::from_bytes(&path.display().to_string(), &bytes),
        }
    })?;
    contents(py, archive)
}

#[pyfunction]
#[pyo3(name = "_safetensors_from_bytes")]
fn safetensors_from_bytes<'py>(py: Python<'py>, name: &str, bytes: &[u8]) -> Result<Contents<'py>> {
    let archive = py.detach(|| Archive::from_bytes(name, bytes))?;
    contents(py, archive)
}

#[pyfunction]
#[pyo3(name = "_read_npz")]
fn read_npz_file(py: Python<'_>, path: PathBuf) -> Result<Bound<'_, PyDict>> {
    let tensors = py.detach(|| read_npz(path))?;
    named(py, tensors)
}

#[pyfunction]
#[pyo3(name = "_npz_from_bytes")]
fn npz_from_bytes<'py>(py: Python<'py>, name: &str, bytes: &[u8]) -> Result<Bound<'py, PyDict>> {
    let tensors = py.detach(|| npz::from_npz(name, Cursor::new(bytes)))?;
    named(py, tensors)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(write_safetensors, module)?)?;
    module.add_function(wrap_pyfunction!(safetensors_to_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(read_safetensors, module)?)?;
    module.add_function(wrap_pyfunction!(safetensors_from_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(read_npz_file, module)?)?;
    module.add_function(wrap_pyfunction!(npz_from_bytes, module)?)
}
