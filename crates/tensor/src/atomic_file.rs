//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes `path` anew: the bytes go to a temporary name in the same folder, are synced, and take `path`'s name. A
/// reader sees the old file or the new one, never a part; on failure `path` is as it was.
///
/// # Errors
/// What `write` or the operating system says.
pub fn replace(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let path = path.as_ref();
    let Some(name) = path.file_name() else {
        return Err(Error::io(path, io::Error::new(io::ErrorKind::InvalidInput, "not a file name")));
    };
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let temporary = path.with_file_name(temporary);
    let written = (|| {
        let mut writer = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&temporary)?);
        write(&mut writer)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|source| {
        // The reason matters more than the leftover.
        let _ = fs::remove_file(&temporary);
        Error::io(path, source)
    })
}
