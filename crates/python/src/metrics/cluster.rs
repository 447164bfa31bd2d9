//! Scores of clusterings.

use barehand_metrics::{Contingency, EntropyMean, Silhouette, SilhouetteMetric};
use barehand_tensor::Error;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use super::{Array, Floats, Labels, counted, each_float};
use crate::error::Result;

fn table(py: Python<'_>, labels_true: &Labels, labels_pred: &Labels) -> Result<Contingency> {
    counted(py, labels_true.0.len(), || Contingency::new(&labels_true.0, &labels_pred.0))
}

fn entropy_mean(name: &str) -> EntropyMean {
    match name {
        "geometric" => EntropyMean::Geometric,
        "min" => EntropyMean::Min,
        "max" => EntropyMean::Max,
        _ => EntropyMean::Arithmetic,
    }
}

/// How many samples each class and each cluster have in common, as (class, cluster, how many) in three columns; and how many
/// classes and clusters there are.
#[pyfunction]
#[allow(clippy::type_complexity)]
fn contingency<'py>(
    py: Python<'py>,
    labels_true: Labels,
    labels_pred: Labels,
) -> Result<([Bound<'py, PyArray1<i64>>; 3], usize, usize)> {
    let table = table(py, &labels_true, &labels_pred)?;
    let column = |value: fn(&(usize, usize, u64)) -> i64| {
        table.cells().iter().map(value).collect::<Vec<i64>>().into_pyarray(py)
    };
    let columns = [column(|cell| cell.0 as i64), column(|cell| cell.1 as i64), column(|cell| cell.2 as i64)];
    Ok((columns, table.classes().len(), table.clusters().len()))
}

/// Ordered pairs that are apart in both, together in clusters only, in classes only, in both.
#[pyfunction]
fn pair_confusion(
    py: Python<'_>,
    labels_true: Labels,
    labels_pred: Labels,
) -> Result<(u128, u128, u128, u128)> {
    Ok(table(py, &labels_true, &labels_pred)?.pairs())
}

fn score(table: &Contingency, name: &str, mean: &str) -> barehand_tensor::Result<f64> {
    Ok(match name {
        "rand_score" => table.rand_index(),
        "adjusted_rand_score" => table.adjusted_rand(),
        "fowlkes_mallows_score" => table.fowlkes_mallows(),
        "mutual_info_score" => table.mutual_info(),
        "normalized_mutual_info_score" => table.normalized_mutual_info(entropy_mean(mean)),
        "adjusted_mutual_info_score" => table.adjusted_mutual_info(entropy_mean(mean)),
        _ => return Err(Error::value("clustering_score", format!("there is no {name}"))),
    })
}

/// A score of two labellings; `mean` is that of entropies.
#[pyfunction]
fn clustering_score(
    py: Python<'_>,
    name: &str,
    labels_true: Labels,
    labels_pred: Labels,
    mean: &str,
) -> Result<f64> {
    Ok(score(&table(py, &labels_true, &labels_pred)?, name, mean)?)
}

/// The mutual information of counts `(classes, clusters)`.
#[pyfunction]
fn mutual_info_of_table(counts: Array<i64>) -> Result<f64> {
    let (classes, clusters) = (counts.0.shape()[0], counts.0.shape().get(1).copied().unwrap_or(1));
    Ok(Contingency::from_dense(&counts.0.to_vec(), classes, clusters)?.mutual_info())
}

#[pyfunction]
fn homogeneity_completeness_v_measure(
    py: Python<'_>,
    labels_true: Labels,
    labels_pred: Labels,
    beta: f64,
) -> Result<(f64, f64, f64)> {
    Ok(table(py, &labels_true, &labels_pred)?.homogeneity_completeness_v_measure(beta))
}

/// The silhouette of each sample.
#[pyfunction]
fn silhouette_samples<'py>(
    py: Python<'py>,
    x: Floats,
    labels: Labels,
    metric: &str,
) -> Result<Bound<'py, PyArray1<f64>>> {
    let metric = match metric {
        "manhattan" => SilhouetteMetric::Manhattan,
        "cosine" => SilhouetteMetric::Cosine,
        "precomputed" => SilhouetteMetric::Precomputed,
        _ => SilhouetteMetric::Euclidean,
    };
    let samples = each_float!(x, x => {
        counted(py, x.len(), || Silhouette::new().metric(metric).samples(&x, &labels.0))
    })?;
    Ok(samples.into_pyarray(py))
}

#[pyfunction]
fn calinski_harabasz(py: Python<'_>, x: Floats, labels: Labels) -> Result<f64> {
    each_float!(x, x => { counted(py, x.len(), || barehand_metrics::calinski_harabasz(&x, &labels.0)) })
}

#[pyfunction]
fn davies_bouldin(py: Python<'_>, x: Floats, labels: Labels) -> Result<f64> {
    each_float!(x, x => { counted(py, x.len(), || barehand_metrics::davies_bouldin(&x, &labels.0)) })
}

pub fn register(metrics: &Bound<'_, PyModule>) -> PyResult<()> {
    metrics.add_function(wrap_pyfunction!(contingency, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(pair_confusion, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(clustering_score, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(mutual_info_of_table, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(homogeneity_completeness_v_measure, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(silhouette_samples, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(calinski_harabasz, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(davies_bouldin, metrics)?)
}
