//! Features made fit for estimators.

mod standard_scaler;

pub use standard_scaler::{FittedStandardScaler, StandardScaler};
