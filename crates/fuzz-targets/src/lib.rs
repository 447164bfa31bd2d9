//! What every reader of outside bytes must hold, whatever the bytes: a result or an error, never a panic, never memory
//! that the bytes do not justify; what was read, written and read again is the same; and the first use of a result
//! holds too.
//!
//! A [`Target`] takes bytes and panics where its reader breaks that promise. The fuzzer (`fuzz/`, run by `scripts/fuzz`)
//! calls it on millions of inputs; the tests here on its valid seeds, damaged in order, and on every input that once broke
//! it (`fuzz/regressions/`).

mod arrays;
mod estimators;
mod images;
mod program;
mod text;
mod training;

/// A reader under test.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, as in `npy`.
    pub name: &'static str,
    /// Gives bytes to the reader, uses the result, panics where something is wrong.
    pub run: fn(&[u8]),
    /// Small valid inputs: where the fuzzer begins.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every reader of outside bytes.
pub const TARGETS: [Target; 14] = [
    Target { name: "idx", run: images::idx, seeds: images::idx_seeds },
    Target { name: "cifar10", run: images::cifar10, seeds: images::cifar10_seeds },
    Target { name: "mnist_csv", run: images::mnist_csv, seeds: images::mnist_csv_seeds },
    Target { name: "image", run: images::image, seeds: images::image_seeds },
    Target { name: "npy", run: arrays::npy, seeds: arrays::npy_seeds },
    Target { name: "npz", run: arrays::npz, seeds: arrays::npz_seeds },
    Target { name: "safetensors", run: arrays::safetensors, seeds: arrays::safetensors_seeds },
    Target { name: "checkpoint", run: training::checkpoint, seeds: training::checkpoint_seeds },
    Target { name: "estimator", run: estimators::estimator, seeds: estimators::estimator_seeds },
    Target { name: "metrics", run: training::metrics, seeds: training::metrics_seeds },
    Target { name: "config", run: program::config, seeds: program::config_seeds },
    Target { name: "text", run: text::text, seeds: text::text_seeds },
    Target { name: "model", run: program::model, seeds: program::model_seeds },
    Target { name: "trace", run: program::trace, seeds: program::trace_seeds },
];

/// The target called `name`.
pub fn find(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
