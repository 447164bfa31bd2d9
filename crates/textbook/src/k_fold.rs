//! k folds: every sample is tested on once, and learned from k - 1 times.
//!
//! ```text
//! size_f = floor(n / k) + [f < n mod k]
//! fold f = the next size_f samples of `order`
//! ```
//!
//! `order` is 0, 1, ..., n - 1, or a permutation of it where samples are shuffled. scikit-learn: `KFold`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The fold of each sample, for `order`, the samples in the order in which folds take them.
pub fn k_fold(order: &[usize], k: usize, trace: &mut Trace) -> Result<Vec<usize>> {
    let n = order.len();
    check_folds("k_fold", k, n, "samples")?;
    if (0..n).any(|i| !order.contains(&i)) {
        return Err(Error::new("k_fold", format!("{order:?} is no order of {n} samples")));
    }
    trace.section("k-fold");
    let sizes: Vec<f64> = (0..k).map(|f| (n / k + usize::from(f < n % k)) as f64).collect();
    let sizes = trace.step("size", "floor(n / k) + [f < n mod k]", Array::vector(&sizes));
    let mut folds = vec![0; n];
    let mut taken = 0;
    for f in 0..k {
        for _ in 0..sizes[f] as usize {
            folds[order[taken]] = f;
            taken += 1;
        }
    }
    show_folds(&folds, trace);
    Ok(folds)
}

/// At least two folds, and no more than there is to divide.
pub(crate) fn check_folds(operation: &str, k: usize, n: usize, of: &str) -> Result<()> {
    if k < 2 || k > n {
        return Err(Error::new(operation, format!("{k} folds of {n} {of}: from 2 to {n} expected")));
    }
    Ok(())
}

/// Records the fold of each sample.
pub(crate) fn show_folds(folds: &[usize], trace: &mut Trace) {
    let shown: Vec<f64> = folds.iter().map(|&fold| fold as f64).collect();
    trace.step("fold", "the fold that each sample is tested in", Array::vector(&shown));
}
