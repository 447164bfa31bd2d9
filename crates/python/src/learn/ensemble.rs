//! `barehand.ensemble`.

use barehand_learn::ensemble::hist_gradient_boosting::{BoostedTrees, Booster, Loss, Parameters, Samples};
use barehand_learn::ensemble::{FittedHistGradientBoostingClassifier, FittedHistGradientBoostingRegressor};
use barehand_learn::{AnyModel, Features};
use barehand_tensor::{AnyTensor, Float, Tensor};
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::model::{Model, owned};
use super::samples::AnyFeatures;
use crate::array;
use crate::error::{Failure, Result};
use crate::tensor::released;

const OPERATION: &str = "HistGradientBoosting";

/// Boosting under way, of features of either type.
#[pyclass(name = "Booster", module = "barehand._barehand._learn")]
pub struct AnyBooster(Either);

enum Either {
    F32(Box<Booster<f32>>),
    F64(Box<Booster<f64>>),
}

macro_rules! each_booster {
    ($any:expr, $booster:ident => $body:expr) => {
        match $any {
            Either::F32($booster) => $body,
            Either::F64($booster) => $body,
        }
    };
}

/// Numbers of an array, as float64.
struct Numbers(Vec<f64>);

impl<'a, 'py> FromPyObject<'a, 'py> for Numbers {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let any: AnyTensor = array::from_numpy(&given.cast::<PyUntypedArray>()?.to_owned())?;
        Ok(Numbers(any.cast::<f64>().to_vec()))
    }
}

/// What a dict of scikit-learn's names says.
fn parameters(given: &Bound<'_, PyDict>) -> PyResult<Parameters> {
    let get = |name: &str| {
        given.get_item(name)?.ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(name.to_owned()))
    };
    Ok(Parameters {
        learning_rate: get("learning_rate")?.extract()?,
        max_iter: get("max_iter")?.extract()?,
        max_leaf_nodes: get("max_leaf_nodes")?.extract()?,
        max_depth: get("max_depth")?.extract()?,
        min_samples_leaf: get("min_samples_leaf")?.extract()?,
        l2_regularization: get("l2_regularization")?.extract()?,
        max_features: get("max_features")?.extract()?,
        max_bins: get("max_bins")?.extract()?,
        categorical_features: get("categorical_features")?.extract()?,
        monotonic_cst: get("monotonic_cst")?
            .extract::<Vec<i64>>()?
            .into_iter()
            .map(|sign| sign as i8)
            .collect(),
        interaction_cst: get("interaction_cst")?.extract()?,
        n_iter_no_change: get("n_iter_no_change")?.extract()?,
        tol: get("tol")?.extract()?,
        seed: get("seed")?.extract()?,
        // Python sets samples aside and says when to look at them.
        early_stopping: None,
        validation_fraction: None,
    })
}

fn dense<T: Float>(x: AnyFeatures) -> Result<Tensor<T>> {
    match x.get::<T>()? {
        Features::Dense(x) => Ok(x),
        Features::Sparse(_) => Err(Failure::wrong_type("sparse rows are not taken")),
    }
}

/// The trees of a model of either kind.
fn trees<T: Float>(model: &dyn barehand_learn::Model<T>) -> Result<&BoostedTrees> {
    let any = model.as_any();
    let classifier = any.downcast_ref::<FittedHistGradientBoostingClassifier<T>>();
    let regressor = any.downcast_ref::<FittedHistGradientBoostingRegressor<T>>();
    let trees = classifier
        .map(barehand_learn::ensemble::FittedHistGradientBoostingClassifier::trees)
        .or(regressor.map(barehand_learn::ensemble::FittedHistGradientBoostingRegressor::trees));
    trees.ok_or_else(|| Failure::value(OPERATION, format!("a {} has no boosted trees", model.name())))
}

fn trees_of(model: &Model) -> Result<&BoostedTrees> {
    match model.any() {
        AnyModel::F32(model) => trees(model.as_ref()),
        AnyModel::F64(model) => trees(model.as_ref()),
    }
}

fn model_of<T: Float>(booster: &Booster<T>) -> Result<Box<dyn barehand_learn::Model<T>>> {
    let trees = booster.model().clone();
    let (train, validation) = (booster.train_scores().to_vec(), booster.validation_scores().to_vec());
    Ok(match trees.loss() {
        Loss::LogLoss(classes) => {
            let classes = (0..classes as i64).collect();
            Box::new(FittedHistGradientBoostingClassifier::new(trees, classes, train, validation)?)
        }
        _ => Box::new(FittedHistGradientBoostingRegressor::new(trees, train, validation)?),
    })
}

fn table<'py>(py: Python<'py>, raw: Vec<f64>, columns: usize) -> Result<Bound<'py, PyAny>> {
    let rows = raw.len() / columns;
    owned(py, &Tensor::from_vec(raw, [rows, columns])?.into())
}

#[pymethods]
impl AnyBooster {
    /// Boosting of samples before its first round, or after those of `previous`. `classes` is None for regression.
    #[new]
    #[pyo3(signature = (x, y, sample_weight, *, loss, quantile, classes, parameters, validation, categories,
        binning_rows, previous))]
    fn new(
        py: Python<'_>,
        x: AnyFeatures,
        y: Numbers,
        sample_weight: Option<Numbers>,
        loss: &str,
        quantile: Option<f64>,
        classes: Option<usize>,
        parameters: &Bound<'_, PyDict>,
        validation: Option<(AnyFeatures, Numbers, Option<Numbers>)>,
        categories: Vec<Numbers>,
        binning_rows: Option<Numbers>,
        previous: Option<&Model>,
    ) -> Result<Self> {
        let parameters = self::parameters(parameters)?;
        let loss = match classes {
            Some(classes) => Loss::LogLoss(classes),
            None => Loss::from_name(OPERATION, loss, quantile)?,
        };
        let categories: Vec<Vec<f64>> = categories.into_iter().map(|Numbers(list)| list).collect();
        let rows: Option<Vec<usize>> =
            binning_rows.map(|Numbers(rows)| rows.into_iter().map(|row| row as usize).collect());
        let previous = previous.map(trees_of).transpose()?;
        let elements = x.elements();
        macro_rules! started {
            ($kind:ident, $t:ty) => {{
                let samples = Samples::<$t> {
                    x: dense(x)?,
                    y: y.0,
                    weights: sample_weight.map(|Numbers(weights)| weights),
                };
                let validation = match validation {
                    Some((x, Numbers(y), weights)) => {
                        Some(Samples { x: dense(x)?, y, weights: weights.map(|Numbers(weights)| weights) })
                    }
                    None => None,
                };
                let rows = rows.as_deref();
                let booster = released(py, elements, || {
                    Booster::new(
                        OPERATION,
                        &parameters,
                        loss,
                        samples,
                        validation,
                        &categories,
                        rows,
                        previous,
                    )
                })?;
                Either::$kind(Box::new(booster))
            }};
        }
        Ok(AnyBooster(match x {
            AnyFeatures::F32(_) => started!(F32, f32),
            AnyFeatures::F64(_) => started!(F64, f64),
        }))
    }

    /// One more round.
    fn step(&mut self, py: Python<'_>) -> Result<()> {
        Ok(each_booster!(&mut self.0, booster => py.detach(|| booster.step()))?)
    }

    /// One more round; whether there is another one.
    fn round(&mut self, py: Python<'_>, early_stopping: bool) -> Result<bool> {
        Ok(each_booster!(&mut self.0, booster => py.detach(|| booster.round(early_stopping)))?)
    }

    /// Every round, until the loss gets no better where `early_stopping`.
    fn run(&mut self, py: Python<'_>, early_stopping: bool) -> Result<()> {
        Ok(each_booster!(&mut self.0, booster => py.detach(|| booster.run(early_stopping)))?)
    }

    /// Goes on with the scores of an earlier fit.
    fn resume_scores(&mut self, train: Vec<f64>, validation: Vec<f64>) {
        each_booster!(&mut self.0, booster => booster.resume_scores(train, validation));
    }

    /// Raw predictions of the training samples, `(n, outputs)`.
    fn raw<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        each_booster!(&self.0, booster => table(py, booster.raw().to_vec(), booster.model().outputs()))
    }

    /// Raw predictions of the validation samples.
    fn validation_raw<'py>(&self, py: Python<'py>) -> Result<Option<Bound<'py, PyAny>>> {
        each_booster!(&self.0, booster => booster
            .validation_raw()
            .map(|raw| table(py, raw.to_vec(), booster.model().outputs()))
            .transpose())
    }

    /// How many rounds there were.
    #[getter]
    fn n_iter(&self) -> usize {
        each_booster!(&self.0, booster => booster.model().n_iter())
    }

    /// The negative mean loss of the training samples, before the first round and after each.
    #[getter]
    fn train_score(&self) -> Vec<f64> {
        each_booster!(&self.0, booster => booster.train_scores().to_vec())
    }

    /// That of the validation samples.
    #[getter]
    fn validation_score(&self) -> Vec<f64> {
        each_booster!(&self.0, booster => booster.validation_scores().to_vec())
    }

    /// The model of the rounds so far.
    fn model(&self) -> Result<Model> {
        Ok(Model::new(match &self.0 {
            Either::F32(booster) => AnyModel::F32(model_of(booster)?),
            Either::F64(booster) => AnyModel::F64(model_of(booster)?),
        }))
    }
}

/// Adds what rounds `begin..end` of a boosted model say of rows `x` to raw predictions, `(n, outputs)`; None: the baseline.
#[pyfunction]
fn boosted_raw<'py>(
    py: Python<'py>,
    model: &Model,
    x: AnyFeatures,
    raw: Option<Numbers>,
    begin: usize,
    end: usize,
) -> Result<Bound<'py, PyAny>> {
    let trees = trees_of(model)?;
    let elements = x.elements();
    let rows = elements / trees.features();
    let mut raw = raw.map_or_else(|| trees.baseline().repeat(rows), |Numbers(raw)| raw);
    if elements != rows * trees.features() || raw.len() != rows * trees.outputs() {
        return Err(Failure::value(OPERATION, "rows or raw predictions of another shape"));
    }
    macro_rules! added {
        ($t:ty) => {{
            let x = dense::<$t>(x)?.contiguous();
            released(py, elements, || trees.add(begin..end, x.as_slice().unwrap_or_default(), &mut raw));
        }};
    }
    match x {
        AnyFeatures::F32(_) => added!(f32),
        AnyFeatures::F64(_) => added!(f64),
    }
    table(py, raw, trees.outputs())
}

/// The number of each sample's class, of raw predictions.
#[pyfunction]
fn boosted_codes<'py>(py: Python<'py>, model: &Model, raw: Numbers) -> Result<Bound<'py, PyAny>> {
    let codes: Vec<i64> = trees_of(model)?.codes(&raw.0).into_iter().map(|code| code as i64).collect();
    array::given(py, Tensor::from(codes).into())
}

/// The probabilities of classes, `(n, classes)`, of raw predictions.
#[pyfunction]
fn boosted_probabilities<'py>(py: Python<'py>, model: &Model, raw: Numbers) -> Result<Bound<'py, PyAny>> {
    let trees = trees_of(model)?;
    table(py, trees.probabilities(&raw.0), trees.outputs().max(2))
}

/// The values that raw predictions of regression stand for.
#[pyfunction]
fn boosted_values<'py>(py: Python<'py>, model: &Model, raw: Numbers) -> Result<Bound<'py, PyAny>> {
    array::given(py, Tensor::from(trees_of(model)?.values(&raw.0)).into())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<AnyBooster>()?;
    module.add_function(wrap_pyfunction!(boosted_codes, module)?)?;
    module.add_function(wrap_pyfunction!(boosted_probabilities, module)?)?;
    module.add_function(wrap_pyfunction!(boosted_raw, module)?)?;
    module.add_function(wrap_pyfunction!(boosted_values, module)?)
}
