//! The trainer: loop, validation, schedules, early stopping, checkpoints, exact resume.
//!
//! Nothing here is needed to train; the plain loop is five lines:
//!
//! ```
//! # use barehand_data::{DataLoader, TensorDataset};
//! # use barehand_nn::{Linear, Module, Optimizer, Sgd};
//! # use barehand_tensor::{Generator, Tensor};
//! # fn main() -> barehand_tensor::Result<()> {
//! # let (x, y) = (Tensor::<f32>::ones([8, 2]), Tensor::<i64>::zeros([8]));
//! # let loader = DataLoader::new(TensorDataset::new(&x, &y)?, 4)?;
//! # let mut model = Linear::new(2, 3, &mut Generator::new(0));
//! # let mut optimizer = Sgd::builder(0.1).build()?;
//! for batch in loader.epoch(0) {
//!     let batch = batch?;
//!     let loss = model.forward(&batch.inputs)?.cross_entropy(&batch.targets, &Default::default())?;
//!     optimizer.step(&mut model, &loss.backward()?)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What [`Trainer`] adds is what a run of an hour needs: it watches validation data, stops early, keeps the best weights,
//! tells a callback about every step, and writes [`Checkpoint`]s from which training goes on bit for bit.

mod checkpoint;
mod early_stopping;
mod evaluate;
mod metrics_log;
mod objective;
mod record;
mod trainer;

pub use checkpoint::Checkpoint;
pub use early_stopping::EarlyStopping;
pub use evaluate::{Evaluation, Predictions, evaluate, predict};
pub use metrics_log::MetricsLog;
pub use objective::{Classification, Objective, Outcome};
pub use record::{EpochRecord, Event, History, StepRecord, Timings};
pub use trainer::{Every, Progress, Stopped, Trainer};
