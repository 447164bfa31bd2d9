//! k-means by Lloyd's algorithm, from given centers.
//!
//! ```text
//! D_ij    = |x_i - c_j|^2                                        X (n, d), centers (k, d)
//! label_i = argmin_j D_ij                                        the first of equals
//! c_j     = sum_{label_i = j} w_i x_i / sum_{label_i = j} w_i
//! inertia = sum_i w_i |x_i - c_{label_i}|^2
//! ```
//!
//! until no label changes, or until sum_j |c_j - c_j before|^2 is at most the tolerance. There are no labels before the first
//! assignment: one that gives every sample to the first center has changed them all. A center without samples is moved to the
//! sample that is farthest from its own center, and that sample counts no more where it was.
//! Lloyd 1982. scikit-learn: `KMeans(init=centers, n_init=1)`, whose tolerance is `tol` times the mean variance of the
//! features.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KMeans {
    /// Iterations at most.
    pub max_iter: usize,
    /// Of the sum of the centers' squared movements.
    pub tolerance: f64,
}

/// What k-means found.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// The centers, (k, d).
    pub centers: Array,
    /// The nearest of them for each sample.
    pub labels: Vec<usize>,
    /// The weighted sum of squared distances.
    pub inertia: f64,
    /// Iterations.
    pub n_iter: usize,
}

impl KMeans {
    /// Moves `centers` (k, d) to the samples `x` (n, d) of these weights (n).
    pub fn fit(&self, x: &Array, weights: &[f64], centers: &Array, trace: &mut Trace) -> Result<Clusters> {
        let operation = "k_means";
        x.expect_rank(operation, "X", 2)?;
        centers.expect_rank(operation, "centers", 2)?;
        let (n, d, k) = (x.shape()[0], x.shape()[1], centers.shape()[0]);
        centers.expect_shape(operation, "centers", &[k, d])?;
        if weights.len() != n || n == 0 || k == 0 || self.max_iter == 0 {
            let message = format!("{n} samples, {k} centers, {} weights: one for each sample", weights.len());
            return Err(Error::new(operation, message));
        }
        let mut centers = centers.clone();
        let mut labels: Option<Vec<usize>> = None;
        let (mut n_iter, mut settled) = (0, false);
        while n_iter < self.max_iter && !settled {
            n_iter += 1;
            trace.section(&format!("k-means: iteration {n_iter}"));
            let distances = trace.step("D", "|x_i - c_j|^2", squared_distances(x, &centers));
            let nearest = rows_of_least(&distances);
            let shown = nearest.iter().map(|&j| j as f64).collect::<Vec<_>>();
            trace.step("label", "argmin_j D_ij", Array::vector(&shown));
            let moved = means(x, weights, &nearest, &distances);
            let moved = trace.step("c", "means of the samples of each label", moved);
            let shift = centers.zip(&moved, |old, new| (old - new).powi(2))?.sum();
            let shift = trace.number("shift", "sum_j |c_j - c_j before|^2", shift);
            settled = labels.as_ref() == Some(&nearest);
            centers = moved;
            labels = Some(nearest);
            if shift <= self.tolerance {
                break;
            }
        }
        trace.section("k-means: result");
        let distances = squared_distances(x, &centers);
        let labels = rows_of_least(&distances);
        let inertia = labels.iter().enumerate().map(|(i, &j)| weights[i] * distances[[i, j]]).sum();
        let inertia = trace.number("inertia", "sum_i w_i |x_i - c_{label_i}|^2", inertia);
        Ok(Clusters { centers, labels, inertia, n_iter })
    }
}

/// |x_i - c_j|^2, (n, k).
pub fn squared_distances(x: &Array, centers: &Array) -> Array {
    let d = x.shape()[1];
    Array::from_fn(&[x.shape()[0], centers.shape()[0]], |i| {
        (0..d).map(|t| (x[[i[0], t]] - centers[[i[1], t]]).powi(2)).sum()
    })
}

fn rows_of_least(distances: &Array) -> Vec<usize> {
    let (n, k) = (distances.shape()[0], distances.shape()[1]);
    let nearest =
        |i: usize| (1..k).fold(0, |best, j| if distances[[i, j]] < distances[[i, best]] { j } else { best });
    (0..n).map(nearest).collect()
}

fn means(x: &Array, weights: &[f64], labels: &[usize], distances: &Array) -> Array {
    let (d, k) = (x.shape()[1], distances.shape()[1]);
    let mut sums = Array::zeros(&[k, d]);
    let mut totals = vec![0.0; k];
    for (i, &j) in labels.iter().enumerate() {
        totals[j] += weights[i];
        for t in 0..d {
            sums[[j, t]] += weights[i] * x[[i, t]];
        }
    }
    // Centers without samples take over those that are farthest from their own, the farthest first.
    let mut farthest: Vec<usize> = (0..labels.len()).collect();
    let own = |i: usize| distances[[i, labels[i]]];
    farthest.sort_by(|&a, &b| own(b).total_cmp(&own(a)));
    let empty: Vec<usize> = (0..k).filter(|&j| totals[j] == 0.0).collect();
    if own(farthest[0]) > 0.0 {
        for (&j, &i) in empty.iter().zip(&farthest) {
            for t in 0..d {
                sums[[labels[i], t]] -= weights[i] * x[[i, t]];
                sums[[j, t]] = weights[i] * x[[i, t]];
            }
            totals[j] = weights[i];
            totals[labels[i]] -= weights[i];
        }
    }
    // Where there is still nothing, the center of the heaviest cluster.
    let heaviest = (1..k).fold(0, |best, j| if totals[j] > totals[best] { j } else { best });
    Array::from_fn(&[k, d], |i| {
        let j = if totals[i[0]] > 0.0 { i[0] } else { heaviest };
        sums[[j, i[1]]] / totals[j]
    })
}
