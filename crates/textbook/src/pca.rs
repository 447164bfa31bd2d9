//! Principal components, from the eigenvalues of the covariance by Jacobi's rotations.
//!
//! ```text
//! C = (X - mean)^T (X - mean) / (n - 1)                      X (n, d)
//! C v_j = lambda_j v_j                                       lambda descending: the explained variance
//! s_j = sqrt(lambda_j (n - 1))                               the singular values of X - mean
//! z = (X - mean) V;  whitened: z_j / sqrt(lambda_j)
//! ```
//!
//! The denominator is n - 1, of variance and singular values alike; the share of the variance is lambda_j over the sum of all
//! of them, those that are left out included. The largest element of each v_j is positive.
//! Pearson 1901; Golub and Van Loan, section 8.5. scikit-learn: `PCA`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The components of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    /// The mean of each feature, (d).
    pub mean: Array,
    /// The directions, (k, d), k = min(n, d).
    pub components: Array,
    /// The variance along each, (k), descending.
    pub explained_variance: Array,
    /// Its share of the variance of all features, (k).
    pub explained_variance_ratio: Array,
    /// The singular values of the centered samples, (k).
    pub singular_values: Array,
}

/// Every component of samples `x` (n, d).
pub fn pca(x: &Array, trace: &mut Trace) -> Result<Pca> {
    x.expect_rank("pca", "X", 2)?;
    let (n, d) = (x.shape()[0], x.shape()[1]);
    if n < 2 || d == 0 {
        return Err(Error::new("pca", format!("{n} samples of {d} features have no variance")));
    }
    trace.section("pca");
    let mean = Array::from_fn(&[d], |t| (0..n).map(|i| x[[i, t[0]]]).sum::<f64>() / n as f64);
    let mean = trace.step("mean", "of each feature", mean);
    let of = |i: usize, t: usize| x[[i, t]] - mean[t];
    let covariance =
        Array::from_fn(&[d, d], |p| (0..n).map(|i| of(i, p[0]) * of(i, p[1])).sum::<f64>() / (n - 1) as f64);
    let covariance = trace.step("C", "(X - mean)^T (X - mean) / (n - 1)", covariance);
    let (values, vectors) = jacobi_eigenvalues(&covariance);
    let total: f64 = values.iter().sum();
    let k = n.min(d);
    let mut components = Array::from_fn(&[k, d], |p| vectors[[p[1], p[0]]]);
    for j in 0..k {
        let mut largest: f64 = 0.0;
        for t in 0..d {
            if components[[j, t]].abs() > largest.abs() {
                largest = components[[j, t]];
            }
        }
        if largest < 0.0 {
            for t in 0..d {
                components[[j, t]] = -components[[j, t]];
            }
        }
    }
    let variance = Array::from_fn(&[k], |j| values[j[0]].max(0.0));
    let variance = trace.step("lambda", "eigenvalues of C, descending", variance);
    Ok(Pca {
        components: trace.step("V^T", "their eigenvectors", components),
        explained_variance_ratio: trace.step("ratio", "lambda / sum lambda", variance.map(|v| v / total)),
        singular_values: trace.step(
            "s",
            "sqrt(lambda (n - 1))",
            variance.map(|v| (v * (n - 1) as f64).sqrt()),
        ),
        explained_variance: variance,
        mean,
    })
}

impl Pca {
    /// The new features (n, components) of `x`, along the first `components` directions.
    pub fn transform(&self, x: &Array, components: usize, whiten: bool) -> Array {
        let d = self.mean.len();
        Array::from_fn(&[x.shape()[0], components], |p| {
            let z: f64 = (0..d).map(|t| (x[[p[0], t]] - self.mean[t]) * self.components[[p[1], t]]).sum();
            if whiten { z / self.explained_variance[p[1]].sqrt() } else { z }
        })
    }
}

/// Eigenvalues of a symmetric matrix, descending, and eigenvectors as columns: rotations that put zeros beside the diagonal,
/// one after the other, until nothing else is left.
pub fn jacobi_eigenvalues(a: &Array) -> (Vec<f64>, Array) {
    let n = a.shape()[0];
    let mut a = a.clone();
    let mut v = Array::from_fn(&[n, n], |i| f64::from(i[0] == i[1]));
    for _ in 0..100 {
        let beside: f64 =
            (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[[i, j]].powi(2)).sum();
        let all: f64 = a.data().iter().map(|x| x * x).sum();
        if beside <= all * 1e-34 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[[p, q]] == 0.0 {
                    continue;
                }
                // t = tan of the angle that makes a_pq vanish, the smaller one.
                let theta = (a[[q, q]] - a[[p, p]]) / (2.0 * a[[p, q]]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for i in 0..n {
                    let (x, y) = (a[[i, p]], a[[i, q]]);
                    (a[[i, p]], a[[i, q]]) = (c * x - s * y, s * x + c * y);
                }
                for i in 0..n {
                    let (x, y) = (a[[p, i]], a[[q, i]]);
                    (a[[p, i]], a[[q, i]]) = (c * x - s * y, s * x + c * y);
                    let (x, y) = (v[[i, p]], v[[i, q]]);
                    (v[[i, p]], v[[i, q]]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[[j, j]].total_cmp(&a[[i, i]]));
    let values = order.iter().map(|&i| a[[i, i]]).collect();
    (values, Array::from_fn(&[n, n], |i| v[[i[0], order[i[1]]]]))
}
