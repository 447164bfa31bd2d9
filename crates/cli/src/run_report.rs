//! A trained network looked at from outside: scores, confusions, worst mistakes, and the page that shows them.

use std::path::Path;
use std::time::Instant;

use barehand::data::{DataLoader, ImageDataset};
use barehand::metrics::{ClassificationReport, ConfusionMatrix, top_k_accuracy};
use barehand::nn::{self, Module};
use barehand::report::{self, Fact, Mistake, Picture, Report, Score};
use barehand::train::{History, MetricsLog, predict};
use barehand::{Error, Result, Tensor, isa, threads};

use crate::config::{ModelKind, RunConfig};
use crate::model_file::Architecture;
use crate::run_folder::RunFolder;

/// How many of the worst mistakes are shown.
const MISTAKES: usize = 36;

/// Examined at once, or more where training takes more.
pub const TEST_BATCH: usize = 64;

/// What a network does with labelled images.
pub struct Examination {
    pub samples: usize,
    pub accuracy: f64,
    pub top_5_accuracy: Option<f64>,
    pub loss: f64,
    pub seconds: f64,
    pub table: ClassificationReport,
    pub confusion: Vec<Vec<u64>>,
    pub mistakes: Vec<Mistake>,
}

/// Runs the network over images and judges it.
pub fn examine(
    architecture: &Architecture,
    model: &mut dyn Module,
    images: &ImageDataset,
    batch_size: usize,
) -> Result<Examination> {
    let loader = DataLoader::new(architecture.samples(images)?, batch_size.max(TEST_BATCH))?;
    let start = Instant::now();
    let predictions = predict(model, &loader)?;
    let seconds = start.elapsed().as_secs_f64();
    let (logits, targets) = (&predictions.logits, &predictions.targets);
    let classes = architecture.classes.len();
    let labels: Vec<i64> = (0..classes as i64).collect();
    let names: Vec<&str> = architecture.classes.iter().map(String::as_str).collect();
    let predicted = logits.argmax(1)?;
    let losses = logits.log_softmax(1)?.gather(1, &targets.unsqueeze(1)?)?.neg()?.squeeze(1)?;
    let table = ClassificationReport::options().labels(&labels).names(&names).build(targets, &predicted)?;
    let cells = ConfusionMatrix::with_labels(targets, &predicted, &labels)?.cells.to_vec();
    let right = predicted.eq(targets)?.count();
    Ok(Examination {
        samples: targets.len(),
        accuracy: right as f64 / targets.len() as f64,
        top_5_accuracy: if classes > 5 { Some(top_k_accuracy(targets, logits, 5)?) } else { None },
        loss: f64::from(losses.mean()?.item()?),
        seconds,
        table,
        confusion: cells.chunks(classes).map(|row| row.iter().map(|&n| n as u64).collect()).collect(),
        mistakes: worst_mistakes(images, logits, targets, &predicted, &losses)?,
    })
}

/// The wrong answers that were given with the most confidence.
fn worst_mistakes(
    images: &ImageDataset,
    logits: &Tensor,
    targets: &Tensor<i64>,
    predicted: &Tensor<i64>,
    losses: &Tensor,
) -> Result<Vec<Mistake>> {
    let (truth, answers, losses) = (targets.to_vec(), predicted.to_vec(), losses.to_vec());
    let mut wrong: Vec<usize> = (0..truth.len()).filter(|&i| truth[i] != answers[i]).collect();
    wrong.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]));
    wrong.truncate(MISTAKES);
    let [channels, height, width] = images.image_shape();
    wrong
        .into_iter()
        .map(|i| {
            let at = i as isize;
            let probabilities = logits.select(0, at)?.softmax(0)?;
            // Pictures have their channels last; more than four are shown by their first three.
            let pixels =
                images.images.select(0, at)?.narrow(0, 0, if channels > 4 { 3 } else { channels })?;
            let shown = pixels.shape()[0];
            let pixels = pixels.permute([1, 2, 0])?.to_vec();
            Ok(Mistake {
                image: Picture::new(width, height, shown, pixels)
                    .map_err(|e| Error::value("report", e.to_string()))?,
                true_class: truth[i] as usize,
                predicted_class: answers[i] as usize,
                probability: f64::from(probabilities.at([answers[i] as usize])?),
                loss: f64::from(losses[i]),
            })
        })
        .collect()
}

/// Writes the page of a run.
pub fn write(
    path: &Path,
    folder: &RunFolder,
    config: &RunConfig,
    architecture: &Architecture,
    model: &dyn Module,
    test: &Examination,
) -> Result<()> {
    let history = MetricsLog::read(folder.metrics())?;
    let page = page(config, architecture, model, test, &history)?;
    page.write(path).map_err(|error| match error {
        report::Error::Write { path, source } => Error::io(path, source),
        other => Error::value("report", other.to_string()),
    })
}

fn page(
    config: &RunConfig,
    architecture: &Architecture,
    model: &dyn Module,
    test: &Examination,
    history: &History,
) -> Result<Report> {
    let refuse = |error: report::Error| Error::value("report", error.to_string());
    let seconds: f64 = history.epochs.iter().map(|epoch| epoch.seconds).sum();
    let kind = match config.model {
        ModelKind::Mlp => "A fully connected network",
        ModelKind::Cnn => "A convolutional network",
    };
    let mut scores = vec![
        Score::share("Test accuracy", test.accuracy),
        Score::number("Test loss", test.loss),
        Score::number("Macro F1", test.table.macro_avg.f1),
        Score::seconds("Training time", seconds),
    ];
    if let Some(top) = test.top_5_accuracy {
        scores.insert(1, Score::share("Top-5 accuracy", top));
    }
    let [channels, height, width] = architecture.image;
    let summary = nn::summary(model, &[1, channels, height, width])?;
    Ok(Report {
        title: format!("{kind} on {}", architecture.trained_on),
        created: created(),
        summary: format!(
            "{} epochs of {} on cross entropy, tested on {} images it never saw.",
            history.epochs.len(),
            config.optimizer.title(),
            test.samples
        ),
        scores,
        epochs: history.epochs.iter().map(epoch).collect(),
        steps: history.steps.iter().map(step).collect(),
        confusion: Some(
            report::ConfusionMatrix::new(architecture.classes.clone(), test.confusion.clone())
                .map_err(refuse)?,
        ),
        mistakes: test.mistakes.clone(),
        timings: timings(history, test),
        model: summary
            .rows
            .iter()
            .map(|row| report::Layer {
                name: row.path.clone(),
                kind: row.kind.to_string(),
                output_shape: row.output.as_ref().map_or(String::new(), |shape| format!("{shape:?}")),
                parameters: row.parameters as u64,
            })
            .collect(),
        configuration: configuration(config)?,
        configuration_file: Some(config.to_toml()?),
        environment: vec![
            Fact::new("barehand", env!("CARGO_PKG_VERSION")),
            Fact::new("Threads", threads::num_threads()),
            Fact::new("Instruction set", isa::active().name()),
            Fact::new("System", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ],
    })
}

pub fn epoch(record: &barehand::train::EpochRecord) -> report::Epoch {
    report::Epoch {
        epoch: record.epoch,
        train_loss: record.train_loss,
        train_accuracy: record.train_accuracy,
        validation_loss: record.validation_loss,
        validation_accuracy: record.validation_accuracy,
        learning_rate: Some(record.learning_rate),
        seconds: Some(record.seconds),
        samples_per_second: Some(record.samples_per_second),
        last_step: Some(record.step),
    }
}

pub fn step(record: &barehand::train::StepRecord) -> report::Step {
    report::Step {
        step: record.step,
        loss: record.loss,
        accuracy: record.accuracy,
        learning_rate: Some(record.learning_rate),
    }
}

fn timings(history: &History, test: &Examination) -> Vec<report::Timing> {
    let total =
        |part: fn(&barehand::train::Timings) -> f64| history.epochs.iter().map(|e| part(&e.timings)).sum();
    [
        ("Waiting for data", total(|t| t.data)),
        ("Forward", total(|t| t.forward)),
        ("Backward", total(|t| t.backward)),
        ("Update", total(|t| t.update)),
        ("Validation", total(|t| t.validation)),
        ("Test", test.seconds),
    ]
    .map(|(name, seconds)| report::Timing { name: name.into(), seconds })
    .into()
}

/// Every setting with its value, as the configuration file has them.
fn configuration(config: &RunConfig) -> Result<Vec<Fact>> {
    let table: toml::Table = config
        .to_toml()?
        .parse()
        .map_err(|error: toml::de::Error| Error::value("config", error.to_string()))?;
    Ok(table
        .iter()
        .map(|(name, value)| Fact::new(name.as_str(), value.to_string().trim_matches('"')))
        .collect())
}

/// Now, in UTC, as `2026-11-21 18:30 UTC`.
fn created() -> String {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, minutes) = ((now / 86_400) as i64, now % 86_400 / 60);
    let (year, month, day) = civil_date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// The Gregorian date of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil_date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        assert_eq!(civil_date(0), (1970, 1, 1));
        assert_eq!(civil_date(19_782), (2024, 2, 29));
        assert_eq!(civil_date(20_778), (2026, 11, 21));
    }
}
