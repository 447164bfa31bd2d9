//! Columns of mean 0 and standard deviation 1.
//!
//! ```text
//! mean = sum_i w_i x_i / sum_i w_i        var = sum_i w_i (x_i - mean)^2 / sum_i w_i
//! z    = (x - mean) / sqrt(var)           x (m, d), w (m); mean and var (d)
//! ```
//!
//! The variance divides by the weight of all samples, not by one sample less. NaN is a value that is not there: it has no
//! weight and stays NaN. A column whose variance is no more than the rounding of its mean, `n eps var + (n mean eps)^2`,
//! is divided by 1. What was learned on the training samples is used on all others. scikit-learn: `StandardScaler`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// Means and variances of columns, and the weight that they were seen with.
#[derive(Clone, Debug, PartialEq)]
pub struct StandardScaler {
    /// Weight of the values of each column, (d).
    pub seen: Array,
    /// Mean of each column, (d).
    pub mean: Array,
    /// Variance of each column, (d).
    pub var: Array,
}

impl StandardScaler {
    /// The statistics of the columns of `x`, rows weighing `w`.
    pub fn fit(x: &Array, w: &Array, trace: &mut Trace) -> Result<Self> {
        x.expect_rank("standard_scaler", "x", 2)?;
        let (m, d) = (x.shape()[0], x.shape()[1]);
        w.expect_shape("standard_scaler", "w", &[m])?;
        if w.data().iter().any(|w| w.is_nan() || *w < 0.0) {
            return Err(Error::new("standard_scaler", "a weight is negative: 0 or more expected"));
        }
        trace.section("standard scaler: fit");
        let column = |j: usize, f: &dyn Fn(f64, f64) -> f64| {
            let terms = (0..m).map(|i| (w.data()[i], x.get(&[i, j]))).filter(|(_, x)| !x.is_nan());
            terms.map(|(w, x)| f(w, x)).sum::<f64>()
        };
        let seen = Array::from_fn(&[d], |j| column(j[0], &|w, _| w));
        let seen = trace.step("n", "sum w of the values that are there", seen);
        let mean = Array::from_fn(&[d], |j| column(j[0], &|w, x| w * x) / seen.data()[j[0]]);
        let mean = trace.step("mean", "sum w x / n", mean);
        let var = Array::from_fn(&[d], |j| {
            column(j[0], &|w, x| w * (x - mean.data()[j[0]]).powi(2)) / seen.data()[j[0]]
        });
        let var = trace.step("var", "sum w (x - mean)^2 / n", var);
        Ok(StandardScaler { seen, mean, var })
    }

    /// The statistics of both sets of samples together, without looking at either again:
    /// `mean = (n_a mean_a + n_b mean_b) / n`, `var = (n_a var_a + n_b var_b + n_a n_b / n (mean_a - mean_b)^2) / n`.
    pub fn merge(&self, other: &Self, trace: &mut Trace) -> Result<Self> {
        trace.section("standard scaler: two sets of samples");
        let seen = trace.step("n", "n_a + n_b", self.seen.zip(&other.seen, |a, b| a + b)?);
        let both = |f: &dyn Fn(usize) -> f64| Array::from_fn(seen.shape(), |j| f(j[0]));
        let of = |scaler: &Self, j: usize| match scaler.seen.data()[j] {
            0.0 => (0.0, 0.0, 0.0),
            n => (n, scaler.mean.data()[j], scaler.var.data()[j]),
        };
        let mean = both(&|j| {
            let ((a, mean_a, _), (b, mean_b, _)) = (of(self, j), of(other, j));
            (a * mean_a + b * mean_b) / (a + b)
        });
        let mean = trace.step("mean", "(n_a mean_a + n_b mean_b) / n", mean);
        let var = both(&|j| {
            let ((a, mean_a, var_a), (b, mean_b, var_b)) = (of(self, j), of(other, j));
            (a * var_a + b * var_b + a * b / (a + b) * (mean_a - mean_b).powi(2)) / (a + b)
        });
        let formula = "(n_a var_a + n_b var_b + n_a n_b / n (mean_a - mean_b)^2) / n";
        let var = trace.step("var", formula, var);
        Ok(StandardScaler { seen, mean, var })
    }

    /// What each column is divided by, (d).
    pub fn scale(&self) -> Array {
        Array::from_fn(self.var.shape(), |j| {
            let (n, mean, var) = (self.seen.get(j), self.mean.get(j), self.var.get(j));
            let rounding = n * f64::EPSILON * var + (n * mean * f64::EPSILON).powi(2);
            if var <= rounding { 1.0 } else { var.sqrt() }
        })
    }

    /// `(x - mean) / scale`
    pub fn transform(&self, x: &Array, trace: &mut Trace) -> Result<Array> {
        x.expect_rank("standard_scaler", "x", 2)?;
        x.expect_shape("standard_scaler", "x", &[x.shape()[0], self.mean.len()])?;
        trace.section("standard scaler: transform");
        let scale = trace.step("scale", "sqrt(var), 1 where that is 0", self.scale());
        let z = Array::from_fn(x.shape(), |i| (x.get(i) - self.mean.data()[i[1]]) / scale.data()[i[1]]);
        Ok(trace.step("z", "(x - mean) / scale", z))
    }
}
