use std::{fmt, io, path::PathBuf};

/// Why a report, or a part of it, could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A picture's sizes and bytes do not fit together; the text says how.
    Picture(String),
    /// A confusion matrix is not square, or not named; the text says how.
    Confusion(String),
    /// The file could not be written.
    Write {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Picture(why) => write!(f, "picture: {why}"),
            Error::Confusion(why) => write!(f, "confusion matrix: {why}"),
            Error::Write { path, source } => {
                write!(f, "cannot write the report {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
