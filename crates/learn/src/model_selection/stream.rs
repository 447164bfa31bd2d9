//! Where splitters' random numbers come from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use barehand_tensor::Result;
use barehand_tensor::random::legacy::{LegacyState, RandomState};

/// A `RandomState` that several hold: what one draws, the next one does not draw again.
///
/// That is what scikit-learn's splitters do with a `random_state` that is a stream, not a seed.
///
/// ```
/// use barehand_learn::model_selection::{KFold, Samples, Split, Splitter, Stream};
///
/// let (splitter, stream) = (KFold::new(2).shuffle(true), Stream::seeded(0));
/// let first: Vec<Split> = splitter.split_from(&Samples::new(20), &stream)?.collect();
/// let second: Vec<Split> = splitter.split_from(&Samples::new(20), &stream)?.collect();
/// assert_ne!(first, second);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stream(Arc<Mutex<RandomState>>);

impl Stream {
    /// The stream of a seed.
    pub fn seeded(random_state: u32) -> Self {
        Stream(Arc::new(Mutex::new(RandomState::new(random_state))))
    }

    /// Where it is.
    pub fn state(&self) -> LegacyState {
        self.lock().state()
    }

    /// Goes on from there.
    ///
    /// # Errors
    /// That is no state of a stream.
    pub fn set_state(&self, state: &LegacyState) -> Result<()> {
        *self.lock() = RandomState::from_state(state)?;
        Ok(())
    }

    /// Puts values in a random order.
    pub(super) fn shuffle<T>(&self, values: &mut [T]) {
        self.lock().shuffle(values);
    }

    /// `0..n` in a random order.
    pub(super) fn permutation(&self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// A stream is whole after every draw, so one that a panic interrupted is still one.
    fn lock(&self) -> MutexGuard<'_, RandomState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
