//! Features of either kind behind the few products that linear solvers are made of.

use barehand_kernels::csr::Rows;
use barehand_kernels::gemm::Matrix;
use barehand_kernels::gram;
use barehand_kernels::linear_loss::Classified;
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use crate::dynamic::Features;
use crate::validate;

/// Features `(n, d)`, dense or sparse.
pub enum Samples<'a, T: Float> {
    /// Rows one after another.
    Dense { x: Tensor<T>, n: usize, d: usize },
    /// Sparse rows.
    Sparse(&'a CsrMatrix<T>),
}

/// What features may be given as.
pub trait AsSamples<T: Float> {
    /// Features with at least one row and one column.
    fn samples(&self, operation: &str) -> Result<Samples<'_, T>>;
}

impl<T: Float> AsSamples<T> for Tensor<T> {
    fn samples(&self, operation: &str) -> Result<Samples<'_, T>> {
        let (n, d) = validate::matrix(operation, self)?;
        Ok(Samples::Dense { x: self.contiguous(), n, d })
    }
}

impl<T: Float> AsSamples<T> for CsrMatrix<T> {
    fn samples(&self, operation: &str) -> Result<Samples<'_, T>> {
        let [n, d] = self.shape();
        if n == 0 || d == 0 {
            let message = format!("{n} samples of {d} features: at least one of each expected");
            return Err(Error::value(operation, message));
        }
        Ok(Samples::Sparse(self))
    }
}

impl<T: Float> AsSamples<T> for Features<T> {
    fn samples(&self, operation: &str) -> Result<Samples<'_, T>> {
        match self {
            Features::Dense(x) => x.samples(operation),
            Features::Sparse(x) => x.samples(operation),
        }
    }
}

impl<T: Float> Samples<'_, T> {
    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Samples::Dense { n, d, .. } => (*n, *d),
            Samples::Sparse(x) => (x.rows(), x.columns()),
        }
    }

    /// Whether rows are sparse.
    pub fn is_sparse(&self) -> bool {
        matches!(self, Samples::Sparse(_))
    }

    /// The numbers of dense rows; nothing of sparse ones.
    pub fn dense(&self) -> &[T] {
        match self {
            Samples::Dense { x, .. } => x.as_slice().unwrap_or_default(),
            Samples::Sparse(_) => &[],
        }
    }

    /// Refuses NaN and infinity, by row and column.
    pub fn check_finite(&self, operation: &str) -> Result<()> {
        match self {
            Samples::Dense { x, .. } => validate::finite(operation, x),
            Samples::Sparse(x) => {
                let Some(place) = x.values().iter().position(|value| !value.is_finite()) else {
                    return Ok(());
                };
                let row = x.indptr().partition_point(|&start| start <= place) - 1;
                let (column, found) = (x.indices()[place], x.values()[place]);
                let message = format!("row {row}, column {column} of x is {found}: finite numbers expected");
                Err(Error::value(operation, message))
            }
        }
    }

    /// Refuses another number of columns than a model was fitted on.
    pub fn expect_columns(&self, operation: &str, columns: usize) -> Result<()> {
        let (_, d) = self.shape();
        if d == columns {
            return Ok(());
        }
        Err(Error::shape(operation, format!("x has {d} features, the model was fitted on {columns}")))
    }

    /// `x w^T + bias`, `(n, outputs)`, with `w` of `(outputs, d)`.
    pub fn scores(&self, w: &[T], bias: &[T]) -> Vec<T> {
        let (n, d) = self.shape();
        let mut out = vec![T::ZERO; n * bias.len()];
        match self {
            Samples::Dense { .. } => {
                let x = Matrix::row_major(self.dense(), n, d);
                T::linear(x, Matrix::row_major(w, bias.len(), d), Some(bias), &mut out);
            }
            Samples::Sparse(x) => T::csr_linear(&rows(x), w, bias, &mut out),
        }
        out
    }

    /// `r^T x` in f64, `(outputs, d)`, with `r` of `(n, outputs)`.
    pub fn transposed(&self, r: &[T], outputs: usize) -> Vec<f64> {
        let (n, d) = self.shape();
        let mut out = vec![0.0; outputs * d];
        match self {
            Samples::Dense { .. } => {
                // Blocks of rows in the type itself, their sums in f64.
                const BLOCK: usize = 256;
                let mut block = vec![T::ZERO; outputs * d];
                for (x, r) in self.dense().chunks(BLOCK * d).zip(r.chunks(BLOCK * outputs)) {
                    let count = x.len() / d;
                    let r = Matrix::row_major(r, count, outputs).transpose();
                    let to = barehand_kernels::gemm::MatrixMut::row_major(&mut block, outputs, d);
                    T::gemm(T::ONE, r, Matrix::row_major(x, count, d), T::ZERO, to);
                    out.iter_mut().zip(&block).for_each(|(sum, value)| *sum += value.to_f64());
                }
            }
            Samples::Sparse(x) => T::csr_transposed(&rows(x), r, outputs, &mut out),
        }
        debug_assert_eq!(r.len(), n * outputs);
        out
    }

    /// The mean of each column over rows of these weights, exact to rounding.
    pub fn column_means(&self, weights: Option<&[f64]>) -> Vec<f64> {
        let (n, d) = self.shape();
        let mut sums = vec![0.0; d];
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        match self {
            Samples::Dense { .. } => {
                for (row, x) in self.dense().chunks_exact(d).enumerate() {
                    let weight = weight(row);
                    sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += weight * x.to_f64());
                }
            }
            Samples::Sparse(x) => {
                for row in 0..n {
                    let (columns, values) = x.row(row);
                    let weight = weight(row);
                    for (&column, value) in columns.iter().zip(values) {
                        sums[column as usize] += weight * value.to_f64();
                    }
                }
            }
        }
        let total = weights.map_or(n as f64, |weights| weights.iter().sum());
        sums.iter_mut().for_each(|sum| *sum /= total);
        sums
    }

    /// `Z^T diag(weights) Z` of `Z = [x - shift, y - shift, 1]` as [`gram::Gram::gram`] says; of sparse rows nothing can be
    /// taken out, and `shift` must be 0 where `x` is concerned.
    pub fn gram(&self, y: &[T], outputs: usize, weights: Option<&[f64]>, shift: &[f64]) -> Vec<f64> {
        let (n, d) = self.shape();
        match self {
            Samples::Dense { .. } => {
                let samples = gram::Samples { x: self.dense(), columns: d, y, outputs, weights, shift };
                T::gram(&samples)
            }
            Samples::Sparse(x) => {
                let m = d + outputs + 1;
                let mut out = vec![0.0; m * m];
                let mut rest = vec![1.0; outputs + 1];
                for row in 0..n {
                    let weight = weights.map_or(1.0, |weights| weights[row]);
                    if weight == 0.0 {
                        continue;
                    }
                    let (columns, values) = x.row(row);
                    for (o, rest) in rest[..outputs].iter_mut().enumerate() {
                        *rest = y[row * outputs + o].to_f64() - shift[d + o];
                    }
                    for (i, (&a, value)) in columns.iter().zip(values).enumerate() {
                        let scaled = weight * value.to_f64();
                        for (&b, other) in columns[..=i].iter().zip(values) {
                            out[a as usize * m + b as usize] += scaled * other.to_f64();
                        }
                        for (j, rest) in rest.iter().enumerate() {
                            out[(d + j) * m + a as usize] += scaled * rest;
                        }
                    }
                    for (i, a) in rest.iter().enumerate() {
                        for (j, b) in rest[..=i].iter().enumerate() {
                            out[(d + i) * m + d + j] += weight * a * b;
                        }
                    }
                }
                for i in 0..m {
                    for j in i + 1..m {
                        out[i * m + j] = out[j * m + i];
                    }
                }
                out
            }
        }
    }

    /// Dense rows in f64, less `means`, times the roots of their weights.
    pub fn centered(&self, means: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        let (n, d) = self.shape();
        let mut out = Vec::with_capacity(n * d);
        for (row, x) in self.dense().chunks_exact(d).enumerate() {
            let root = weights.map_or(1.0, |weights| weights[row].sqrt());
            out.extend(x.iter().zip(means).map(|(x, mean)| (x.to_f64() - mean) * root));
        }
        out
    }

    /// The rows at `rows`, in that order.
    pub fn select(&self, rows: &[i64]) -> Result<Features<T>> {
        Ok(match self {
            Samples::Dense { x, .. } => Features::Dense(x.index_select(0, &rows.to_vec().into())?),
            Samples::Sparse(x) => {
                let rows: Vec<usize> = rows.iter().map(|&row| row as usize).collect();
                Features::Sparse(x.select_rows(&rows)?)
            }
        })
    }

    /// For a classifier's kernel; of dense rows only.
    pub fn classified<'a>(&'a self, classes: &'a [u32], weights: Option<&'a [f64]>) -> Classified<'a, T> {
        Classified { x: self.dense(), columns: self.shape().1, classes, weights }
    }
}

/// The lists of sparse rows.
pub fn rows<T: Float>(x: &CsrMatrix<T>) -> Rows<'_, T> {
    Rows { indptr: x.indptr(), indices: x.indices(), values: x.values(), columns: x.columns() }
}

/// Targets `(n)` or `(n, outputs)`, row by row: their numbers, how many to a row, and whether they were `(n)`.
///
/// # Errors
/// Another shape, no output, NaN or infinity.
pub fn targets<T: Float>(operation: &str, y: &Tensor<T>, n: usize) -> Result<(Vec<T>, usize, bool)> {
    let (outputs, single) = match *y.shape() {
        [rows] if rows == n => (1, true),
        [rows, outputs] if rows == n && outputs > 0 => (outputs, false),
        ref shape => {
            let message = format!("expected targets ({n}) or ({n}, outputs), found shape {shape:?}");
            return Err(Error::shape(operation, message));
        }
    };
    let values = y.to_vec();
    if let Some(place) = values.iter().position(|value| !value.is_finite()) {
        let message = format!("target {} is {}: finite numbers expected", place / outputs, values[place]);
        return Err(Error::value(operation, message));
    }
    Ok((values, outputs, single))
}
