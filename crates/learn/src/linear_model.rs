//! Linear models: predictions are `x coef^T + intercept`.
//!
//! - Least squares: [`LinearRegression`], with an L2 penalty [`Ridge`] ([`RidgeClassifier`]), with L1 [`Lasso`], with both
//!   [`ElasticNet`].
//! - Probabilities: [`LogisticRegression`].

#[macro_use]
mod implementations;

mod class_weight;
mod coordinate_descent;
mod elastic_net;
mod iterative;
mod lasso;
mod lbfgs;
mod least_squares;
mod linear_regression;
mod logistic_objective;
mod logistic_regression;
mod moments;
mod newton;
mod non_negative;
mod predictor;
mod proximal;
mod ridge;
mod ridge_classifier;
mod samples;

pub use class_weight::ClassWeight;
pub use elastic_net::{ElasticNet, FittedElasticNet, Selection};
pub use lasso::Lasso;
pub use linear_regression::{FittedLinearRegression, LinearRegression};
pub use logistic_regression::{FittedLogisticRegression, LogisticRegression, LogisticSolver};
pub use ridge::{FittedRidge, Ridge, RidgeSolver};
pub use ridge_classifier::{FittedRidgeClassifier, RidgeClassifier};
