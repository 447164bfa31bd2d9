//! `barehand.preprocessing`.

use barehand_learn::preprocessing::StandardScaler;
use pyo3::prelude::*;

use super::model::{Model, fit};
use super::samples::{AnyFeatures, Weights};
use crate::error::Result;

#[pyfunction]
fn standard_scaler(
    py: Python<'_>,
    x: AnyFeatures,
    sample_weight: Option<Weights>,
    with_mean: bool,
    with_std: bool,
) -> Result<Model> {
    fit(py, &StandardScaler::new().with_mean(with_mean).with_std(with_std), x, None, sample_weight)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(standard_scaler, module)?)
}
