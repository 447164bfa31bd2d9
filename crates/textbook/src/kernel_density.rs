//! How dense points are: each spreads a mass of 1 around itself.
//!
//! ```text
//! density(q) = sum_i K(|q - x_i| / h) / integral of K(|x| / h) over all x of d coordinates
//!
//! K(t) = exp(-t^2 / 2)      Gaussian          K(t) = exp(-t)        exponential
//! K(t) = 1          t < 1   tophat            K(t) = 1 - t^2  t < 1 Epanechnikov
//! K(t) = 1 - t      t < 1   linear            K(t) = cos(pi t / 2)  t < 1   cosine
//! ```
//!
//! The integral is a sum over shells: the surface of a ball of radius r, `2 pi^(d/2) / Gamma(d/2) r^(d-1)`, times K.
//! scikit-learn: `KDTree.kernel_density`, `KernelDensity`.

use std::f64::consts::PI;

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// How the mass of a point falls off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DensityKernel {
    /// `exp(-t^2 / 2)`
    Gaussian,
    /// 1 within the bandwidth
    Tophat,
    /// `1 - t^2`
    Epanechnikov,
    /// `exp(-t)`
    Exponential,
    /// `1 - t`
    Linear,
    /// `cos(pi t / 2)`
    Cosine,
}

impl DensityKernel {
    /// The mass at `t` bandwidths.
    pub fn at(self, t: f64) -> f64 {
        match self {
            DensityKernel::Gaussian => (-t * t / 2.0).exp(),
            DensityKernel::Exponential => (-t).exp(),
            _ if t >= 1.0 => 0.0,
            DensityKernel::Tophat => 1.0,
            DensityKernel::Epanechnikov => 1.0 - t * t,
            DensityKernel::Linear => 1.0 - t,
            DensityKernel::Cosine => (PI * t / 2.0).cos(),
        }
    }

    /// The density of `points` `(n, d)` at each of the `queries` `(m, d)`, `(m)`.
    pub fn density(self, queries: &Array, points: &Array, h: f64, trace: &mut Trace) -> Result<Array> {
        queries.expect_rank("kernel_density", "queries", 2)?;
        points.expect_rank("kernel_density", "points", 2)?;
        let (n, d) = (points.shape()[0], points.shape()[1]);
        queries.expect_shape("kernel_density", "queries", &[queries.shape()[0], d])?;
        if !(h > 0.0) {
            return Err(Error::new("kernel_density", format!("h = {h}: more than 0 expected")));
        }
        let m = queries.shape()[0];
        trace.section("kernel density");
        let apart =
            |q: usize, i: usize| (0..d).map(|j| (queries[[q, j]] - points[[i, j]]).powi(2)).sum::<f64>();
        let masses = Array::from_fn(&[m, n], |at| self.at(apart(at[0], at[1]).sqrt() / h));
        let masses = trace.step("K", "of the distance in bandwidths", masses);
        let integral = trace.step(
            "integral",
            "of K over all places",
            Array::vector(&[self.integral(d) * h.powi(d as i32)]),
        );
        let sums: Vec<f64> =
            (0..m).map(|q| (0..n).map(|i| masses[[q, i]]).sum::<f64>() / integral[0]).collect();
        Ok(trace.step("density", "sum of K / integral", Array::vector(&sums)))
    }

    /// Shell by shell, by Simpson's rule: up to 1 where the mass ends there, to 60 where nothing is left.
    fn integral(self, d: usize) -> f64 {
        const SHELLS: usize = 60_000;
        let endless = matches!(self, DensityKernel::Gaussian | DensityKernel::Exponential);
        let end = if endless { 60.0 } else { 1.0 };
        let step = end / SHELLS as f64;
        let shell = |i: usize| {
            let t = i as f64 * step;
            // Just before its end the tophat is still 1.
            self.at(if endless { t } else { t.min(1.0 - 1e-15) }) * t.powi(d as i32 - 1)
        };
        let inner: f64 = (1..SHELLS).map(|i| if i % 2 == 1 { 4.0 } else { 2.0 } * shell(i)).sum();
        // Gamma(d / 2), from Gamma(1/2) = sqrt(pi) or Gamma(1) = 1 on.
        let mut gamma = if d % 2 == 1 { PI.sqrt() } else { 1.0 };
        for k in (if d % 2 == 1 { 1 } else { 2 }..d).step_by(2) {
            gamma *= k as f64 / 2.0;
        }
        2.0 * PI.powf(d as f64 / 2.0) / gamma * step / 3.0 * (shell(0) + inner + shell(SHELLS))
    }
}
