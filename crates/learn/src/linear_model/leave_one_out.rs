//! The errors of ridge regression at samples that it has not seen, each left out in turn, from one decomposition.
//!
//! ```text
//! e_i = y_i - x_i w_-i = (y - H y)_i / (1 - H_ii),   H = X (X^T X + alpha I)^-1 X^T
//! ```
//!
//! of centred samples, times the roots of their weights; where an intercept is fitted, the mean is one more column, and
//! `1 - H_ii` is less by `weight_i / sum of weights`. `I - H = alpha (X X^T + alpha I)^-1` is used as it stands here where
//! there are no more samples than features. Rifkin and Lippert 2007.

use barehand_kernels::gemm::{Gemm, Matrix, MatrixMut};
use barehand_tensor::{CsrMatrix, Float, Result};

use super::least_squares::transposed;
use super::moments::Moments;
use super::samples::Samples;
use crate::factorization;

/// `H` (or `I - H`) as `B diag(factors) B^T` for every penalty.
pub struct LeaveOneOut<'a, T: Float> {
    samples: &'a Samples<'a, T>,
    weights: Option<&'a [f64]>,
    fit_intercept: bool,
    pub moments: Moments,
    basis: Basis,
    /// Eigenvalues of `X^T X` or `X X^T`.
    values: Vec<f64>,
    /// Targets, centred, times the roots of their weights, `(n, outputs)`.
    y: Vec<f64>,
    /// `B^T y`, `(k, outputs)`
    along: Vec<f64>,
}

/// What `B` is.
enum Basis {
    /// `X V`, made as it is needed: `V` is `(d, k)`.
    Columns { v: Vec<f64> },
    /// `U` of `X = U S V^T`, `(n, k)`, and `V^T`, `(k, d)`.
    Singular { u: Vec<f64>, vt: Vec<f64> },
    /// Eigenvectors of `X X^T`, `(n, n)`, with `shift s s^T / |s|^2` added, where `s` are the roots of the weights: centred rows
    /// lie across `s`, so that this changes nothing but its eigenvalue, 0, which penalties much smaller than the others could
    /// not be told from.
    Rows { q: Vec<f64>, shift: f64 },
}

/// Rows that are looked at at once.
const BLOCK: usize = 512;

impl<'a, T: Float> LeaveOneOut<'a, T> {
    /// Of samples with targets `(n, outputs)`, by singular values of dense ones where these are asked for.
    pub fn new(
        operation: &str,
        samples: &'a Samples<'a, T>,
        y: &[T],
        outputs: usize,
        weights: Option<&'a [f64]>,
        fit_intercept: bool,
        by_singular_values: bool,
    ) -> Result<Self> {
        let (n, d) = samples.shape();
        // Singular values would need sparse samples to be dense.
        let by_singular_values = by_singular_values && !samples.is_sparse();
        let by_columns = n > d && !by_singular_values;
        let make = if by_columns { Moments::new } else { Moments::means };
        let moments = make(operation, samples, y, outputs, weights, fit_intercept)?;
        let mut scaled = Vec::with_capacity(y.len());
        for (row, y) in y.chunks_exact(outputs).enumerate() {
            let root = weights.map_or(1.0, |weights| weights[row].sqrt());
            scaled.extend(y.iter().zip(&moments.y_mean).map(|(y, mean)| (y.to_f64() - mean) * root));
        }
        let y = scaled;
        let (basis, values, along) = if by_columns {
            let (values, vt) = factorization::symmetric_eigen(&moments.gram, d)?;
            let along = product(&vt, &moments.xy, d, d, outputs);
            (Basis::Columns { v: transposed(&vt, d, d) }, values, along)
        } else if by_singular_values {
            let svd = factorization::svd(&samples.centered(&moments.x_mean, weights), n, d)?;
            let along = product(&transposed(&svd.u, n, svd.s.len()), &y, svd.s.len(), n, outputs);
            let values = svd.s.iter().map(|s| s * s).collect();
            (Basis::Singular { u: svd.u, vt: svd.vt }, values, along)
        } else {
            let mut kernel = kernel(samples, &moments.x_mean, weights);
            let trace: f64 = (0..n).map(|i| kernel[i * n + i]).sum();
            let shift = if fit_intercept { trace / n as f64 } else { 0.0 };
            let total: f64 = weights.map_or(n as f64, |weights| weights.iter().sum());
            let root = |row: usize| weights.map_or(1.0, |weights| weights[row].sqrt());
            for i in 0..n {
                for j in 0..n {
                    kernel[i * n + j] += shift * root(i) * root(j) / total;
                }
            }
            let (values, qt) = factorization::symmetric_eigen(&kernel, n)?;
            let along = product(&qt, &y, n, n, outputs);
            (Basis::Rows { q: transposed(&qt, n, n), shift }, values, along)
        };
        // What rounding leaves of 0 is no curvature.
        let values = values.into_iter().map(|value: f64| value.max(0.0)).collect();
        Ok(LeaveOneOut { samples, weights, fit_intercept, moments, basis, values, y, along })
    }

    /// Whether `B diag(factors) B^T` is `H`, and not `I - H`.
    fn is_hat(&self) -> bool {
        match &self.basis {
            Basis::Columns { .. } => true,
            // With as many singular values as samples, nothing is lost by the other form.
            Basis::Singular { .. } => self.values.len() < self.samples.shape().0,
            Basis::Rows { .. } => false,
        }
    }

    /// `alpha s^T (X X^T + alpha I)^-1 s / |s|^2` of the basis: what the mean takes of each leverage, per weight.
    fn of_mean(&self, alpha: f64) -> f64 {
        match self.basis {
            Basis::Rows { shift, .. } => alpha / (shift + alpha),
            _ => 1.0,
        }
    }

    fn factors(&self, alpha: f64) -> Vec<f64> {
        let factor = |&value: &f64| match (&self.basis, self.is_hat()) {
            (Basis::Columns { .. }, _) => 1.0 / (value + alpha),
            (_, true) => value / (value + alpha),
            (_, false) => alpha / (value + alpha),
        };
        self.values.iter().map(factor).collect()
    }

    /// The errors for each of `alphas`, times the roots of weights, in the order of `(n, outputs, alphas)`.
    pub fn errors(&self, alphas: &[f64], mut each: impl FnMut(f64)) {
        let (n, d) = self.samples.shape();
        let (k, outputs, count) = (self.values.len(), self.moments.outputs, alphas.len());
        let (mut of_rows, mut of_targets) = (vec![0.0; k * count], vec![0.0; k * outputs * count]);
        for (a, &alpha) in alphas.iter().enumerate() {
            for (i, factor) in self.factors(alpha).into_iter().enumerate() {
                of_rows[i * count + a] = factor;
                for o in 0..outputs {
                    of_targets[(i * outputs + o) * count + a] = factor * self.along[i * outputs + o];
                }
            }
        }
        let total: f64 = self.weights.map_or(n as f64, |weights| weights.iter().sum());
        let is_hat = self.is_hat();
        let of_mean: Vec<f64> = alphas.iter().map(|&alpha| self.of_mean(alpha)).collect();
        for first in (0..n).step_by(BLOCK) {
            let rows = BLOCK.min(n - first);
            let mut b = match &self.basis {
                Basis::Columns { v } => product(&self.centered(first, rows), v, rows, d, k),
                Basis::Singular { u: b, .. } | Basis::Rows { q: b, .. } => {
                    b[first * k..(first + rows) * k].to_vec()
                }
            };
            let fitted = product(&b, &of_targets, rows, k, outputs * count);
            b.iter_mut().for_each(|b| *b *= *b);
            let leverages = product(&b, &of_rows, rows, k, count);
            for row in 0..rows {
                let weight = self.weights.map_or(1.0, |weights| weights[first + row]);
                let share = if self.fit_intercept { weight / total } else { 0.0 };
                for o in 0..outputs {
                    let y = self.y[(first + row) * outputs + o];
                    for a in 0..count {
                        let fitted = fitted[(row * outputs + o) * count + a];
                        let leverage = leverages[row * count + a];
                        let taken = share * of_mean[a];
                        each(match is_hat {
                            true => (y - fitted) / (1.0 - leverage - taken),
                            false => fitted / (leverage - taken),
                        });
                    }
                }
            }
        }
    }

    /// The coefficients of all samples with a penalty for each output, `(outputs, d)`.
    pub fn coefficients(&self, alphas: &[f64]) -> Vec<f64> {
        let (n, d) = self.samples.shape();
        let (k, outputs) = (self.values.len(), self.moments.outputs);
        let mut shrunk = vec![0.0; k * outputs];
        for (o, &alpha) in alphas.iter().enumerate() {
            for (i, value) in self.values.iter().enumerate() {
                let numerator = if matches!(self.basis, Basis::Singular { .. }) { value.sqrt() } else { 1.0 };
                shrunk[i * outputs + o] = numerator / (value + alpha) * self.along[i * outputs + o];
            }
        }
        match &self.basis {
            Basis::Columns { v } => transposed(&product(v, &shrunk, d, k, outputs), d, outputs),
            Basis::Singular { vt, .. } => product(&transposed(&shrunk, k, outputs), vt, outputs, k, d),
            Basis::Rows { q, .. } => {
                let dual = transposed(&product(q, &shrunk, n, n, outputs), n, outputs);
                let mut coef = vec![0.0; outputs * d];
                for first in (0..n).step_by(BLOCK) {
                    let rows = BLOCK.min(n - first);
                    let part: Vec<f64> =
                        dual.chunks_exact(n).flat_map(|dual| &dual[first..first + rows]).copied().collect();
                    let of_block = product(&part, &self.centered(first, rows), outputs, rows, d);
                    coef.iter_mut().zip(of_block).for_each(|(coef, value)| *coef += value);
                }
                coef
            }
        }
    }

    /// Rows less their means, times the roots of weights, as dense ones.
    fn centered(&self, first: usize, rows: usize) -> Vec<f64> {
        let (_, d) = self.samples.shape();
        let means = &self.moments.x_mean;
        let mut out = Vec::with_capacity(rows * d);
        for row in first..first + rows {
            let root = self.weights.map_or(1.0, |weights| weights[row].sqrt());
            match self.samples {
                Samples::Dense { .. } => {
                    let x = &self.samples.dense()[row * d..(row + 1) * d];
                    out.extend(x.iter().zip(means).map(|(x, mean)| (x.to_f64() - mean) * root));
                }
                Samples::Sparse(x) => {
                    let start = out.len();
                    out.extend(means.iter().map(|mean| -mean * root));
                    let (columns, values) = x.row(row);
                    for (&column, value) in columns.iter().zip(values) {
                        out[start + column as usize] += value.to_f64() * root;
                    }
                }
            }
        }
        out
    }
}

/// `X X^T` of centred rows, times the roots of weights.
fn kernel<T: Float>(samples: &Samples<T>, means: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
    let (n, d) = samples.shape();
    if let Samples::Sparse(x) = samples {
        return sparse_kernel(x, means, weights);
    }
    let x = samples.centered(means, weights);
    let x = Matrix::row_major(&x, n, d);
    let mut out = vec![0.0; n * n];
    f64::gemm(1.0, x, x.transpose(), 0.0, MatrixMut::row_major(&mut out, n, n));
    out
}

fn sparse_kernel<T: Float>(x: &CsrMatrix<T>, means: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
    let [n, d] = x.shape();
    let mut out = vec![0.0; n * n];
    let mut dense = vec![0.0; d];
    let dot = |row: usize, with: &[f64]| -> f64 {
        let (columns, values) = x.row(row);
        columns.iter().zip(values).map(|(&column, value)| value.to_f64() * with[column as usize]).sum()
    };
    let at_mean: Vec<f64> = (0..n).map(|row| dot(row, means)).collect();
    let square: f64 = means.iter().map(|mean| mean * mean).sum();
    let root = |row: usize| weights.map_or(1.0, |weights| weights[row].sqrt());
    for i in 0..n {
        let (columns, values) = x.row(i);
        for (&column, value) in columns.iter().zip(values) {
            dense[column as usize] = value.to_f64();
        }
        for j in 0..=i {
            let centred = dot(j, &dense) - at_mean[i] - at_mean[j] + square;
            (out[i * n + j], out[j * n + i]) = (centred * root(i) * root(j), centred * root(i) * root(j));
        }
        columns.iter().for_each(|&column| dense[column as usize] = 0.0);
    }
    out
}

/// `a b` of `a` `(rows, inner)` and `b` `(inner, columns)`.
fn product(a: &[f64], b: &[f64], rows: usize, inner: usize, columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows * columns];
    let (a, b) = (Matrix::row_major(a, rows, inner), Matrix::row_major(b, inner, columns));
    f64::gemm(1.0, a, b, 0.0, MatrixMut::row_major(&mut out, rows, columns));
    out
}
