//! DBSCAN: clusters are what is densely connected.
//!
//! ```text
//! near_i = { j : |x_i - x_j| <= eps }                    i itself included
//! core_i = sum_{j in near_i} w_j >= min_samples
//! ```
//!
//! Core samples that are near each other share a cluster. A sample that is no core joins the first cluster, in the order of
//! their first samples, that has a core sample near it; without one it is noise, label -1.
//! Ester, Kriegel, Sander and Xu 1996. scikit-learn: `DBSCAN`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The label of each of the samples `x` (n, d) of these weights (n), -1 for noise.
pub fn dbscan(x: &Array, weights: &[f64], eps: f64, min_samples: f64, trace: &mut Trace) -> Result<Vec<i64>> {
    x.expect_rank("dbscan", "X", 2)?;
    let (n, d) = (x.shape()[0], x.shape()[1]);
    if weights.len() != n {
        return Err(Error::new("dbscan", format!("{} weights of {n} samples", weights.len())));
    }
    trace.section("dbscan");
    let distance = |i: usize, j: usize| (0..d).map(|t| (x[[i, t]] - x[[j, t]]).powi(2)).sum::<f64>().sqrt();
    let distances = Array::from_fn(&[n, n], |i| distance(i[0], i[1]));
    let distances = trace.step("D", "|x_i - x_j|", distances);
    let near = |i: usize, j: usize| distances[[i, j]] <= eps;
    let total = |i: usize| (0..n).filter(|&j| near(i, j)).map(|j| weights[j]).sum::<f64>();
    let totals: Vec<f64> = (0..n).map(total).collect();
    let totals = trace.step("near", "weight within eps", Array::vector(&totals));
    let core = |i: usize| totals[i] >= min_samples;
    let mut labels = vec![-1; n];
    let mut cluster = 0;
    for start in 0..n {
        if labels[start] != -1 || !core(start) {
            continue;
        }
        // Everything that a chain of core samples reaches from here.
        let mut reached = vec![start];
        while let Some(i) = reached.pop() {
            if labels[i] == -1 {
                labels[i] = cluster;
                if core(i) {
                    reached.extend((0..n).filter(|&j| near(i, j) && labels[j] == -1));
                }
            }
        }
        cluster += 1;
    }
    let shown: Vec<f64> = labels.iter().map(|&label| label as f64).collect();
    trace.step("label", "the cluster of each sample, -1 for noise", Array::vector(&shown));
    Ok(labels)
}
