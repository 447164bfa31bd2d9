//! Every choice of a few groups is a test set.

use barehand_tensor::{Error, Result};

use super::combinations::{Combinations, binomial};
use super::splitter::{Samples, Split, Splits, Splitter};

/// Each group alone is the test set once. Source: scikit-learn's `LeaveOneGroupOut`.
///
/// ```
/// use barehand_learn::model_selection::{LeaveOneGroupOut, Samples, Splitter};
/// use barehand_tensor::Tensor;
///
/// let groups = Tensor::from([1i64, 1, 2, 2]);
/// let first = LeaveOneGroupOut::new().split(&Samples::new(4).groups(&groups))?.next().unwrap();
/// assert_eq!((first.train, first.test), (vec![2, 3], vec![0, 1]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaveOneGroupOut;

impl LeaveOneGroupOut {
    /// There is nothing to choose.
    pub fn new() -> Self {
        LeaveOneGroupOut
    }
}

impl Splitter for LeaveOneGroupOut {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        leave_out("LeaveOneGroupOut", samples, 1)
    }

    fn n_splits(&self, samples: &Samples<'_>) -> Result<usize> {
        Ok(samples.coded_groups("LeaveOneGroupOut")?.0.len())
    }
}

/// Every choice of `n_groups` groups is the test set once. Source: scikit-learn's `LeavePGroupsOut`.
///
/// ```
/// use barehand_learn::model_selection::{LeavePGroupsOut, Samples, Splitter};
/// use barehand_tensor::Tensor;
///
/// let groups = Tensor::from([1i64, 2, 3]);
/// let first = LeavePGroupsOut::new(2).split(&Samples::new(3).groups(&groups))?.next().unwrap();
/// assert_eq!((first.train, first.test), (vec![2], vec![0, 1]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeavePGroupsOut {
    n_groups: usize,
}

impl LeavePGroupsOut {
    /// That many groups in each test set.
    pub fn new(n_groups: usize) -> Self {
        LeavePGroupsOut { n_groups }
    }
}

impl Splitter for LeavePGroupsOut {
    fn split(&self, samples: &Samples<'_>) -> Result<Splits> {
        leave_out("LeavePGroupsOut", samples, self.n_groups)
    }

    fn n_splits(&self, samples: &Samples<'_>) -> Result<usize> {
        const OPERATION: &str = "LeavePGroupsOut";
        let (n, p) = (samples.coded_groups(OPERATION)?.0.len(), self.n_groups);
        binomial(n, p).ok_or_else(|| {
            Error::value(
                OPERATION,
                format!("{p} of {n} groups can be chosen in more ways than can be counted"),
            )
        })
    }
}

fn leave_out(operation: &str, samples: &Samples<'_>, p: usize) -> Result<Splits> {
    let (groups, codes) = samples.coded_groups(operation)?;
    if p == 0 || p >= groups.len() {
        let message =
            format!("{p} groups to leave out of {}: at least 1, and not all, expected", groups.len());
        return Err(Error::value(operation, message));
    }
    Ok(Box::new(
        Combinations::new(groups.len(), p)
            .map(move |left| Split::by(codes.len(), |i| left.binary_search(&codes[i]).is_ok())),
    ))
}
