//! What is near says what it is.
//!
//! - [`NearestNeighbors`]: the nearest points and those within a radius, by brute force or a tree over space.
//! - [`KNeighborsClassifier`], [`KNeighborsRegressor`]: a vote, or the mean, of the nearest.

mod brute;
mod k_neighbors_classifier;
mod k_neighbors_regressor;
mod nearest_neighbors;
mod space_tree;
mod vote;

pub use barehand_kernels::nearest::Metric;
pub use k_neighbors_classifier::{FittedKNeighborsClassifier, KNeighborsClassifier};
pub use k_neighbors_regressor::{FittedKNeighborsRegressor, KNeighborsRegressor};
pub use nearest_neighbors::{Algorithm, FittedNearestNeighbors, NearestNeighbors, Neighbors};
pub use vote::{Weights, average, smallest, vote};
