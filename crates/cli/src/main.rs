//! The `barehand` program: train, evaluate, predict, report, trace, list.
//!
//! Exit codes: 0 done; 2 wrong arguments, unusable data or a refused file; 130 stopped by Ctrl-C (what was learned is
//! saved and can be resumed).

mod commands;
mod config;
mod data_source;
mod interrupt;
mod model_file;
mod progress;
mod run_folder;
mod run_report;

use std::process::ExitCode;

use barehand::Error;
use clap::{Parser, Subcommand};

/// Machine learning by bare hands: train on real images, look at the report, use the model.
#[derive(Parser)]
#[command(name = "barehand", version, arg_required_else_help = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a network on images and write a run folder: model, metrics, report.
    Train(Box<commands::train::Arguments>),
    /// Measure a trained model on its test images, or on others.
    Evaluate(commands::evaluate::Arguments),
    /// Classify pictures (PNG or JPEG) with a trained model.
    Predict(commands::predict::Arguments),
    /// Write a run's report.html again.
    Report(commands::report::Arguments),
    /// Show every number of a block on the way from its inputs to its gradients.
    Trace(commands::trace::Arguments),
    /// List every block: its formula, where it is, and its textbook twin.
    List(commands::list::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Evaluate(arguments) => commands::evaluate::run(&arguments),
        Command::Predict(arguments) => commands::predict::run(&arguments),
        Command::Report(arguments) => commands::report::run(&arguments),
        Command::Trace(arguments) => commands::trace::run(&arguments),
        Command::List(arguments) => commands::list::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
