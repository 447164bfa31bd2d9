//! Everything that training needs to go on, in one file.

use std::collections::BTreeMap;
use std::path::Path;

use barehand_nn::{Module, Optimizer, OptimizerState, Scheduler, StateDict};
use barehand_tensor::safetensors::Archive;
use barehand_tensor::{AnyTensor, Error, Result, Tensor, regular_file};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::early_stopping::EarlyStopping;
use crate::trainer::{Every, Progress};

const FORMAT: &str = "barehand-checkpoint";
const VERSION: u32 = 1;

/// The header: all that is not a tensor.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    progress: Progress,
    schedule: Option<(Scheduler, Every)>,
    early_stopping: Option<EarlyStopping>,
    optimizer: String,
    optimizer_scalars: BTreeMap<String, f64>,
    /// The states of random generators inside the model, by module.
    random: BTreeMap<String, (u64, u64)>,
}

/// No run counts further: beyond it a step more would no longer change an `f64`, and far beyond it wrap around.
const LARGEST_COUNT: u64 = 1 << 53;

impl Header {
    /// Reads the text of [`Header`], and refuses what training could only stumble over later.
    fn parse(text: &str) -> Result<Header, String> {
        let mut value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        // Seeds and counters of generators use all of their bits.
        let random = value.get_mut("random").map(Value::take);
        if let Some(count) = largest_count(&value).filter(|&count| count > LARGEST_COUNT) {
            return Err(format!("{count} is more than anything in a run is counted to"));
        }
        if let (Some(random), Some(object)) = (random, value.as_object_mut()) {
            object.insert("random".into(), random);
        }
        let header: Header = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let mut steps =
            header.optimizer_scalars.iter().filter(|(name, _)| name.strip_suffix(".step").is_some());
        if let Some((name, value)) = steps.find(|(_, value)| !(0.0..=LARGEST_COUNT as f64).contains(*value)) {
            return Err(format!("{name} = {value} is no number of steps"));
        }
        if let Some((scheduler, _)) = &header.schedule {
            scheduler.schedule().validate().map_err(|error| error.to_string())?;
        }
        Ok(header)
    }
}

/// The largest whole number anywhere in `value`.
fn largest_count(value: &Value) -> Option<u64> {
    match value {
        Value::Array(items) => items.iter().filter_map(largest_count).max(),
        Value::Object(entries) => entries.values().filter_map(largest_count).max(),
        other => other.as_u64(),
    }
}

/// A moment of a training run: weights, optimizer, schedule, random state, place in the data. Stored as one safetensors
/// file, whose tensors are named `model.*`, `optimizer.*` and `best.*`.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    header: Header,
    tensors: StateDict,
}

/// What [`Checkpoint::restore`] hands back, after the model and the optimizer took theirs.
pub(crate) struct Restored {
    pub progress: Progress,
    pub schedule: Option<(Scheduler, Every)>,
    pub early_stopping: Option<EarlyStopping>,
    pub best: Option<StateDict>,
}

impl Checkpoint {
    pub(crate) fn take(
        progress: &Progress,
        model: &dyn Module,
        optimizer: &dyn Optimizer,
        schedule: Option<&(Scheduler, Every)>,
        early_stopping: Option<&EarlyStopping>,
        best: Option<&[(String, Tensor)]>,
    ) -> Checkpoint {
        let state = optimizer.state();
        let under = |prefix: &str, tensors: StateDict| -> StateDict {
            tensors.into_iter().map(|(name, x)| (format!("{prefix}.{name}"), x)).collect()
        };
        let mut tensors = under("model", model.state_dict());
        tensors.extend(under("optimizer", state.tensors.into_iter().collect()));
        tensors.extend(under("best", best.unwrap_or_default().to_vec()));
        let header = Header {
            progress: progress.clone(),
            schedule: schedule.cloned(),
            early_stopping: early_stopping.cloned(),
            optimizer: optimizer.name().to_string(),
            optimizer_scalars: state.scalars,
            random: model.random_states(),
        };
        Checkpoint { header, tensors }
    }

    /// Steps taken when it was written.
    pub fn step(&self) -> u64 {
        self.header.progress.step
    }

    /// Epochs finished when it was written.
    pub fn epoch(&self) -> u64 {
        self.header.progress.epoch
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.archive()?.write(path)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// None that is known of: every checkpoint has a text.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.archive()?.to_bytes()
    }

    fn archive(&self) -> Result<Archive> {
        let header = serde_json::to_string(&self.header)
            .map_err(|error| Error::value("checkpoint", error.to_string()))?;
        let mut archive = Archive::default();
        archive.metadata.insert("format".into(), FORMAT.into());
        archive.metadata.insert("version".into(), VERSION.to_string());
        archive.metadata.insert("state".into(), header);
        archive.tensors =
            self.tensors.iter().map(|(name, x)| (name.clone(), AnyTensor::from(x.detach()))).collect();
        Ok(archive)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is not a checkpoint, or is of a newer version.
    pub fn read(path: impl AsRef<Path>) -> Result<Checkpoint> {
        let bytes = regular_file::read(&path, u64::MAX)?;
        Self::from_bytes(&path.as_ref().display().to_string(), &bytes)
    }

    /// Reads the bytes of a file; `source_name` names them in errors.
    ///
    /// # Errors
    /// As [`Checkpoint::read`].
    pub fn from_bytes(source_name: &str, bytes: &[u8]) -> Result<Checkpoint> {
        let archive = Archive::from_bytes(source_name, bytes)?;
        let refuse = |message: String| Error::format(source_name, message);
        let text = |key: &str| archive.metadata.get(key).map(String::as_str).unwrap_or_default();
        if text("format") != FORMAT {
            return Err(refuse("not a checkpoint that barehand wrote".into()));
        }
        let version: u32 =
            text("version").parse().map_err(|_| refuse("the version is not a number".into()))?;
        if version > VERSION {
            return Err(refuse(format!(
                "version {version} is newer than this program, which reads up to {VERSION}"
            )));
        }
        let header = Header::parse(text("state")).map_err(|message| refuse(format!("state: {message}")))?;
        let tensors = archive
            .tensors
            .iter()
            .map(|(name, x)| {
                Ok((name.clone(), x.get::<f32>().map_err(|error| refuse(format!("{name}: {error}")))?))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Checkpoint { header, tensors })
    }

    /// The tensors under a prefix, without it.
    fn under(&self, prefix: &str) -> impl Iterator<Item = (String, Tensor)> {
        let dotted = format!("{prefix}.");
        self.tensors
            .iter()
            .filter_map(move |(name, x)| Some((name.strip_prefix(&dotted)?.to_string(), x.clone())))
    }

    /// The weights alone, as [`Module::load_state_dict`] takes them.
    pub fn model_state(&self) -> impl Iterator<Item = (String, Tensor)> {
        self.under("model")
    }

    /// Puts the weights, the random states and the optimizer's memory back.
    pub(crate) fn restore(self, model: &mut dyn Module, optimizer: &mut dyn Optimizer) -> Result<Restored> {
        if self.header.optimizer != optimizer.name() {
            return Err(Error::value(
                "resume",
                format!(
                    "the checkpoint was written with {}, this run uses {}",
                    self.header.optimizer,
                    optimizer.name()
                ),
            ));
        }
        model.load_state_dict(&self.under("model").collect::<StateDict>())?;
        model.set_random_states(&self.header.random)?;
        let tensors = self.under("optimizer").collect();
        optimizer.load_state(OptimizerState { scalars: self.header.optimizer_scalars.clone(), tensors })?;
        let best: StateDict = self.under("best").collect();
        if !best.is_empty() {
            // They are put into the model when training ends: far too late to find that they do not fit.
            let shapes = |state: &StateDict| -> BTreeMap<String, Vec<usize>> {
                state.iter().map(|(name, x)| (name.clone(), x.shape().to_vec())).collect()
            };
            if shapes(&best) != shapes(&model.state_dict()) {
                return Err(Error::value(
                    "resume",
                    "the checkpoint's best weights are not those of its model",
                ));
            }
        }
        Ok(Restored {
            progress: self.header.progress,
            schedule: self.header.schedule,
            early_stopping: self.header.early_stopping,
            best: (!best.is_empty()).then_some(best),
        })
    }
}
