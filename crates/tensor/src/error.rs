//! The one error of the whole library.

use std::fmt;

/// What went wrong, in words that name the operation, every shape involved and what was expected.
///
/// ```
/// use barehand_tensor::Tensor;
/// let a = Tensor::<f32>::zeros([2, 3]);
/// let b = Tensor::<f32>::zeros([4, 5]);
/// let error = a.matmul(&b).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "matmul: shapes [2, 3] and [4, 5] do not fit: the left operand's last axis (3) must equal the right operand's second to last (4)"
/// );
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Shapes, axes or lengths that do not fit together.
    Shape {
        /// The operation that was asked for.
        operation: String,
        /// What was given and what was expected.
        message: String,
    },
    /// An index outside its axis.
    Index {
        /// The operation that was asked for.
        operation: String,
        /// The index, the axis and its length.
        message: String,
    },
    /// An argument outside its domain.
    Value {
        /// The operation that was asked for.
        operation: String,
        /// The argument, its value and what is allowed.
        message: String,
    },
    /// Gradients that cannot be computed or are missing.
    Gradient {
        /// The operation that was asked for.
        operation: String,
        /// What is missing.
        message: String,
    },
    /// Bytes that are not what their format promises.
    Format {
        /// The file or stream.
        source_name: String,
        /// Where and what.
        message: String,
    },
    /// The operating system refused.
    Io {
        /// The file or folder.
        path: String,
        /// The system's own error.
        source: std::io::Error,
    },
    /// Work stopped because it was asked to (Ctrl-C, a callback).
    Interrupted,
    /// Code that the library called into failed with an error of its own.
    Callback(Box<dyn std::error::Error + Send + Sync>),
}

/// `Result` with the library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Shapes that do not fit: `operation: message`.
    pub fn shape(operation: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Shape { operation: operation.into(), message: message.into() }
    }

    /// An index out of range.
    pub fn index(operation: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Index { operation: operation.into(), message: message.into() }
    }

    /// An argument outside its domain.
    pub fn value(operation: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Value { operation: operation.into(), message: message.into() }
    }

    /// A gradient that is missing or impossible.
    pub fn gradient(operation: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Gradient { operation: operation.into(), message: message.into() }
    }

    /// Malformed bytes in `source_name`.
    pub fn format(source_name: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Format { source_name: source_name.into(), message: message.into() }
    }

    /// A system error about `path`.
    pub fn io(path: impl AsRef<std::path::Path>, source: std::io::Error) -> Self {
        Error::Io { path: path.as_ref().display().to_string(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Shape { operation, message }
            | Error::Index { operation, message }
            | Error::Value { operation, message }
            | Error::Gradient { operation, message } => write!(f, "{operation}: {message}"),
            Error::Format { source_name, message } => write!(f, "{source_name}: {message}"),
            Error::Io { path, source } => write!(f, "{path}: {source}"),
            Error::Interrupted => write!(f, "interrupted"),
            Error::Callback(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            Error::Callback(source) => Some(&**source),
            _ => None,
        }
    }
}
