//! Folds that somebody else has made.

use barehand_tensor::{Error, Result};

use super::splitter::{Samples, Split, Splits, Splitter};

/// The fold of each sample, given; samples of fold -1 are always trained on. Source: scikit-learn's `PredefinedSplit`.
///
/// ```
/// use barehand_learn::model_selection::{PredefinedSplit, Samples, Splitter};
///
/// let split = PredefinedSplit::new(&[0, 1, -1, 1]).split(&Samples::new(4))?.next().unwrap();
/// assert_eq!((split.train, split.test), (vec![1, 2, 3], vec![0]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredefinedSplit {
    test_fold: Vec<i64>,
}

impl PredefinedSplit {
    /// The fold in which each sample is tested on.
    pub fn new(test_fold: &[i64]) -> Self {
        PredefinedSplit { test_fold: test_fold.to_vec() }
    }

    fn folds(&self) -> Vec<i64> {
        let mut folds: Vec<i64> = self.test_fold.iter().copied().filter(|&fold| fold != -1).collect();
        folds.sort_unstable();
        folds.dedup();
        folds
    }
}

impl Splitter for PredefinedSplit {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        let test_fold = self.test_fold.clone();
        if test_fold.len() != samples.len() {
            let message = format!("folds of {} samples, found {}", test_fold.len(), samples.len());
            return Err(Error::value("PredefinedSplit", message));
        }
        let folds = self.folds();
        Ok(Box::new(folds.into_iter().map(move |fold| Split::by(test_fold.len(), |i| test_fold[i] == fold))))
    }

    fn n_splits(&self, _: &Samples<'_>) -> Result<usize> {
        Ok(self.folds().len())
    }
}
