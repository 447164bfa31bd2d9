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
    let mut v = draw(d);
    let accuracy = tol.max(T::EPSILON.to_f64());
    let mut next_check = (2 * k + 10).min(most);
    loop {
        // A direction that is spent goes on with another one, which the matrix does not connect with those before.
        if orthogonalize(&mut v, &vs, d) == 0.0 {
            v = draw(d);
            orthogonalize(&mut v, &vs, d);
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
