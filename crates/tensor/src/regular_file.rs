//! Files read whole.

use std::fs::{self, File};
use std::io::{Error as IoError, ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// Opens `path` for reading, with its length. Pipes, devices and folders are refused before they are opened: they have
/// no length, and may never end.
///
/// # Errors
/// What the operating system says.
pub fn open(path: impl AsRef<Path>) -> Result<(File, u64)> {
    let path = path.as_ref();
    let failed = |source| Error::io(path, source);
    let named = fs::metadata(path).map_err(failed)?;
    if named.is_file() {
        let file = File::open(path).map_err(failed)?;
        // What was opened counts: the name may have changed hands since.
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_file() {
            return Ok((file, metadata.len()));
        }
    }
    let kind = if named.is_dir() { ErrorKind::IsADirectory } else { ErrorKind::InvalidInput };
    Err(failed(IoError::new(kind, "not a regular file")))
}

/// All bytes of the file at `path`.
///
/// # Errors
/// What the operating system says, also where memory does not hold the file, or it is longer than `limit` bytes.
pub fn read(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>> {
    let path = path.as_ref();
    let failed = |source| Error::io(path, source);
    let (file, len) = open(path)?;
    if len > limit {
        return Err(Error::format(
            path.display().to_string(),
            format!("{len} bytes; no such file has more than {limit}"),
        ));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len as usize).map_err(|_| {
        failed(IoError::new(ErrorKind::OutOfMemory, format!("no memory for its {len} bytes")))
    })?;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
