//! `metrics.jsonl`: a run's steps and epochs, one JSON object a line, readable while it grows.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use barehand_tensor::{Error, Result, atomic_file, regular_file};
use serde::{Deserialize, Serialize};

use crate::record::{EpochRecord, Event, History, StepRecord};

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Step(StepRecord),
    Epoch(EpochRecord),
}

/// Appends events to a file.
///
/// ```
/// # use barehand_train::{EpochRecord, Event, MetricsLog};
/// let path = std::env::temp_dir().join(format!("barehand-log-{}.jsonl", std::process::id()));
/// let mut log = MetricsLog::create(&path, 1)?;
/// log.append(&Event::Epoch(EpochRecord { epoch: 1, train_loss: 0.5, ..Default::default() }))?;
/// drop(log);
/// assert_eq!(MetricsLog::read(&path)?.epochs[0].train_loss, 0.5);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    every: u64,
}

impl MetricsLog {
    /// An empty log at `path` that keeps every `every`-th step.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: impl AsRef<Path>, every: u64) -> Result<MetricsLog> {
        atomic_file::replace(&path, |_| Ok(()))?;
        Self::open(path, every)
    }

    /// Goes on with a log, forgetting what it says of steps after `step`: they will be taken again.
    ///
    /// # Errors
    /// When the file cannot be read or written, or a line before `step` is malformed.
    pub fn resume(path: impl AsRef<Path>, every: u64, step: u64) -> Result<MetricsLog> {
        let mut history = Self::read(&path)?;
        history.steps.retain(|record| record.step <= step);
        history.epochs.retain(|record| record.step <= step);
        atomic_file::replace(&path, |out| write_lines(&history, out))?;
        Self::open(path, every)
    }

    /// The content of a log: what [`MetricsLog::parse`] reads.
    pub fn to_bytes(history: &History) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_lines(history, &mut bytes).expect("records have a text, and memory takes it");
        bytes
    }

    fn open(path: impl AsRef<Path>, every: u64) -> Result<MetricsLog> {
        let path = path.as_ref().to_path_buf();
        let file = OpenOptions::new().append(true).open(&path).map_err(|source| Error::io(&path, source))?;
        Ok(MetricsLog { path, file, every: every.max(1) })
    }

    /// Writes an event's line, as a whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&mut self, event: &Event) -> Result<()> {
        let failed = |source: std::io::Error| Error::io(&self.path, source);
        let line = match event {
            Event::Step(record) if record.step.is_multiple_of(self.every) => Line::Step(record.clone()),
            Event::Step(_) => return Ok(()),
            Event::Epoch(record) => Line::Epoch(record.clone()),
            Event::Checkpoint => return self.file.sync_data().map_err(failed),
        };
        let mut text = serde_json::to_vec(&line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(failed)
    }

    /// Everything in a log. A last line that was cut off while it was written is left out.
    ///
    /// # Errors
    /// When the file cannot be read or another line is malformed.
    pub fn read(path: impl AsRef<Path>) -> Result<History> {
        Self::parse(&path.as_ref().display().to_string(), &regular_file::read(&path, u64::MAX)?)
    }

    /// As [`MetricsLog::read`], from the content of the file; `source_name` names it in errors.
    ///
    /// # Errors
    /// When a line but the last is malformed.
    pub fn parse(source_name: &str, bytes: &[u8]) -> Result<History> {
        let mut history = History::default();
        let Some(end) = bytes.iter().rposition(|&byte| byte == b'\n') else { return Ok(history) };
        for (number, line) in bytes[..end].split(|&byte| byte == b'\n').enumerate() {
            match serde_json::from_slice(line) {
                Ok(Line::Step(record)) => history.steps.push(record),
                Ok(Line::Epoch(record)) => history.epochs.push(record),
                Err(error) => {
                    return Err(Error::format(source_name, format!("line {}: {error}", number + 1)));
                }
            }
        }
        Ok(history)
    }
}

/// Every record on a line, step by step; an epoch after its last step.
fn write_lines(history: &History, out: &mut impl Write) -> std::io::Result<()> {
    let steps = history.steps.iter().map(|record| (record.step, Line::Step(record.clone())));
    let epochs = history.epochs.iter().map(|record| (record.step, Line::Epoch(record.clone())));
    let mut lines: Vec<(u64, Line)> = steps.chain(epochs).collect();
    lines.sort_by_key(|(step, line)| (*step, matches!(line, Line::Epoch(_))));
    lines.iter().try_for_each(|(_, line)| {
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")
    })
}
