//! Scores of predictions, with scikit-learn's definitions and edge cases.
//!
//! Every score is an `f64` computed from tensors: class labels `(N)` of `i64`, probabilities and decision scores
//! `(N, C)` of `f32` or `f64`, several labels at once `(N, K)` of `bool`. A function scores with the defaults; the struct
//! of the same name has the options. Counts are whole numbers, sums `f64`, whatever the precision of what is scored.
//!
//! | what is scored | |
//! |---|---|
//! | predicted classes | [`accuracy`], [`PrecisionRecall`], [`ConfusionMatrix`], [`ClassificationReport`], [`cohen_kappa`] |
//! | scores and probabilities | [`roc_auc`], [`Curves`], [`average_precision`], [`log_loss`], [`brier_score`], [`calibration_curve`] |
//! | numbers | [`Regression`] |
//! | clusters | [`Contingency`], [`Silhouette`], [`calinski_harabasz`], [`davies_bouldin`] |
//! | rankings and search | [`Gain`], [`Retrieval`], [`label_ranking_loss`] |
//! | text and boxes | [`Bleu`], [`perplexity`], [`MeanAveragePrecision`] |
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
mod agreement;
mod auc;
mod balanced_accuracy;
mod binary_scores;
mod bleu;
mod brier_score;
mod calibration_curve;
mod classification_report;
mod cluster;
mod column_average;
mod confusion_matrix;
mod det_curve;
mod detection;
mod hinge_loss;
mod log_loss;
mod perplexity;
mod precision_recall;
mod precision_recall_curve;
mod ranking;
mod regression;
mod roc_auc;
mod roc_curve;
mod targets;
mod threshold_counts;
mod top_k_accuracy;
mod zero_one_loss;

pub use accuracy::{Accuracy, accuracy};
pub use agreement::{KappaWeights, cohen_kappa, matthews_corrcoef};
pub use auc::auc;
pub use balanced_accuracy::{BalancedAccuracy, balanced_accuracy};
pub use bleu::{Bleu, BleuScore, Smoothing, corpus_bleu};
pub use brier_score::{BrierScore, brier_score};
pub use calibration_curve::{Bins, CalibrationCurve, calibration_curve};
pub use classification_report::{ClassificationReport, ReportOptions, ReportRow};
pub use cluster::{
    Contingency, EntropyMean, Silhouette, SilhouetteMetric, adjusted_mutual_info, adjusted_rand,
    calinski_harabasz, completeness, davies_bouldin, fowlkes_mallows, homogeneity, mutual_info,
    normalized_mutual_info, rand_index, silhouette, v_measure,
};
pub use column_average::ColumnAverage;
pub use confusion_matrix::{ConfusionMatrix, NormalizeOver};
pub use det_curve::{DetCurve, det_curve};
pub use detection::{DetectionScores, MeanAveragePrecision};
pub use hinge_loss::hinge_loss;
pub use log_loss::{LogLoss, log_loss};
pub use perplexity::perplexity;
pub use precision_recall::{
    Average, ClassScores, PrecisionRecall, Scores, ZeroDivision, f_beta, f1, jaccard, precision, recall,
};
pub use precision_recall_curve::{PrecisionRecallCurve, average_precision, precision_recall_curve};
pub use ranking::{
    Gain, Retrieval, coverage_error, dcg, hit_rate, label_ranking_average_precision, label_ranking_loss,
    mean_average_precision_at_k, mean_reciprocal_rank, ndcg, recall_at_k,
};
pub use regression::{
    Explained, Regression, d2_absolute_error, d2_pinball, d2_tweedie, explained_variance, max_error,
    mean_absolute_error, mean_absolute_percentage_error, mean_gamma_deviance, mean_of_outputs,
    mean_pinball_loss, mean_poisson_deviance, mean_squared_error, mean_squared_log_error,
    mean_tweedie_deviance, median_absolute_error, r2, root_mean_squared_error, root_mean_squared_log_error,
};
pub use roc_auc::{MultiClass, RocAuc, Undefined, roc_auc};
pub use roc_curve::{RocCurve, roc_curve};
pub use targets::distinct;
pub use threshold_counts::{Curves, ThresholdCounts};
pub use top_k_accuracy::{TopKAccuracy, top_k_accuracy};
pub use zero_one_loss::{hamming_loss, zero_one_loss};
