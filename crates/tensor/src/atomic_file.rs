//! Files that appear whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes `path` anew: the bytes go to a temporary name in the same folder, are synced, and take `path`'s name, which is
/// synced too. A reader sees the old file or the new one, never a part; on failure `path` is as it was.
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
        return Err(Error::io(path, io::Error::new(ErrorKind::InvalidInput, "not a file name")));
    };
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let temporary = path.with_file_name(temporary);
    let written = (|| {
        let mut writer = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&temporary)?);
        // Tells `remove_abandoned` that somebody is at work; where files cannot be locked, nobody asks.
        let _ = writer.get_ref().try_lock();
        write(&mut writer)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs::rename(&temporary, path)
    })();
    written
        .inspect_err(|_| {
            // The reason matters more than the leftover.
            let _ = fs::remove_file(&temporary);
        })
        .and_then(|()| sync_folder_of(path))
        .map_err(|source| Error::io(path, source))
}

/// Makes the names in `path`'s folder last.
///
/// # Errors
/// What the operating system says.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Not every system can open a folder, nor can every file system sync one.
    let Ok(folder) = File::open(folder) else { return Ok(()) };
    match folder.sync_all() {
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Err(error),
        _ => Ok(()),
    }
}

/// Removes from `folder` the temporary files of writers that were killed; those of writers at work stay.
///
/// # Errors
/// What the operating system says.
pub fn remove_abandoned(folder: impl AsRef<Path>) -> Result<()> {
    let folder = folder.as_ref();
    let removed = fs::read_dir(folder).and_then(|mut entries| {
        entries.try_for_each(|entry| {
            let entry = entry?;
            if !is_temporary(&entry.file_name()) {
                return Ok(());
            }
            match File::open(entry.path()) {
                // The lock of a writer ends with its process.
                Ok(file) if file.try_lock().is_ok() => fs::remove_file(entry.path()),
                _ => Ok(()),
            }
        })
    });
    removed.map_err(|source| Error::io(folder, source))
}

/// Whether it is a name that [`replace`] gives: `.NAME.PROCESS-NUMBER.tmp`.
fn is_temporary(name: &OsStr) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let middle = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(".tmp"));
    let numbers = middle.and_then(|middle| middle.rsplit_once('.')?.1.split_once('-'));
    numbers.is_some_and(|(process, count)| number(process) && number(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_killed_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in
            [".model.1234-0.tmp", ".model.tmp", "model.1-0.tmp", ".1-0.tmp", ".model.a-0.tmp", "model"]
        {
            fs::write(at(name), name).unwrap();
        }
        replace(at("model"), |out| {
            // Another writer of the same file is at work meanwhile.
            remove_abandoned(folder.path()).map_err(io::Error::other)?;
            out.write_all(b"new")
        })
        .unwrap();
        assert_eq!(fs::read(at("model")).unwrap(), b"new");
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".1-0.tmp", ".model.a-0.tmp", ".model.tmp", "model", "model.1-0.tmp"]);
    }

    #[test]
    fn a_failed_write_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let error = replace(&path, |out| {
            out.write_all(&vec![0; 100_000])?;
            Err(io::Error::from(ErrorKind::StorageFull))
        });
        assert!(matches!(error, Err(Error::Io { source, .. }) if source.kind() == ErrorKind::StorageFull));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
