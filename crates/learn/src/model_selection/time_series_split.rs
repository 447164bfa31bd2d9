//! Training on the past, testing on what follows.

use barehand_tensor::{Error, Result};

use super::splitter::{Samples, Split, Splits, Splitter};

/// Samples in the order of time: each test set lies right behind its training set, and the training sets grow.
///
/// ```text
/// train = [0, start - gap),  test = [start, start + test_size),  start = n - (n_splits - i) test_size
/// ```
///
/// Source: scikit-learn's `TimeSeriesSplit`.
///
/// ```
/// use barehand_learn::model_selection::{Samples, Splitter, TimeSeriesSplit};
///
/// let mut splits = TimeSeriesSplit::new(2).split(&Samples::new(6))?;
/// let first = splits.next().unwrap();
/// assert_eq!((first.train, first.test), (vec![0, 1], vec![2, 3]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSeriesSplit {
    n_splits: usize,
    max_train_size: Option<usize>,
    test_size: Option<usize>,
    gap: usize,
}

impl Default for TimeSeriesSplit {
    fn default() -> Self {
        TimeSeriesSplit::new(5)
    }
}

impl TimeSeriesSplit {
    /// That many splits (scikit-learn's default: 5).
    pub fn new(n_splits: usize) -> Self {
        TimeSeriesSplit { n_splits, max_train_size: None, test_size: None, gap: 0 }
    }

    /// How many samples to train on at most, the latest ones (default: all).
    pub fn max_train_size(mut self, max_train_size: usize) -> Self {
        self.max_train_size = Some(max_train_size);
        self
    }

    /// How many samples to test on (default: `n / (n_splits + 1)`).
    pub fn test_size(mut self, test_size: usize) -> Self {
        self.test_size = Some(test_size);
        self
    }

    /// How many samples between training and test to leave out (default: 0).
    pub fn gap(mut self, gap: usize) -> Self {
        self.gap = gap;
        self
    }
}

impl Splitter for TimeSeriesSplit {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        const OPERATION: &str = "TimeSeriesSplit";
        let (n, n_splits, gap) = (samples.len(), self.n_splits, self.gap);
        if n_splits < 2 {
            return Err(Error::value(OPERATION, format!("n_splits is {n_splits}: at least 2 expected")));
        }
        if n_splits >= n {
            let message = format!("{n_splits} splits need more than {n_splits} samples, found {n}");
            return Err(Error::value(OPERATION, message));
        }
        let test_size = self.test_size.unwrap_or(n / (n_splits + 1));
        if test_size == 0 || self.max_train_size == Some(0) {
            return Err(Error::value(OPERATION, "test_size and max_train_size must be at least 1"));
        }
        let tested = test_size.checked_mul(n_splits).and_then(|tests| tests.checked_add(gap));
        if tested.is_none_or(|tested| tested >= n) {
            let message = format!(
                "{n_splits} splits with test_size {test_size} and gap {gap} leave none of {n} samples to train on"
            );
            return Err(Error::value(OPERATION, message));
        }
        let most = self.max_train_size.unwrap_or(n);
        Ok(Box::new((0..n_splits).map(move |i| {
            let start = n - (n_splits - i) * test_size;
            let end = start - gap;
            Split {
                train: (end.saturating_sub(most)..end).collect(),
                test: (start..start + test_size).collect(),
            }
        })))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.n_splits)
    }
}
