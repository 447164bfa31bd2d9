//! k folds, no group in two of them.
//!
//! ```text
//! for each group g, the largest first:
//!     f      = the fold with the smallest load
//!     load_f = load_f + size_g
//! ```
//!
//! Of groups of one size the later comes first, of folds of one load the earlier. scikit-learn: `GroupKFold`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::k_fold::{check_folds, show_folds};
use crate::trace::Trace;

/// The fold of each sample, of samples of these groups, numbered from 0 without gaps.
pub fn group_k_fold(groups: &[usize], k: usize, trace: &mut Trace) -> Result<Vec<usize>> {
    const OPERATION: &str = "group_k_fold";
    let count = groups.iter().max().map_or(0, |last| last + 1);
    check_folds(OPERATION, k, count, "groups")?;
    trace.section("group k-fold");
    let size = |g: usize| groups.iter().filter(|&&group| group == g).count() as f64;
    let sizes: Vec<f64> = (0..count).map(size).collect();
    if let Some(empty) = sizes.iter().position(|&size| size == 0.0) {
        return Err(Error::new(OPERATION, format!("group {empty} has no samples")));
    }
    let sizes = trace.step("size", "samples of each group", Array::vector(&sizes));
    let mut fold_of = vec![None; count];
    let mut load = Array::zeros(&[k]);
    for _ in 0..count {
        let left = (0..count).filter(|&g| fold_of[g].is_none());
        let Some(largest) = left.max_by(|&a, &b| sizes[a].total_cmp(&sizes[b])) else { break };
        let lightest = (1..k).fold(0, |best, f| if load[f] < load[best] { f } else { best });
        load[lightest] += sizes[largest];
        load = trace.step("load", &format!("group {largest} goes into fold {lightest}"), load);
        fold_of[largest] = Some(lightest);
    }
    let folds: Vec<usize> = groups.iter().map(|&g| fold_of[g].unwrap_or_default()).collect();
    show_folds(&folds, trace);
    Ok(folds)
}
