//! `barehand.tree`: trees, their nodes, and what they look like.

use barehand_learn::models::AnyModel;
use barehand_learn::tree::{
    DecisionTreeClassifier, DecisionTreeRegressor, ExportText, FittedDecisionTreeClassifier, Graphviz,
    MaxFeatures, Splitter, export_graphviz, export_text,
};
use barehand_tensor::Tensor;
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::growing::{Growing, Most, array_of, classification, growing, regression, single};
use super::grown::{Kind, rows, slice};
use super::model::{Model, owned};
use super::samples::{AnyFeatures, Weights};
use crate::error::{Failure, Result};
use crate::tensor::released;

#[pyfunction]
fn decision_tree_classifier(
    py: Python<'_>,
    x: AnyFeatures,
    y: &Bound<'_, PyUntypedArray>,
    sample_weight: Option<Weights>,
    growing: Growing,
) -> Result<Model> {
    let (x, y) = (single(x)?, array_of(y)?.get::<i64>()?);
    let criterion = classification(&growing.criterion);
    let estimator = growing!(DecisionTreeClassifier::new().criterion(criterion), growing);
    let weights = sample_weight.map(|Weights(weights)| weights);
    let fitted: FittedDecisionTreeClassifier<f64> =
        released(py, usize::MAX, || estimator.fitted(&x, &y, weights.as_ref()))?;
    Ok(Model::new(AnyModel::F64(Box::new(fitted))))
}

#[pyfunction]
fn decision_tree_regressor(
    py: Python<'_>,
    x: AnyFeatures,
    y: &Bound<'_, PyUntypedArray>,
    sample_weight: Option<Weights>,
    growing: Growing,
) -> Result<Model> {
    let (x, y) = (single(x)?, array_of(y)?.get::<f64>()?);
    let criterion = regression(&growing.criterion);
    let estimator = growing!(DecisionTreeRegressor::new().criterion(criterion), growing);
    let weights = sample_weight.map(|Weights(weights)| weights);
    let fitted = released(py, usize::MAX, || estimator.fitted(&x, &y, weights.as_ref()))?;
    Ok(Model::new(AnyModel::F64(Box::new(fitted))))
}

/// The nodes on each row's way: `indptr` and `indices` of a sparse matrix.
#[pyfunction]
fn tree_decision_path<'py>(
    py: Python<'py>,
    model: &Model,
    x: AnyFeatures,
) -> Result<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let kind = Kind::of(model)?;
    let x = rows(kind, x)?;
    let (starts, path) = kind.tree()?.decision_path(&slice(&x));
    Ok((owned(py, &Tensor::from(starts).into())?, owned(py, &Tensor::from(path).into())?))
}

/// The arrays of a tree, by scikit-learn's names.
#[pyfunction]
fn tree_arrays<'py>(py: Python<'py>, model: &Model) -> Result<Bound<'py, PyDict>> {
    let tree = Kind::of(model)?.tree()?;
    let (extent, nodes) = (tree.extent(), tree.node_count());
    let integers = |list: &[i64]| owned(py, &Tensor::from(list.to_vec()).into());
    let numbers = |list: &[f64]| owned(py, &Tensor::from(list.to_vec()).into());
    let arrays = PyDict::new(py);
    arrays.set_item("children_left", integers(tree.children_left())?)?;
    arrays.set_item("children_right", integers(tree.children_right())?)?;
    arrays.set_item("feature", integers(tree.feature())?)?;
    arrays.set_item("threshold", numbers(tree.threshold())?)?;
    arrays.set_item("impurity", numbers(tree.impurity())?)?;
    arrays.set_item("n_node_samples", integers(tree.n_node_samples())?)?;
    arrays.set_item("weighted_n_node_samples", numbers(tree.weighted_n_node_samples())?)?;
    let missing: Vec<u8> = tree.missing_go_to_left().iter().map(|&left| u8::from(left)).collect();
    arrays.set_item("missing_go_to_left", owned(py, &Tensor::from(missing).into())?)?;
    let shape = [nodes, extent.outputs(), extent.max_classes()];
    let value = Tensor::from_vec(tree.value().to_vec(), shape)?;
    arrays.set_item("value", owned(py, &value.into())?)?;
    arrays.set_item("n_features", extent.features)?;
    arrays.set_item("n_classes", extent.classes.clone())?;
    arrays.set_item("max_depth", tree.max_depth())?;
    arrays.set_item("n_leaves", tree.n_leaves())?;
    let categories = PyDict::new(py);
    for node in 0..nodes {
        if let Some(codes) = tree.categories(node) {
            categories.set_item(node, codes)?;
        }
    }
    arrays.set_item("categories", categories)?;
    Ok(arrays)
}

/// Prices of a leaf at which the tree becomes smaller, and impurities.
#[pyfunction]
fn tree_pruning_path<'py>(py: Python<'py>, model: &Model) -> Result<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let path = Kind::of(model)?.tree()?.pruning_path();
    let list = |list: Vec<f64>| owned(py, &Tensor::from(list).into());
    Ok((list(path.ccp_alphas)?, list(path.impurities)?))
}

#[pyfunction]
fn tree_export_text(
    model: &Model,
    feature_names: Vec<String>,
    class_names: Vec<String>,
    max_depth: usize,
    spacing: usize,
    decimals: usize,
    show_weights: bool,
) -> Result<String> {
    let kind = Kind::of(model)?;
    let classifier = matches!(kind, Kind::TreeClassifier(_));
    let options =
        ExportText { feature_names, class_names, max_depth, spacing, decimals, show_weights, classifier };
    Ok(export_text(kind.tree()?, &options)?)
}

/// Options of a drawing: a dict with scikit-learn's names.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    criterion: String,
    max_depth: Option<usize>,
    feature_names: Vec<String>,
    class_names: Vec<String>,
    symbolic_class_names: bool,
    label: String,
    filled: bool,
    leaves_parallel: bool,
    impurity: bool,
    node_ids: bool,
    proportion: bool,
    rotate: bool,
    rounded: bool,
    special_characters: bool,
    precision: usize,
    fontname: String,
}

#[pyfunction]
fn tree_export_graphviz(model: &Model, options: Options) -> Result<String> {
    let options = Graphviz {
        criterion: options.criterion,
        max_depth: options.max_depth,
        feature_names: options.feature_names,
        class_names: options.class_names,
        symbolic_class_names: options.symbolic_class_names,
        label: options.label,
        filled: options.filled,
        leaves_parallel: options.leaves_parallel,
        impurity: options.impurity,
        node_ids: options.node_ids,
        proportion: options.proportion,
        rotate: options.rotate,
        rounded: options.rounded,
        special_characters: options.special_characters,
        precision: options.precision,
        fontname: options.fontname,
    };
    Ok(export_graphviz(Kind::of(model)?.tree()?, &options)?)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(decision_tree_classifier, module)?)?;
    module.add_function(wrap_pyfunction!(decision_tree_regressor, module)?)?;
    module.add_function(wrap_pyfunction!(tree_arrays, module)?)?;
    module.add_function(wrap_pyfunction!(tree_decision_path, module)?)?;
    module.add_function(wrap_pyfunction!(tree_export_graphviz, module)?)?;
    module.add_function(wrap_pyfunction!(tree_export_text, module)?)?;
    module.add_function(wrap_pyfunction!(tree_pruning_path, module)?)
}
