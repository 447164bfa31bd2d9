//! What growing and using decision trees costs: the ranks of a column's values, the order of a node's rows along a column,
//! the best cut along that order, the way of a row to its leaf.
//!
//! A column is ranked once ([`rank_column`]): rank 0 is its smallest value, equal values share a rank, and a missing value
//! (NaN) has the rank after the last. From then on a node sorts whole numbers. Where a value can be cut is where ranks
//! differ, however near two values lie and however many are equal.
//!
//! A [`Criterion`] holds the targets of one node's rows and says how good each [`Cut`] is. It is an object, entered for a
//! node and asked for a whole column at a time, so that its loops are compiled here.

mod absolute_error;
mod classes;
mod criterion;
mod cut;
mod order;
mod poisson;
mod ranks;
mod squared_error;
mod walk;

pub use absolute_error::AbsoluteError;
pub use classes::{Entropy, Gini};
pub use criterion::{Criterion, Limits, Monotonic, Scan, Targets};
pub use cut::{Cut, RankSet};
pub use order::{Keys, key_rank, key_row};
pub use poisson::Poisson;
pub use ranks::{Distinct, merge_into_bins, rank_column};
pub use squared_error::SquaredError;
pub use walk::{Node, NodeKind, leaf_of, leaves_of};
