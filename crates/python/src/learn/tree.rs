//! `barehand.tree` and `barehand.ensemble`: trees, and forests of them.
//!
//! Features come as float32, which is how trees compare them; targets and predictions are float64.

use std::borrow::Cow;

use barehand_learn::Features;
use barehand_learn::ensemble::{
    ExtraTreesClassifier, ExtraTreesRegressor, FittedForestClassifier, FittedForestRegressor, Forest,
    RandomForestClassifier, RandomForestRegressor,
};
use barehand_learn::models::AnyModel;
use barehand_learn::tree::{
    ClassificationCriterion, Count, DecisionTreeClassifier, DecisionTreeRegressor, ExportText,
    FittedDecisionTreeClassifier, FittedDecisionTreeRegressor, Graphviz, MaxFeatures, RegressionCriterion,
    Splitter, Tree, export_graphviz, export_text,
};
use barehand_tensor::{AnyTensor, Tensor};
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::model::{Model, owned};
use super::samples::{AnyFeatures, Weights};
use crate::array;
use crate::error::{Failure, Result};
use crate::tensor::released;

/// A whole number, or a share.
#[derive(FromPyObject)]
enum Number {
    Whole(usize),
    Share(f64),
}

impl Number {
    fn count(self) -> Count {
        match self {
            Number::Whole(number) => Count::Number(number),
            Number::Share(share) => Count::Share(share),
        }
    }
}

#[derive(FromPyObject)]
enum Most {
    Whole(usize),
    Share(f64),
    Named(String),
}

/// How trees grow: a dict with scikit-learn's names.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Growing {
    criterion: String,
    splitter: String,
    max_depth: Option<usize>,
    min_samples_split: Number,
    min_samples_leaf: Number,
    min_weight_fraction_leaf: f64,
    max_features: Option<Most>,
    max_leaf_nodes: Option<usize>,
    min_impurity_decrease: f64,
    ccp_alpha: f64,
    monotonic_cst: Option<Vec<i8>>,
    categorical_features: Vec<usize>,
    seed: u32,
}

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

macro_rules! growing {
    ($estimator:expr, $growing:expr) => {{
        let g = $growing;
        let mut estimator = $estimator
            .splitter(match &*g.splitter {
                "best" => Splitter::Best,
                "random" => Splitter::Random,
                "hist" => Splitter::Hist,
                other => return Err(Failure::value("splitter", format!("{other:?} is none"))),
            })
            .min_samples_split(g.min_samples_split.count())
            .min_samples_leaf(g.min_samples_leaf.count())
            .min_weight_fraction_leaf(g.min_weight_fraction_leaf)
            .max_features(match g.max_features {
                None => MaxFeatures::All,
                Some(Most::Whole(number)) => MaxFeatures::Number(number),
                Some(Most::Share(share)) => MaxFeatures::Share(share),
                Some(Most::Named(name)) if name == "sqrt" => MaxFeatures::Sqrt,
                Some(Most::Named(_)) => MaxFeatures::Log2,
            })
            .min_impurity_decrease(g.min_impurity_decrease)
            .ccp_alpha(g.ccp_alpha)
            .monotonic_cst(g.monotonic_cst.unwrap_or_default())
            .categorical_features(g.categorical_features)
            .seed(g.seed);
        if let Some(depth) = g.max_depth {
            estimator = estimator.max_depth(depth);
        }
        if let Some(leaves) = g.max_leaf_nodes {
            estimator = estimator.max_leaf_nodes(leaves);
        }
        estimator
    }};
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

fn classification(name: &str) -> ClassificationCriterion {
    if name == "gini" { ClassificationCriterion::Gini } else { ClassificationCriterion::Entropy }
}

fn regression(name: &str) -> RegressionCriterion {
    match name {
        "absolute_error" => RegressionCriterion::AbsoluteError,
        "poisson" => RegressionCriterion::Poisson,
        _ => RegressionCriterion::SquaredError,
    }
}

fn single(x: AnyFeatures) -> Result<Features<f32>> {
    x.get()
}

fn array_of(given: &Bound<'_, PyUntypedArray>) -> Result<AnyTensor> {
    array::from_numpy(given)
}

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

/// One of the four models.
#[derive(Clone, Copy)]
enum Kind<'a> {
    TreeClassifier(&'a FittedDecisionTreeClassifier<f64>),
    TreeRegressor(&'a FittedDecisionTreeRegressor<f64>),
    ForestClassifier(&'a FittedForestClassifier<f64>),
    ForestRegressor(&'a FittedForestRegressor<f64>),
}

impl<'a> Kind<'a> {
    fn of(model: &'a Model) -> Result<Kind<'a>> {
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

    fn tree(self) -> Result<&'a Tree> {
        match self {
            Kind::TreeClassifier(model) => Ok(model.tree()),
            Kind::TreeRegressor(model) => Ok(model.tree()),
            _ => Err(Failure::wrong_type("the model is a forest, not a tree")),
        }
    }

    fn forest(self) -> Result<&'a Forest> {
        match self {
            Kind::ForestClassifier(model) => Ok(model.forest()),
            Kind::ForestRegressor(model) => Ok(model.forest()),
            _ => Err(Failure::wrong_type("the model is a tree, not a forest")),
        }
    }

    fn extent(self) -> &'a barehand_learn::tree::Extent {
        match self {
            Kind::TreeClassifier(model) => model.tree().extent(),
            Kind::TreeRegressor(model) => model.tree().extent(),
            Kind::ForestClassifier(model) => model.forest().extent(),
            Kind::ForestRegressor(model) => model.forest().extent(),
        }
    }
}

/// Dense rows of as many features as the model has.
fn rows(kind: Kind, x: AnyFeatures) -> Result<Tensor<f32>> {
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

fn slice(x: &Tensor<f32>) -> Cow<'_, [f32]> {
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

fn shaped(values: Vec<f64>, extent: &barehand_learn::tree::Extent) -> Result<Tensor<f64>> {
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

/// Prices of a leaf at which the tree becomes smaller, and impurities.
#[pyfunction]
fn tree_pruning_path<'py>(py: Python<'py>, model: &Model) -> Result<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let path = Kind::of(model)?.tree()?.pruning_path();
    let list = |list: Vec<f64>| owned(py, &Tensor::from(list).into());
    Ok((list(path.ccp_alphas)?, list(path.impurities)?))
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
    module.add_function(wrap_pyfunction!(forest_classifier, module)?)?;
    module.add_function(wrap_pyfunction!(forest_joined, module)?)?;
    module.add_function(wrap_pyfunction!(forest_out_of_bag, module)?)?;
    module.add_function(wrap_pyfunction!(forest_regressor, module)?)?;
    module.add_function(wrap_pyfunction!(forest_trees, module)?)?;
    module.add_function(wrap_pyfunction!(tree_apply, module)?)?;
    module.add_function(wrap_pyfunction!(tree_arrays, module)?)?;
    module.add_function(wrap_pyfunction!(tree_decision_path, module)?)?;
    module.add_function(wrap_pyfunction!(tree_export_graphviz, module)?)?;
    module.add_function(wrap_pyfunction!(tree_export_text, module)?)?;
    module.add_function(wrap_pyfunction!(tree_importances, module)?)?;
    module.add_function(wrap_pyfunction!(tree_partial_dependence, module)?)?;
    module.add_function(wrap_pyfunction!(tree_predict, module)?)?;
    module.add_function(wrap_pyfunction!(tree_pruning_path, module)?)?;
    module.add_function(wrap_pyfunction!(tree_values, module)?)
}
