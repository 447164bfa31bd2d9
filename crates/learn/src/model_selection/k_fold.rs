//! Folds of consecutive or shuffled samples.

use barehand_tensor::{Error, Result};

use super::splitter::{Samples, Splits, Splitter, by_fold, check_folds, even_sizes};
use super::stream::Stream;

/// `n_splits` folds of consecutive samples, each the test set once.
///
/// The first `n % n_splits` folds have one sample more. Source: scikit-learn's `KFold`, whose folds these are, shuffled
/// ones for the same `random_state` too.
///
/// ```
/// use barehand_learn::model_selection::{KFold, Samples, Splitter};
///
/// let mut folds = KFold::new(2).shuffle(true).random_state(0).split(&Samples::new(5))?;
/// assert_eq!(folds.next().unwrap().test, [0, 1, 2]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KFold {
    n_splits: usize,
    shuffle: bool,
    random_state: u32,
}

impl Default for KFold {
    fn default() -> Self {
        KFold::new(5)
    }
}

impl KFold {
    /// That many folds (scikit-learn's default: 5), in the order of the samples.
    pub fn new(n_splits: usize) -> Self {
        KFold { n_splits, shuffle: false, random_state: 0 }
    }

    /// Whether to shuffle the samples first (default: no).
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The seed of the shuffle (default: 0).
    pub fn random_state(mut self, random_state: u32) -> Self {
        self.random_state = random_state;
        self
    }

    /// The fold of each sample.
    fn folds(n_splits: usize, n: usize, stream: Option<&Stream>) -> Vec<usize> {
        let order = stream.map_or_else(|| (0..n).collect(), |stream| stream.permutation(n));
        dealt(&order, n_splits)
    }
}

/// The fold of each item, where folds take the items of `order` one after the other, in equal numbers.
pub(super) fn dealt(order: &[usize], n_splits: usize) -> Vec<usize> {
    let mut folds = vec![0; order.len()];
    let mut rest = order;
    for (fold, size) in even_sizes(order.len(), n_splits).enumerate() {
        let (here, after) = rest.split_at(size);
        here.iter().for_each(|&item| folds[item] = fold);
        rest = after;
    }
    folds
}

impl Splitter for KFold {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        check_folds("KFold", self.n_splits, samples.len(), "samples")?;
        let stream = self.shuffle.then_some(stream);
        Ok(by_fold(KFold::folds(self.n_splits, samples.len(), stream), self.n_splits))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}

/// [`KFold`] with shuffling, several times over.
///
/// Source: scikit-learn's `RepeatedKFold`: one stream of random numbers runs through all repetitions.
///
/// ```
/// use barehand_learn::model_selection::{RepeatedKFold, Samples, Splitter};
///
/// let splitter = RepeatedKFold::new(5, 10).random_state(1);
/// assert_eq!(splitter.split(&Samples::new(20))?.count(), 50);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedKFold {
    n_splits: usize,
    n_repeats: usize,
    random_state: u32,
}

impl Default for RepeatedKFold {
    fn default() -> Self {
        RepeatedKFold::new(5, 10)
    }
}

impl RepeatedKFold {
    /// That many folds (scikit-learn's default: 5), that many times (10).
    pub fn new(n_splits: usize, n_repeats: usize) -> Self {
        RepeatedKFold { n_splits, n_repeats, random_state: 0 }
    }

    /// The seed (default: 0).
    pub fn random_state(mut self, random_state: u32) -> Self {
        self.random_state = random_state;
        self
    }
}

/// At least one repetition.
pub(super) fn check_repeats(operation: &str, n_repeats: usize) -> Result<()> {
    if n_repeats == 0 {
        return Err(Error::value(operation, "n_repeats is 0: at least 1 expected"));
    }
    Ok(())
}

impl Splitter for RepeatedKFold {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        self.split_from(samples, &Stream::seeded(self.random_state))
    }

    fn split_from(&self, samples: &Samples<'_>, stream: &Stream) -> Result<Splits> {
        check_folds("RepeatedKFold", self.n_splits, samples.len(), "samples")?;
        check_repeats("RepeatedKFold", self.n_repeats)?;
        let (n, n_splits, stream) = (samples.len(), self.n_splits, stream.clone());
        Ok(Box::new(
            (0..self.n_repeats)
                .flat_map(move |_| by_fold(KFold::folds(n_splits, n, Some(&stream)), n_splits)),
        ))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits.saturating_mul(self.n_repeats))
    }
}
