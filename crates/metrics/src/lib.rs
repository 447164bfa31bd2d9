//! Scores of predictions, with scikit-learn's definitions and edge cases.
//!
//! Every score is an `f64` computed from tensors: class labels `(N)` of `i64`, probabilities and decision scores
//! `(N, C)` of `f32` or `f64`. A function scores with the defaults; the struct of the same name has the options.
//!
//! ```
//! use barehand_metrics::{Average, ClassificationReport, accuracy, f1};
//! use barehand_tensor::Tensor;
//! let y_true = Tensor::from_vec(vec![0i64, 1, 1, 2], [4])?;
//! let y_pred = Tensor::from_vec(vec![0i64, 1, 2, 2], [4])?;
//! assert_eq!(accuracy(&y_true, &y_pred)?, 0.75);
//! assert!((f1(&y_true, &y_pred, Average::Macro)? - 7.0 / 9.0).abs() < 1e-15);
//! println!("{}", ClassificationReport::new(&y_true, &y_pred)?);
//! # Ok::<(), barehand_tensor::Error>(())
//! ```

mod accuracy;
mod balanced_accuracy;
mod classification_report;
mod confusion_matrix;
mod log_loss;
mod precision_recall;
mod targets;
mod top_k_accuracy;

pub use accuracy::{Accuracy, accuracy};
pub use balanced_accuracy::{BalancedAccuracy, balanced_accuracy};
pub use classification_report::{ClassificationReport, ReportOptions, ReportRow};
pub use confusion_matrix::{ConfusionMatrix, NormalizeOver};
pub use log_loss::{LogLoss, log_loss};
pub use precision_recall::{
    Average, ClassScores, PrecisionRecall, Scores, ZeroDivision, f_beta, f1, precision, recall,
};
pub use top_k_accuracy::{TopKAccuracy, top_k_accuracy};
