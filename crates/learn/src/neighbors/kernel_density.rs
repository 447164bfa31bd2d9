//! How dense points are: every point spreads a little mass around itself.

use std::f64::consts::{FRAC_PI_2, PI};

use barehand_tensor::{Error, Result};

/// How a point's mass falls off with the distance, in units of the bandwidth `h`; 0 beyond `h` but for the two that never end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernel {
    /// `exp(-d^2 / (2 h^2))`
    #[default]
    Gaussian,
    /// 1
    Tophat,
    /// `1 - d^2 / h^2`
    Epanechnikov,
    /// `exp(-d / h)`
    Exponential,
    /// `1 - d / h`
    Linear,
    /// `cos(pi d / (2 h))`
    Cosine,
}

impl Kernel {
    const ALL: [Kernel; 6] = [
        Kernel::Gaussian,
        Kernel::Tophat,
        Kernel::Epanechnikov,
        Kernel::Exponential,
        Kernel::Linear,
        Kernel::Cosine,
    ];

    /// scikit-learn's name.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Gaussian => "gaussian",
            Kernel::Tophat => "tophat",
            Kernel::Epanechnikov => "epanechnikov",
            Kernel::Exponential => "exponential",
            Kernel::Linear => "linear",
            Kernel::Cosine => "cosine",
        }
    }

    /// The kernel of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn from_name(operation: &str, name: &str) -> Result<Kernel> {
        let found = Kernel::ALL.into_iter().find(|kernel| kernel.name() == name);
        found.ok_or_else(|| Error::value(operation, format!("kernel {name:?}")))
    }

    /// The logarithm of the kernel at a distance of `d` bandwidths.
    pub(super) fn log(self, d: f64) -> f64 {
        match self {
            Kernel::Gaussian => -0.5 * d * d,
            Kernel::Exponential => -d,
            _ if d >= 1.0 => f64::NEG_INFINITY,
            Kernel::Tophat => 0.0,
            Kernel::Epanechnikov => (1.0 - d * d).ln(),
            Kernel::Linear => (1.0 - d).ln(),
            Kernel::Cosine => (FRAC_PI_2 * d).cos().ln(),
        }
    }

    /// The logarithm of what makes the mass of a point 1, for Euclidean distances of `columns` coordinates.
    pub(super) fn log_norm(self, bandwidth: f64, columns: usize) -> f64 {
        let d = columns as f64;
        let mass = match self {
            Kernel::Gaussian => 0.5 * d * (2.0 * PI).ln(),
            Kernel::Tophat => log_ball(columns),
            Kernel::Epanechnikov => log_ball(columns) + (2.0 / (d + 2.0)).ln(),
            Kernel::Exponential => log_sphere(columns) + log_gamma_half(2 * columns),
            Kernel::Linear => log_ball(columns) - (d + 1.0).ln(),
            Kernel::Cosine => {
                // The cosine's power series, shell by shell: its terms fall fast. scikit-learn integrates by parts, which
                // leaves out the last part where the columns are even.
                let (mut integral, mut term, mut k) = (0.0f64, 1.0f64, 0.0);
                while term.abs() > 1e-20 {
                    integral += term / (d + k);
                    term *= -FRAC_PI_2 * FRAC_PI_2 / ((k + 1.0) * (k + 2.0));
                    k += 2.0;
                }
                integral.ln() + log_sphere(columns)
            }
        };
        -mass - d * bandwidth.ln()
    }
}

/// `ln Gamma(k / 2)`
fn log_gamma_half(k: usize) -> f64 {
    let start = if k.is_multiple_of(2) { 0.0 } else { 0.5 * PI.ln() };
    let first = if k.is_multiple_of(2) { 2 } else { 1 };
    start + (first..k).step_by(2).map(|j| (0.5 * j as f64).ln()).sum::<f64>()
}

/// The logarithm of the volume of a ball of radius 1.
fn log_ball(columns: usize) -> f64 {
    0.5 * columns as f64 * PI.ln() - log_gamma_half(columns + 2)
}

/// The logarithm of the surface of a ball of radius 1.
fn log_sphere(columns: usize) -> f64 {
    (columns as f64).ln() + log_ball(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mass of every kernel in one, two and three dimensions, by the midpoint rule.
    #[test]
    fn the_mass_of_a_point_is_1() {
        const STEPS: usize = 200_000;
        for kernel in Kernel::ALL {
            for columns in [1usize, 2, 3, 6] {
                let bandwidth = 0.7;
                // Beyond 60 bandwidths nothing is left.
                let step = 60.0 * bandwidth / STEPS as f64;
                let shell = |i: usize| {
                    let distance = (i as f64 + 0.5) * step;
                    let surface = log_sphere(columns).exp() * distance.powi(columns as i32 - 1);
                    kernel.log(distance / bandwidth).exp() * surface * step
                };
                let mass: f64 =
                    (0..STEPS).map(shell).sum::<f64>() * kernel.log_norm(bandwidth, columns).exp();
                // The tophat ends inside a step.
                assert!((mass - 1.0).abs() < 1e-3, "{kernel:?} {columns}: {mass}");
            }
        }
    }
}
