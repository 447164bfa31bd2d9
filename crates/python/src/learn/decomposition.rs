//! `barehand.decomposition`.

use barehand_learn::decomposition::{
    FittedPca, Pca, PcaComponents, PowerIterationNormalizer, SvdSolver, TruncatedSvd, TruncatedSvdAlgorithm,
};
use barehand_learn::models::AnyModel;
use barehand_tensor::Float;
use pyo3::prelude::*;

use super::model::{Model, fit, owned};
use super::samples::AnyFeatures;
use crate::error::{Failure, Result};
use crate::tensor::released;

fn normalizer(name: &str) -> Result<PowerIterationNormalizer> {
    match name {
        "auto" => Ok(PowerIterationNormalizer::Auto),
        "QR" => Ok(PowerIterationNormalizer::Qr),
        "LU" => Ok(PowerIterationNormalizer::Lu),
        "none" => Ok(PowerIterationNormalizer::None),
        _ => Err(Failure::value("power_iteration_normalizer", format!("{name:?}"))),
    }
}

/// Components are a count, or a share of the variance, or neither for all of them, or the most likely number.
#[pyfunction]
fn pca(
    py: Python<'_>,
    x: AnyFeatures,
    count: Option<usize>,
    share: Option<f64>,
    mle: bool,
    whiten: bool,
    solver: &str,
    tol: f64,
    iterated_power: Option<usize>,
    n_oversamples: usize,
    power_iteration_normalizer: &str,
    seed: u32,
) -> Result<Model> {
    let components = match (count, share) {
        (Some(count), _) => PcaComponents::Count(count),
        (None, Some(share)) => PcaComponents::Variance(share),
        (None, None) if mle => PcaComponents::Mle,
        (None, None) => PcaComponents::All,
    };
    let solver = match solver {
        "auto" => SvdSolver::Auto,
        "full" => SvdSolver::Full,
        "covariance_eigh" => SvdSolver::CovarianceEigh,
        "arpack" => SvdSolver::Lanczos,
        "randomized" => SvdSolver::Randomized,
        _ => return Err(Failure::value("pca", format!("svd_solver {solver:?}"))),
    };
    let mut estimator = Pca::new()
        .n_components(components)
        .whiten(whiten)
        .svd_solver(solver)
        .tol(tol)
        .n_oversamples(n_oversamples)
        .power_iteration_normalizer(normalizer(power_iteration_normalizer)?)
        .seed(seed);
    if let Some(iterations) = iterated_power {
        estimator = estimator.iterated_power(iterations);
    }
    fit(py, &estimator, x, None, None)
}

fn fitted<T: Float>(model: &dyn std::any::Any) -> Result<&FittedPca<T>> {
    model.downcast_ref().ok_or_else(|| Failure::value("pca", "another model"))
}

#[pyfunction]
fn pca_covariance<'py>(py: Python<'py>, model: &Bound<'py, Model>) -> Result<Bound<'py, PyAny>> {
    match model.get().any() {
        AnyModel::F32(model) => owned(py, &fitted::<f32>(model.as_any())?.covariance().into()),
        AnyModel::F64(model) => owned(py, &fitted::<f64>(model.as_any())?.covariance().into()),
    }
}

#[pyfunction]
fn pca_precision<'py>(py: Python<'py>, model: &Bound<'py, Model>) -> Result<Bound<'py, PyAny>> {
    match model.get().any() {
        AnyModel::F32(model) => owned(py, &fitted::<f32>(model.as_any())?.precision()?.into()),
        AnyModel::F64(model) => owned(py, &fitted::<f64>(model.as_any())?.precision()?.into()),
    }
}

#[pyfunction]
fn pca_score_samples<'py>(
    py: Python<'py>,
    model: &Bound<'py, Model>,
    x: AnyFeatures,
) -> Result<Bound<'py, PyAny>> {
    let elements = x.elements();
    match model.get().any() {
        AnyModel::F32(model) => {
            let (model, x) = (fitted::<f32>(model.as_any())?, x.get::<f32>()?);
            let x = x.dense("PCA::score_samples")?;
            owned(py, &released(py, elements, || model.score_samples(x))?.into())
        }
        AnyModel::F64(model) => {
            let (model, x) = (fitted::<f64>(model.as_any())?, x.get::<f64>()?);
            let x = x.dense("PCA::score_samples")?;
            owned(py, &released(py, elements, || model.score_samples(x))?.into())
        }
    }
}

#[pyfunction]
fn truncated_svd(
    py: Python<'_>,
    x: AnyFeatures,
    n_components: usize,
    lanczos: bool,
    n_iter: usize,
    n_oversamples: usize,
    power_iteration_normalizer: &str,
    tol: f64,
    seed: u32,
) -> Result<Model> {
    let estimator = TruncatedSvd::new(n_components)
        .algorithm(if lanczos { TruncatedSvdAlgorithm::Lanczos } else { TruncatedSvdAlgorithm::Randomized })
        .n_iter(n_iter)
        .n_oversamples(n_oversamples)
        .power_iteration_normalizer(normalizer(power_iteration_normalizer)?)
        .tol(tol)
        .seed(seed);
    fit(py, &estimator, x, None, None)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pca, module)?)?;
    module.add_function(wrap_pyfunction!(pca_covariance, module)?)?;
    module.add_function(wrap_pyfunction!(pca_precision, module)?)?;
    module.add_function(wrap_pyfunction!(pca_score_samples, module)?)?;
    module.add_function(wrap_pyfunction!(truncated_svd, module)?)
}
