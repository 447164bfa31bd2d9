//! Decision trees (Breiman, Friedman, Olshen and Stone, 1984).
//!
//! A tree asks of a row, node after node, whether one feature is at most a threshold, and predicts what the samples in the
//! leaf say. Where a node asks is searched for: every place between two different values of every feature it looks at.
//! Features are compared as `f32`, as scikit-learn compares them; thresholds lie halfway between and are `f64`.
//!
//! - [`DecisionTreeClassifier`], [`DecisionTreeRegressor`]; with [`Splitter::Random`] they are scikit-learn's
//!   `ExtraTreeClassifier` and `ExtraTreeRegressor`.
//! - [`Tree`]: the nodes of a fitted tree; [`export_text`], [`export_graphviz`] draw it.

mod class_weight;
mod columns;
mod decision_tree_classifier;
mod decision_tree_regressor;
mod export_graphviz;
mod export_text;
mod grow;
mod parameters;
mod pruning;
mod rand_r;
mod structure;
mod targets;

pub use class_weight::ClassWeight;
pub use decision_tree_classifier::{
    ClassificationCriterion, DecisionTreeClassifier, FittedDecisionTreeClassifier,
};
pub use decision_tree_regressor::{DecisionTreeRegressor, FittedDecisionTreeRegressor, RegressionCriterion};
pub use export_graphviz::{Graphviz, export_graphviz};
pub use export_text::{ExportText, export_text};
pub use parameters::{Count, MaxFeatures, Splitter, TreeParameters};
pub use pruning::PruningPath;
pub use structure::{Extent, Tree};

pub(crate) use class_weight::balanced;
pub(crate) use columns::{Columns, rows_of};
pub(crate) use decision_tree_classifier::{classes_from, most_probable, probabilities, with_classes};
pub(crate) use decision_tree_regressor::values;
pub(crate) use grow::{CriterionKind, Sample, grow};
pub(crate) use parameters::{Plan, tree_setters};
pub(crate) use targets::{class_targets, value_targets};
