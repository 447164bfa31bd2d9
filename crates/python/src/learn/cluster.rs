//! `barehand.cluster`.

use barehand_learn::Features;
use barehand_learn::cluster::{
    Dbscan, FittedKMeans, FittedMiniBatchKMeans, KMeans, KMeansAlgorithm, KMeansInit, MiniBatchKMeans,
    k_means_plus_plus as seeds,
};
use barehand_learn::models::AnyModel;
use barehand_learn::neighbors::{Algorithm, Metric, MetricParams};
use barehand_tensor::{Float, Tensor};
use pyo3::prelude::*;

use super::model::{Model, fit, owned};
use super::samples::{AnyFeatures, Weights};
use crate::error::{Failure, Result};
use crate::tensor::released;

/// `"k-means++"`, `"random"`, or centers for each run.
fn init(name: &str, centers: Vec<Weights>) -> Result<KMeansInit> {
    match name {
        "k-means++" => Ok(KMeansInit::PlusPlus),
        "random" => Ok(KMeansInit::Random),
        "given" => Ok(KMeansInit::Centers(centers.into_iter().map(|Weights(centers)| centers).collect())),
        _ => Err(Failure::value("k_means", format!("init {name:?}"))),
    }
}

#[pyfunction]
fn k_means(
    py: Python<'_>,
    x: AnyFeatures,
    sample_weight: Option<Weights>,
    n_clusters: usize,
    init_name: &str,
    centers: Vec<Weights>,
    n_init: usize,
    max_iter: usize,
    tol: f64,
    seed: u32,
    elkan: bool,
    verbose: bool,
) -> Result<Model> {
    let estimator = KMeans::new(n_clusters)
        .init(init(init_name, centers)?)
        .n_init(n_init)
        .max_iter(max_iter)
        .tol(tol)
        .seed(seed)
        .algorithm(if elkan { KMeansAlgorithm::Elkan } else { KMeansAlgorithm::Lloyd })
        .verbose(verbose);
    fit(py, &estimator, x, None, sample_weight)
}

#[pyfunction]
fn mini_batch_k_means(
    py: Python<'_>,
    x: AnyFeatures,
    sample_weight: Option<Weights>,
    before: Option<Bound<'_, Model>>,
    partial: bool,
    n_clusters: usize,
    init_name: &str,
    centers: Vec<Weights>,
    n_init: usize,
    init_size: usize,
    max_iter: usize,
    batch_size: usize,
    compute_labels: bool,
    tol: f64,
    max_no_improvement: Option<usize>,
    reassignment_ratio: f64,
    seed: u32,
    verbose: bool,
) -> Result<Model> {
    let estimator = MiniBatchKMeans::new(n_clusters)
        .init(init(init_name, centers)?)
        .n_init(n_init)
        .init_size(init_size)
        .max_iter(max_iter)
        .batch_size(batch_size)
        .compute_labels(compute_labels)
        .tol(tol)
        .max_no_improvement(max_no_improvement)
        .reassignment_ratio(reassignment_ratio)
        .seed(seed)
        .verbose(verbose);
    if !partial {
        return fit(py, &estimator, x, None, sample_weight);
    }
    let weights = sample_weight.map(|Weights(weights)| weights);
    let weights = weights.as_ref();
    let before = before.as_ref().map(|model| model.get().any());
    let elements = x.elements();
    let next = match (before, x) {
        (None, AnyFeatures::F32(x)) => {
            AnyModel::F32(Box::new(released(py, elements, || estimator.partial_fit(None, &x, weights))?))
        }
        (None, AnyFeatures::F64(x)) => {
            AnyModel::F64(Box::new(released(py, elements, || estimator.partial_fit(None, &x, weights))?))
        }
        (Some(AnyModel::F32(model)), x) => {
            let (model, x) = (mini_batch(model.as_any())?, x.get::<f32>()?);
            AnyModel::F32(Box::new(released(py, elements, || {
                estimator.partial_fit(Some(model), &x, weights)
            })?))
        }
        (Some(AnyModel::F64(model)), x) => {
            let (model, x) = (mini_batch(model.as_any())?, x.get::<f64>()?);
            AnyModel::F64(Box::new(released(py, elements, || {
                estimator.partial_fit(Some(model), &x, weights)
            })?))
        }
    };
    Ok(Model::new(next))
}

fn mini_batch<T: Float>(model: &dyn std::any::Any) -> Result<&FittedMiniBatchKMeans<T>> {
    model.downcast_ref().ok_or_else(|| Failure::value("mini_batch_k_means", "another model"))
}

/// Minus the inertia of samples, for a model of either kind.
#[pyfunction]
fn k_means_score(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    x: AnyFeatures,
    sample_weight: Option<Weights>,
) -> Result<f64> {
    let weights = sample_weight.map(|Weights(weights)| weights);
    let elements = x.elements();
    match model.get().any() {
        AnyModel::F32(model) => {
            let x = x.get::<f32>()?;
            released(py, elements, || score(model.as_any(), &x, weights.as_ref()))
        }
        AnyModel::F64(model) => {
            let x = x.get::<f64>()?;
            released(py, elements, || score(model.as_any(), &x, weights.as_ref()))
        }
    }
}

fn score<T: Float>(model: &dyn std::any::Any, x: &Features<T>, weights: Option<&Tensor<f64>>) -> Result<f64> {
    if let Some(model) = model.downcast_ref::<FittedKMeans<T>>() {
        return Ok(model.score(x, weights)?);
    }
    Ok(mini_batch::<T>(model)?.score(x, weights)?)
}

/// Seeds by k-means++: the centers, and which samples they are.
#[pyfunction]
fn k_means_plus_plus<'py>(
    py: Python<'py>,
    x: AnyFeatures,
    sample_weight: Option<Weights>,
    n_clusters: usize,
    trials: Option<usize>,
    seed: u32,
) -> Result<(Bound<'py, PyAny>, Vec<usize>)> {
    let weights = sample_weight.map(|Weights(weights)| weights);
    let weights = weights.as_ref();
    Ok(match x {
        AnyFeatures::F32(x) => {
            let (centers, picked) = seeds(&x, n_clusters, weights, trials, seed)?;
            (owned(py, &centers.into())?, picked)
        }
        AnyFeatures::F64(x) => {
            let (centers, picked) = seeds(&x, n_clusters, weights, trials, seed)?;
            (owned(py, &centers.into())?, picked)
        }
    })
}

/// Of points by a metric, as `nearest_neighbors`; of distances with `"precomputed"`.
#[pyfunction]
fn dbscan(
    py: Python<'_>,
    x: AnyFeatures,
    sample_weight: Option<Weights>,
    eps: f64,
    min_samples: usize,
    algorithm: &str,
    leaf_size: usize,
    metric: &str,
    p: Option<f64>,
    numbers: Option<Weights>,
    n_jobs: Option<usize>,
) -> Result<Model> {
    let mut estimator = Dbscan::new().eps(eps).min_samples(min_samples).leaf_size(leaf_size);
    estimator = match metric {
        "precomputed" => estimator.precomputed(true),
        metric => {
            let params = MetricParams { p, numbers: numbers.map(|Weights(numbers)| numbers.to_vec()) };
            estimator
                .algorithm(Algorithm::from_name("dbscan", algorithm)?)
                .metric(Metric::from_name("dbscan", metric, params)?)
        }
    };
    if let Some(threads) = n_jobs {
        estimator = estimator.n_jobs(threads);
    }
    fit(py, &estimator, x, None, sample_weight)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(dbscan, module)?)?;
    module.add_function(wrap_pyfunction!(k_means, module)?)?;
    module.add_function(wrap_pyfunction!(k_means_plus_plus, module)?)?;
    module.add_function(wrap_pyfunction!(k_means_score, module)?)?;
    module.add_function(wrap_pyfunction!(mini_batch_k_means, module)?)
}
