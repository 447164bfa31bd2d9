//! A run's folder and the files in it.

use std::path::{Path, PathBuf};

use barehand::{Error, Result};

/// `RUN/`: configuration, metrics, checkpoint, model, report.
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder for a new run: the one asked for, which must not hold a run already, or the next free
    /// `runs/NAME-N`.
    pub fn create(asked: Option<&Path>, name: &str) -> Result<RunFolder> {
        if let Some(path) = asked {
            let folder = RunFolder { path: path.to_path_buf() };
            if folder.config().exists() {
                return Err(Error::value(
                    "--out",
                    format!(
                        "{} already holds a run; choose another folder, or go on with it by --resume {0}",
                        path.display()
                    ),
                ));
            }
            std::fs::create_dir_all(path).map_err(|source| Error::io(path, source))?;
            return Ok(folder);
        }
        let runs = Path::new("runs");
        std::fs::create_dir_all(runs).map_err(|source| Error::io(runs, source))?;
        for number in 1.. {
            let path = runs.join(format!("{name}-{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(RunFolder { path }),
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
