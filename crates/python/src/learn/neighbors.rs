//! `barehand.neighbors`.

use barehand_kernels::threads::{num_threads, with_num_threads};
use barehand_learn::AnyModel;
use barehand_learn::neighbors::{
    Algorithm, FittedNearestNeighbors, Kernel, Metric, MetricParams, NearestNeighbors, Neighbors, Weights,
    average, smallest, vote,
};
use barehand_tensor::{AnyTensor, Float, Tensor};
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use super::model::{Model, fit, owned};
use super::samples::{AnyFeatures, Weights as Numbers};
use crate::array;
use crate::error::{Failure, Result};
use crate::tensor::released;

/// Indices, one query after another, of `(queries, k)` with `k` of each; or codes.
struct Indices {
    flat: Vec<usize>,
    k: usize,
}

impl Indices {
    /// How many each query has: as is given, or alike.
    fn counts(&self, given: Option<Vec<usize>>) -> Vec<usize> {
        given.unwrap_or_else(|| vec![self.k; self.flat.len() / self.k.max(1)])
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Indices {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let any: AnyTensor = array::from_numpy(&given.cast::<PyUntypedArray>()?.to_owned())?;
        let indices: Tensor<i64> = any.cast();
        let k = indices.shape().get(1).copied().unwrap_or(1);
        Ok(Indices { flat: indices.to_vec().into_iter().map(|index| index as usize).collect(), k })
    }
}

#[pyfunction]
fn nearest_neighbors(
    py: Python<'_>,
    x: AnyFeatures,
    n_neighbors: usize,
    algorithm: &str,
    leaf_size: usize,
    metric: &str,
    p: Option<f64>,
    numbers: Option<Numbers>,
) -> Result<Model> {
    let params = MetricParams { p, numbers: numbers.map(|numbers| numbers.0.to_vec()) };
    let estimator = NearestNeighbors::new()
        .n_neighbors(n_neighbors)
        .algorithm(Algorithm::from_name("neighbors", algorithm)?)
        .leaf_size(leaf_size)
        .metric(Metric::from_name("neighbors", metric, params)?);
    fit(py, &estimator, x, None, None)
}

fn search<T: Float>(model: &dyn barehand_learn::Model<T>) -> Result<&FittedNearestNeighbors<T>> {
    let found = model.as_any().downcast_ref();
    found.ok_or_else(|| Failure::value("neighbors", format!("a {} is not searched", model.name())))
}

/// Runs one expression for a search and queries of its element type, on `threads` threads.
macro_rules! searched {
    ($py:expr, $model:expr, $x:expr, $threads:expr, |$search:ident, $queries:ident| $body:expr) => {{
        let (threads, elements) = ($threads.unwrap_or_else(num_threads), $x.elements());
        match $model.any() {
            AnyModel::F32(model) => {
                let ($search, $queries) = (search(model.as_ref())?, $x.get::<f32>()?);
                released($py, elements << 8, || with_num_threads(threads, || $body))?
            }
            AnyModel::F64(model) => {
                let ($search, $queries) = (search(model.as_ref())?, $x.get::<f64>()?);
                released($py, elements << 8, || with_num_threads(threads, || $body))?
            }
        }
    }};
}

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

fn pair<'py>(py: Python<'py>, distances: Vec<f64>, indices: Vec<usize>, k: usize) -> Result<Pair<'py>> {
    let n = distances.len() / k.max(1);
    let indices: Vec<i64> = indices.into_iter().map(|index| index as i64).collect();
    Ok((
        owned(py, &Tensor::from_vec(distances, [n, k])?.into())?,
        owned(py, &Tensor::from_vec(indices, [n, k])?.into())?,
    ))
}

/// Distances and indices `(queries, k)` of the nearest points.
#[pyfunction]
fn kneighbors<'py>(
    py: Python<'py>,
    model: &Model,
    x: AnyFeatures,
    k: usize,
    threads: Option<usize>,
) -> Result<Pair<'py>> {
    let Neighbors { k, distances, indices } =
        searched!(py, model, x, threads, |search, queries| search.kneighbors_any(&queries, k));
    pair(py, distances, indices, k)
}

/// Distances and indices of all points within a radius, one query after another, and how many each has.
#[pyfunction]
fn radius_neighbors<'py>(
    py: Python<'py>,
    model: &Model,
    x: AnyFeatures,
    radius: f64,
    threads: Option<usize>,
) -> Result<(Bound<'py, PyAny>, Bound<'py, PyAny>, Vec<usize>)> {
    let found =
        searched!(py, model, x, threads, |search, queries| search.radius_neighbors_any(&queries, radius));
    let counts = found.iter().map(Vec::len).collect();
    let distances: Vec<f64> = found.iter().flatten().map(|&(distance, _)| distance).collect();
    let indices: Vec<i64> = found.iter().flatten().map(|&(_, index)| index as i64).collect();
    Ok((owned(py, &Tensor::from(distances).into())?, owned(py, &Tensor::from(indices).into())?, counts))
}

/// How many pairs of a query and a point are within each radius.
#[pyfunction]
fn pairs_within(
    py: Python<'_>,
    model: &Model,
    x: AnyFeatures,
    radii: Numbers,
    threads: Option<usize>,
) -> Result<Vec<usize>> {
    let radii = radii.0.to_vec();
    Ok(searched!(py, model, x, threads, |search, queries| search.pairs_within(&queries, &radii)))
}

/// The logarithm of the density of the points at each query.
#[pyfunction]
fn log_density<'py>(
    py: Python<'py>,
    model: &Model,
    x: AnyFeatures,
    kernel: &str,
    bandwidth: f64,
    atol: f64,
    rtol: f64,
    threads: Option<usize>,
) -> Result<Bound<'py, PyAny>> {
    let kernel = Kernel::from_name("log_density", kernel)?;
    let densities = searched!(py, model, x, threads, |search, queries| {
        search.log_density(&queries, kernel, bandwidth, atol, rtol)
    });
    owned(py, &Tensor::from(densities).into())
}

/// The `k` smallest of each row of distances, and where they stand.
#[pyfunction]
fn smallest_distances<'py>(py: Python<'py>, distances: Numbers, k: usize) -> Result<Pair<'py>> {
    let (found, indices) = smallest(&distances.0, k)?;
    pair(py, found, indices, k)
}

/// What neighbours at these distances `(queries, k)` count by `weights="distance"`.
#[pyfunction]
fn distance_weights<'py>(py: Python<'py>, distances: Numbers) -> Result<Bound<'py, PyAny>> {
    let shape = distances.0.shape().to_vec();
    let k = shape.last().copied().unwrap_or(1).max(1);
    let weights: Vec<f64> =
        distances.0.to_vec().chunks(k).flat_map(|row| Weights::Distance.of(row)).collect();
    owned(py, &Tensor::from_vec(weights, shape)?.into())
}

/// The share of each class among neighbours, `(queries, classes)`; `counts` say how many each query has where they differ.
#[pyfunction]
fn neighbor_votes<'py>(
    py: Python<'py>,
    codes: Indices,
    classes: usize,
    indices: Indices,
    weights: Option<Numbers>,
    counts: Option<Vec<usize>>,
) -> Result<Bound<'py, PyAny>> {
    let weights = weights.map(|weights| weights.0.to_vec());
    let counts = indices.counts(counts);
    let shares = vote(&codes.flat, classes, &indices.flat, weights.as_deref(), &counts)?;
    owned(py, &Tensor::from_vec(shares, [counts.len(), classes])?.into())
}

/// The weighted mean of the values of neighbours, `(queries, outputs)`; counts as of `neighbor_votes`.
#[pyfunction]
fn neighbor_means<'py>(
    py: Python<'py>,
    values: Numbers,
    indices: Indices,
    weights: Option<Numbers>,
    counts: Option<Vec<usize>>,
) -> Result<Bound<'py, PyAny>> {
    let outputs = values.0.shape().get(1).copied().unwrap_or(1).max(1);
    let weights = weights.map(|weights| weights.0.to_vec());
    let counts = indices.counts(counts);
    let means = average(&values.0.to_vec(), outputs, &indices.flat, weights.as_deref(), &counts)?;
    owned(py, &Tensor::from_vec(means, [counts.len(), outputs])?.into())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(nearest_neighbors, module)?)?;
    module.add_function(wrap_pyfunction!(kneighbors, module)?)?;
    module.add_function(wrap_pyfunction!(radius_neighbors, module)?)?;
    module.add_function(wrap_pyfunction!(pairs_within, module)?)?;
    module.add_function(wrap_pyfunction!(log_density, module)?)?;
    module.add_function(wrap_pyfunction!(smallest_distances, module)?)?;
    module.add_function(wrap_pyfunction!(distance_weights, module)?)?;
    module.add_function(wrap_pyfunction!(neighbor_votes, module)?)?;
    module.add_function(wrap_pyfunction!(neighbor_means, module)?)
}
