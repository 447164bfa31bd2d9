//! Searches for the penalties of `barehand.linear_model`, and paths along them.

use barehand_learn::linear_model::{
    Alphas, ElasticNetCv, ElasticNetPath, FittedLogisticRegression, LogisticRegressionCv, RidgeClassifierCv,
    RidgeCv,
};
use barehand_learn::models::AnyModel;
use barehand_tensor::{AnyTensor, Element, Float, Tensor};
use pyo3::prelude::*;

use super::linear_model::{LogisticParameters, NetParameters, OfClasses};
use super::model::{Model, owned};
use super::samples::{AnyFeatures, AnyTarget, Rows, Weights, splits};
use crate::error::{Result, callback};
use crate::tensor::released;

/// Runs one expression for features of either type and targets of the same type; `model` makes a model of what it gives.
macro_rules! on_targets {
    ($x:expr, $y:expr, $targets:ident, $operation:literal, |$features:ident, $values:ident, $any:ident| $body:expr) => {
        match &$x {
            AnyFeatures::F32($features) => {
                let y = $y.get::<f32>();
                let ($values, $any) = (y.$targets($operation)?, |model| AnyModel::F32(Box::new(model)));
                $body
            }
            AnyFeatures::F64($features) => {
                let y = $y.get::<f64>();
                let ($values, $any) = (y.$targets($operation)?, |model| AnyModel::F64(Box::new(model)));
                $body
            }
        }
    };
}

/// Penalties that are given, or how many there are to be and how far down they go.
#[derive(FromPyObject)]
enum Penalties {
    Grid(usize, f64),
    Given(Vec<f64>),
}

impl Penalties {
    fn get(self) -> Alphas {
        match self {
            Penalties::Grid(count, eps) => Alphas::Grid { count, eps },
            Penalties::Given(alphas) => Alphas::Given(alphas),
        }
    }
}

fn array_of<'py, T>(py: Python<'py>, tensor: &Tensor<T>) -> Result<Bound<'py, PyAny>>
where
    AnyTensor: From<Tensor<T>>,
    T: Element,
{
    owned(py, &AnyTensor::from(tensor.clone()))
}

/// Penalties, coefficients `(alphas, D)`, duality gaps, what they were to be, and cycles.
#[pyfunction]
fn elastic_net_path<'py>(
    py: Python<'py>,
    x: AnyFeatures,
    y: AnyTarget,
    alphas: Penalties,
    parameters: NetParameters,
) -> Result<Bound<'py, PyAny>> {
    let (net, alphas, elements) = (parameters.get(1.0)?, alphas.get(), x.elements());
    let path = match &x {
        AnyFeatures::F32(x) => {
            let y = y.get::<f32>();
            let y = y.values("enet_path")?;
            released(py, elements, || net.path(x, y, None, &alphas))?
        }
        AnyFeatures::F64(x) => {
            let y = y.get::<f64>();
            let y = y.values("enet_path")?;
            released(py, elements, || net.path(x, y, None, &alphas))?
        }
    };
    let ElasticNetPath { alphas, coef, dual_gap, tolerance, n_iter, .. } = path;
    let list = |values: Vec<f64>| array_of(py, &Tensor::from(values));
    let parts = (list(alphas)?, array_of(py, &coef)?, list(dual_gap)?, list(tolerance)?, n_iter);
    Ok(parts.into_pyobject(py)?.into_any())
}

/// The model, what was found for `alpha` and `l1_ratio`, the penalties, the errors, and gaps that stayed too large.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn elastic_net_cv<'py>(
    py: Python<'py>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    parameters: NetParameters,
    l1_ratios: Vec<f64>,
    alphas: Penalties,
    folds: Vec<(Rows, Rows)>,
) -> Result<Bound<'py, PyAny>> {
    let search = ElasticNetCv::new(parameters.get(1.0)?)
        .l1_ratios(&l1_ratios)
        .alphas(alphas.get())
        .splits(splits(folds));
    let weights = sample_weight.map(|Weights(weights)| weights);
    let elements = x.elements();
    on_targets!(x, y, values, "ElasticNetCV", |x, y, any| {
        let found = released(py, elements, || search.search(x, y, weights.as_ref()))?;
        let (alpha, l1_ratio, unconverged) = (found.alpha(), found.l1_ratio(), found.unconverged().to_vec());
        let (alphas, errors) = (array_of(py, found.alphas())?, array_of(py, found.mse_path())?);
        let model = Model::new(any(found.into_model()));
        Ok((model, alpha, l1_ratio, alphas, errors, unconverged).into_pyobject(py)?.into_any())
    })
}

/// The model, the penalty or those of each output, its score or theirs, and what was kept.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn ridge_cv<'py>(
    py: Python<'py>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    alphas: Vec<f64>,
    fit_intercept: bool,
    alpha_per_target: bool,
    by_singular_values: bool,
    store: bool,
    score: Option<Bound<'py, PyAny>>,
) -> Result<Bound<'py, PyAny>> {
    let search =
        ridge_search(&alphas, fit_intercept, by_singular_values, store).alpha_per_target(alpha_per_target);
    let weights = sample_weight.map(|Weights(weights)| weights);
    let elements = x.elements();
    on_targets!(x, y, values, "RidgeCV", |x, y, any| {
        let found = match &score {
            None => released(py, elements, || search.search(x, y, weights.as_ref()))?,
            Some(score) => {
                search.fit_scored(x, y, weights.as_ref(), &mut |predictions| scores(score, predictions))?
            }
        };
        let (alphas, scores) = (found.alphas().to_vec(), found.best_scores().to_vec());
        let results = found.results().map(|results| array_of(py, results)).transpose()?;
        let model = Model::new(any(found.into_model()));
        Ok((model, alphas, scores, results).into_pyobject(py)?.into_any())
    })
}

/// The same of classes.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn ridge_classifier_cv<'py>(
    py: Python<'py>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    alphas: Vec<f64>,
    fit_intercept: bool,
    store: bool,
    class_weight: OfClasses,
    score: Option<Bound<'py, PyAny>>,
) -> Result<Bound<'py, PyAny>> {
    let search = ridge_search(&alphas, fit_intercept, false, store);
    let search = RidgeClassifierCv::new(search).class_weight(class_weight.get()?);
    let weights = sample_weight.map(|Weights(weights)| weights);
    let elements = x.elements();
    on_targets!(x, y, classes, "RidgeClassifierCV", |x, y, any| {
        let found = match &score {
            None => released(py, elements, || search.search(x, y, weights.as_ref()))?,
            Some(score) => {
                search.fit_scored(x, y, weights.as_ref(), &mut |predictions| scores(score, predictions))?
            }
        };
        let (alpha, best) = (found.alpha(), found.best_score());
        let results = found.results().map(|results| array_of(py, results)).transpose()?;
        let model = Model::new(any(found.into_model()));
        Ok((model, alpha, best, results).into_pyobject(py)?.into_any())
    })
}

fn ridge_search(alphas: &[f64], fit_intercept: bool, by_singular_values: bool, store: bool) -> RidgeCv {
    RidgeCv::new(alphas).fit_intercept(fit_intercept).by_singular_values(by_singular_values).store(store)
}

/// What Python's `score` says of predictions.
fn scores(score: &Bound<'_, PyAny>, predictions: &Tensor<f64>) -> barehand_tensor::Result<Vec<f64>> {
    let given = array_of(score.py(), predictions).map_err(|failure| callback(failure.into()))?;
    score.call1((given,)).and_then(|found| found.extract()).map_err(callback)
}

/// The model, what was found for `C` and `l1_ratio`, scores, coefficients, iterations, and those of fits that did not converge.
///
/// `score` takes the place of a split and a model.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn logistic_regression_cv<'py>(
    py: Python<'py>,
    x: AnyFeatures,
    y: AnyTarget,
    sample_weight: Option<Weights>,
    parameters: LogisticParameters,
    cs: Vec<f64>,
    l1_ratios: Vec<f64>,
    folds: Vec<(Rows, Rows)>,
    refit: bool,
    warm_start: bool,
    score: Bound<'py, PyAny>,
) -> Result<Bound<'py, PyAny>> {
    fn scored<T: Float>(
        score: &Bound<'_, PyAny>,
        place: usize,
        model: FittedLogisticRegression<T>,
        any: impl Fn(FittedLogisticRegression<T>) -> AnyModel,
    ) -> barehand_tensor::Result<f64> {
        score.call1((place, Model::new(any(model)))).and_then(|found| found.extract()).map_err(callback)
    }
    let search = LogisticRegressionCv::new(parameters.get()?)
        .cs(&cs)
        .l1_ratios(&l1_ratios)
        .splits(splits(folds))
        .refit(refit)
        .warm_start(warm_start);
    let weights = sample_weight.map(|Weights(weights)| weights);
    on_targets!(x, y, classes, "LogisticRegressionCV", |x, y, any| {
        let found = search
            .fit_scored(x, y, weights.as_ref(), &mut |place, model| scored(&score, place, model, any))?;
        let (c, l1_ratio, unconverged) = (found.c(), found.l1_ratio(), found.unconverged().to_vec());
        let (scores, n_iter) = (array_of(py, found.scores())?, array_of(py, found.n_iter())?);
        let paths = array_of(py, found.coefs_paths())?;
        let model = Model::new(any(found.into_model()));
        Ok((model, c, l1_ratio, scores, paths, n_iter, unconverged).into_pyobject(py)?.into_any())
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(elastic_net_cv, module)?)?;
    module.add_function(wrap_pyfunction!(elastic_net_path, module)?)?;
    module.add_function(wrap_pyfunction!(logistic_regression_cv, module)?)?;
    module.add_function(wrap_pyfunction!(ridge_classifier_cv, module)?)?;
    module.add_function(wrap_pyfunction!(ridge_cv, module)?)
}
