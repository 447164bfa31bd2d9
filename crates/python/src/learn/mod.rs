//! Estimators for `barehand.linear_model` and its neighbours: a function fits, a [`Model`](model::Model) does the rest.

mod cluster;
mod decomposition;
mod ensemble;
mod forest;
mod growing;
mod grown;
mod linear_model;
mod linear_search;
mod mixture;
mod model;
mod model_selection;
mod naive_bayes;
mod neighbors;
mod pipeline;
mod preprocessing;
mod samples;
mod tree;

use pyo3::prelude::*;

pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    let module = PyModule::new(parent.py(), "_learn")?;
    cluster::register(&module)?;
    decomposition::register(&module)?;
    ensemble::register(&module)?;
    forest::register(&module)?;
    grown::register(&module)?;
    linear_model::register(&module)?;
    linear_search::register(&module)?;
    mixture::register(&module)?;
    model::register(&module)?;
    model_selection::register(&module)?;
    naive_bayes::register(&module)?;
    neighbors::register(&module)?;
    pipeline::register(&module)?;
    preprocessing::register(&module)?;
    tree::register(&module)?;
    parent.add_submodule(&module)
}
