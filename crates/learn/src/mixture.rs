//! Densities that are sums of a few simple ones.

mod gaussian;
mod gaussian_mixture;

pub use gaussian::CovarianceType;
pub use gaussian_mixture::{FittedGaussianMixture, GaussianMixture, MixtureInit};
