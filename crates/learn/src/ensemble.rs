//! Many models that speak as one.
//!
//! - [`RandomForestClassifier`], [`RandomForestRegressor`]: trees on bootstrap samples (Breiman, 2001).
//! - [`ExtraTreesClassifier`], [`ExtraTreesRegressor`]: trees with random cuts (Geurts, Ernst and Wehenkel, 2006).
//! - [`HistGradientBoostingClassifier`], [`HistGradientBoostingRegressor`]: trees that each mend what the others missed.

mod bootstrap;
mod forest;
mod forest_classifier;
mod forest_regressor;
pub mod hist_gradient_boosting;

pub use forest::{Forest, OutOfBag};
pub use forest_classifier::{ExtraTreesClassifier, FittedForestClassifier, RandomForestClassifier};
pub use forest_regressor::{ExtraTreesRegressor, FittedForestRegressor, RandomForestRegressor};
pub use hist_gradient_boosting::{
    FittedHistGradientBoostingClassifier, FittedHistGradientBoostingRegressor,
    HistGradientBoostingClassifier, HistGradientBoostingRegressor,
};
