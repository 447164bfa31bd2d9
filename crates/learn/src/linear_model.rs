//! Linear models: predictions are `x coef^T + intercept`.
//!
//! - Least squares: [`LinearRegression`], with an L2 penalty [`Ridge`] ([`RidgeClassifier`]), with L1 [`Lasso`], with both
//!   [`ElasticNet`]; [`RidgeCv`], [`RidgeClassifierCv`] and [`ElasticNetCv`] find the penalty.
//! - Probabilities: [`LogisticRegression`]; [`LogisticRegressionCv`] finds the penalty.
//! - One sample after another, with many losses: [`SgdClassifier`], [`SgdRegressor`].
//! - Gradient descent as it is taught, with its losses kept: [`GradientDescentRegressor`], [`GradientDescentClassifier`].

#[macro_use]
mod implementations;

mod class_weight;
mod coordinate_descent;
mod curvature;
mod elastic_net;
mod elastic_net_cv;
mod elastic_net_forms;
mod elastic_net_path;
mod few_rows;
mod gradient_descent_classifier;
mod gradient_descent_regressor;
mod iterative;
mod joint_descent;
mod lasso;
mod lbfgs;
mod least_squares;
mod leave_one_out;
mod linear_regression;
mod logistic_objective;
mod logistic_regression;
mod logistic_regression_cv;
mod moments;
mod newton;
mod non_negative;
mod predictor;
mod proximal;
mod ridge;
mod ridge_classifier;
mod ridge_classifier_cv;
mod ridge_cv;
mod samples;
mod sgd;
mod sgd_classifier;
mod sgd_regressor;

pub use class_weight::ClassWeight;
pub use elastic_net::{ElasticNet, FittedElasticNet, Selection};
pub use elastic_net_cv::{ElasticNetCv, FittedElasticNetCv};
pub use elastic_net_forms::Precompute;
pub use elastic_net_path::{Alphas, ElasticNetPath};
pub use gradient_descent_classifier::{FittedGradientDescentClassifier, GradientDescentClassifier};
pub use gradient_descent_regressor::{DescentCost, FittedGradientDescentRegressor, GradientDescentRegressor};
pub use lasso::Lasso;
pub use linear_regression::{FittedLinearRegression, LinearRegression};
pub use logistic_regression::{FittedLogisticRegression, LogisticRegression, LogisticSolver, WatchOfFit};
pub use logistic_regression_cv::{FittedLogisticRegressionCv, LogisticRegressionCv, ScoreOfHeldOut};
pub use ridge::{FittedRidge, Ridge, RidgeSolver};
pub use ridge_classifier::{FittedRidgeClassifier, RidgeClassifier};
pub use ridge_classifier_cv::{FittedRidgeClassifierCv, RidgeClassifierCv};
pub use ridge_cv::{FittedRidgeCv, RidgeCv, ScoreOfPredictions};
pub use samples::AsSamples;
pub use sgd::{LearningRate, Sgd, SgdPenalty, SgdStanding};
pub use sgd_classifier::{FittedSgdClassifier, SgdClassifier};
pub use sgd_regressor::{FittedSgdRegressor, SgdRegressor};

pub use barehand_kernels::stochastic_gradient::Loss as SgdLoss;
