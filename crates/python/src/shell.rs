//! The `barehand` program, for `python -m barehand` and the console script of the wheel.

use std::ffi::OsString;
use std::io::Write;

use pyo3::prelude::*;

/// Does what `arguments` say, as the program would; the exit code. Output goes to the process's own streams.
#[pyfunction]
#[pyo3(name = "_run_program")]
fn run_program(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| {
        let code = barehand_cli::run(std::iter::once(OsString::from("barehand")).chain(arguments));
        // A program in Rust flushes when it ends; this process is Python's.
        let _ = std::io::stdout().flush();
        code
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(run_program, module)?)
}
