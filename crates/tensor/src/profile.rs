//! What a step spends, by operator: where the time of a training loop goes.
//!
//! While a [`Profiler`] runs, every operator's forward and backward, every optimizer's update of a parameter and every
//! wait for a batch is timed, on all threads that start one. An operator that is made of others counts as one. Without a
//! profiler the price is one look at a flag.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::layout::Dims;

/// What a span of time was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Waiting for a batch.
    Data,
    /// Computing an operator's output, recorded for a backward pass.
    Forward,
    /// Computing the gradients of an operator's inputs.
    Backward,
    /// Moving a parameter.
    Update,
    /// Computing an operator's output with nothing recorded, as validation does.
    Inference,
}

impl Phase {
    /// The phase in one word.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Data => "data",
            Phase::Forward => "forward",
            Phase::Backward => "backward",
            Phase::Update => "update",
            Phase::Inference => "inference",
        }
    }
}

/// All calls of one operator in one phase with one shape of output.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The operator, as in `conv2d`; for updates the optimizer.
    pub name: &'static str,
    /// What for.
    pub phase: Phase,
    /// The shape of the output (of its gradient, going backward; of the parameter, in an update).
    pub shape: Vec<usize>,
    /// How often.
    pub calls: u64,
    /// All of them together.
    pub seconds: f64,
}

/// What a [`Profiler`] saw: prints itself as a table, the dearest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The dearest first.
    pub rows: Vec<Row>,
    /// From start to stop, by the clock.
    pub seconds: f64,
}

impl Profile {
    /// Seconds that operators spent in a phase.
    pub fn phase(&self, phase: Phase) -> f64 {
        self.rows.iter().filter(|row| row.phase == phase).map(|row| row.seconds).sum()
    }

    /// Seconds by the clock that belong to no row: recording, logging, and whatever the loop does besides.
    pub fn elsewhere(&self) -> f64 {
        (self.seconds - self.rows.iter().map(|row| row.seconds).sum::<f64>()).max(0.0)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |seconds: f64| 100.0 * seconds / self.seconds.max(f64::MIN_POSITIVE);
        let shape = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let widest =
            |text: fn(&Row) -> usize, least: usize| self.rows.iter().map(text).fold(least, usize::max);
        let name = widest(|row| row.name.len(), "operator".len());
        let size = self.rows.iter().map(|row| shape(&row.shape).len()).fold("shape".len(), usize::max);
        writeln!(
            f,
            "{:name$}  {:9}  {:size$}  {:>9}  {:>11}  {:>10}  {:>7}",
            "operator", "phase", "shape", "calls", "us a call", "total ms", "share"
        )?;
        for row in &self.rows {
            writeln!(
                f,
                "{:name$}  {:9}  {:size$}  {:>9}  {:>11.1}  {:>10.1}  {:>5.1} %",
                row.name,
                row.phase.name(),
                shape(&row.shape),
                row.calls,
                1e6 * row.seconds / row.calls.max(1) as f64,
                1e3 * row.seconds,
                share(row.seconds)
            )?;
        }
        let rest = name + size + 37;
        write!(
            f,
            "{:rest$}  {:>10.1}  {:>5.1} %",
            "elsewhere",
            1e3 * self.elsewhere(),
            share(self.elsewhere())
        )
    }
}

type Key = (&'static str, Phase, Dims);

/// Whether a profiler runs.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Calls and time by key, while one runs.
static SEEN: Mutex<Option<HashMap<Key, (u64, Duration)>>> = Mutex::new(None);

thread_local! {
    /// Whether a span is open on this thread: what runs inside it is part of it.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Times every operator of the process until it is stopped or dropped.
///
/// ```
/// use barehand_tensor::profile::{Phase, Profiler};
/// use barehand_tensor::Tensor;
///
/// # fn main() -> barehand_tensor::Result<()> {
/// let w = Tensor::<f32>::ones([3, 4]).requires_grad();
/// let profiler = Profiler::start()?;
/// Tensor::ones([2, 4]).linear(&w, None)?.sum()?.backward()?;
/// let profile = profiler.stop();
/// let linear = profile.rows.iter().find(|row| row.name == "linear" && row.phase == Phase::Backward).unwrap();
/// assert_eq!((linear.calls, linear.shape.as_slice()), (1, [2, 3].as_slice()));
/// println!("{profile}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Profiler {
    start: Instant,
}

impl Profiler {
    /// Starts timing.
    ///
    /// # Errors
    /// When another profiler of the process is running.
    pub fn start() -> Result<Self> {
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_some() {
            return Err(Error::value("profile", "another profiler is running; a process has one at a time"));
        }
        *seen = Some(HashMap::new());
        RUNNING.store(true, Ordering::Relaxed);
        Ok(Profiler { start: Instant::now() })
    }

    /// Stops timing and tells what was seen.
    pub fn stop(self) -> Profile {
        let seconds = self.start.elapsed().as_secs_f64();
        let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        let mut rows: Vec<Row> = seen
            .into_iter()
            .map(|((name, phase, shape), (calls, time))| Row {
                name,
                phase,
                shape: shape.to_vec(),
                calls,
                seconds: time.as_secs_f64(),
            })
            .collect();
        rows.sort_by(|a, b| {
            b.seconds.total_cmp(&a.seconds).then_with(|| (a.name, a.phase).cmp(&(b.name, b.phase)))
        });
        Profile { rows, seconds }
    }
}

impl Drop for Profiler {
    fn drop(&mut self) {
        RUNNING.store(false, Ordering::Relaxed);
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Runs `work` and, while a profiler runs, books its time under `name`, `phase` and the shape that `shape` finds in its
/// result. Inside another span it is part of that one.
#[inline]
pub fn span<R>(
    name: &'static str,
    phase: Phase,
    shape: impl FnOnce(&R) -> Dims,
    work: impl FnOnce() -> R,
) -> R {
    if RUNNING.load(Ordering::Relaxed) { timed(name, phase, shape, work) } else { work() }
}

#[cold]
fn timed<R>(name: &'static str, phase: Phase, shape: impl FnOnce(&R) -> Dims, work: impl FnOnce() -> R) -> R {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            INSIDE.set(false);
        }
    }
    if INSIDE.replace(true) {
        return work();
    }
    let restore = Restore;
    let start = Instant::now();
    let result = work();
    let time = start.elapsed();
    drop(restore);
    if let Some(seen) = SEEN.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        let (calls, total) = seen.entry((name, phase, shape(&result))).or_default();
        *calls += 1;
        *total += time;
    }
    result
}
