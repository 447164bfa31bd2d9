//! `barehand report`

use std::path::PathBuf;

use barehand::Result;
use clap::Args;
use serde_json::json;

use super::{print, print_json};
use crate::config::RunConfig;
use crate::run_folder::RunFolder;
use crate::{data_source, model_file, run_report};

/// Write a run's report.html again, from its metrics and its model.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  barehand report runs/mlp-embedded-1\n  barehand report runs/cnn --out cnn.html"
)]
pub struct Arguments {
    /// The run's folder.
    run: PathBuf,
    /// Where to write the page [default: report.html in the run's folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = RunFolder::open(&arguments.run)?;
    let config = RunConfig::read(&folder.config())?;
    let (architecture, mut model) = model_file::read(&folder.model())?;
    let images = data_source::read(&config.data, config.seed)?.test;
    let path = arguments.out.clone().unwrap_or_else(|| folder.report());
    let test = run_report::examine(&architecture, model.as_mut(), &images, config.batch_size)?;
    run_report::write(&path, &folder, &config, &architecture, model.as_ref(), &test)?;
    if arguments.json {
        return print_json(&json!({ "report": path, "accuracy": test.accuracy, "loss": test.loss }));
    }
    print(&path.display().to_string())
}
