//! `barehand.mixture`.

use barehand_learn::mixture::{CovarianceType, FittedGaussianMixture, GaussianMixture, MixtureInit};
use barehand_learn::models::AnyModel;
use barehand_tensor::Float;
use pyo3::prelude::*;

use super::model::{Model, fit, owned};
use super::samples::{AnyFeatures, Weights};
use crate::error::{Failure, Result};
use crate::tensor::released;

#[pyfunction]
fn gaussian_mixture(
    py: Python<'_>,
    x: AnyFeatures,
    before: Option<Bound<'_, Model>>,
    n_components: usize,
    covariance_type: &str,
    tol: f64,
    reg_covar: f64,
    max_iter: usize,
    n_init: usize,
    init_params: &str,
    weights_init: Option<Weights>,
    means_init: Option<Weights>,
    precisions_init: Option<Weights>,
    seed: u32,
    verbose: bool,
) -> Result<Model> {
    let kinds = [CovarianceType::Full, CovarianceType::Tied, CovarianceType::Diag, CovarianceType::Spherical];
    let kind = kinds.into_iter().find(|kind| kind.name() == covariance_type);
    let unknown = |what: &str| Failure::value("gaussian_mixture", what);
    let init = match init_params {
        "kmeans" => MixtureInit::KMeans,
        "k-means++" => MixtureInit::KMeansPlusPlus,
        "random" => MixtureInit::Random,
        "random_from_data" => MixtureInit::RandomFromData,
        _ => return Err(unknown(init_params)),
    };
    let given = |given: Option<Weights>| given.map(|Weights(given)| given);
    let estimator = GaussianMixture::new(n_components)
        .covariance_type(kind.ok_or_else(|| unknown(covariance_type))?)
        .tol(tol)
        .reg_covar(reg_covar)
        .max_iter(max_iter)
        .n_init(n_init)
        .init_params(init)
        .weights_init(given(weights_init))
        .means_init(given(means_init))
        .precisions_init(given(precisions_init))
        .seed(seed)
        .verbose(verbose);
    let Some(before) = before else {
        return fit(py, &estimator, x, None, None);
    };
    let elements = x.elements();
    Ok(Model::new(match before.get().any() {
        AnyModel::F32(model) => {
            let (model, x) = (fitted::<f32>(model.as_any())?, x.get::<f32>()?);
            let x = x.dense("GaussianMixture")?;
            AnyModel::F32(Box::new(released(py, elements, || estimator.fit_from(model, x))?))
        }
        AnyModel::F64(model) => {
            let (model, x) = (fitted::<f64>(model.as_any())?, x.get::<f64>()?);
            let x = x.dense("GaussianMixture")?;
            AnyModel::F64(Box::new(released(py, elements, || estimator.fit_from(model, x))?))
        }
    }))
}

fn fitted<T: Float>(model: &dyn std::any::Any) -> Result<&FittedGaussianMixture<T>> {
    model.downcast_ref().ok_or_else(|| Failure::value("gaussian_mixture", "another model"))
}

#[pyfunction]
fn gaussian_mixture_score_samples<'py>(
    py: Python<'py>,
    model: &Bound<'py, Model>,
    x: AnyFeatures,
) -> Result<Bound<'py, PyAny>> {
    let elements = x.elements();
    match model.get().any() {
        AnyModel::F32(model) => {
            let (model, x) = (fitted::<f32>(model.as_any())?, x.get::<f32>()?);
            let x = x.dense("GaussianMixture")?;
            owned(py, &released(py, elements, || model.score_samples(x))?.into())
        }
        AnyModel::F64(model) => {
            let (model, x) = (fitted::<f64>(model.as_any())?, x.get::<f64>()?);
            let x = x.dense("GaussianMixture")?;
            owned(py, &released(py, elements, || model.score_samples(x))?.into())
        }
    }
}

/// New samples, those of a component together, and the component of each.
#[pyfunction]
fn gaussian_mixture_sample<'py>(
    py: Python<'py>,
    model: &Bound<'py, Model>,
    n: usize,
    seed: u32,
) -> Result<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    Ok(match model.get().any() {
        AnyModel::F32(model) => {
            let (x, y) = fitted::<f32>(model.as_any())?.sample(n, seed)?;
            (owned(py, &x.into())?, owned(py, &y.into())?)
        }
        AnyModel::F64(model) => {
            let (x, y) = fitted::<f64>(model.as_any())?.sample(n, seed)?;
            (owned(py, &x.into())?, owned(py, &y.into())?)
        }
    })
}

#[pyfunction]
fn gaussian_mixture_parameters(model: &Bound<'_, Model>) -> Result<usize> {
    match model.get().any() {
        AnyModel::F32(model) => Ok(fitted::<f32>(model.as_any())?.n_parameters()),
        AnyModel::F64(model) => Ok(fitted::<f64>(model.as_any())?.n_parameters()),
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(gaussian_mixture, module)?)?;
    module.add_function(wrap_pyfunction!(gaussian_mixture_parameters, module)?)?;
    module.add_function(wrap_pyfunction!(gaussian_mixture_sample, module)?)?;
    module.add_function(wrap_pyfunction!(gaussian_mixture_score_samples, module)?)
}
