//! What trees and forests answer alike.

use std::borrow::Cow;

use barehand_learn::Features;
use barehand_learn::ensemble::{FittedForestClassifier, FittedForestRegressor, Forest};
use barehand_learn::models::AnyModel;
use barehand_learn::tree::{FittedDecisionTreeClassifier, FittedDecisionTreeRegressor, Tree};
use barehand_tensor::{AnyTensor, Tensor};
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use super::growing::{array_of, single};
use super::model::{Model, owned};
use super::samples::AnyFeatures;
use crate::error::{Failure, Result};
use crate::tensor::released;

/// One of the four models.
#[derive(Clone, Copy)]
pub enum Kind<'a> {
    TreeClassifier(&'a FittedDecisionTreeClassifier<f64>),
    TreeRegressor(&'a FittedDecisionTreeRegressor<f64>),
    ForestClassifier(&'a FittedForestClassifier<f64>),
    ForestRegressor(&'a FittedForestRegressor<f64>),
}

impl<'a> Kind<'a> {
    pub fn of(model: &'a Model) -> Result<Kind<'a>> {
        if let AnyModel::F64(model) = model.any() {
            let any = model.as_any();
            let found = (any.downcast_ref().map(Kind::TreeClassifier))
                .or_else(|| any.downcast_ref().map(Kind::TreeRegressor))
                .or_else(|| any.downcast_ref().map(Kind::ForestClassifier))
                .or_else(|| any.downcast_ref().map(Kind::ForestRegressor));
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(Failure::wrong_type("the model is neither a tree nor a forest that Python has fitted"))
    }

    /// The tree that it is.
    pub fn tree(self) -> Result<&'a Tree> {
        match self {
            Kind::TreeClassifier(model) => Ok(model.tree()),
            Kind::TreeRegressor(model) => Ok(model.tree()),
            _ => Err(Failure::wrong_type("the model is a forest, not a tree")),
        }
    }

    /// The forest that it is.
    pub fn forest(self) -> Result<&'a Forest> {
        match self {
            Kind::ForestClassifier(model) => Ok(model.forest()),
            Kind::ForestRegressor(model) => Ok(model.forest()),
            _ => Err(Failure::wrong_type("the model is a tree, not a forest")),
        }
    }

    /// Features, outputs and classes.
    pub fn extent(self) -> &'a barehand_learn::tree::Extent {
        match self {
            Kind::TreeClassifier(model) => model.tree().extent(),
            Kind::TreeRegressor(model) => model.tree().extent(),
            Kind::ForestClassifier(model) => model.forest().extent(),
            Kind::ForestRegressor(model) => model.forest().extent(),
        }
    }
}

/// Dense rows of as many features as the model has.
pub fn rows(kind: Kind, x: AnyFeatures) -> Result<Tensor<f32>> {
    let x = match single(x)? {
        Features::Dense(x) => x.contiguous(),
        Features::Sparse(x) => x.to_dense(),
    };
    let features = kind.extent().features;
    match *x.shape() {
        [n, d] if d == features && n > 0 => Ok(x),
        ref shape => {
            let message = format!("expected rows of {features} features, found shape {shape:?}");
            Err(Failure::value("predict", message))
        }
    }
}

pub fn slice(x: &Tensor<f32>) -> Cow<'_, [f32]> {
    x.as_slice().map_or_else(|| Cow::Owned(x.to_vec()), Cow::Borrowed)
}

/// Codes of classes, or values, of each row: `(N)`, or `(N, outputs)` for several outputs.
#[pyfunction]
fn tree_predict<'py>(py: Python<'py>, model: &Model, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
    let kind = Kind::of(model)?;
    let x = rows(kind, x)?;
    let elements = x.len();
    let answer = released(py, elements, || -> barehand_tensor::Result<AnyTensor> {
        let rows = slice(&x);
        Ok(match kind {
            Kind::TreeClassifier(model) => model.labels(&model.tree().predict(&rows))?.into(),
            Kind::ForestClassifier(model) => model.labels(&model.forest().predict(&rows))?.into(),
            Kind::TreeRegressor(model) => model.values(model.tree().predict(&rows))?.into(),
            Kind::ForestRegressor(model) => model.values(model.forest().predict(&rows))?.into(),
        })
    })?;
    owned(py, &answer)
}

/// What leaves hold, `(N, outputs, most classes)`; without the middle axis where there is one output.
#[pyfunction]
fn tree_values<'py>(py: Python<'py>, model: &Model, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
    let kind = Kind::of(model)?;
    let x = rows(kind, x)?;
    let (elements, extent) = (x.len(), kind.extent());
    let values = released(py, elements, || {
        let rows = slice(&x);
        match kind {
            Kind::TreeClassifier(model) => model.tree().predict(&rows),
            Kind::TreeRegressor(model) => model.tree().predict(&rows),
            Kind::ForestClassifier(model) => model.forest().predict(&rows),
            Kind::ForestRegressor(model) => model.forest().predict(&rows),
        }
    });
    owned(py, &shaped(values, extent)?.into())
}

pub fn shaped(values: Vec<f64>, extent: &barehand_learn::tree::Extent) -> Result<Tensor<f64>> {
    let n = values.len() / extent.width();
    Ok(match extent.outputs() {
        1 => Tensor::from_vec(values, [n, extent.max_classes()])?,
        outputs => Tensor::from_vec(values, [n, outputs, extent.max_classes()])?,
    })
}

/// The leaf of each row: `(N)` of a tree, `(N, trees)` of a forest.
#[pyfunction]
fn tree_apply<'py>(py: Python<'py>, model: &Model, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
    let kind = Kind::of(model)?;
    let x = rows(kind, x)?;
    let (elements, n) = (x.len(), x.shape()[0]);
    let leaves = released(py, elements, || -> Result<Tensor<i64>> {
        let rows = slice(&x);
        let Ok(forest) = kind.forest() else {
            return Ok(kind.tree()?.apply(&rows).into());
        };
        let leaves: Vec<i64> = forest.trees().iter().flat_map(|tree| tree.apply(&rows)).collect();
        Ok(Tensor::from_vec(leaves, [forest.trees().len(), n])?.transpose(0, 1)?.contiguous())
    })?;
    owned(py, &leaves.into())
}

/// Decrease of impurity by feature, of a tree or a forest.
#[pyfunction]
fn tree_importances<'py>(py: Python<'py>, model: &Model, normalize: bool) -> Result<Bound<'py, PyAny>> {
    let kind = Kind::of(model)?;
    let importances = match kind.forest() {
        Ok(forest) => forest.feature_importances(),
        Err(_) => kind.tree()?.feature_importances(normalize),
    };
    owned(py, &Tensor::from(importances).into())
}

/// Adds to `averaged`, in place of a copy of it, the dependence on `features` at each point of `grid`.
#[pyfunction]
fn tree_partial_dependence<'py>(
    py: Python<'py>,
    model: &Model,
    grid: &Bound<'py, PyUntypedArray>,
    features: Vec<usize>,
) -> Result<Bound<'py, PyAny>> {
    let kind = Kind::of(model)?;
    let grid = array_of(grid)?.get::<f32>()?;
    if features.is_empty() || features.iter().any(|&feature| feature >= kind.extent().features) {
        return Err(Failure::value("partial_dependence", format!("features {features:?}")));
    }
    let points = grid.to_vec();
    let mut sums = vec![0.0; points.len() / features.len()];
    match kind.forest() {
        Ok(forest) => {
            for tree in forest.trees() {
                tree.partial_dependence(&points, &features, &mut sums);
            }
            sums.iter_mut().for_each(|sum| *sum /= forest.trees().len() as f64);
        }
        Err(_) => kind.tree()?.partial_dependence(&points, &features, &mut sums),
    }
    owned(py, &Tensor::from(sums).into())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(tree_apply, module)?)?;
    module.add_function(wrap_pyfunction!(tree_importances, module)?)?;
    module.add_function(wrap_pyfunction!(tree_partial_dependence, module)?)?;
    module.add_function(wrap_pyfunction!(tree_predict, module)?)?;
    module.add_function(wrap_pyfunction!(tree_values, module)?)
}
