//! The `barehand` program: train, evaluate, predict, report, trace, list.
//!
//! Exit codes: 0 done; 1 the system failed (a full disk, a broken device); 2 wrong arguments, unusable data or a refused
//! file; 130 stopped by Ctrl-C (what was learned is saved and can be resumed).

// The parts of a program, which nobody links but the tests.
#![allow(missing_docs)]

mod commands;
mod config;
mod data_source;
mod interrupt;
mod memory;
mod model_file;
mod optimizer;
mod progress;
mod run_folder;
mod run_report;

/// The readers of what comes from outside, for the tests that give them what nobody should. No interface of its own.
#[doc(hidden)]
pub mod readers {
    pub use crate::commands::trace::parse_input;
    pub use crate::commands::train::{optimizer, schedule};
    pub use crate::config::RunConfig;
    pub use crate::model_file::{Architecture, archive as model_archive, from_bytes as read_model};
    pub use crate::run_report::{epoch as reported_epoch, step as reported_step};
}

use std::ffi::OsString;
use std::io::ErrorKind;
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

/// Reads the command line, does what it says, and tells the shell how it went.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// Does what the words of a command line say, of which the first is the program's name; the exit code.
pub fn run(words: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help, the version, or what is wrong. Nobody may be there to read it.
            let _ = answer.print();
            return u8::try_from(answer.exit_code()).unwrap_or(2);
        }
    };
    let result = match cli.command {
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Evaluate(arguments) => commands::evaluate::run(&arguments),
        Command::Predict(arguments) => commands::predict::run(&arguments),
        Command::Report(arguments) => commands::report::run(&arguments),
        Command::Trace(arguments) => commands::trace::run(&arguments),
        Command::List(arguments) => commands::list::run(&arguments),
    };
    match result {
        Ok(()) => 0,
        Err(Error::Interrupted) => 130,
        Err(error) => {
            progress::say(&format!("error: {error}"));
            if system_failed(&error) { 1 } else { 2 }
        }
    }
}

/// Whether the cause lies in the system, not in what was asked for: the same command may work another time.
fn system_failed(error: &Error) -> bool {
    let Error::Io { source, .. } = error else { return false };
    !matches!(
        source.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::AlreadyExists
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::InvalidFilename
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidData
            | ErrorKind::UnexpectedEof
    )
}
