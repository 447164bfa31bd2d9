//! The two steps of EM for sums of normal distributions, for every kind of covariance.

use barehand_kernels::gemm::{Gemm as _, Matrix, MatrixMut};
use barehand_kernels::scatter::Scatter as _;
use barehand_tensor::{Error, Result, threads};

use crate::factorization::Cholesky;

/// What the components' covariances may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CovarianceType {
    /// Each its own matrix, `(k, D, D)`.
    #[default]
    Full,
    /// One matrix for all, `(D, D)`.
    Tied,
    /// Each its own variances, `(k, D)`.
    Diag,
    /// Each one variance, `(k)`.
    Spherical,
}

impl CovarianceType {
    /// Its name, as scikit-learn's.
    pub fn name(self) -> &'static str {
        match self {
            CovarianceType::Full => "full",
            CovarianceType::Tied => "tied",
            CovarianceType::Diag => "diag",
            CovarianceType::Spherical => "spherical",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Full, Self::Tied, Self::Diag, Self::Spherical].into_iter().find(|kind| kind.name() == name)
    }

    /// The shape of the covariances of `k` components of `d` features.
    pub fn shape(self, k: usize, d: usize) -> Vec<usize> {
        match self {
            CovarianceType::Full => vec![k, d, d],
            CovarianceType::Tied => vec![d, d],
            CovarianceType::Diag => vec![k, d],
            CovarianceType::Spherical => vec![k],
        }
    }

    /// How many numbers they are, each counted once.
    pub(super) fn parameters(self, k: usize, d: usize) -> usize {
        match self {
            CovarianceType::Full => k * d * (d + 1) / 2,
            CovarianceType::Tied => d * (d + 1) / 2,
            CovarianceType::Diag => k * d,
            CovarianceType::Spherical => k,
        }
    }
}

/// Weights, means and covariances of `k` components.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameters {
    pub kind: CovarianceType,
    pub k: usize,
    pub d: usize,
    /// `(k)`
    pub weights: Vec<f64>,
    /// `(k, d)`
    pub means: Vec<f64>,
    /// As [`CovarianceType::shape`].
    pub covariances: Vec<f64>,
    /// `U` of the precisions `U U^T`, upper triangular; of variances `1 / sqrt(variance)`.
    pub precisions_cholesky: Vec<f64>,
}

const COLLAPSED: &str = "Fitting the mixture model failed because some components have ill-defined empirical covariance (for \
                         instance caused by singleton or collapsed samples). Try to decrease the number of components, \
                         increase reg_covar, or scale the input data.";

impl Parameters {
    /// `ln (weight_j N(x_i | component j))`, `(n, k)`, for samples whose `shift` was taken out.
    pub fn weighted_log_prob(&self, x: &[f64], n: usize, shift: &[f64]) -> Vec<f64> {
        let (k, d) = (self.k, self.d);
        let centered: Vec<f64> =
            self.means.iter().zip(shift.iter().cycle()).map(|(mean, shift)| mean - shift).collect();
        let mut out = vec![0.0; n * k];
        let rows = Matrix::row_major(x, n, d);
        // Squared Mahalanobis distances first.
        match self.kind {
            CovarianceType::Full | CovarianceType::Tied => {
                let mut y = vec![0.0; n * d];
                for j in 0..k {
                    let own = if self.kind == CovarianceType::Full { j * d * d } else { 0 };
                    let factor = Matrix::row_major(&self.precisions_cholesky[own..][..d * d], d, d);
                    let mut minus = vec![0.0; d];
                    let mean = Matrix::row_major(&centered[j * d..][..d], 1, d);
                    f64::gemm(-1.0, mean, factor, 0.0, MatrixMut::row_major(&mut minus, 1, d));
                    f64::linear(rows, factor.transpose(), Some(&minus), &mut y);
                    for (out, y) in out.iter_mut().skip(j).step_by(k).zip(y.chunks_exact(d)) {
                        *out = y.iter().map(|y| y * y).sum();
                    }
                }
            }
            CovarianceType::Diag | CovarianceType::Spherical => {
                // sum_t p_t (x_t - m_t)^2 = sum p m^2 - 2 sum (p m) x + sum p x^2
                let precision = |j: usize, t: usize| {
                    let place = if self.kind == CovarianceType::Diag { j * d + t } else { j };
                    self.precisions_cholesky[place] * self.precisions_cholesky[place]
                };
                let pairs = || (0..k).flat_map(|j| (0..d).map(move |t| (j, t)));
                let precisions: Vec<f64> = pairs().map(|(j, t)| precision(j, t)).collect();
                let scaled: Vec<f64> = precisions.iter().zip(&centered).map(|(p, m)| -2.0 * p * m).collect();
                let constants: Vec<f64> = (0..k)
                    .map(|j| (0..d).map(|t| precisions[j * d + t] * centered[j * d + t].powi(2)).sum())
                    .collect();
                f64::linear(rows, Matrix::row_major(&scaled, k, d), Some(&constants), &mut out);
                let squares: Vec<f64> = x.iter().map(|x| x * x).collect();
                let precisions = Matrix::row_major(&precisions, k, d).transpose();
                let squares = Matrix::row_major(&squares, n, d);
                f64::gemm(1.0, squares, precisions, 1.0, MatrixMut::row_major(&mut out, n, k));
            }
        }
        let constant = d as f64 * (2.0 * std::f64::consts::PI).ln();
        let offsets: Vec<f64> =
            (0..k).map(|j| self.log_determinant(j) + self.weights[j].ln() - 0.5 * constant).collect();
        for row in out.chunks_exact_mut(k) {
            for (value, offset) in row.iter_mut().zip(&offsets) {
                *value = offset - 0.5 * value.max(0.0);
            }
        }
        out
    }

    /// `ln |U_j|`, half the logarithm of the determinant of the precision.
    fn log_determinant(&self, j: usize) -> f64 {
        let d = self.d;
        let diagonal = |from: usize| (0..d).map(|t| self.precisions_cholesky[from + t * d + t].ln()).sum();
        match self.kind {
            CovarianceType::Full => diagonal(j * d * d),
            CovarianceType::Tied => diagonal(0),
            CovarianceType::Diag => self.precisions_cholesky[j * d..][..d].iter().map(|p| p.ln()).sum(),
            CovarianceType::Spherical => d as f64 * self.precisions_cholesky[j].ln(),
        }
    }

    /// The E step: responsibilities `(n, k)` in place of the logarithms, and the logarithm of each sample's density.
    pub fn responsibilities(log_prob: &mut [f64], k: usize) -> Vec<f64> {
        let mut densities = vec![0.0; log_prob.len() / k];
        densities.iter_mut().zip(log_prob.chunks_exact(k)).for_each(|(density, row)| {
            *density = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        });
        threads::for_each_chunk(log_prob, k * 256, 1 << 14, |start, rows| {
            for (row, most) in rows.chunks_exact_mut(k).zip(&densities[start / k..]) {
                for value in row.iter_mut() {
                    *value = (*value - most).exp();
                }
            }
        });
        for (row, density) in log_prob.chunks_exact_mut(k).zip(&mut densities) {
            let sum: f64 = row.iter().sum();
            *density += sum.ln();
            for value in row.iter_mut() {
                *value /= sum;
            }
        }
        densities
    }

    /// The M step: the parameters that fit samples (whose `shift` was taken out) of these responsibilities best. Weights are
    /// the responsibilities' sums.
    pub fn of(
        kind: CovarianceType,
        x: &[f64],
        shift: &[f64],
        responsibilities: &[f64],
        k: usize,
        reg_covar: f64,
    ) -> Result<Self> {
        let d = shift.len();
        let n = x.len() / d;
        let mut weights = vec![10.0 * f64::EPSILON; k];
        for row in responsibilities.chunks_exact(k) {
            weights.iter_mut().zip(row).for_each(|(weight, r)| *weight += r);
        }
        let resp = Matrix::row_major(responsibilities, n, k).transpose();
        let mut centered = vec![0.0; k * d];
        f64::gemm(1.0, resp, Matrix::row_major(x, n, d), 0.0, MatrixMut::row_major(&mut centered, k, d));
        for (row, weight) in centered.chunks_exact_mut(d).zip(&weights) {
            for value in row.iter_mut() {
                *value /= weight;
            }
        }
        let covariances = match kind {
            CovarianceType::Full => {
                let mut covariances = vec![0.0; k * d * d];
                for (j, covariance) in covariances.chunks_exact_mut(d * d).enumerate() {
                    let own: Vec<f64> = responsibilities.iter().skip(j).step_by(k).copied().collect();
                    f64::scatter(x, n, d, &centered[j * d..][..d], Some(&own), covariance);
                    for value in covariance.iter_mut() {
                        *value /= weights[j];
                    }
                    for t in 0..d {
                        covariance[t * d + t] += reg_covar;
                    }
                }
                covariances
            }
            CovarianceType::Tied => {
                let mut covariance = vec![0.0; d * d];
                f64::scatter(x, n, d, &vec![0.0; d], None, &mut covariance);
                let total: f64 = weights.iter().sum();
                for (mean, weight) in centered.chunks_exact(d).zip(&weights) {
                    for (row, a) in covariance.chunks_exact_mut(d).zip(mean) {
                        row.iter_mut().zip(mean).for_each(|(value, b)| *value -= weight * a * b);
                    }
                }
                for value in &mut covariance {
                    *value /= total;
                }
                for t in 0..d {
                    covariance[t * d + t] += reg_covar;
                }
                covariance
            }
            CovarianceType::Diag | CovarianceType::Spherical => {
                let squares: Vec<f64> = x.iter().map(|x| x * x).collect();
                let mut variances = vec![0.0; k * d];
                let squares = Matrix::row_major(&squares, n, d);
                f64::gemm(1.0, resp, squares, 0.0, MatrixMut::row_major(&mut variances, k, d));
                for (j, row) in variances.chunks_exact_mut(d).enumerate() {
                    for (value, mean) in row.iter_mut().zip(&centered[j * d..]) {
                        *value = (*value / weights[j] - mean * mean).max(0.0) + reg_covar;
                    }
                }
                if kind == CovarianceType::Diag {
                    variances
                } else {
                    variances.chunks_exact(d).map(|row| row.iter().sum::<f64>() / d as f64).collect()
                }
            }
        };
        let means = centered.iter().zip(shift.iter().cycle()).map(|(mean, shift)| mean + shift).collect();
        let precisions_cholesky = precisions_cholesky(kind, &covariances, d)?;
        Ok(Parameters { kind, k, d, weights, means, covariances, precisions_cholesky })
    }

    /// `U U^T`, as [`CovarianceType::shape`].
    pub fn precisions(&self) -> Vec<f64> {
        let d = self.d;
        match self.kind {
            CovarianceType::Full | CovarianceType::Tied => {
                let mut out = vec![0.0; self.precisions_cholesky.len()];
                for (u, out) in self.precisions_cholesky.chunks_exact(d * d).zip(out.chunks_exact_mut(d * d))
                {
                    let u = Matrix::row_major(u, d, d);
                    f64::gemm(1.0, u, u.transpose(), 0.0, MatrixMut::row_major(out, d, d));
                }
                out
            }
            _ => self.precisions_cholesky.iter().map(|p| p * p).collect(),
        }
    }
}

fn collapsed() -> Error {
    Error::value("GaussianMixture::fit", COLLAPSED)
}

/// `U` of the inverses `U U^T` of the covariances.
pub(super) fn precisions_cholesky(kind: CovarianceType, covariances: &[f64], d: usize) -> Result<Vec<f64>> {
    match kind {
        CovarianceType::Full | CovarianceType::Tied => {
            let mut out = Vec::with_capacity(covariances.len());
            for covariance in covariances.chunks_exact(d * d) {
                let lower = Cholesky::new(covariance, d).ok_or_else(collapsed)?.lower();
                out.extend(transposed_inverse(&lower, d));
            }
            Ok(out)
        }
        _ if covariances.iter().all(|&variance| variance > 0.0) => {
            Ok(covariances.iter().map(|variance| 1.0 / variance.sqrt()).collect())
        }
        _ => Err(collapsed()),
    }
}

/// `U` of given precisions `U U^T`: Cholesky from the last row to the first.
pub(super) fn cholesky_of_precisions(kind: CovarianceType, precisions: &[f64], d: usize) -> Option<Vec<f64>> {
    match kind {
        CovarianceType::Full | CovarianceType::Tied => {
            let mut out = Vec::with_capacity(precisions.len());
            for precision in precisions.chunks_exact(d * d) {
                let reversed: Vec<f64> = precision.iter().rev().copied().collect();
                out.extend(Cholesky::new(&reversed, d)?.lower().into_iter().rev());
            }
            Some(out)
        }
        _ => precisions.iter().all(|&p| p > 0.0).then(|| precisions.iter().map(|p| p.sqrt()).collect()),
    }
}

/// Covariances whose precisions are `U U^T`.
pub(super) fn covariances_of(kind: CovarianceType, precisions_cholesky: &[f64], d: usize) -> Vec<f64> {
    match kind {
        CovarianceType::Full | CovarianceType::Tied => {
            let mut out = vec![0.0; precisions_cholesky.len()];
            for (u, out) in precisions_cholesky.chunks_exact(d * d).zip(out.chunks_exact_mut(d * d)) {
                // (U U^T)^-1 = L L^T with L = U^-T
                let transposed: Vec<f64> = (0..d * d).map(|i| u[i % d * d + i / d]).collect();
                let inverse = transposed_inverse(&transposed, d);
                let inverse = Matrix::row_major(&inverse, d, d);
                f64::gemm(1.0, inverse.transpose(), inverse, 0.0, MatrixMut::row_major(out, d, d));
            }
            out
        }
        _ => precisions_cholesky.iter().map(|p| 1.0 / (p * p)).collect(),
    }
}

/// `L^-T` of a lower triangular `L`.
fn transposed_inverse(lower: &[f64], d: usize) -> Vec<f64> {
    let mut out = vec![0.0; d * d];
    for column in 0..d {
        // Row `column` of the transpose: the solution of L y = e_column.
        let y = &mut out[column * d..][..d];
        y[column] = 1.0 / lower[column * d + column];
        for i in column + 1..d {
            let sum: f64 = (column..i).map(|t| lower[i * d + t] * y[t]).sum();
            y[i] = -sum / lower[i * d + i];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_of_inverses() {
        // (1/4) [[3, 1], [1, 3]] is the inverse of (1/2) [[3, -1], [-1, 3]].
        let covariance = [0.75, 0.25, 0.25, 0.75];
        let u = precisions_cholesky(CovarianceType::Tied, &covariance, 2).unwrap();
        assert_eq!(u[2], 0.0);
        let of = |u: &[f64]| [u[0] * u[0] + u[1] * u[1], u[1] * u[3], u[3] * u[3]];
        let precision = [1.5, -0.5, 1.5];
        let again = cholesky_of_precisions(CovarianceType::Tied, &[1.5, -0.5, -0.5, 1.5], 2).unwrap();
        for u in [&u, &again] {
            assert!(of(u).iter().zip(&precision).all(|(a, b)| (a - b).abs() < 1e-14), "{u:?}");
            let back = covariances_of(CovarianceType::Tied, u, 2);
            assert!(back.iter().zip(&covariance).all(|(a, b)| (a - b).abs() < 1e-14), "{back:?}");
        }
    }
}
