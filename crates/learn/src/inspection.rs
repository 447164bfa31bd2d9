//! What a fitted model of any kind rests on.
//!
//! - [`permutation_importance`]: how much worse it does where a feature is shuffled.
//! - [`partial_dependence`]: what it predicts on average where features have given values.

mod partial_dependence;
mod permutation_importance;

pub use partial_dependence::{PartialDependence, Response, partial_dependence};
pub use permutation_importance::{PermutationImportance, permutation_importance};
