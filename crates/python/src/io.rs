//! Named tensors in files: safetensors both ways, NumPy's `.npz` in. Neither can hold code.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

use barehand_tensor::safetensors::Archive;
use barehand_tensor::{AnyTensor, npz, read_npz};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

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

fn named<'py>(
    py: Python<'py>,
    tensors: impl IntoIterator<Item = (String, AnyTensor)>,
) -> Result<Bound<'py, PyDict>> {
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

#[pyfunction]
#[pyo3(name = "_read_safetensors")]
fn read_safetensors(py: Python<'_>, path: PathBuf) -> Result<Contents<'_>> {
    let archive = py.detach(|| Archive::read(path))?;
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
