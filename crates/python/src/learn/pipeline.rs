//! `barehand.pipeline`.

use barehand_learn::models::{AnyModel, any_model};
use barehand_learn::{Field, Record};
use pyo3::prelude::*;

use super::model::Model;
use crate::error::{Failure, Result};

/// The one model of the fitted models of a pipeline's steps.
#[pyfunction]
fn pipeline(names: Vec<String>, models: Vec<PyRef<'_, Model>>) -> Result<Model> {
    let mut dtypes = models.iter().map(|model| match model.any() {
        AnyModel::F32(_) => "f32",
        AnyModel::F64(_) => "f64",
    });
    let dtype = dtypes.next().unwrap_or("f64");
    if dtypes.any(|other| other != dtype) {
        return Err(Failure::value(
            "pipeline",
            "some steps were fitted on float32 and some on float64: one model has one type of numbers",
        ));
    }
    let steps: Vec<Record> = models.iter().map(|model| model.record()).collect();
    let names: Vec<Field> = names.into_iter().map(Field::from).collect();
    let record = Record::new("Pipeline").with("dtype", dtype).with("names", names).with("steps", steps);
    Ok(Model::new(any_model(&record)?))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pipeline, module)?)
}
