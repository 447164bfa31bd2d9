//! What is near says what it is.
//!
//! - [`NearestNeighbors`]: the nearest points and those within a radius, by brute force or a tree over space.
//! - [`KNeighborsClassifier`], [`KNeighborsRegressor`]: a vote, or the mean, of the nearest.

mod brute;
mod k_neighbors_classifier;
mod k_neighbors_regressor;
mod kernel_density;
mod metric;
mod nearest_neighbors;
mod poll;
mod space;
mod space_tree;
mod sparse;
mod vote;

pub use k_neighbors_classifier::{FittedKNeighborsClassifier, KNeighborsClassifier};
pub use k_neighbors_regressor::{FittedKNeighborsRegressor, KNeighborsRegressor};
pub use kernel_density::Kernel;
pub use metric::{Boolean, Metric, MetricParams};
pub use nearest_neighbors::{Algorithm, FittedNearestNeighbors, NearestNeighbors, Neighbors};
pub use vote::{Weights, average, smallest, vote};
