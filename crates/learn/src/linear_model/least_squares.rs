//! Normal equations where they are safe, and decompositions of the samples themselves where they are not.

use barehand_kernels::gemm::{Gemm, Matrix, MatrixMut};
use barehand_tensor::{Float, Result};

use super::moments::Moments;
use super::samples::Samples;
use crate::factorization::{self, Cholesky};

/// `S = D^-1/2 (G + alpha I) D^-1/2` of unit diagonal, factorised: the scale of a column costs no digits.
pub struct ScaledCholesky {
    factor: Cholesky,
    scale: Vec<f64>,
    norm: f64,
}

impl ScaledCholesky {
    /// None where the matrix is not positive definite. A column of zeros is left out: its solution is 0.
    pub fn new(gram: &[f64], d: usize, alpha: f64) -> Option<ScaledCholesky> {
        let scale: Vec<f64> = (0..d)
            .map(|j| {
                let diagonal = gram[j * d + j] + alpha;
                if diagonal > 0.0 { 1.0 / diagonal.sqrt() } else { 0.0 }
            })
            .collect();
        let mut scaled = vec![0.0; d * d];
        let mut norm: f64 = 0.0;
        for i in 0..d {
            for j in 0..d {
                scaled[i * d + j] = gram[i * d + j] * scale[i] * scale[j];
            }
            scaled[i * d + i] = 1.0;
            norm = norm.max(scaled[i * d..(i + 1) * d].iter().map(|x| x.abs()).sum());
        }
        Some(ScaledCholesky { factor: Cholesky::new(&scaled, d)?, scale, norm })
    }

    /// The solution of `(G + alpha I) X = B` in place of `b`, `(d, columns)`.
    pub fn solve(&self, b: &mut [f64], columns: usize) {
        let scale = |b: &mut [f64]| {
            for (row, scale) in b.chunks_exact_mut(columns.max(1)).zip(&self.scale) {
                row.iter_mut().for_each(|b| *b *= scale);
            }
        };
        scale(b);
        self.factor.solve(b, columns);
        scale(b);
    }

    /// An estimate of the condition of `S`, by a few inverse iterations.
    pub fn condition(&self) -> f64 {
        let d = self.scale.len();
        let mut v: Vec<f64> = (0..d).map(|i| if i % 3 == 1 { -1.0 } else { 1.0 }).collect();
        let mut smallest = f64::INFINITY;
        for _ in 0..4 {
            let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            v.iter_mut().for_each(|x| *x /= length);
            self.factor.solve(&mut v, 1);
            smallest = 1.0 / v.iter().map(|x| x * x).sum::<f64>().sqrt();
        }
        self.norm / smallest
    }
}

/// What a least-squares problem has for an answer.
pub struct Solution {
    /// `(outputs, d)`
    pub coef: Vec<f64>,
    /// Singular values of the (centred, weighted) features, the largest first.
    pub singular: Vec<f64>,
    /// How many of them count.
    pub rank: usize,
}

/// The condition of a scaled Gram matrix up to which its solution keeps half of the digits and more.
const SAFE_CONDITION: f64 = 1e7;

/// The least-squares solution of smallest norm; singular values up to `tol` times the largest count as 0.
pub fn least_squares<T: Float>(
    samples: &Samples<T>,
    moments: &Moments,
    y: &[T],
    weights: Option<&[f64]>,
    tol: f64,
) -> Result<Solution> {
    let (n, d) = samples.shape();
    if n > d
        && let Some(solution) = by_normal_equations(moments, tol)?
    {
        return Ok(solution);
    }
    let outputs = moments.outputs;
    let x = samples.centered(&moments.x_mean, weights);
    let y = centered_targets(y, moments, weights);
    let Thin { singular, vt, uty } = Thin::new(x, n, d, y, outputs)?;
    let least = tol * singular.first().copied().unwrap_or_default();
    let rank = singular.iter().filter(|&&s| s > least).count();
    let coef = combined(&vt, &uty, d, outputs, |_| singular[..rank].iter().map(|s| 1.0 / s).collect());
    Ok(Solution { coef, singular, rank })
}

/// None where digits would be lost, or a singular value may not count.
fn by_normal_equations(moments: &Moments, tol: f64) -> Result<Option<Solution>> {
    let Moments { d, outputs, ref gram, ref xy, .. } = *moments;
    let Some(factor) = ScaledCholesky::new(gram, d, 0.0) else {
        return Ok(None);
    };
    if factor.condition() > SAFE_CONDITION {
        return Ok(None);
    }
    let values = factorization::symmetric_eigenvalues(gram, d)?;
    let (least, largest) = (values[0], values[d - 1]);
    if least <= largest * (4.0 * tol * tol).max(1e-9) {
        return Ok(None);
    }
    let mut solution = xy.clone();
    factor.solve(&mut solution, outputs);
    let singular = values.iter().rev().map(|value| value.sqrt()).collect();
    Ok(Some(Solution { coef: transposed(&solution, d, outputs), singular, rank: d }))
}

/// Ridge's coefficients `(outputs, d)` by the singular values of the samples, whatever they are.
pub fn ridge_by_singular_values<T: Float>(
    samples: &Samples<T>,
    moments: &Moments,
    y: &[T],
    weights: Option<&[f64]>,
    alphas: &[f64],
) -> Result<Vec<f64>> {
    let (n, d) = samples.shape();
    let outputs = moments.outputs;
    let x = samples.centered(&moments.x_mean, weights);
    let y = centered_targets(y, moments, weights);
    let Thin { singular, vt, uty } = Thin::new(x, n, d, y, outputs)?;
    let shrunk = |output: usize| {
        let shrink = |&s: &f64| if s > 1e-15 { s / (s * s + alphas[output]) } else { 0.0 };
        singular.iter().map(shrink).collect::<Vec<f64>>()
    };
    Ok(combined(&vt, &uty, d, outputs, shrunk))
}

/// Ridge's coefficients where there are fewer samples than features: `X^T (X X^T + alpha I)^-1 y`. None where that is not
/// positive definite.
pub fn ridge_by_kernel<T: Float>(
    samples: &Samples<T>,
    moments: &Moments,
    y: &[T],
    weights: Option<&[f64]>,
    alphas: &[f64],
) -> Option<Vec<f64>> {
    let (n, d) = samples.shape();
    let outputs = moments.outputs;
    let x = samples.centered(&moments.x_mean, weights);
    let y = centered_targets(y, moments, weights);
    let x = Matrix::row_major(&x, n, d);
    let mut kernel = vec![0.0; n * n];
    f64::gemm(1.0, x, x.transpose(), 0.0, MatrixMut::row_major(&mut kernel, n, n));
    let dual = solve_for_each(&kernel, n, &y, outputs, alphas)?;
    let mut coef = vec![0.0; outputs * d];
    let dual = Matrix::row_major(&dual, n, outputs).transpose();
    f64::gemm(1.0, dual, x, 0.0, MatrixMut::row_major(&mut coef, outputs, d));
    Some(coef)
}

/// Ridge's coefficients by the normal equations; None where they are not positive definite.
pub fn ridge_by_normal_equations(moments: &Moments, alphas: &[f64]) -> Option<Vec<f64>> {
    let Moments { d, outputs, ref gram, ref xy, .. } = *moments;
    Some(transposed(&solve_for_each(gram, d, xy, outputs, alphas)?, d, outputs))
}

/// `(A + alpha_o I)^-1 b_o` for every column `o` of `b`, `(n, outputs)`.
fn solve_for_each(a: &[f64], n: usize, b: &[f64], outputs: usize, alphas: &[f64]) -> Option<Vec<f64>> {
    let mut solution = b.to_vec();
    if alphas.iter().all(|&alpha| alpha == alphas[0]) {
        ScaledCholesky::new(a, n, alphas[0])?.solve(&mut solution, outputs);
        return Some(solution);
    }
    for (output, &alpha) in alphas.iter().enumerate() {
        let mut column: Vec<f64> = b.iter().skip(output).step_by(outputs).copied().collect();
        ScaledCholesky::new(a, n, alpha)?.solve(&mut column, 1);
        for (row, value) in column.into_iter().enumerate() {
            solution[row * outputs + output] = value;
        }
    }
    Some(solution)
}

/// `(columns, rows)` of `(rows, columns)`.
pub fn transposed(a: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| a[row * columns + column])).collect()
}

fn centered_targets<T: Float>(y: &[T], moments: &Moments, weights: Option<&[f64]>) -> Vec<f64> {
    let mut out = Vec::with_capacity(y.len());
    for (row, y) in y.chunks_exact(moments.outputs).enumerate() {
        let root = weights.map_or(1.0, |weights| weights[row].sqrt());
        out.extend(y.iter().zip(&moments.y_mean).map(|(y, mean)| (y.to_f64() - mean) * root));
    }
    out
}

/// `X = U diag(s) V^T`, of which `U` is known by its product with the targets.
struct Thin {
    singular: Vec<f64>,
    /// `(k, d)`
    vt: Vec<f64>,
    /// `U^T y`, `(k, outputs)`
    uty: Vec<f64>,
}

impl Thin {
    fn new(x: Vec<f64>, n: usize, d: usize, y: Vec<f64>, outputs: usize) -> Result<Thin> {
        let product = |q: &[f64], rows: usize, k: usize, y: &[f64]| {
            let mut out = vec![0.0; k * outputs];
            let q = Matrix::row_major(q, rows, k).transpose();
            let to = MatrixMut::row_major(&mut out, k, outputs);
            f64::gemm(1.0, q, Matrix::row_major(y, rows, outputs), 0.0, to);
            out
        };
        // Many rows are first turned into as many as there are columns.
        let (x, n, y) = if n > 2 * d {
            let (q, r) = factorization::qr(&x, n, d);
            (r, d, product(&q, n, d, &y))
        } else {
            (x, n, y)
        };
        let svd = factorization::svd(&x, n, d)?;
        let uty = product(&svd.u, n, svd.s.len(), &y);
        Ok(Thin { singular: svd.s, vt: svd.vt, uty })
    }
}

/// `V diag(factors) U^T y`, `(outputs, d)`.
fn combined(
    vt: &[f64],
    uty: &[f64],
    d: usize,
    outputs: usize,
    factors: impl Fn(usize) -> Vec<f64>,
) -> Vec<f64> {
    let mut coef = vec![0.0; outputs * d];
    for (output, coef) in coef.chunks_exact_mut(d).enumerate() {
        for (i, (factor, v)) in factors(output).iter().zip(vt.chunks_exact(d)).enumerate() {
            let weight = factor * uty[i * outputs + output];
            coef.iter_mut().zip(v).for_each(|(coef, v)| *coef += weight * v);
        }
    }
    coef
}
