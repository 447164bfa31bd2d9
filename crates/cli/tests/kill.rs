//! Runs that are killed at any moment, and go on as if nothing had been.
#![cfg(unix)]

mod shell;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use shell::{barehand, command, ended, json, names, refused, temporary, text};

/// A network with every source of randomness there is, and a convolutional one. Small, so that much time goes into
/// checkpoints.
const RUNS: [&[&str]; 2] = [
    &[
        "train",
        "--hidden",
        "16",
        "--epochs",
        "3",
        "--dropout",
        "0.2",
        "--augment",
        "--warmup-epochs",
        "1",
        "--early-stopping",
        "2",
        "--validation",
        "0.5",
        "--checkpoint-steps",
        "2",
        "--threads",
        "1",
    ],
    &[
        "train",
        "--model",
        "cnn",
        "--channels",
        "2,3",
        "--hidden",
        "8",
        "--epochs",
        "2",
        "--validation",
        "0.7",
        "--optimizer",
        "sgd",
        "--schedule",
        "plateau",
        "--checkpoint-steps",
        "1",
        "--threads",
        "2",
    ],
];

/// A stream of numbers, the same every time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }
}

/// Starts the run, or goes on with it where there is one.
fn go_on(here: &Path, settings: &[&str]) -> Child {
    let arguments = if here.join("parts/config.toml").exists() {
        vec!["train", "--resume", "parts"]
    } else {
        [settings, &["--out", "parts"]].concat()
    };
    let mut command = command(here, &arguments);
    command.args(["--quiet", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What stays of a log when the time that things took is left out.
fn log(run: &Path) -> Vec<Value> {
    let lines = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let without_time = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        for key in ["seconds", "samples_per_second", "timings"] {
            line.as_object_mut().unwrap().shift_remove(key);
        }
        line
    };
    lines.lines().map(without_time).collect()
}

/// The part of a page that no clock goes into: scores of classes, confusions, mistakes with their pictures.
fn judgement(run: &Path) -> String {
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    let sections = page.split("<section id=\"").skip(1);
    let kept: Vec<&str> = sections
        .filter(|s| ["classes", "confusion", "mistakes"].iter().any(|id| s.starts_with(id)))
        .collect();
    assert_eq!(kept.len(), 3, "the page has other sections than this test knows");
    kept.concat()
}

#[track_caller]
fn same(here: &Path, context: &str) {
    let (whole, parts) = (here.join("whole"), here.join("parts"));
    for name in ["model.safetensors", "checkpoint.safetensors", "config.toml"] {
        let read = |run: &Path| std::fs::read(run.join(name)).unwrap();
        assert!(read(&whole) == read(&parts), "{name} differs after {context}");
    }
    assert_eq!(log(&whole), log(&parts), "the logs differ after {context}");
    assert!(judgement(&whole) == judgement(&parts), "the reports differ after {context}");
    assert_eq!(names(&whole), names(&parts), "files were left after {context}");
}

/// Whether a file in the folder is half written.
fn writing(run: &Path) -> bool {
    let half =
        |entry: std::io::Result<std::fs::DirEntry>| entry.is_ok_and(|entry| temporary(entry.file_name()));
    std::fs::read_dir(run).is_ok_and(|mut entries| entries.any(half))
}

/// Kills after a while, sometimes only when a file is being written. Whether there was something to kill.
fn kill_at_some_moment(child: &mut Child, run: &Path, longest: Duration, numbers: &mut Numbers) -> bool {
    let start = Instant::now();
    let waits_for_a_file = numbers.next(3) == 0;
    let moment = Duration::from_micros(numbers.next(longest.as_micros() as u64));
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if start.elapsed() >= moment && (!waits_for_a_file || writing(run)) {
            child.kill().unwrap();
            return !child.wait().unwrap().success();
        }
    }
}

/// Kills runs until there were as many kills as `wanted`, up to five in one run; each must end as one that nobody killed.
fn killed(settings: &[&str], wanted: u64, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let start = Instant::now();
    json(&barehand(here, &[settings, &["--out", "whole", "--quiet", "--json"][..]].concat()));
    let whole = start.elapsed();
    let mut numbers = Numbers(seed);
    let (mut kills, mut torn, mut runs) = (0, 0, 0);
    while kills < wanted {
        let before = kills;
        while kills < wanted && kills < before + 5 {
            let mut child = go_on(here, settings);
            if !kill_at_some_moment(&mut child, &here.join("parts"), whole / 2, &mut numbers) {
                break;
            }
            kills += 1;
            torn += usize::from(writing(&here.join("parts")));
        }
        let output = go_on(here, settings).wait_with_output().unwrap();
        json(&output);
        same(here, &format!("{kills} kills"));
        runs += 1;
        std::fs::remove_dir_all(here.join("parts")).unwrap();
    }
    println!("{}: {kills} kills in {runs} runs, {torn} while a file was written", settings[1..4].join(" "));
}

#[test]
fn killed_runs_end_with_the_bits_of_those_that_were_not() {
    // `scripts/proofs kill` asks for more.
    let wanted: u64 = std::env::var("KILLS").map_or(10, |text| text.parse().unwrap());
    for (number, settings) in RUNS.iter().enumerate() {
        killed(settings, wanted, number as u64);
    }
}

/// What each optimizer remembers is in the checkpoint, whichever moment the run ended at.
#[test]
fn killed_runs_of_every_optimizer_end_with_the_bits_of_those_that_were_not() {
    let optimizers: [&[&str]; 12] = [
        &["sgd", "--dampening", "0.1"],
        &["adagrad", "--lr-decay", "0.01"],
        &["adadelta"],
        &["rmsprop", "--momentum", "0.5", "--centered"],
        &["rprop"],
        &["adam", "--amsgrad"],
        &["adamw"],
        &["nadam"],
        &["radam"],
        &["adamax"],
        &["asgd", "--t0", "3"],
        &["lbfgs", "--max-iter", "2", "--history-size", "3"],
    ];
    let small = ["--hidden", "8", "--validation", "0.8", "--epochs", "2", "--threads", "1"];
    let kept = ["--schedule", "one-cycle", "--checkpoint-steps", "1"];
    for (number, options) in optimizers.iter().enumerate() {
        let settings = [&["train", "--optimizer"], *options, &small, &kept].concat();
        killed(&settings, 2, 100 + number as u64);
    }
}

#[test]
fn ctrl_c_at_some_moment_leaves_a_run_to_go_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let settings = RUNS[0];
    let start = Instant::now();
    json(&barehand(here, &[settings, &["--out", "whole", "--quiet", "--json"][..]].concat()));
    // Well before its end, however fast this machine is.
    let latest = (start.elapsed() / 4).as_micros() as u64;
    let mut numbers = Numbers(7);
    let mut interrupts = 0;
    loop {
        let child = go_on(here, settings);
        let log = here.join("parts/metrics.jsonl");
        while !log.exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(numbers.next(latest)));
        assert!(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().is_ok());
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            break;
        }
        if output.status.signal() == Some(2) {
            // It had only just started and did not listen yet: as good as killed.
            continue;
        }
        ended(&output, 130, "barehand train --resume parts");
        let left = names(&here.join("parts"));
        assert!(left.contains(&"checkpoint.safetensors".to_string()), "{left:?}");
        assert!(!left.iter().any(temporary), "{left:?}");
        interrupts += 1;
        if interrupts == 4 {
            let output = go_on(here, settings).wait_with_output().unwrap();
            json(&output);
            break;
        }
    }
    assert!(interrupts > 0, "the run was over before it could be interrupted");
    same(here, "interrupts");
}

#[test]
fn one_run_is_not_trained_by_two() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let arguments = ["train", "--hidden", "8", "--epochs", "500", "--out", "run", "--quiet"];
    let mut child = command(here, &arguments).spawn().unwrap();
    while !here.join("run/checkpoint.safetensors").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be disturbed");
        std::thread::sleep(Duration::from_millis(5));
    }
    refused(&barehand(here, &["train", "--resume", "run"]), "another `barehand train` is at work");
    refused(&barehand(here, &["train", "--out", "run"]), "run is in use");
    assert!(child.try_wait().unwrap().is_none(), "the first run did not survive the second");
    child.kill().unwrap();
    child.wait().unwrap();
    let schedule = text(&barehand(here, &["train", "--resume", "run", "--epochs", "2"]).stderr);
    // The lock died with its holder; what refuses now is the schedule.
    assert!(schedule.contains("the schedule is laid out"), "{schedule}");
}
