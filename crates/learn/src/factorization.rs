//! Dense factorisations in f64, from `faer`: singular values, symmetric eigenvalues, Cholesky, QR.
//!
//! Matrices are row-major slices. Sums over many samples (Gram matrices, products) belong in [`gemm`](barehand_kernels::gemm)
//! before they come here.

mod tridiagonal;

use barehand_tensor::{Error, Result};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as reflect_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as reflect,
};
use faer::linalg::qr::no_pivoting::factor::recommended_block_size;
use faer::linalg::solvers::{Llt, Solve};
use faer::{Conj, Mat, MatRef, Par, Side, Spec};

use tridiagonal::Tridiagonal;

/// `A = U diag(s) Vᵀ` with `k = min(rows, columns)` singular values, the largest first.
#[derive(Clone, Debug)]
pub struct Svd {
    /// `U`, `(rows, k)`.
    pub u: Vec<f64>,
    /// Singular values, descending.
    pub s: Vec<f64>,
    /// `Vᵀ`, `(k, columns)`.
    pub vt: Vec<f64>,
}

/// The thin singular value decomposition of `a`, `(rows, columns)`.
///
/// # Errors
/// A number is not finite, or the iteration does not converge.
pub fn svd(a: &[f64], rows: usize, columns: usize) -> Result<Svd> {
    let failed = || Error::value("svd", "no decomposition: a number is not finite, or too large to square");
    check_finite("svd", a)?;
    let a = MatRef::from_row_major_slice(a, rows, columns);
    let svd = a.thin_svd().map_err(|_| failed())?;
    let s = svd.S().column_vector().iter().copied().collect();
    Ok(Svd { u: row_major(svd.U()), s, vt: row_major(svd.V().transpose()) })
}

/// Eigenvalues of the symmetric `a`, `(n, n)`, in ascending order, and their eigenvectors, the rows of `(n, n)`. Only the
/// lower triangle is read.
///
/// # Errors
/// As [`svd`].
pub fn symmetric_eigen(a: &[f64], n: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    check_finite("symmetric_eigen", a)?;
    let eigen = MatRef::from_row_major_slice(a, n, n)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| Error::value("symmetric_eigen", "the iteration did not converge"))?;
    // Columns of `U` lie in one piece.
    Ok((eigen.S().column_vector().iter().copied().collect(), row_major(eigen.U().transpose())))
}

/// The `k` largest eigenvalues of the symmetric `a`, `(n, n)`, descending, and their eigenvectors, rows of `(k, n)`: a third of
/// the time of [`symmetric_eigen`] where `k` is small. Only the lower triangle is read.
///
/// # Errors
/// As [`svd`].
pub fn largest_eigen(a: &[f64], n: usize, k: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    // Of more vectors, or a small matrix, all are as fast.
    if n >= 32
        && k <= n / 4
        && let Some(found) = largest_of_tridiagonal(a, n, k)?
    {
        return Ok(found);
    }
    let (values, vectors) = symmetric_eigen(a, n)?;
    let vectors = vectors.chunks_exact(n.max(1)).rev().take(k).flatten().copied().collect();
    Ok((values.into_iter().rev().take(k).collect(), vectors))
}

/// `a = Q T Q^T`, and the eigenvectors of `T` times `Q`.
fn largest_of_tridiagonal(a: &[f64], n: usize, k: usize) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
    check_finite("largest_eigen", a)?;
    let mut a = MatRef::from_row_major_slice(a, n, n).to_owned();
    let size = recommended_block_size::<f64>(n - 1, n - 1);
    let mut reflections = Mat::zeros(size, n - 1);
    let scratch = tridiag_in_place_scratch::<f64>(n, Par::Seq, Spec::default());
    let mut memory = MemBuffer::new(scratch.or(reflect_scratch::<f64>(n - 1, size, k)));
    let stack = MemStack::new(&mut memory);
    tridiag_in_place(a.as_mut(), reflections.as_mut(), Par::Seq, stack, Spec::default());
    let diagonal = (0..n).map(|i| a[(i, i)]).collect();
    let beside = (1..n).map(|i| a[(i, i - 1)]).collect();
    let Some((values, vectors)) = Tridiagonal::new(diagonal, beside).largest(k) else { return Ok(None) };
    let mut vectors = MatRef::from_column_major_slice(&vectors, n, k).to_owned();
    reflect(
        a.as_ref().submatrix(1, 0, n - 1, n - 1),
        reflections.as_ref(),
        Conj::No,
        vectors.as_mut().subrows_mut(1, n - 1),
        Par::Seq,
        stack,
    );
    Ok(Some((values, row_major(vectors.transpose()))))
}

/// The eigenvalues alone.
///
/// # Errors
/// As [`svd`].
pub fn symmetric_eigenvalues(a: &[f64], n: usize) -> Result<Vec<f64>> {
    check_finite("symmetric_eigenvalues", a)?;
    MatRef::from_row_major_slice(a, n, n)
        .self_adjoint_eigenvalues(Side::Lower)
        .map_err(|_| Error::value("symmetric_eigenvalues", "the iteration did not converge"))
}

/// `A = L Lᵀ`, to solve with.
pub struct Cholesky {
    factor: Llt<f64>,
    n: usize,
}

impl Cholesky {
    /// The factor of the symmetric `a`, `(n, n)`, of which only the lower triangle is read; None where `a` is not
    /// positive definite.
    pub fn new(a: &[f64], n: usize) -> Option<Cholesky> {
        let factor = MatRef::from_row_major_slice(a, n, n).llt(Side::Lower).ok()?;
        // Pivots lost to rounding show in the solution, not as an error: a singular matrix is refused here.
        let diagonal: Vec<f64> = factor.L().diagonal().column_vector().iter().copied().collect();
        let largest = diagonal.iter().copied().fold(0.0, f64::max);
        let lost = largest * (n as f64 * f64::EPSILON).sqrt();
        (diagonal.iter().all(|&pivot| pivot.is_finite() && pivot > lost)).then_some(Cholesky { factor, n })
    }

    /// The solution of `A X = B` in place of `b`, `(n, columns)`.
    pub fn solve(&self, b: &mut [f64], columns: usize) {
        let solution = self.factor.solve(MatRef::from_row_major_slice(b, self.n, columns));
        b.copy_from_slice(&row_major(solution.as_ref()));
    }

    /// `ln |A|`
    pub fn log_determinant(&self) -> f64 {
        self.factor.L().diagonal().column_vector().iter().map(|pivot| 2.0 * pivot.ln()).sum()
    }

    /// `L`, `(n, n)`, zero above its diagonal.
    pub fn lower(&self) -> Vec<f64> {
        let mut lower = row_major(self.factor.L());
        for row in 0..self.n {
            lower[row * self.n + row + 1..(row + 1) * self.n].fill(0.0);
        }
        lower
    }
}

/// `A = Q R` with `k = min(rows, columns)`: `Q` `(rows, k)` of orthonormal columns, `R` `(k, columns)`.
pub fn qr(a: &[f64], rows: usize, columns: usize) -> (Vec<f64>, Vec<f64>) {
    let qr = MatRef::from_row_major_slice(a, rows, columns).qr();
    (row_major(qr.compute_thin_Q().as_ref()), row_major(qr.thin_R()))
}

/// `P L` of `A = P L U` by partial pivoting, `(rows, min(rows, columns))`, and its number of columns: columns that span those
/// of `a`, far from parallel.
pub fn lu_permuted(a: &[f64], rows: usize, columns: usize) -> (Vec<f64>, usize) {
    let k = rows.min(columns);
    let mut a = a.to_vec();
    let mut order: Vec<usize> = (0..rows).collect();
    for j in 0..k {
        let mut pivot = j;
        for i in j..rows {
            if a[i * columns + j].abs() > a[pivot * columns + j].abs() {
                pivot = i;
            }
        }
        if pivot != j {
            order.swap(j, pivot);
            let (upper, lower) = a.split_at_mut(pivot * columns);
            upper[j * columns..][..columns].swap_with_slice(&mut lower[..columns]);
        }
        let (upper, lower) = a.split_at_mut((j + 1) * columns);
        let top = &upper[j * columns..];
        if top[j] == 0.0 {
            continue;
        }
        for row in lower.chunks_exact_mut(columns) {
            let factor = row[j] / top[j];
            row[j] = factor;
            if factor != 0.0 {
                row[j + 1..].iter_mut().zip(&top[j + 1..]).for_each(|(x, top)| *x -= factor * top);
            }
        }
    }
    let mut out = vec![0.0; rows * k];
    for (i, &place) in order.iter().enumerate() {
        let row = &mut out[place * k..][..k];
        let below = i.min(k);
        row[..below].copy_from_slice(&a[i * columns..][..below]);
        if i < k {
            row[i] = 1.0;
        }
    }
    (out, k)
}

fn row_major(a: MatRef<'_, f64>) -> Vec<f64> {
    let mut out = Vec::with_capacity(a.nrows() * a.ncols());
    for row in 0..a.nrows() {
        out.extend((0..a.ncols()).map(|column| a[(row, column)]));
    }
    out
}

fn check_finite(operation: &str, a: &[f64]) -> Result<()> {
    match a.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => Err(Error::value(operation, format!("the matrix holds {value}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(a: &[f64], b: &[f64], inner: usize, columns: usize) -> Vec<f64> {
        let mut out = Vec::new();
        for row in a.chunks_exact(inner) {
            for column in 0..columns {
                out.push((0..inner).map(|i| row[i] * b[i * columns + column]).sum());
            }
        }
        out
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(far < 1e-12, "{found:?} {expected:?}");
    }

    const TALL: [f64; 6] = [1.0, 2.0, 3.0, -4.0, 5.0, 0.5];

    #[test]
    fn factors_multiply_to_the_matrix() {
        for (rows, columns) in [(3, 2), (2, 3)] {
            let k = rows.min(columns);
            let svd = svd(&TALL, rows, columns).unwrap();
            let scaled: Vec<f64> = svd.u.iter().enumerate().map(|(i, u)| u * svd.s[i % k]).collect();
            close(&product(&scaled, &svd.vt, k, columns), &TALL);
            assert!(svd.s.is_sorted_by(|a, b| a >= b));
            let (q, r) = qr(&TALL, rows, columns);
            close(&product(&q, &r, k, columns), &TALL);
        }
    }

    #[test]
    fn rows_of_the_lower_factor_are_back_in_place() {
        // By hand: the second row is the first pivot, the third the second.
        let (l, columns) = lu_permuted(&[1.0, 1.0, 2.0, 4.0, 1.0, 5.0], 3, 2);
        assert_eq!((l, columns), (vec![0.5, -1.0 / 3.0, 1.0, 0.0, 0.5, 1.0], 2));
        assert_eq!(lu_permuted(&[2.0, 1.0, 3.0], 1, 3), (vec![1.0], 1));
        assert_eq!(lu_permuted(&[0.0, 0.0], 2, 1), (vec![1.0, 0.0], 1));
    }

    #[test]
    fn the_largest_are_those_of_all() {
        let (n, k) = (70, 17);
        let random = |i: usize| ((i * 7919) % 1013) as f64 / 97.0 - 5.0;
        for rank in [n + 5, 20, 1] {
            // Of low rank: many eigenvalues are zero but for rounding.
            let z: Vec<f64> = (0..rank * n).map(random).collect();
            let transposed: Vec<f64> = (0..n * rank).map(|i| z[i % rank * n + i / rank]).collect();
            let a = product(&transposed, &z, rank, n);
            let (all, _) = symmetric_eigen(&a, n).unwrap();
            let (values, vectors) = largest_eigen(&a, n, k).unwrap();
            assert_eq!((values.len(), vectors.len()), (k, k * n));
            let scale = all[n - 1];
            for (j, v) in vectors.chunks_exact(n).enumerate() {
                assert!((values[j] - all[n - 1 - j]).abs() < 1e-13 * scale);
                for (av, v) in product(&a, v, n, 1).iter().zip(v) {
                    assert!((av - values[j] * v).abs() < 1e-12 * scale);
                }
                for (i, other) in vectors.chunks_exact(n).enumerate() {
                    let along: f64 = v.iter().zip(other).map(|(a, b)| a * b).sum();
                    assert!((along - f64::from(i == j)).abs() < 1e-11, "{i} {j}: {along}");
                }
            }
        }
        assert!(largest_eigen(&vec![f64::INFINITY; 40 * 40], 40, 1).is_err());
        let (values, vectors) = largest_eigen(&vec![0.0; 40 * 40], 40, 2).unwrap();
        assert_eq!((values, vectors.iter().filter(|&&v| v != 0.0).count()), (vec![0.0; 2], 2));
    }

    #[test]
    fn symmetric_matrices() {
        let a = [4.0, 1.0, 1.0, 3.0];
        let (values, vectors) = symmetric_eigen(&a, 2).unwrap();
        assert!(values[0] < values[1]);
        for i in 0..2 {
            let v = [vectors[2 * i], vectors[2 * i + 1]];
            close(&product(&a, &v, 2, 1), &v.map(|x| x * values[i]));
        }
        close(&symmetric_eigenvalues(&a, 2).unwrap(), &values);
        let (largest, vector) = largest_eigen(&a, 2, 1).unwrap();
        assert_eq!((largest[0], &vector[..]), (values[1], &vectors[2..]));
        let cholesky = Cholesky::new(&a, 2).unwrap();
        let mut b = [1.0, 2.0];
        cholesky.solve(&mut b, 1);
        close(&product(&a, &b, 2, 1), &[1.0, 2.0]);
        close(&[cholesky.log_determinant()], &[11f64.ln()]);
        let lower = cholesky.lower();
        let transposed = [lower[0], lower[2], lower[1], lower[3]];
        close(&product(&lower, &transposed, 2, 2), &a);
        assert!(Cholesky::new(&[1.0, 1.0, 1.0, 1.0], 2).is_none());
        assert!(Cholesky::new(&[1.0, 0.0, 0.0, -1.0], 2).is_none());
        assert!(symmetric_eigen(&[f64::NAN], 1).is_err());
    }
}
