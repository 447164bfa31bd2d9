//! Gradient boosting of trees that are grown on histograms of binned features.
//!
//! - `bin_mapper`: reals become bytes, by quantiles; a bin for missing values.
//! - `loss`: gradients and hessians; `grower`: one tree, leaf by leaf; `booster`: one tree after another.
//! - `boosted_trees`: what is left when training is over, and its file.

mod bin_mapper;
mod boosted_trees;
mod booster;
mod classifier;
mod grower;
mod loss;
mod parameters;
mod quantile;
mod regressor;

pub use boosted_trees::BoostedTrees;
pub use booster::{Booster, Samples};
pub use classifier::{FittedHistGradientBoostingClassifier, HistGradientBoostingClassifier};
pub use loss::Loss;
pub use parameters::Parameters;
pub use regressor::{FittedHistGradientBoostingRegressor, HistGradientBoostingRegressor};
