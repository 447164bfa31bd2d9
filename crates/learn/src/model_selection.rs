//! How well does a model do on samples that it has not seen, and which parameters do best?
//!
//! ```
//! use barehand_learn::model_selection::{KFold, Samples, Splitter};
//!
//! let folds = KFold::new(3).split(&Samples::new(6))?;
//! let tests: Vec<Vec<usize>> = folds.map(|split| split.test).collect();
//! assert_eq!(tests, [[0, 1], [2, 3], [4, 5]]);
//! # Ok::<(), barehand_tensor::Error>(())
//! ```
//!
//! - Splitters: [`KFold`], [`StratifiedKFold`], [`GroupKFold`], [`StratifiedGroupKFold`], [`RepeatedKFold`],
//!   [`RepeatedStratifiedKFold`], [`TimeSeriesSplit`], [`LeaveOneOut`], [`LeavePOut`], [`LeaveOneGroupOut`],
//!   [`LeavePGroupsOut`], [`ShuffleSplit`], [`StratifiedShuffleSplit`], [`GroupShuffleSplit`], [`PredefinedSplit`],
//!   [`TrainTestSplit`]. Each gives scikit-learn's indices, to the last one, for the same `random_state`.
//! - Scores: [`CrossValidation`] of any estimator with any [`Score`]s, [`cross_val_score`], [`CrossValPredict`].
//! - Search: [`GridSearch`], [`RandomizedSearch`], [`HalvingSearch`]; [`learning_curve`], [`validation_curve`] and
//!   [`permutation_test_score`].

mod combinations;
mod cross_val_predict;
mod cross_validation;
mod curve;
mod distribution;
mod fit_and_score;
mod grid_search;
mod group_k_fold;
mod halving;
mod k_fold;
mod leave_groups_out;
mod leave_out;
mod permutation_test;
mod predefined_split;
mod randomized_search;
mod scorer;
mod search;
mod shuffle_split;
mod splitter;
mod stratified_group_k_fold;
mod stratified_k_fold;
mod stratified_shuffle_split;
mod stream;
mod time_series_split;
mod train_test_split;

pub use cross_val_predict::CrossValPredict;
pub use cross_validation::{CrossValidation, CrossValidationScores, FoldScores, cross_val_score};
pub use curve::{Curve, LearningCurve, learning_curve, validation_curve};
pub use distribution::{Choice, Distribution, Integers, LogUniform, Uniform};
pub use grid_search::GridSearch;
pub use group_k_fold::GroupKFold;
pub use halving::HalvingSearch;
pub use k_fold::{KFold, RepeatedKFold};
pub use leave_groups_out::{LeaveOneGroupOut, LeavePGroupsOut};
pub use leave_out::{LeaveOneOut, LeavePOut};
pub use permutation_test::{PermutationTest, permutation_test_score};
pub use predefined_split::PredefinedSplit;
pub use randomized_search::RandomizedSearch;
pub use scorer::{Score, Scorer};
pub use search::{Candidate, FittedSearch, Progress};
pub use shuffle_split::{GroupShuffleSplit, ShuffleSplit, Size};
pub use splitter::{Samples, Split, Splits, Splitter};
pub use stratified_group_k_fold::StratifiedGroupKFold;
pub use stratified_k_fold::{RepeatedStratifiedKFold, StratifiedKFold};
pub use stratified_shuffle_split::{StratifiedShuffleSplit, subsample};
pub use stream::Stream;
pub use time_series_split::TimeSeriesSplit;
pub use train_test_split::TrainTestSplit;
