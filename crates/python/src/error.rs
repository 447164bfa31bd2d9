//! The library's errors as the exceptions that a Python user expects, with the same text.

use barehand_tensor::Error;
use pyo3::exceptions::{
    PyIndexError, PyKeyboardInterrupt, PyOSError, PyRuntimeError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;

/// What a function of this module fails with: an error of the library, or an exception of Python's own.
#[derive(Debug)]
pub enum Failure {
    Library(Error),
    Python(PyErr),
}

/// `Result` with [`Failure`].
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// An argument of the wrong type.
    pub fn wrong_type(message: impl Into<String>) -> Self {
        Failure::Python(PyTypeError::new_err(message.into()))
    }

    /// An argument of the right type and a wrong value.
    pub fn value(operation: &str, message: impl Into<String>) -> Self {
        Failure::Library(Error::value(operation, message))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Library(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure::Python(error)
    }
}

impl From<pyo3::CastError<'_, '_>> for Failure {
    fn from(error: pyo3::CastError<'_, '_>) -> Self {
        Failure::Python(error.into())
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        let error = match failure {
            Failure::Python(error) => return error,
            Failure::Library(error) => error,
        };
        let text = error.to_string();
        match error {
            Error::Index { .. } => PyIndexError::new_err(text),
            Error::Gradient { .. } => PyRuntimeError::new_err(text),
            // With the number of the system's error Python chooses FileNotFoundError, PermissionError, ...
            Error::Io { path, source } => match source.raw_os_error() {
                Some(number) => PyOSError::new_err((number, system_message(&source), path)),
                None => PyOSError::new_err(text),
            },
            Error::Interrupted => PyKeyboardInterrupt::new_err(()),
            Error::Callback(source) => match source.downcast::<PyErr>() {
                Ok(exception) => *exception,
                Err(_) => PyRuntimeError::new_err(text),
            },
            _ => PyValueError::new_err(text),
        }
    }
}

/// The system's words without Rust's "(os error 2)", which Python adds in its own way.
fn system_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// Lets an exception pass through the library.
pub fn callback(error: PyErr) -> Error {
    Error::Callback(Box::new(error))
}
