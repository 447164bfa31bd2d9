//! A run's folder and the files in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use barehand::tensor::atomic_file;
use barehand::{Error, Result};

/// `RUN/`: configuration, metrics, checkpoint, model, report.
pub struct RunFolder {
    path: PathBuf,
}

/// The right to write into a run's folder. The system takes it back when the process ends, however it ends.
#[must_use]
pub struct Lock(#[expect(dead_code, reason = "held, not used")] File);

impl RunFolder {
    /// Makes the folder for a new run: the one asked for, which must not hold a run already, or the next free
    /// `runs/NAME-N`.
    pub fn create(asked: Option<&Path>, name: &str) -> Result<(RunFolder, Lock)> {
        if let Some(path) = asked {
            std::fs::create_dir_all(path).map_err(|source| Error::io(path, source))?;
            let folder = RunFolder { path: path.to_path_buf() };
            let lock = folder.lock()?;
            if folder.config().exists() {
                return Err(Error::value(
                    "--out",
                    format!(
                        "{} already holds a run; choose another folder, or go on with it by --resume {0}",
                        path.display()
                    ),
                ));
            }
            return Ok((folder, lock));
        }
        let runs = Path::new("runs");
        std::fs::create_dir_all(runs).map_err(|source| Error::io(runs, source))?;
        for number in 1.. {
            let path = runs.join(format!("{name}-{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => {
                    let folder = RunFolder { path };
                    let lock = folder.lock()?;
                    return Ok((folder, lock));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io(path, error)),
            }
        }
        unreachable!("numbers do not run out")
    }

    /// A run that is there.
    pub fn open(path: &Path) -> Result<RunFolder> {
        let folder = RunFolder { path: path.to_path_buf() };
        if folder.config().is_file() {
            return Ok(folder);
        }
        Err(Error::value(
            "run",
            format!(
                "{} is not a run folder: it has no config.toml (`barehand train --out {0}` makes one)",
                path.display()
            ),
        ))
    }

    /// Takes the right to write into the folder, and clears away what a killed process left half written.
    ///
    /// # Errors
    /// When another process has it, or the folder cannot be written to.
    pub fn lock(&self) -> Result<Lock> {
        let path = self.path.join(".lock");
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|source| Error::io(&path, source))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let text = format!(
                    "{} is in use: another `barehand train` is at work on it; wait for its end or stop it with Ctrl-C",
                    self.path.display()
                );
                return Err(Error::value("run", text));
            }
            // Some file systems of networks know no locks: there, two runs at once are the user's to avoid.
            Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => {
                return Err(Error::io(&path, error));
            }
            _ => {}
        }
        atomic_file::remove_abandoned(&self.path)?;
        atomic_file::sync_folder_of(&self.path).map_err(|source| Error::io(&self.path, source))?;
        Ok(Lock(file))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole configuration.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// One JSON object a line: steps and epochs.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// Everything needed to go on.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }

    /// The trained weights with what prediction needs beside them.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// The page to look at.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }
}
