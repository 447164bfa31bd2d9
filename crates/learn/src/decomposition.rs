//! Features as sums of a few components.

mod lanczos;
mod pca;
mod randomized_svd;
mod truncated_svd;

pub use pca::{FittedPca, Pca, PcaComponents, SvdSolver};
pub use randomized_svd::{PowerIterationNormalizer, RandomizedSvd};
pub use truncated_svd::{FittedTruncatedSvd, TruncatedSvd, TruncatedSvdAlgorithm};
