//! The real program, run as a shell runs it.
#![allow(dead_code, reason = "every test file takes what it needs")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The program, about to be run in `folder`.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_barehand"));
    command.args(arguments).current_dir(folder);
    command
}

/// The program, run in `folder` to its end.
pub fn barehand(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard output as the one JSON object that `--json` promises.
#[track_caller]
pub fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Exit code 2 and this text, nothing on standard output.
#[track_caller]
pub fn refused(output: &Output, expected: &str) {
    ended(output, 2, expected);
    assert!(output.stdout.is_empty());
}

/// This exit code, and this text among the errors.
#[track_caller]
pub fn ended(output: &Output, code: i32, expected: &str) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(message.contains(expected), "\"{expected}\" is not in: {message}");
    assert!(!message.contains("panicked"), "{message}");
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether a file of this name is half written.
pub fn temporary(name: impl AsRef<Path>) -> bool {
    name.as_ref().extension().is_some_and(|ending| ending == "tmp")
}
