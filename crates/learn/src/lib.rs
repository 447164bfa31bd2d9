//! Classical learning: estimators under scikit-learn's names, with its parameters and defaults.
//!
//! A plain struct holds the parameters, `fit` checks them and returns another type, the fitted model, and only that one
//! predicts. Features are `(N, D)` of `f32` or `f64`, dense or sparse; class labels `(N)` of `i64`; weights of samples
//! `(N)` of `f64`.
//!
//! ```
//! use barehand_learn::preprocessing::StandardScaler;
//! use barehand_learn::{Persist, Transform};
//! use barehand_tensor::Tensor;
//!
//! let x = Tensor::from([[1.0, 10.0], [3.0, 30.0f64]]);
//! let scaler = StandardScaler::new().fit(&x)?;
//! assert_eq!(scaler.transform(&x)?, Tensor::from([[-1.0, -1.0], [1.0, 1.0]]));
//! let bytes = scaler.to_bytes()?; // one versioned file: `save` and `load` do the same with a path
//! # assert!(!bytes.is_empty());
//! # Ok::<(), barehand_tensor::Error>(())
//! ```
//!
//! - [`estimator`]: the small traits `Fit`, `Predict`, ...; [`dynamic`]: the same for estimators of any kind at run time.
//! - [`record`], [`model_file`]: what is saved of a model, and the file.

pub mod cluster;
pub mod decomposition;
pub mod dynamic;
pub mod ensemble;
pub mod estimator;
pub mod factorization;
mod fitting;
pub mod inspection;
pub mod linear_model;
pub mod mixture;
pub mod model_file;
pub mod model_selection;
pub mod models;
pub mod naive_bayes;
pub mod neighbors;
pub mod pipeline;
pub mod preprocessing;
pub mod record;
pub mod tree;
pub mod validate;

pub use dynamic::{Estimator, Features, Model, Prediction, Target};
pub use estimator::{DecisionFunction, Fit, FitWeighted, InverseTransform, Predict, PredictProba, Transform};
pub use model_file::Persist;
pub use models::{AnyModel, load};
pub use record::{Field, Record};
