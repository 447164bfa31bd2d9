//! A sum of normal distributions, by expectation and maximisation.
//!
//! ```text
//! E:  ln p_ij = ln w_j - (d ln 2 pi + ln |C_j| + (x_i - m_j)^T C_j^-1 (x_i - m_j)) / 2
//!     ln p_i  = ln sum_j p_ij,   r_ij = p_ij / p_i
//! M:  n_j = sum_i r_ij,   w_j = n_j / n,   m_j = sum_i r_ij x_i / n_j
//!     full:       C_j = sum_i r_ij (x_i - m_j)(x_i - m_j)^T / n_j + reg I
//!     tied:       C   = sum_j n_j C_j / n                 of the full ones without reg, + reg I
//!     diag:       the diagonal of the full one            spherical: the mean of that diagonal
//! ```
//!
//! The bound is the mean of ln p_i: EM never lowers it (but for reg). Densities are added up as logarithms, the largest taken
//! out first, for a density far from all components is 0 in the computer.
//! Dempster, Laird and Rubin 1977; Bishop, section 9.2. scikit-learn: `GaussianMixture`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// What covariances may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Covariance {
    /// Each component its own matrix.
    #[default]
    Full,
    /// One matrix for all.
    Tied,
    /// Each component its own variances.
    Diag,
    /// Each component one variance.
    Spherical,
}

/// Components of a mixture.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    /// What covariances may be.
    pub covariance: Covariance,
    /// Added to variances.
    pub reg_covar: f64,
    /// (k)
    pub weights: Array,
    /// (k, d)
    pub means: Array,
    /// (k, d, d), whatever their kind.
    pub covariances: Array,
}

impl GaussianMixture {
    /// The M step: the components that explain samples `x` (n, d) of responsibilities `r` (n, k) best.
    pub fn of(
        x: &Array,
        r: &Array,
        covariance: Covariance,
        reg_covar: f64,
        trace: &mut Trace,
    ) -> Result<GaussianMixture> {
        x.expect_rank("gaussian_mixture", "X", 2)?;
        r.expect_rank("gaussian_mixture", "r", 2)?;
        let (n, d, k) = (x.shape()[0], x.shape()[1], r.shape()[1]);
        r.expect_shape("gaussian_mixture", "r", &[n, k])?;
        trace.section("gaussian mixture: M step");
        let counts = Array::from_fn(&[k], |j| (0..n).map(|i| r[[i, j[0]]]).sum());
        let counts = trace.step("n_j", "sum_i r_ij", counts);
        if counts.data().iter().any(|&count| count <= 0.0) {
            return Err(Error::new("gaussian_mixture", "a component explains nothing"));
        }
        let weights = trace.step("w", "n_j / n", counts.map(|count| count / n as f64));
        let means = Array::from_fn(&[k, d], |p| {
            (0..n).map(|i| r[[i, p[0]]] * x[[i, p[1]]]).sum::<f64>() / counts[p[0]]
        });
        let means = trace.step("m", "sum_i r_ij x_i / n_j", means);
        let full = Array::from_fn(&[k, d, d], |p| {
            let (j, a, b) = (p[0], p[1], p[2]);
            let product = |i: usize| r[[i, j]] * (x[[i, a]] - means[[j, a]]) * (x[[i, b]] - means[[j, b]]);
            (0..n).map(product).sum::<f64>() / counts[j]
        });
        let covariances = Array::from_fn(&[k, d, d], |p| {
            let (j, a, b) = (p[0], p[1], p[2]);
            let value = match covariance {
                Covariance::Full => full[[j, a, b]],
                Covariance::Tied => (0..k).map(|j| weights[j] * full[[j, a, b]]).sum(),
                Covariance::Diag if a == b => full[[j, a, a]],
                Covariance::Spherical if a == b => (0..d).map(|t| full[[j, t, t]]).sum::<f64>() / d as f64,
                _ => 0.0,
            };
            if a == b { value + reg_covar } else { value }
        });
        let covariances = trace.step("C", "sum_i r_ij (x_i - m_j)(x_i - m_j)^T / n_j + reg I", covariances);
        Ok(GaussianMixture { covariance, reg_covar, weights, means, covariances })
    }

    /// The E step: responsibilities (n, k), and ln p_i (n).
    pub fn responsibilities(&self, x: &Array, trace: &mut Trace) -> Result<(Array, Array)> {
        let (k, d) = (self.means.shape()[0], self.means.shape()[1]);
        let n = x.shape()[0];
        x.expect_shape("gaussian_mixture", "X", &[n, d])?;
        trace.section("gaussian mixture: E step");
        let factors = (0..k).map(|j| self.cholesky(j)).collect::<Result<Vec<_>>>()?;
        let log_prob = Array::from_fn(&[n, k], |p| {
            let (i, j) = (p[0], p[1]);
            let lower = &factors[j];
            // L y = x - m, by which (x - m)^T C^-1 (x - m) = |y|^2 and ln |C| = 2 sum ln L_tt.
            let mut y = vec![0.0; d];
            let mut log_determinant = 0.0;
            for t in 0..d {
                let known: f64 = (0..t).map(|s| lower[[t, s]] * y[s]).sum();
                y[t] = (x[[i, t]] - self.means[[j, t]] - known) / lower[[t, t]];
                log_determinant += 2.0 * lower[[t, t]].ln();
            }
            let square: f64 = y.iter().map(|y| y * y).sum();
            self.weights[j].ln()
                - (d as f64 * (2.0 * std::f64::consts::PI).ln() + log_determinant + square) / 2.0
        });
        let log_prob = trace.step("ln p_ij", "ln w_j + ln N(x_i | m_j, C_j)", log_prob);
        let density = log_prob.fold_along(1, |row| {
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            most + row.iter().map(|value| (value - most).exp()).sum::<f64>().ln()
        });
        let density = Array::vector(density.data());
        let density = trace.step("ln p_i", "ln sum_j p_ij", density);
        let r = Array::from_fn(&[n, k], |p| (log_prob[[p[0], p[1]]] - density[p[0]]).exp());
        Ok((trace.step("r", "p_ij / p_i", r), density))
    }

    /// One iteration: the E step, then the M step. Returns the mean of ln p_i of the components before.
    pub fn step(&mut self, x: &Array, trace: &mut Trace) -> Result<f64> {
        let (r, density) = self.responsibilities(x, trace)?;
        let bound = trace.number("bound", "mean ln p_i", density.sum() / density.len() as f64);
        *self = GaussianMixture::of(x, &r, self.covariance, self.reg_covar, trace)?;
        Ok(bound)
    }

    /// L of C_j = L L^T.
    fn cholesky(&self, j: usize) -> Result<Array> {
        let d = self.means.shape()[1];
        let mut lower = Array::zeros(&[d, d]);
        for a in 0..d {
            for b in 0..=a {
                let known: f64 = (0..b).map(|t| lower[[a, t]] * lower[[b, t]]).sum();
                let rest = self.covariances[[j, a, b]] - known;
                if a != b {
                    lower[[a, b]] = rest / lower[[b, b]];
                } else if rest > 0.0 {
                    lower[[a, a]] = rest.sqrt();
                } else {
                    let message = format!("the covariance of component {j} is not positive definite");
                    return Err(Error::new("gaussian_mixture", message));
                }
            }
        }
        Ok(lower)
    }
}
