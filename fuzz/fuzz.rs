//! Feeds one reader, named by the environment variable `TARGET`, with whatever libFuzzer makes up. Run by `scripts/fuzz`.
//!
//! `TARGET=npy SEEDS=folder fuzz` writes the target's seeds and ends.

#![no_main]

use std::sync::OnceLock;

use barehand_fuzz_targets::{Target, find};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("TARGET").expect("TARGET names a reader");
        let target = find(&name).expect("a reader of that name");
        if let Ok(folder) = std::env::var("SEEDS") {
            for (number, seed) in (target.seeds)().iter().enumerate() {
                std::fs::write(format!("{folder}/seed-{number:02}"), seed).expect("a folder to write to");
            }
            std::process::exit(0);
        }
        TARGET.set(target).expect("set once");
    },
    |bytes: &[u8]| {
        (TARGET.get().expect("set at the start").run)(bytes);
    }
);
