//! What the library does with the machine: threads, instruction set, recycled memory, and where the time goes.

use std::sync::Mutex;

use barehand_tensor::profile::Profiler;
use barehand_tensor::{isa, memory, threads};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error::{Failure, Result};
use crate::tensor::locked;

/// With how many threads operations run: at the beginning the environment variable BAREHAND_NUM_THREADS, else one for each
/// core.
#[pyfunction]
fn get_num_threads() -> usize {
    threads::num_threads()
}

/// Runs operations with so many threads from now on.
#[pyfunction]
fn set_num_threads(n: usize) -> Result<()> {
    if n == 0 {
        return Err(Failure::value("set_num_threads", "at least one thread is needed"));
    }
    threads::set_num_threads(n);
    Ok(())
}

/// The instruction set that kernels use: chosen when the program starts, or narrowed by BAREHAND_ISA.
#[pyfunction]
fn get_isa() -> &'static str {
    isa::active().name()
}

/// Bytes of memory held from the system at this moment, in use or waiting to be used again.
#[pyfunction]
fn memory_held() -> usize {
    memory::held_bytes()
}

/// Gives memory that waits to be used again back to the system.
#[pyfunction]
fn memory_trim() {
    memory::trim();
}

/// Times every operator, forward and backward, every update and every wait for a batch between its beginning and its end.
///
/// >>> with barehand.Profiler() as profiler:
/// ...     y = barehand.ones(1000).exp()
/// >>> profiler.rows[0]["name"]
/// 'exp'
#[pyclass(name = "Profiler", module = "barehand", frozen)]
struct PyProfiler {
    running: Mutex<Option<Profiler>>,
    profile: Mutex<Option<barehand_tensor::profile::Profile>>,
}

#[pymethods]
impl PyProfiler {
    #[new]
    fn new() -> Self {
        PyProfiler { running: Mutex::new(None), profile: Mutex::new(None) }
    }

    fn __enter__(slf: Bound<'_, Self>) -> Result<Bound<'_, Self>> {
        *locked(&slf.get().running) = Some(Profiler::start()?);
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, pyo3::types::PyTuple>) {
        if let Some(profiler) = locked(&self.running).take() {
            *locked(&self.profile) = Some(profiler.stop());
        }
    }

    /// One dict for each operator, phase and shape, the dearest first: name, phase, shape, calls, seconds.
    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> Result<Vec<Bound<'py, pyo3::types::PyDict>>> {
        let profile = locked(&self.profile);
        let Some(profile) = profile.as_ref() else { return Err(unfinished()) };
        profile
            .rows
            .iter()
            .map(|row| {
                let dict = pyo3::types::PyDict::new(py);
                dict.set_item("name", row.name)?;
                dict.set_item("phase", row.phase.name())?;
                dict.set_item("shape", crate::tensor::shape_tuple(py, &row.shape)?)?;
                dict.set_item("calls", row.calls)?;
                dict.set_item("seconds", row.seconds)?;
                Ok(dict)
            })
            .collect()
    }

    /// Seconds by the clock from beginning to end.
    #[getter]
    fn seconds(&self) -> Result<f64> {
        locked(&self.profile).as_ref().map(|profile| profile.seconds).ok_or_else(unfinished)
    }

    fn __str__(&self) -> String {
        locked(&self.profile)
            .as_ref()
            .map_or_else(|| "Profiler (not finished)".to_string(), ToString::to_string)
    }
}

fn unfinished() -> Failure {
    PyRuntimeError::new_err("the profiler has not finished: leave its `with` block first").into()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyProfiler>()?;
    module.add_function(wrap_pyfunction!(get_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(get_isa, module)?)?;
    module.add_function(wrap_pyfunction!(memory_held, module)?)?;
    module.add_function(wrap_pyfunction!(memory_trim, module)?)
}
