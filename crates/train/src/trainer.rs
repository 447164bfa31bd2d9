//! The loop.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use barehand_data::{Cursor, DataLoader, Dataset};
use barehand_nn::{Module, Norm, Optimizer, Schedule, Scheduler, StateDict, clip_grad_norm};
use barehand_tensor::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::early_stopping::EarlyStopping;
use crate::evaluate::evaluate;
use crate::objective::{Objective, Outcome};
use crate::record::{EpochRecord, Event, StepRecord, Timings};

/// Where a run stands between two steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The epoch under way, from 0.
    pub epoch: u64,
    /// The batch of it that comes next.
    pub batch: usize,
    /// Steps taken over all epochs.
    pub step: u64,
    /// What the epoch under way has seen so far.
    running: Running,
}

/// Sums over the part of an epoch that is done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Running {
    loss: f64,
    correct: Option<usize>,
    samples: usize,
    /// Of the latest step.
    learning_rate: f64,
    seconds: f64,
    timings: Timings,
}

/// When a schedule moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// After each step.
    Step,
    /// After each epoch.
    Epoch,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs are done.
    Finished,
    /// The validation loss stopped falling.
    Early,
    /// The callback asked for it; a checkpoint was written where one is kept.
    Interrupted,
}

type Callback<'a> = Box<dyn FnMut(&Event) -> Result<ControlFlow<()>> + Send + 'a>;

/// Runs epochs over a data set: a loss, gradients, a step for each batch, and what long runs need around it.
///
/// ```
/// use barehand_data::{DataLoader, TensorDataset};
/// use barehand_nn::{Adam, Linear};
/// use barehand_tensor::{Generator, Tensor};
/// use barehand_train::{Classification, Trainer};
///
/// # fn main() -> barehand_tensor::Result<()> {
/// let x = Tensor::from([[0.0f32, 1.0], [1.0, 0.0], [0.1, 0.9], [0.8, 0.1]]);
/// let y = Tensor::from([0i64, 1, 0, 1]);
/// let loader = DataLoader::new(TensorDataset::new(&x, &y)?, 2)?.shuffle(true);
/// let mut model = Linear::new(2, 2, &mut Generator::new(0));
/// let mut trainer = Trainer::new(Classification::default(), 30);
/// trainer.fit(&mut model, &mut Adam::builder(0.1).build()?, &loader, Some(&loader))?;
/// assert_eq!(barehand_train::evaluate(&mut model, &loader, &Classification::default())?.accuracy, Some(1.0));
/// # Ok(())
/// # }
/// ```
pub struct Trainer<'a, B> {
    objective: Box<dyn Objective<B> + 'a>,
    epochs: u64,
    clip_norm: Option<f64>,
    schedule: Option<(Scheduler, Every)>,
    early_stopping: Option<EarlyStopping>,
    checkpoint: Option<PathBuf>,
    checkpoint_steps: u64,
    callback: Callback<'a>,
    progress: Progress,
    best: Option<StateDict>,
}

impl<'a, B: Send> Trainer<'a, B> {
    /// Minimises `objective` for `epochs` passes over the data.
    pub fn new(objective: impl Objective<B> + 'a, epochs: u64) -> Self {
        Trainer {
            objective: Box::new(objective),
            epochs,
            clip_norm: None,
            schedule: None,
            early_stopping: None,
            checkpoint: None,
            checkpoint_steps: 0,
            callback: Box::new(|_| Ok(ControlFlow::Continue(()))),
            progress: Progress::default(),
            best: None,
        }
    }

    /// Scales gradients down where their norm together exceeds `norm`.
    #[must_use]
    pub fn clip_grad_norm(mut self, norm: f64) -> Self {
        self.clip_norm = Some(norm);
        self
    }

    /// Changes the learning rate as `scheduler` says, which moves on after every step or every epoch. A plateau schedule
    /// sees the validation loss, so it moves on after epochs.
    #[must_use]
    pub fn schedule(mut self, scheduler: Scheduler, every: Every) -> Self {
        let every =
            if matches!(scheduler.schedule(), Schedule::ReduceOnPlateau(_)) { Every::Epoch } else { every };
        self.schedule = Some((scheduler, every));
        self
    }

    /// Stops when the validation loss has not fallen for a while, and ends with the weights of the best epoch.
    #[must_use]
    pub fn early_stopping(mut self, early_stopping: EarlyStopping) -> Self {
        self.early_stopping = Some(early_stopping);
        self
    }

    /// Keeps a checkpoint at `path`: after every epoch, every `steps` steps (0: only epochs), and when interrupted.
    #[must_use]
    pub fn checkpoint(mut self, path: impl AsRef<Path>, steps: u64) -> Self {
        self.checkpoint = Some(path.as_ref().to_path_buf());
        self.checkpoint_steps = steps;
        self
    }

    /// Tells `callback` of every step and epoch; it may ask to stop, or fail.
    #[must_use]
    pub fn on_event(mut self, callback: impl FnMut(&Event) -> Result<ControlFlow<()>> + Send + 'a) -> Self {
        self.callback = Box::new(callback);
        self
    }

    /// Puts everything back as it was when `checkpoint` was written: weights, optimizer, schedule, random state, place in
    /// the data. Training then goes on as if it had never stopped, bit for bit with the same number of threads.
    ///
    /// # Errors
    /// When the checkpoint is of another model, optimizer or schedule.
    pub fn resume(
        &mut self,
        checkpoint: Checkpoint,
        model: &mut dyn Module,
        optimizer: &mut dyn Optimizer,
    ) -> Result<&Progress> {
        let restored = checkpoint.restore(model, optimizer)?;
        if restored.schedule.is_some() != self.schedule.is_some() {
            return Err(Error::value("resume", "the checkpoint and this run do not both have a schedule"));
        }
        if restored.early_stopping.is_some() != self.early_stopping.is_some() {
            return Err(Error::value("resume", "the checkpoint and this run do not both stop early"));
        }
        self.schedule = restored.schedule;
        self.early_stopping = restored.early_stopping;
        self.best = restored.best;
        self.progress = restored.progress;
        Ok(&self.progress)
    }

    /// Where the run stands.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Trains until the last epoch, an early stop, or the callback's word.
    ///
    /// # Errors
    /// What the data, the model, the callback or the disk says; also where a loss is not a finite number, or validation is
    /// needed and missing.
    pub fn fit<D: Dataset<Batch = B>>(
        &mut self,
        model: &mut dyn Module,
        optimizer: &mut dyn Optimizer,
        train: &DataLoader<D>,
        validation: Option<&DataLoader<D>>,
    ) -> Result<Stopped> {
        if train.is_empty() {
            return Err(Error::value("fit", "the training data has no batch"));
        }
        let plateau = |(scheduler, _): &(Scheduler, Every)| {
            matches!(scheduler.schedule(), Schedule::ReduceOnPlateau(_))
        };
        let watches = self.early_stopping.is_some() || self.schedule.as_ref().is_some_and(plateau);
        if watches && validation.is_none() {
            return Err(Error::value("fit", "early stopping and plateau schedules need validation data"));
        }
        model.train();
        if let Some((scheduler, _)) = &self.schedule {
            scheduler.apply(optimizer);
        }
        while self.progress.epoch < self.epochs {
            if self.early_stopping.as_ref().is_some_and(EarlyStopping::is_over) {
                self.restore_best(model)?;
                return Ok(Stopped::Early);
            }
            let flow = self.epoch(model, optimizer, train, validation)?;
            if flow.is_break() {
                self.write_checkpoint(model, optimizer)?;
                return Ok(Stopped::Interrupted);
            }
        }
        self.restore_best(model)?;
        let early = self.early_stopping.as_ref().is_some_and(EarlyStopping::is_over);
        Ok(if early { Stopped::Early } else { Stopped::Finished })
    }

    fn restore_best(&self, model: &mut dyn Module) -> Result<()> {
        match &self.best {
            Some(best) => model.load_state_dict(best),
            None => Ok(()),
        }
    }

    fn epoch<D: Dataset<Batch = B>>(
        &mut self,
        model: &mut dyn Module,
        optimizer: &mut dyn Optimizer,
        train: &DataLoader<D>,
        validation: Option<&DataLoader<D>>,
    ) -> Result<ControlFlow<()>> {
        let mut batches = train.resume(Cursor { epoch: self.progress.epoch, batch: self.progress.batch })?;
        loop {
            let start = Instant::now();
            let Some(batch) = batches.next() else { break };
            let waited = start.elapsed().as_secs_f64();
            let flow = self.step(model, optimizer, &batch?, waited)?;
            let due = self.checkpoint_steps > 0 && self.progress.step.is_multiple_of(self.checkpoint_steps);
            if flow.is_break() {
                return Ok(flow);
            }
            if due && self.progress.batch < train.len() {
                self.write_checkpoint(model, optimizer)?;
            }
        }
        self.end_epoch(model, optimizer, validation)
    }

    fn step(
        &mut self,
        model: &mut dyn Module,
        optimizer: &mut dyn Optimizer,
        batch: &B,
        waited: f64,
    ) -> Result<ControlFlow<()>> {
        let begin = Instant::now();
        let (mut forward, mut backward) = (0.0, 0.0);
        let learning_rate = optimizer.learning_rate();
        let mut first = None;
        // Most optimizers look at the loss once a step; what is told of the step is how it began.
        let mut look = |model: &dyn Module| {
            let start = Instant::now();
            let Outcome { loss, samples, correct } = self.objective.evaluate(model, batch)?;
            let value = loss.item()?;
            forward += start.elapsed().as_secs_f64();
            if first.is_none() && !value.is_finite() {
                return Err(self.not_finite(value));
            }
            first.get_or_insert((f64::from(value), samples, correct));
            let start = Instant::now();
            let mut gradients = loss.backward()?;
            backward += start.elapsed().as_secs_f64();
            if let Some(norm) = self.clip_norm {
                clip_grad_norm(&mut gradients, norm, Norm::Two)?;
            }
            Ok((value, gradients))
        };
        optimizer.step_with(model, &mut look)?;
        let Some((loss, samples, correct)) = first else {
            return Err(Error::value(
                "fit",
                format!("{} took a step without a look at the loss", optimizer.name()),
            ));
        };
        self.advance_schedule(Every::Step, None, optimizer)?;
        let elapsed = begin.elapsed().as_secs_f64();

        let Progress { epoch, batch: batch_number, step, running } = &mut self.progress;
        *batch_number += 1;
        *step += 1;
        running.loss += loss * samples as f64;
        running.samples += samples;
        running.correct = correct.map(|right| running.correct.unwrap_or(0) + right);
        running.learning_rate = learning_rate;
        running.seconds += waited + elapsed;
        running.timings.data += waited;
        running.timings.forward += forward;
        running.timings.backward += backward;
        running.timings.update += elapsed - forward - backward;
        let record = StepRecord {
            step: *step,
            epoch: *epoch + 1,
            loss,
            accuracy: correct.map(|right| right as f64 / samples.max(1) as f64),
            learning_rate,
            running_loss: running.loss / running.samples as f64,
            samples_per_second: running.samples as f64 / running.seconds,
        };
        (self.callback)(&Event::Step(record))
    }

    fn not_finite(&self, loss: f32) -> Error {
        let Progress { epoch, batch, step, .. } = &self.progress;
        Error::value(
            "fit",
            format!(
                "the loss became {loss} in step {} (epoch {}, batch {}): try a smaller learning rate or clip the gradients; \
                 the weights before this step are in the last checkpoint",
                step + 1,
                epoch + 1,
                batch + 1
            ),
        )
    }

    fn advance_schedule(
        &mut self,
        now: Every,
        metric: Option<f64>,
        optimizer: &mut dyn Optimizer,
    ) -> Result<()> {
        if let Some((scheduler, every)) = &mut self.schedule
            && *every == now
        {
            scheduler.step(metric)?;
            scheduler.apply(optimizer);
        }
        Ok(())
    }

    fn end_epoch<D: Dataset<Batch = B>>(
        &mut self,
        model: &mut dyn Module,
        optimizer: &mut dyn Optimizer,
        validation: Option<&DataLoader<D>>,
    ) -> Result<ControlFlow<()>> {
        let begin = Instant::now();
        let seen = validation.map(|loader| evaluate(model, loader, &*self.objective)).transpose()?;
        let validated = begin.elapsed().as_secs_f64();
        if let (Some(watch), Some(seen)) = (&mut self.early_stopping, &seen)
            && watch.observe(seen.loss)
        {
            self.best = Some(model.state_dict());
        }
        self.advance_schedule(Every::Epoch, seen.map(|seen| seen.loss), optimizer)?;
        let running = std::mem::take(&mut self.progress.running);
        self.progress.epoch += 1;
        self.progress.batch = 0;
        let samples = running.samples.max(1) as f64;
        let record = EpochRecord {
            epoch: self.progress.epoch,
            step: self.progress.step,
            train_loss: running.loss / samples,
            train_accuracy: running.correct.map(|right| right as f64 / samples),
            validation_loss: seen.map(|seen| seen.loss),
            validation_accuracy: seen.and_then(|seen| seen.accuracy),
            learning_rate: running.learning_rate,
            seconds: running.seconds + validated,
            samples_per_second: samples / running.seconds,
            timings: Timings { validation: validated, ..running.timings },
        };
        let flow = (self.callback)(&Event::Epoch(record))?;
        if flow.is_continue() {
            self.write_checkpoint(model, optimizer)?;
        }
        Ok(flow)
    }

    fn write_checkpoint(&mut self, model: &dyn Module, optimizer: &dyn Optimizer) -> Result<()> {
        let Some(path) = &self.checkpoint else { return Ok(()) };
        // What was logged up to here must not be lost when the checkpoint says that it was seen.
        let _ = (self.callback)(&Event::Checkpoint)?;
        Checkpoint::take(
            &self.progress,
            model,
            optimizer,
            self.schedule.as_ref(),
            self.early_stopping.as_ref(),
            self.best.as_deref(),
        )
        .write(path)
    }
}
