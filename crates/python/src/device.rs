//! Where tensors live. Programs written for PyTorch name a device everywhere; here there is one.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::{Failure, Result};

/// The processor: the one device.
#[pyclass(name = "device", module = "barehand", frozen, eq, hash)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device;

#[pymethods]
impl Device {
    #[new]
    #[pyo3(signature = (device="cpu".to_string()), text_signature = "(device='cpu')")]
    fn new(device: String) -> Result<Self> {
        named(&device)
    }

    /// `cpu`
    #[getter]
    fn r#type(&self) -> &'static str {
        "cpu"
    }

    /// Always `None`: there is one.
    #[getter]
    fn index(&self) -> Option<usize> {
        None
    }

    fn __repr__(&self) -> &'static str {
        "device(type='cpu')"
    }

    fn __str__(&self) -> &'static str {
        "cpu"
    }

    fn __reduce__(&self) -> (Py<PyAny>, (&'static str,)) {
        Python::attach(|py| (py.get_type::<Device>().into_any().unbind(), ("cpu",)))
    }
}

fn named(name: &str) -> Result<Device> {
    if matches!(name, "cpu" | "cpu:0") {
        return Ok(Device);
    }
    Err(Failure::value("device", format!("'{name}' is not there: barehand computes on the CPU, 'cpu'")))
}

/// Accepts whatever names the CPU: ours, its name, another library's device of type `cpu`.
pub fn check(given: &Bound<'_, PyAny>) -> Result<Device> {
    if given.is_instance_of::<Device>() {
        return Ok(Device);
    }
    if let Ok(name) = given.cast::<PyString>() {
        return named(&name.to_string());
    }
    match given.getattr("type").and_then(|name| name.extract::<String>()) {
        Ok(name) => named(&name),
        Err(_) => Err(Failure::wrong_type(format!("{} does not name a device or a dtype", given.repr()?))),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Device>()
}
