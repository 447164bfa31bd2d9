//! What a report is made of: plain data, filled in by the trainer or the command line.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{ConfusionMatrix, Picture};

/// A training run, ready to be shown; what is empty or `None` is left out of the page.
///
/// Serialises with serde. JSON has no NaN and no infinity: both are written as `null` and read back as NaN (or
/// as `None` where the value is optional).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The headline, such as the run's name.
    pub title: String,
    /// When the run was made, as it should be read.
    pub created: String,
    /// One or two sentences under the title.
    pub summary: String,
    /// The final test scores, most important first: they head the page.
    pub scores: Vec<Score>,
    /// One record per epoch, in order.
    pub epochs: Vec<Epoch>,
    /// One record per optimizer step (or every so many), in order.
    ///
    /// Beyond 4,000 records the page shows the mean of each run of neighbours, and says so.
    pub steps: Vec<Step>,
    /// How often each class was taken for each other.
    pub confusion: Option<ConfusionMatrix>,
    /// The worst mistakes with their pictures; shown by falling loss, whatever the order here.
    pub mistakes: Vec<Mistake>,
    /// Where the time went, such as reading data, forward, backward and optimizer.
    pub timings: Vec<Timing>,
    /// The model, layer by layer.
    pub model: Vec<Layer>,
    /// The run's settings, in the order they should be read.
    pub configuration: Vec<Fact>,
    /// The settings file as it stood, to run the same again.
    pub configuration_file: Option<String>,
    /// The machine and the build: threads, instruction set, version.
    pub environment: Vec<Fact>,
}

/// A name and its value, shown as a row of two columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it was.
    pub value: String,
}

impl Fact {
    /// A fact from anything that can be shown.
    #[allow(clippy::needless_pass_by_value)] // `Fact::new("threads", 8)` reads better than `&8`.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Fact { name: name.into(), value: value.to_string() }
    }
}

/// A headline number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What was measured, such as `Test accuracy`.
    pub name: String,
    /// The value, in its plain unit: a share of one, not a percentage; seconds, not minutes.
    #[serde(deserialize_with = "null_is_nan")]
    pub value: f64,
    /// How to print the value.
    pub unit: Unit,
}

impl Score {
    /// A share of one, printed as a percentage: accuracy, precision, F1.
    pub fn share(name: impl Into<String>, value: f64) -> Self {
        Score { name: name.into(), value, unit: Unit::Share }
    }

    /// A plain number with four significant digits: a loss, a perplexity.
    pub fn number(name: impl Into<String>, value: f64) -> Self {
        Score { name: name.into(), value, unit: Unit::Number }
    }

    /// A length of time.
    pub fn seconds(name: impl Into<String>, value: f64) -> Self {
        Score { name: name.into(), value, unit: Unit::Seconds }
    }
}

/// How a [`Score`] is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share of one, as a percentage with two decimals.
    Share,
    /// A number with four significant digits.
    Number,
    /// Seconds, in the unit that reads best.
    Seconds,
}

/// What one pass over the training data gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The epoch's number, from 1.
    pub epoch: u64,
    /// Mean training loss over the epoch; NaN and infinity are shown as such, and as a gap in the curve.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_loss: f64,
    /// Share of training samples classified correctly.
    pub train_accuracy: Option<f64>,
    /// Mean loss on the validation data after the epoch.
    pub validation_loss: Option<f64>,
    /// Share of validation samples classified correctly after the epoch.
    pub validation_accuracy: Option<f64>,
    /// The learning rate at the end of the epoch.
    pub learning_rate: Option<f64>,
    /// How long the epoch took.
    pub seconds: Option<f64>,
    /// Training samples per second.
    pub samples_per_second: Option<f64>,
    /// Optimizer steps done since the start of the run: places the epoch on the axis of steps.
    pub last_step: Option<u64>,
}

impl Default for Epoch {
    /// Epoch 0 with a loss of NaN and nothing measured.
    fn default() -> Self {
        Epoch {
            epoch: 0,
            train_loss: f64::NAN,
            train_accuracy: None,
            validation_loss: None,
            validation_accuracy: None,
            learning_rate: None,
            seconds: None,
            samples_per_second: None,
            last_step: None,
        }
    }
}

/// What one optimizer step gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The step's number since the start of the run, from 1.
    pub step: u64,
    /// Loss of the step's batch.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
    /// Share of the batch classified correctly.
    pub accuracy: Option<f64>,
    /// The learning rate the step used.
    pub learning_rate: Option<f64>,
}

/// A sample the model got wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The sample as a picture.
    pub image: Picture,
    /// Index of the class it belongs to.
    pub true_class: usize,
    /// Index of the class the model chose.
    pub predicted_class: usize,
    /// The probability the model gave to its choice.
    #[serde(deserialize_with = "null_is_nan")]
    pub probability: f64,
    /// The sample's loss.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
}

/// A part of the run and how long it took in all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// What the time was spent on.
    pub name: String,
    /// Total seconds.
    #[serde(deserialize_with = "null_is_nan")]
    pub seconds: f64,
}

/// A row of the model's summary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The layer's path in the model, such as `layers.0`.
    pub name: String,
    /// What it is, such as `Conv2d(1, 16, 3×3)`.
    pub kind: String,
    /// Shape of what it gives, such as `N × 16 × 26 × 26`.
    pub output_shape: String,
    /// How many parameters it holds.
    pub parameters: u64,
}

fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
