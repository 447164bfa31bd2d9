//! What is remembered of a run: steps, epochs, where the time went.

use serde::{Deserialize, Serialize};

/// Where the time of an epoch went, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Waiting for batches that were not ready.
    pub data: f64,
    /// Computing outputs and losses.
    pub forward: f64,
    /// Computing gradients.
    pub backward: f64,
    /// Clipping and updating parameters.
    pub update: f64,
    /// Looking at validation data.
    pub validation: f64,
}

/// One training step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Steps taken, this one included, over all epochs.
    pub step: u64,
    /// The epoch, from 1.
    pub epoch: u64,
    /// The mean loss of the batch.
    pub loss: f64,
    /// The share of the batch that was right, where the objective knows.
    pub accuracy: Option<f64>,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// The mean loss of the epoch so far.
    #[serde(skip)]
    pub running_loss: f64,
    /// Samples a second in the epoch so far.
    #[serde(skip)]
    pub samples_per_second: f64,
}

/// One pass over the training data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: u64,
    /// Steps taken by its end, over all epochs.
    pub step: u64,
    /// The mean loss of its batches while they were learned from.
    pub train_loss: f64,
    /// The share that was right while it was learned from, where the objective knows.
    pub train_accuracy: Option<f64>,
    /// The loss on validation data at its end.
    pub validation_loss: Option<f64>,
    /// The share of validation data that was right at its end.
    pub validation_accuracy: Option<f64>,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// How long it took, validation included.
    pub seconds: f64,
    /// Training samples a second, validation not counted.
    pub samples_per_second: f64,
    /// Where the time went.
    pub timings: Timings,
}

/// What a trainer tells its callback.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step was taken.
    Step(StepRecord),
    /// An epoch is over.
    Epoch(EpochRecord),
    /// A checkpoint is about to be written: what is logged so far must be on disk first.
    Checkpoint,
}

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The steps that were logged.
    pub steps: Vec<StepRecord>,
    /// Every epoch.
    pub epochs: Vec<EpochRecord>,
}
