//! What a block says when its input cannot be right.

use std::fmt;

/// An input that does not fit: which operation refused it, which shapes or values it saw, and what it expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    operation: String,
    message: String,
}

/// The result of every block.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error raised by `operation`; `message` names the shapes or values involved and what was expected.
    pub fn new(operation: impl Into<String>, message: impl Into<String>) -> Self {
        Error { operation: operation.into(), message: message.into() }
    }

    /// The operation that refused its input.
    pub fn operation(&self) -> &str {
        &self.operation
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.message)
    }
}

impl std::error::Error for Error {}
