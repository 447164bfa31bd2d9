//! Shuffled mini-batches, prepared on another thread while the last one is being learned from, where that pays.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use barehand_kernels::random::Philox;
use barehand_tensor::layout::Dims;
use barehand_tensor::profile::{self, Phase};
use barehand_tensor::{Error, Result, threads};

use crate::dataset::Dataset;

/// How long preparing a batch must take for another thread to pay: a batch handed over costs both threads a wake-up, some
/// tens of microseconds together, and the preparing thread competes for the processors with those that compute.
const HAND_OVER: Duration = Duration::from_micros(200);

/// Batches prepared ahead where that pays.
const AHEAD: usize = 2;

/// Cuts a data set into batches, epoch after epoch (PyTorch's `DataLoader`).
///
/// The order of epoch `e` is a pure function of the seed and `e`, and so is every augmentation: training that stops can
/// go on from a [`Cursor`] with exactly the batches it would have seen.
///
/// ```
/// use barehand_data::{DataLoader, TensorDataset};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from_vec(vec![0.0f32; 20], [10, 2])?;
/// let y = Tensor::from_vec((0..10).collect(), [10])?;
/// let loader = DataLoader::new(TensorDataset::new(&x, &y)?, 4)?.shuffle(true).seed(42);
/// for epoch in 0..2 {
///     let mut seen = Vec::new();
///     for batch in loader.epoch(epoch) {
///         seen.extend(batch?.targets.to_vec());
///     }
///     seen.sort();
///     assert_eq!(seen, (0..10).collect::<Vec<i64>>());
/// }
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Debug)]
pub struct DataLoader<D> {
    dataset: Arc<D>,
    batch_size: usize,
    shuffle: bool,
    seed: u64,
    drop_last: bool,
    prefetch: Option<usize>,
}

/// A place in training: the batch that comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Epoch, from 0.
    pub epoch: u64,
    /// Batch within the epoch, from 0; the number of batches when the epoch is over.
    pub batch: usize,
}

impl<D: Dataset> DataLoader<D> {
    /// Batches of `batch_size` samples of `dataset`, in its order, the last one smaller where they do not come out
    /// even; prepared ahead where that pays ([`prefetch`](Self::prefetch)).
    ///
    /// # Errors
    /// The batch size is 0.
    pub fn new(dataset: D, batch_size: usize) -> Result<Self> {
        if batch_size == 0 {
            return Err(Error::value("DataLoader", "a batch has at least one sample, the batch size is 0"));
        }
        let dataset = Arc::new(dataset);
        Ok(DataLoader { dataset, batch_size, shuffle: false, seed: 0, drop_last: false, prefetch: None })
    }

    /// Whether every epoch has a random order of its own (default: no).
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The seed of the orders and of augmentation (default: 0).
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether a smaller last batch is left out (default: no).
    #[must_use]
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// How many batches are prepared ahead on another thread; 0 prepares each when it is asked for. By default 2 where an
    /// epoch's first batch took more than 200 microseconds to prepare (augmented or large ones do), else 0. What the
    /// batches hold does not depend on it.
    #[must_use]
    pub fn prefetch(mut self, batches: usize) -> Self {
        self.prefetch = Some(batches);
        self
    }

    /// The data set.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// Samples in a full batch.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Batches in an epoch.
    pub fn len(&self) -> usize {
        let (samples, size) = (self.dataset.len(), self.batch_size);
        if self.drop_last { samples / size } else { samples.div_ceil(size) }
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The order of epoch `epoch`: which sample comes when.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        self.plan(epoch).order()
    }

    /// All batches of an epoch, from the first.
    pub fn epoch(&self, epoch: u64) -> Batches<D> {
        self.batches(Cursor { epoch, batch: 0 })
    }

    /// The rest of an epoch, from the batch that `cursor` names.
    ///
    /// # Errors
    /// The epoch has fewer batches.
    pub fn resume(&self, cursor: Cursor) -> Result<Batches<D>> {
        if cursor.batch > self.len() {
            let text = format!("cannot resume at batch {} of epochs of {}", cursor.batch, self.len());
            return Err(Error::index("DataLoader", text));
        }
        Ok(self.batches(cursor))
    }

    fn plan(&self, epoch: u64) -> Plan<D> {
        Plan {
            dataset: self.dataset.clone(),
            samples: self.dataset.len(),
            batch_size: self.batch_size,
            shuffle: self.shuffle,
            random: Philox::from_state(self.seed, epoch),
        }
    }

    fn batches(&self, cursor: Cursor) -> Batches<D> {
        let (plan, end) = (self.plan(cursor.epoch), self.len());
        let source = match self.prefetch {
            None | Some(0) => Source::here(plan),
            Some(ahead) => Source::ahead(plan, cursor.batch..end, ahead),
        };
        Batches { source, cursor, end, undecided: self.prefetch.is_none() }
    }
}

/// All that an epoch's batches depend on.
struct Plan<D> {
    dataset: Arc<D>,
    samples: usize,
    batch_size: usize,
    shuffle: bool,
    /// The epoch's own generator: every use of chance forks from it.
    random: Philox,
}

impl<D: Dataset> Plan<D> {
    fn order(&self) -> Vec<usize> {
        let mut random = self.random;
        if self.shuffle { random.fork().permutation(self.samples) } else { (0..self.samples).collect() }
    }

    fn prepare(&self, order: &[usize], batch: usize) -> Result<D::Batch> {
        let start = batch * self.batch_size;
        let indices = &order[start..self.samples.min(start + self.batch_size)];
        // The complement of the epoch's seed, so that augmentation does not repeat the draws behind the order.
        let augmentation = !self.random.clone().fork().state().0;
        self.dataset.batch(indices, &mut Philox::from_state(augmentation, batch as u64).fork())
    }
}

/// The batches of an epoch, an iterator of `Result`: see [`DataLoader`].
///
/// After an error there are no more batches. Dropping it stops the preparing thread.
#[derive(Debug)]
pub struct Batches<D: Dataset> {
    source: Source<D>,
    cursor: Cursor,
    end: usize,
    /// Whether the time that the next batch takes decides if the ones after it are prepared ahead.
    undecided: bool,
}

enum Source<D: Dataset> {
    Here { plan: Plan<D>, order: Vec<usize> },
    Ahead { receiver: Receiver<Result<D::Batch>>, thread: JoinHandle<()> },
    Finished,
}

impl<D: Dataset> Source<D> {
    fn here(plan: Plan<D>) -> Self {
        Source::Here { order: plan.order(), plan }
    }

    fn ahead(plan: Plan<D>, batches: std::ops::Range<usize>, ahead: usize) -> Self {
        let plan = Arc::new(plan);
        // One prepared batch waits in the thread's hands.
        let (sender, receiver) = sync_channel(ahead - 1);
        let worker = {
            let plan = plan.clone();
            // On this thread alone: the others have the last batch to learn from.
            let prepare = move || {
                let order = plan.order();
                for batch in batches {
                    let prepared = plan.prepare(&order, batch);
                    let last = prepared.is_err();
                    // A failed send: nobody listens any more.
                    if sender.send(prepared).is_err() || last {
                        return;
                    }
                }
            };
            move || threads::with_num_threads(1, prepare)
        };
        match std::thread::Builder::new().name("barehand-batches".into()).spawn(worker) {
            Ok(thread) => Source::Ahead { receiver, thread },
            // The system has no thread to give: the same batches, only later. The closure and its share are gone.
            Err(_) => Arc::into_inner(plan).map_or(Source::Finished, Source::here),
        }
    }

    /// Ends the preparing thread, if there is one, and waits for it.
    fn finish(&mut self) -> std::thread::Result<()> {
        match std::mem::replace(self, Source::Finished) {
            Source::Ahead { receiver, thread } => {
                drop(receiver);
                thread.join()
            }
            _ => Ok(()),
        }
    }
}

impl<D: Dataset> Batches<D> {
    /// Where training stands: the batch that [`Iterator::next`] returns next. [`DataLoader::resume`] takes it.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Leaves the batches after this one to another thread.
    fn hand_over(&mut self) {
        self.source = match std::mem::replace(&mut self.source, Source::Finished) {
            Source::Here { plan, .. } => Source::ahead(plan, self.cursor.batch + 1..self.end, AHEAD),
            other => other,
        };
    }

    /// The batch at the cursor: made here, or waited for.
    fn prepared(&mut self) -> Option<Result<D::Batch>> {
        match &self.source {
            Source::Here { plan, order } => {
                let start = Instant::now();
                let batch = plan.prepare(order, self.cursor.batch);
                if std::mem::take(&mut self.undecided) && start.elapsed() > HAND_OVER {
                    self.hand_over();
                }
                Some(batch)
            }
            Source::Ahead { receiver, .. } => Some(match receiver.recv() {
                Ok(batch) => batch,
                // The thread is gone without an error of its own: it panicked in the data set's code.
                Err(_) => Err(self.source.finish().err().map_or_else(
                    || Error::value("DataLoader", "the thread that prepares batches ended early"),
                    |panic| Error::value("DataLoader", panic_text(&*panic)),
                )),
            }),
            Source::Finished => None,
        }
    }
}

impl<D: Dataset> Iterator for Batches<D> {
    type Item = Result<D::Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.batch >= self.end {
            return None;
        }
        let batch = profile::span("batch", Phase::Data, |_| Dims::new(), || self.prepared())?;
        match batch {
            Ok(batch) => {
                self.cursor.batch += 1;
                Some(Ok(batch))
            }
            Err(error) => {
                let _ = self.source.finish();
                Some(Err(error))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.cursor.batch;
        (if matches!(self.source, Source::Finished) { 0 } else { left }, Some(left))
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let message =
        panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("the data set panicked while it prepared a batch: {}", message.unwrap_or("no message"))
}

impl<D: Dataset> Drop for Batches<D> {
    fn drop(&mut self) {
        // Whoever stopped asking for batches does not care how the next ones would have failed.
        let _ = self.source.finish();
    }
}

impl<D: Dataset> std::fmt::Debug for Source<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Source::Here { .. } => "Here",
            Source::Ahead { .. } => "Ahead",
            Source::Finished => "Finished",
        })
    }
}
