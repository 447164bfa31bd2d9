//! Why a block could not be traced.

use std::fmt;

/// What was wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// No block has this name; the nearest one that exists, if any is near.
    UnknownBlock {
        /// The name asked for.
        name: String,
        /// What may have been meant.
        suggestion: Option<&'static str>,
    },
    /// The block has no input or option of this name.
    UnknownInput {
        /// The block.
        block: &'static str,
        /// The name given.
        name: String,
        /// The names it knows.
        known: Vec<&'static str>,
    },
    /// An input's value is not of the kind the block expects.
    InvalidInput {
        /// The block.
        block: &'static str,
        /// The input.
        name: String,
        /// What was expected and what came.
        message: String,
    },
    /// The block refused its inputs.
    Block(barehand_textbook::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownBlock { name, suggestion: Some(near) } => {
                write!(f, "there is no block `{name}`; did you mean `{near}`?")
            }
            Error::UnknownBlock { name, suggestion: None } => write!(f, "there is no block `{name}`"),
            Error::UnknownInput { block, name, known } => {
                write!(f, "{block} has no input `{name}`; it has {}", known.join(", "))
            }
            Error::InvalidInput { block, name, message } => write!(f, "{block}: input `{name}`: {message}"),
            Error::Block(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Block(error) => Some(error),
            _ => None,
        }
    }
}

impl From<barehand_textbook::Error> for Error {
    fn from(error: barehand_textbook::Error) -> Self {
        Error::Block(error)
    }
}
