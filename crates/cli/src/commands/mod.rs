//! One file for each command: its arguments and what it does.

pub mod evaluate;
pub mod list;
pub mod predict;
pub mod report;
pub mod trace;
pub mod train;

use barehand::{Error, Result};
use serde_json::Value;

/// Writes one line or text to standard output; a closed pipe (`| head`) is no failure.
pub fn print(text: &str) -> Result<()> {
    use std::io::{ErrorKind, Write};
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::io("standard output", error)),
        _ => Ok(()),
    }
}

/// Writes the one JSON object that `--json` promises.
pub fn print_json(value: &Value) -> Result<()> {
    print(&value.to_string())
}
