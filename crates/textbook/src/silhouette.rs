//! Whether samples lie closer to their own cluster than to the next.
//!
//! ```text
//! a_i = mean distance to the other samples of its cluster
//! b_i = the smallest, over the other clusters, of the mean distance to their samples
//! s_i = (b_i - a_i) / max(a_i, b_i)        0 for a cluster of one
//! ```
//!
//! scikit-learn: `silhouette_samples`, `silhouette_score`; Rousseeuw 1987.

use crate::array::Array;
use crate::confusion_matrix::check_classes;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The silhouette of each row of `x` `(N, D)` with clusters `(N)` below `count`; their mean is the last step.
pub fn silhouette(x: &Array, clusters: &[usize], count: usize, trace: &mut Trace) -> Result<Array> {
    const OPERATION: &str = "silhouette";
    x.expect_rank(OPERATION, "x", 2)?;
    let (n, d) = (x.shape()[0], x.shape()[1]);
    check_classes(OPERATION, clusters, count)?;
    if clusters.len() != n {
        return Err(Error::new(OPERATION, format!("{n} samples and {} clusters", clusters.len())));
    }
    let sizes: Vec<f64> = (0..count).map(|k| clusters.iter().filter(|&&c| c == k).count() as f64).collect();
    let used = sizes.iter().filter(|&&size| size > 0.0).count();
    if used < 2 || used >= n {
        return Err(Error::new(OPERATION, format!("{used} clusters of {n} samples: 2 to n - 1 expected")));
    }
    trace.section("silhouette");
    let distances = Array::from_fn(&[n, n], |index| {
        let square = |k: usize| (x.get(&[index[0], k]) - x.get(&[index[1], k])).powi(2);
        (0..d).map(square).sum::<f64>().sqrt()
    });
    let distances = trace.step("d", "|x_i - x_j|", distances);
    let sum_to = |i: usize, cluster: usize| -> f64 {
        (0..n).filter(|&j| clusters[j] == cluster).map(|j| distances.get(&[i, j])).sum()
    };
    let own = |i: usize| {
        if sizes[clusters[i]] > 1.0 { sum_to(i, clusters[i]) / (sizes[clusters[i]] - 1.0) } else { 0.0 }
    };
    let a: Vec<f64> = (0..n).map(own).collect();
    let a = trace.step("a", "mean distance within the cluster", Array::vector(&a));
    let next = |i: usize| {
        let others = (0..count).filter(|&k| k != clusters[i] && sizes[k] > 0.0);
        others.map(|k| sum_to(i, k) / sizes[k]).fold(f64::INFINITY, f64::min)
    };
    let b: Vec<f64> = (0..n).map(next).collect();
    let b = trace.step("b", "mean distance to the next cluster", Array::vector(&b));
    let one = |i: usize| {
        let most = a[i].max(b[i]);
        if sizes[clusters[i]] == 1.0 || most == 0.0 { 0.0 } else { (b[i] - a[i]) / most }
    };
    let s: Vec<f64> = (0..n).map(one).collect();
    let s = trace.step("s", "(b - a) / max(a, b)", Array::vector(&s));
    trace.number("silhouette", "mean s", s.sum() / n as f64);
    Ok(s)
}
