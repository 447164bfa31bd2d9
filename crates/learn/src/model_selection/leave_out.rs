//! Every choice of a few samples is a test set.

use barehand_tensor::{Error, Result};

use super::combinations::{Combinations, binomial};
use super::splitter::{Samples, Split, Splits, Splitter};

/// Each sample alone is the test set once. Source: scikit-learn's `LeaveOneOut`.
///
/// ```
/// use barehand_learn::model_selection::{LeaveOneOut, Samples, Splitter};
///
/// let last = LeaveOneOut::new().split(&Samples::new(3))?.last().unwrap();
/// assert_eq!((last.train, last.test), (vec![0, 1], vec![2]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaveOneOut;

impl LeaveOneOut {
    /// There is nothing to choose.
    pub fn new() -> Self {
        LeaveOneOut
    }
}

impl Splitter for LeaveOneOut {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        let n = samples.len();
        if n < 2 {
            return Err(Error::value("LeaveOneOut", format!("needs at least 2 samples, found {n}")));
        }
        Ok(Box::new((0..n).map(move |test| Split::by(n, |i| i == test))))
    }

    fn n_splits(&self, samples: &Samples<'_>) -> Result<usize> {
        Ok(samples.len())
    }
}

/// Every choice of `p` samples is the test set once: `n! / (p! (n - p)!)` splits. Source: scikit-learn's `LeavePOut`.
///
/// ```
/// use barehand_learn::model_selection::{LeavePOut, Samples, Splitter};
///
/// assert_eq!(LeavePOut::new(2).n_splits(&Samples::new(10))?, 45);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeavePOut {
    p: usize,
}

impl LeavePOut {
    /// That many samples in each test set.
    pub fn new(p: usize) -> Self {
        LeavePOut { p }
    }
}

impl Splitter for LeavePOut {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        let (n, p) = (samples.len(), self.p);
        if p == 0 || p >= n {
            let message = format!("p is {p}: at least 1 and less than the number of samples, {n}, expected");
            return Err(Error::value("LeavePOut", message));
        }
        Ok(Box::new(
            Combinations::new(n, p).map(move |test| Split::by(n, |i| test.binary_search(&i).is_ok())),
        ))
    }

    fn n_splits(&self, samples: &Samples<'_>) -> Result<usize> {
        let (n, p) = (samples.len(), self.p);
        binomial(n, p).ok_or_else(|| {
            Error::value("LeavePOut", format!("{p} of {n} can be chosen in more ways than can be counted"))
        })
    }
}
