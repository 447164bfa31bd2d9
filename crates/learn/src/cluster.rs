//! Clusters of samples that nobody has labelled.

mod dbscan;
mod k_means;
mod k_means_plus_plus;
mod lloyd;
mod mini_batch_k_means;
mod rows;

pub use dbscan::{Dbscan, FittedDbscan};
pub use k_means::{FittedKMeans, KMeans, KMeansAlgorithm, KMeansInit};
pub use k_means_plus_plus::k_means_plus_plus;
pub(crate) use k_means_plus_plus::k_means_plus_plus_from;
pub use mini_batch_k_means::{FittedMiniBatchKMeans, MiniBatchKMeans};
