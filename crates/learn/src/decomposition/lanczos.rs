//! The largest singular values by Lanczos: what ARPACK finds, without restarts.

use barehand_kernels::gemm::{Gemm as _, Matrix, MatrixMut};
use barehand_kernels::random::RandomState;
use barehand_tensor::{Float, Result};

use super::randomized_svd::{Factor, from_f64, to_f64};
use crate::factorization::svd;

/// The `k` largest singular values of a matrix to a relative accuracy of `tol` (0: of rounding), and their right vectors.
///
/// ```text
/// A V = U B,  A^T U = V B^T + beta v e^T            U, V orthonormal columns, B upper bidiagonal
/// B = P S Q^T,  A ~ (U P) S (V Q)^T                 off by |beta| times the last row of P
/// ```
///
/// Columns are added until the `k` largest are settled; each is made orthogonal to all before it, twice, which keeps what
/// plain Lanczos loses to rounding. Source: Golub and Kahan 1965; Golub and Van Loan, section 10.4.
pub(super) fn lanczos<T: Float>(
    a: &Factor<T>,
    k: usize,
    tol: f64,
    random: &mut RandomState,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let [n, d] = a.shape();
    let most = n.min(d);
    let times = |x: &[f64], transposed: bool| to_f64(&a.times(&from_f64::<T>(x), 1, transposed));
    let mut draw = |length: usize| -> Vec<f64> { (0..length).map(|_| random.uniform(-1.0, 1.0)).collect() };
    let (mut us, mut vs): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let (mut alphas, mut betas): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    // Among the rows: `most` directions span them, but not what lies outside of them, too.
    let mut v = times(&draw(n), true);
    let accuracy = tol.max(T::EPSILON.to_f64());
    let mut next_check = (2 * k + 10).min(most);
    loop {
        // A direction that is spent goes on with another one, which the matrix does not connect with those before.
        if orthogonalize(&mut v, &vs, d) == 0.0 {
            v = times(&draw(n), true);
            if orthogonalize(&mut v, &vs, d) == 0.0 {
                v = draw(d);
                orthogonalize(&mut v, &vs, d);
            }
        }
        vs.extend(&v);
        let mut u = times(&v, false);
        if let Some(beta) = betas.last() {
            let before = &us[us.len() - n..];
            u.iter_mut().zip(before).for_each(|(u, before)| *u -= beta * before);
        }
        let mut alpha = orthogonalize(&mut u, &us, n);
        if alpha == 0.0 {
            u = draw(n);
            if orthogonalize(&mut u, &us, n) == 0.0 {
                u = vec![0.0; n];
            }
            alpha = 0.0;
        }
        us.extend(&u);
        alphas.push(alpha);
        v = times(&u, true);
        v.iter_mut().zip(&vs[vs.len() - d..]).for_each(|(v, before)| *v -= alpha * before);
        let beta = orthogonalize(&mut v, &vs, d);
        let m = alphas.len();
        if m == next_check || m == most {
            let mut b = vec![0.0; m * m];
            for i in 0..m {
                b[i * m + i] = alphas[i];
                if i + 1 < m {
                    b[i * m + i + 1] = betas[i];
                }
            }
            let found = svd(&b, m, m)?;
            let settled = |i: usize| beta * found.u[(m - 1) * m + i].abs() <= accuracy * found.s[0];
            if m == most || (0..k).all(settled) {
                let mut vectors = vec![0.0; k * d];
                f64::gemm(
                    1.0,
                    Matrix::row_major(&found.vt[..k * m], k, m),
                    Matrix::row_major(&vs, m, d),
                    0.0,
                    MatrixMut::row_major(&mut vectors, k, d),
                );
                return Ok((found.s[..k].to_vec(), vectors));
            }
            next_check = (m + m / 2).min(most);
        }
        betas.push(beta);
    }
}

/// Takes the directions of `basis`, rows of length `d`, out of `x` and makes it one long; its length before that, 0 where
/// nothing but rounding was left.
fn orthogonalize(x: &mut [f64], basis: &[f64], d: usize) -> f64 {
    let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let before = length(x);
    for _ in 0..2 {
        for row in basis.chunks_exact(d) {
            let along: f64 = row.iter().zip(&*x).map(|(a, b)| a * b).sum();
            x.iter_mut().zip(row).for_each(|(x, row)| *x -= along * row);
        }
    }
    let left = length(x);
    if left <= before * 1e-13 || left == 0.0 {
        return 0.0;
    }
    for x in x.iter_mut() {
        *x /= left;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of wide matrices all singular values have to be looked for before the largest are settled.
    #[test]
    fn singular_values_of_wide_and_tall_matrices() {
        for (n, d) in [(3, 7), (5, 11), (8, 9), (9, 8), (11, 5), (7, 7), (1, 4)] {
            let mut random = RandomState::new((n * 100 + d) as u32);
            let mut x: Vec<f64> = (0..n * d).map(|_| random.randn()).collect();
            for copied in [false, true] {
                if copied && n > 1 {
                    // Rows that say the same: directions are spent early.
                    let (first, rest) = x.split_at_mut(d);
                    rest[..d].copy_from_slice(first);
                }
                let expected = svd(&x, n, d).unwrap().s;
                let k = n.min(d).div_ceil(2);
                let factor = Factor::Dense { x: &x, n, d };
                let (found, vectors) = lanczos(&factor, k, 0.0, &mut random).unwrap();
                for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert!(
                        (found - expected).abs() < 1e-10 * expected,
                        "{n} x {d}, {i}: {found} {expected}"
                    );
                }
                // |A v| = s
                for (v, s) in vectors.chunks_exact(d).zip(&expected) {
                    let square = |row: &[f64]| row.iter().zip(v).map(|(x, v)| x * v).sum::<f64>().powi(2);
                    let length = x.chunks_exact(d).map(square).sum::<f64>().sqrt();
                    assert!((length - s).abs() < 1e-8 * s, "{n} x {d}: {length} {s}");
                }
            }
        }
    }
}
