//! Forests of `barehand.ensemble`.

use barehand_learn::ensemble::{
    ExtraTreesClassifier, ExtraTreesRegressor, FittedForestClassifier, FittedForestRegressor,
    RandomForestClassifier, RandomForestRegressor,
};
use barehand_learn::models::AnyModel;
use barehand_learn::tree::{Count, MaxFeatures, Splitter};
use barehand_tensor::Tensor;
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::growing::{Growing, Most, array_of, classification, growing, regression, single};
use super::grown::{Kind, rows, shaped, slice};
use super::model::{Model, owned};
use super::samples::{AnyFeatures, Weights};
use crate::error::{Failure, Result};
use crate::tensor::released;

/// How a forest is made of trees.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Planting {
    extra: bool,
    seeds: Vec<u32>,
    bootstrap: bool,
    max_samples: Option<usize>,
    n_jobs: Option<usize>,
    balanced_subsample: bool,
}

macro_rules! planting {
    ($estimator:expr, $planting:expr) => {{
        let p = $planting;
        let mut estimator = $estimator.n_estimators(p.seeds.len()).bootstrap(p.bootstrap);
        if let Some(draws) = p.max_samples {
            estimator = estimator.max_samples(Count::Number(draws));
        }
        if let Some(jobs) = p.n_jobs {
            estimator = estimator.n_jobs(jobs);
        }
        estimator
    }};
}

#[pyfunction]
fn forest_classifier(
    py: Python<'_>,
    x: AnyFeatures,
    y: &Bound<'_, PyUntypedArray>,
    sample_weight: Option<Weights>,
    growing: Growing,
    planting: Planting,
) -> Result<Model> {
    let (x, y) = (single(x)?, array_of(y)?.get::<i64>()?);
    let weights = sample_weight.map(|Weights(weights)| weights);
    let (criterion, seeds) = (classification(&growing.criterion), planting.seeds.clone());
    let (extra, subsample) = (planting.extra, planting.balanced_subsample);
    let fitted: FittedForestClassifier<f64> = if extra {
        let estimator = ExtraTreesClassifier::new().criterion(criterion).balanced_subsample(subsample);
        let estimator = planting!(growing!(estimator, growing), planting);
        released(py, usize::MAX, || estimator.fitted(&x, &y, weights.as_ref(), Some(&seeds)))?
    } else {
        let estimator = RandomForestClassifier::new().criterion(criterion).balanced_subsample(subsample);
        let estimator = planting!(growing!(estimator, growing), planting);
        released(py, usize::MAX, || estimator.fitted(&x, &y, weights.as_ref(), Some(&seeds)))?
    };
    Ok(Model::new(AnyModel::F64(Box::new(fitted))))
}

#[pyfunction]
fn forest_regressor(
    py: Python<'_>,
    x: AnyFeatures,
    y: &Bound<'_, PyUntypedArray>,
    sample_weight: Option<Weights>,
    growing: Growing,
    planting: Planting,
) -> Result<Model> {
    let (x, y) = (single(x)?, array_of(y)?.get::<f64>()?);
    let weights = sample_weight.map(|Weights(weights)| weights);
    let (criterion, seeds) = (regression(&growing.criterion), planting.seeds.clone());
    let fitted: FittedForestRegressor<f64> = if planting.extra {
        let estimator = ExtraTreesRegressor::new().criterion(criterion);
        let estimator = planting!(growing!(estimator, growing), planting);
        released(py, usize::MAX, || estimator.fitted(&x, &y, weights.as_ref(), Some(&seeds)))?
    } else {
        let estimator = RandomForestRegressor::new().criterion(criterion);
        let estimator = planting!(growing!(estimator, growing), planting);
        released(py, usize::MAX, || estimator.fitted(&x, &y, weights.as_ref(), Some(&seeds)))?
    };
    Ok(Model::new(AnyModel::F64(Box::new(fitted))))
}

/// The trees of a forest, each a model of its own.
#[pyfunction]
fn forest_trees<'py>(py: Python<'py>, model: &Model) -> Result<Bound<'py, PyList>> {
    let kind = Kind::of(model)?;
    let trees = (0..kind.forest()?.trees().len()).map(|i| {
        Model::new(match kind {
            Kind::ForestClassifier(model) => AnyModel::F64(Box::new(model.tree(i))),
            Kind::ForestRegressor(model) => AnyModel::F64(Box::new(model.tree(i))),
            _ => unreachable!("kind.forest() is an error of a tree"),
        })
    });
    let trees = trees.map(|model| Bound::new(py, model)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, trees)?)
}

/// A forest of the trees of both.
#[pyfunction]
fn forest_joined(first: &Model, second: &Model) -> Result<Model> {
    let model: AnyModel = match (Kind::of(first)?, Kind::of(second)?) {
        (Kind::ForestClassifier(first), Kind::ForestClassifier(second)) => {
            AnyModel::F64(Box::new(first.clone().joined(second.clone())?))
        }
        (Kind::ForestRegressor(first), Kind::ForestRegressor(second)) => {
            AnyModel::F64(Box::new(first.clone().joined(second.clone())?))
        }
        _ => return Err(Failure::wrong_type("two forests of one kind expected")),
    };
    Ok(Model::new(model))
}

/// What the trees that did not see a sample say of it, and how many those are.
#[pyfunction]
fn forest_out_of_bag<'py>(
    py: Python<'py>,
    model: &Model,
    x: AnyFeatures,
    weights: Option<Weights>,
) -> Result<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let kind = Kind::of(model)?;
    let x = rows(kind, x)?;
    let forest = kind.forest()?;
    let weights = weights.map(|Weights(weights)| weights.to_vec());
    let found = released(py, usize::MAX, || forest.out_of_bag(&slice(&x), weights.as_deref()));
    let counts: Vec<i64> = found.counts.iter().map(|&count| count as i64).collect();
    Ok((
        owned(py, &shaped(found.predictions, kind.extent())?.into())?,
        owned(py, &Tensor::from(counts).into())?,
    ))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(forest_classifier, module)?)?;
    module.add_function(wrap_pyfunction!(forest_joined, module)?)?;
    module.add_function(wrap_pyfunction!(forest_out_of_bag, module)?)?;
    module.add_function(wrap_pyfunction!(forest_regressor, module)?)?;
    module.add_function(wrap_pyfunction!(forest_trees, module)?)
}
