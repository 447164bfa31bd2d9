//! The largest singular values by random projections.

use barehand_kernels::gemm::{Gemm as _, Matrix, MatrixMut};
use barehand_kernels::random::RandomState;
use barehand_tensor::{CsrMatrix, Float, Result, threads};

use crate::factorization::{lu_permuted, qr, svd};

/// What keeps the columns of a power iteration apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PowerIterationNormalizer {
    /// Nothing for up to two iterations, else LU.
    #[default]
    Auto,
    /// Orthonormal columns.
    Qr,
    /// The lower factor: cheaper, and nearly as good.
    Lu,
    /// Nothing: large powers lose the small singular values.
    None,
}

/// The `k` largest singular values of a matrix `A` and their right vectors.
///
/// ```text
/// Q = orthonormal columns of (A A^T)^q A G,  G random normal (D, k + oversamples)
/// Q^T A = U S V^T
/// ```
///
/// The same seed draws what scikit-learn's `randomized_svd` draws. Source: Halko, Martinsson and Tropp 2011.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomizedSvd {
    /// How many singular values.
    pub k: usize,
    /// Columns more than that.
    pub oversamples: usize,
    /// Power iterations `q`.
    pub iterations: usize,
    /// What is done between them.
    pub normalizer: PowerIterationNormalizer,
}

/// A matrix that is only multiplied with.
pub(super) enum Factor<'a, T: Float> {
    /// `(n, d)`, row-major.
    Dense { x: &'a [T], n: usize, d: usize },
    /// Sparse rows, those of the transpose, and the mean that is taken out of each row without being stored.
    Sparse { x: &'a CsrMatrix<T>, transposed: CsrMatrix<T>, mean: Option<Vec<T>> },
}

impl<'a, T: Float> Factor<'a, T> {
    pub fn sparse(x: &'a CsrMatrix<T>, mean: Option<&[f64]>) -> Self {
        Factor::Sparse { x, transposed: x.transpose(), mean: mean.map(from_f64) }
    }

    /// The sum of the squares of all elements.
    pub fn squares(&self) -> f64 {
        let square = |x: f64| x * x;
        match self {
            Factor::Dense { x, .. } => x.iter().map(|x| square(x.to_f64())).sum(),
            Factor::Sparse { x, mean: None, .. } => x.values().iter().map(|x| square(x.to_f64())).sum(),
            Factor::Sparse { x, mean: Some(mean), .. } => {
                let stored = x.indices().iter().zip(x.values()).map(|(&column, x)| {
                    let mean = mean[column as usize].to_f64();
                    square(x.to_f64() - mean) - square(mean)
                });
                let everywhere: f64 = mean.iter().map(|mean| square(mean.to_f64())).sum();
                (stored.sum::<f64>() + x.rows() as f64 * everywhere).max(0.0)
            }
        }
    }

    pub fn shape(&self) -> [usize; 2] {
        match self {
            Factor::Dense { n, d, .. } => [*n, *d],
            Factor::Sparse { x, .. } => x.shape(),
        }
    }

    /// `A q`, or `A^T q`, for `columns` columns of `q`.
    pub fn times(&self, q: &[T], columns: usize, transposed: bool) -> Vec<T> {
        let [n, d] = self.shape();
        let rows = if transposed { d } else { n };
        let mut out = vec![T::ZERO; rows * columns];
        match self {
            Factor::Dense { x, .. } => {
                let a = Matrix::row_major(x, n, d);
                let (a, inner) = if transposed { (a.transpose(), n) } else { (a, d) };
                let q = Matrix::row_major(q, inner, columns);
                T::gemm(T::ONE, a, q, T::ZERO, MatrixMut::row_major(&mut out, rows, columns));
            }
            Factor::Sparse { x, transposed: of_columns, mean } => {
                let a = if transposed { of_columns } else { *x };
                threads::for_each_chunk(&mut out, columns.max(1) * 64, 1 << 16, |start, out| {
                    for (i, out) in out.chunks_exact_mut(columns).enumerate() {
                        let (indices, values) = a.row(start / columns + i);
                        for (&index, &value) in indices.iter().zip(values) {
                            let row = &q[index as usize * columns..][..columns];
                            out.iter_mut().zip(row).for_each(|(out, &q)| *out += value * q);
                        }
                    }
                });
                let Some(mean) = mean else { return out };
                // (X - 1 m^T) q = X q - 1 (m^T q),  (X - 1 m^T)^T q = X^T q - m (1^T q)
                let mut sums = vec![0.0; columns];
                for (i, row) in q.chunks_exact(columns).enumerate() {
                    let weight = if transposed { 1.0 } else { mean[i].to_f64() };
                    sums.iter_mut().zip(row).for_each(|(sum, q)| *sum += weight * q.to_f64());
                }
                for (i, row) in out.chunks_exact_mut(columns).enumerate() {
                    let weight = if transposed { mean[i].to_f64() } else { 1.0 };
                    for (out, sum) in row.iter_mut().zip(&sums) {
                        *out = T::from_f64(out.to_f64() - weight * sum);
                    }
                }
            }
        }
        out
    }
}

impl RandomizedSvd {
    /// Singular values `(k)`, descending, and right vectors `(k, D)`; their signs are arbitrary.
    pub(super) fn of<T: Float>(
        &self,
        a: &Factor<T>,
        random: &mut RandomState,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let [n, d] = a.shape();
        // Of a wide matrix the transpose is decomposed: the short side is projected.
        let flip = n < d;
        let short = n.min(d);
        let normalizer = match self.normalizer {
            PowerIterationNormalizer::Auto if self.iterations <= 2 => PowerIterationNormalizer::None,
            PowerIterationNormalizer::Auto => PowerIterationNormalizer::Lu,
            other => other,
        };
        let normalize = |q: Vec<T>, rows: usize, columns: usize| match normalizer {
            PowerIterationNormalizer::Qr => orthonormal(&q, rows, columns),
            PowerIterationNormalizer::Lu => {
                let (l, columns) = lu_permuted(&to_f64(&q), rows, columns);
                (from_f64(&l), columns)
            }
            _ => (q, columns),
        };
        // So many columns as the short side has leave nothing out.
        let mut columns = self.k.saturating_add(self.oversamples).min(short);
        let mut q: Vec<T> = (0..short * columns).map(|_| T::from_f64(random.randn())).collect();
        let long = n.max(d);
        for _ in 0..self.iterations {
            (q, columns) = normalize(a.times(&q, columns, flip), long, columns);
            (q, columns) = normalize(a.times(&q, columns, !flip), short, columns);
        }
        (q, columns) = orthonormal(&a.times(&q, columns, flip), long, columns);
        // (A^T Q)^T is decomposed by its transpose: what is tall comes first.
        let b = to_f64(&a.times(&q, columns, !flip));
        let found = svd(&b, short, columns)?;
        let rank = short.min(columns);
        let k = self.k.min(rank);
        // b = U S V^T: U are the singular vectors of the short side, Q V those of the long one.
        let vectors = if flip {
            let q = to_f64(&q);
            let mut vectors = vec![0.0; k * long];
            f64::gemm(
                1.0,
                Matrix::row_major(&found.vt[..k * columns], k, columns),
                Matrix::row_major(&q, long, columns).transpose(),
                0.0,
                MatrixMut::row_major(&mut vectors, k, long),
            );
            vectors
        } else {
            (0..k).flat_map(|i| (0..short).map(move |j| (i, j))).map(|(i, j)| found.u[j * rank + i]).collect()
        };
        Ok((found.s[..k].to_vec(), vectors))
    }
}

fn orthonormal<T: Float>(q: &[T], rows: usize, columns: usize) -> (Vec<T>, usize) {
    let (q, _) = qr(&to_f64(q), rows, columns);
    (from_f64(&q), rows.min(columns))
}

pub(super) fn to_f64<T: Float>(values: &[T]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

pub(super) fn from_f64<T: Float>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| T::from_f64(value)).collect()
}

/// Turns each row so that its largest element is positive: signs do not depend on how a decomposition came about.
pub(super) fn flip_signs(rows: &mut [f64], columns: usize) {
    for row in rows.chunks_exact_mut(columns.max(1)) {
        let mut largest: f64 = 0.0;
        for &value in &*row {
            if value.abs() > largest.abs() {
                largest = value;
            }
        }
        if largest < 0.0 {
            for value in row.iter_mut() {
                *value = -*value;
            }
        }
    }
}
