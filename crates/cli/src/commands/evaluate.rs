//! `barehand evaluate`

use std::path::PathBuf;

use barehand::Result;
use clap::Args;
use serde_json::json;

use super::{print, print_json};
use crate::config::RunConfig;
use crate::run_folder::RunFolder;
use crate::{data_source, model_file, run_report};

/// Measure a trained model on its test images, or on others.
#[derive(Args)]
#[command(after_help = "Examples:\n  barehand evaluate runs/mlp-embedded-1\n  \
                  barehand evaluate runs/cnn --data fashion-mnist --json")]
pub struct Arguments {
    /// The run's folder.
    run: PathBuf,
    /// Other images, whose test part is used: embedded | fashion-mnist[:DIR] | mnist[:DIR] | cifar10[:DIR] | folder:DIR
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
    /// Which part of the data.
    #[arg(long, value_enum, default_value = "test")]
    part: Part,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Part {
    Train,
    Validation,
    Test,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = RunFolder::open(&arguments.run)?;
    let mut config = RunConfig::read(&folder.config())?;
    if let Some(data) = &arguments.data {
        config.data.clone_from(data);
    }
    let (architecture, mut model) = model_file::read(&folder.model())?;
    let images = match arguments.part {
        Part::Test => data_source::read(&config.data, config.seed)?.test,
        Part::Train => data_source::split(&config)?.train,
        Part::Validation => data_source::split(&config)?.validation.ok_or_else(|| {
            barehand::Error::value("evaluate", "this run held no validation images back (validation = 0)")
        })?,
    };
    let test = run_report::examine(&architecture, model.as_mut(), &images, config.batch_size)?;
    if arguments.json {
        return print_json(&json!({
            "data": config.data,
            "part": format!("{:?}", arguments.part).to_lowercase(),
            "samples": test.samples,
            "accuracy": test.accuracy,
            "top_5_accuracy": test.top_5_accuracy,
            "log_loss": test.loss,
            "macro_f1": test.table.macro_avg.f1,
            "classes": architecture.classes,
            "confusion_matrix": test.confusion,
            "seconds": test.seconds,
        }));
    }
    print(&format!("{}", test.table))?;
    print(&format!(
        "accuracy {:.2} %   log loss {:.4}   {} images of {} in {:.2} s",
        100.0 * test.accuracy,
        test.loss,
        test.samples,
        images.name,
        test.seconds
    ))
}
