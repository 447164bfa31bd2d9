//! Machine learning by bare hands: every block written out, proven against PyTorch and scikit-learn, and fast.
//!
//! Each block exists twice: the *engine* (this crate's [`tensor`], [`nn`], [`train`], ...) is there to be run, its
//! *textbook* twin ([`textbook`]) to be read, traced and trusted. Neither calls the other; the tests hold them together.
//!
//! # A tour
//!
//! Arrays and gradients:
//!
//! ```
//! use barehand::prelude::*;
//!
//! # fn main() -> barehand::Result<()> {
//! let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
//! let w = Tensor::from([[0.5, -0.5]]).requires_grad();
//! let loss = x.linear(&w, None)?.square()?.mean()?;
//! let gradients = loss.backward()?;
//! assert_eq!(gradients.of(&w)?.shape(), [1, 2]);
//! # Ok(())
//! # }
//! ```
//!
//! A network, and the plain training loop; [`train::Trainer`] adds validation, schedules, checkpoints and early stopping:
//!
//! ```
//! use barehand::prelude::*;
//! use barehand::{data, nn};
//!
//! # fn main() -> barehand::Result<()> {
//! let images = data::embedded()?.train;
//! let (mean, std) = images.mean_std();
//! let samples = images.with_transform(&data::ImageTransform::normalize(&mean, &std))?;
//! let loader = data::DataLoader::new(samples, 64)?.shuffle(true).seed(1);
//!
//! let mut model = nn::models::mlp(&[784, 64, 10], &mut Generator::new(1))?;
//! let mut optimizer = nn::Adam::builder(1e-3).build()?;
//! for batch in loader.epoch(0) {
//!     let batch = batch?;
//!     let loss = model.forward(&batch.inputs)?.cross_entropy(&batch.targets, &Default::default())?;
//!     optimizer.step(&mut model, &loss.backward()?)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Every number of a block, from its inputs to its gradients:
//!
//! ```
//! let inputs = [("x".to_string(), serde_json::json!([2.0, 1.0, 0.1]))];
//! println!("{}", barehand::lens::trace("softmax", &inputs).unwrap());
//! ```

pub use barehand_data as data;
pub use barehand_learn as learn;
pub use barehand_lens as lens;
pub use barehand_metrics as metrics;
pub use barehand_nn as nn;
pub use barehand_report as report;
pub use barehand_tensor as tensor;
pub use barehand_textbook as textbook;
pub use barehand_train as train;

pub use barehand_tensor::{Error, Result, Tensor, isa, no_grad, profile, threads};

/// What most programs need.
pub mod prelude {
    pub use barehand_nn::{Module, Optimizer, Parameters};
    pub use barehand_tensor::{Error, Generator, Result, Tensor, no_grad};
}

/// The README's examples are run with the other examples.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
