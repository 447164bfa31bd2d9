//! Scores of rankings, translations and detected boxes.

use barehand_metrics::{Bleu, Gain, MeanAveragePrecision, Retrieval, Smoothing};
use barehand_tensor::{Error, Tensor};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Array, Floats, Labels, Weights, borrowed, counted, each_float};
use crate::error::Result;

/// Discounted cumulative gain, or its share of the best.
#[pyfunction]
fn gain(
    py: Python<'_>,
    y_true: Array<f64>,
    y_score: Array<f64>,
    k: Option<usize>,
    log_base: f64,
    sample_weight: Weights,
    ignore_ties: bool,
    normalized: bool,
) -> Result<f64> {
    let mut options = Gain::new().log_base(log_base).ignore_ties(ignore_ties);
    if let Some(k) = k {
        options = options.k(k);
    }
    if let Some(weights) = borrowed(&sample_weight) {
        options = options.sample_weight(weights);
    }
    counted(py, y_true.0.len(), || {
        if normalized { options.ndcg(&y_true.0, &y_score.0) } else { options.dcg(&y_true.0, &y_score.0) }
    })
}

/// A score of the order of labels `(N, K)`.
#[pyfunction]
fn label_ranking(
    py: Python<'_>,
    name: &str,
    y_true: Array<bool>,
    y_score: Floats,
    sample_weight: Weights,
) -> Result<f64> {
    let (truth, weights) = (&y_true.0, borrowed(&sample_weight));
    each_float!(y_score, y_score => {
        counted(py, truth.len(), || match name {
            "label_ranking_average_precision_score" => {
                barehand_metrics::label_ranking_average_precision(truth, &y_score, weights)
            }
            "label_ranking_loss" => barehand_metrics::label_ranking_loss(truth, &y_score, weights),
            "coverage_error" => barehand_metrics::coverage_error(truth, &y_score, weights),
            _ => Err(Error::value("label_ranking", format!("there is no {name}"))),
        })
    })
}

/// A score of rankings of documents `(queries, documents)`.
#[pyfunction]
fn retrieval(
    py: Python<'_>,
    name: &str,
    relevant: Array<bool>,
    scores: Floats,
    k: Option<usize>,
    query_weight: Weights,
) -> Result<f64> {
    each_float!(scores, scores => {
        counted(py, scores.len(), || {
            let mut search = Retrieval::new(&relevant.0, &scores)?;
            if let Some(weights) = borrowed(&query_weight) {
                search = search.query_weight(weights)?;
            }
            let all = scores.shape()[1];
            match name {
                "mean_reciprocal_rank" => search.mean_reciprocal_rank(k),
                "mean_average_precision_at_k" => search.mean_average_precision(k),
                "recall_at_k" => search.recall(k.unwrap_or(all)),
                "hit_rate" => search.hit_rate(k.unwrap_or(all)),
                _ => Err(Error::value("retrieval", format!("there is no {name}"))),
            }
        })
    })
}

/// The score, the precision of each order, the brevity penalty, and the lengths of translations and references.
#[pyfunction]
fn bleu(
    py: Python<'_>,
    translations: Vec<Vec<String>>,
    references: Vec<Vec<Vec<String>>>,
    max_order: usize,
    smoothing: Option<&str>,
    smoothing_value: f64,
    effective_order: bool,
) -> Result<(f64, Vec<f64>, f64, usize, usize)> {
    let smoothing = match smoothing {
        None => Smoothing::None,
        Some("floor") => Smoothing::Floor(smoothing_value),
        Some("add_k") => Smoothing::AddK(smoothing_value),
        Some(_) => Smoothing::Exp,
    };
    let options = Bleu::new().max_order(max_order).smoothing(smoothing).effective_order(effective_order);
    let score = counted(py, usize::MAX, || options.corpus(&translations, &references))?;
    Ok((score.bleu, score.precisions, score.brevity_penalty, score.length, score.reference_length))
}

#[pyfunction]
fn perplexity(py: Python<'_>, logits: Floats, targets: Labels, ignore_index: Option<i64>) -> Result<f64> {
    each_float!(logits, logits => {
        counted(py, logits.len(), || barehand_metrics::perplexity(&logits, &targets.0, ignore_index))
    })
}

/// Detected boxes, scores and classes; true boxes and classes, which of them are crowds, and their areas.
type Image = (Array<f64>, Array<f64>, Labels, Array<f64>, Labels, Option<Array<bool>>, Option<Array<f64>>);

/// COCO's scores of all images, by name.
#[pyfunction]
fn mean_average_precision<'py>(
    py: Python<'py>,
    images: Vec<Image>,
    thresholds: Option<Vec<f64>>,
) -> Result<Bound<'py, PyDict>> {
    let scores = counted(py, usize::MAX, || {
        let mut map = MeanAveragePrecision::new();
        if let Some(thresholds) = &thresholds {
            map = map.thresholds(thresholds);
        }
        for (boxes, scores, labels, true_boxes, true_labels, crowd, areas) in &images {
            let crowd: Option<&Tensor<bool>> = crowd.as_ref().map(|crowd| &crowd.0);
            let areas: Option<&Tensor<f64>> = areas.as_ref().map(|areas| &areas.0);
            map.image(&boxes.0, &scores.0, &labels.0, &true_boxes.0, &true_labels.0, crowd, areas)?;
        }
        Ok(map.compute())
    })?;
    let named = PyDict::new(py);
    for (name, score) in [
        ("map", scores.map),
        ("map_50", scores.map_50),
        ("map_75", scores.map_75),
        ("map_small", scores.map_small),
        ("map_medium", scores.map_medium),
        ("map_large", scores.map_large),
        ("mar_1", scores.mar_1),
        ("mar_10", scores.mar_10),
        ("mar_100", scores.mar_100),
        ("mar_small", scores.mar_small),
        ("mar_medium", scores.mar_medium),
        ("mar_large", scores.mar_large),
    ] {
        named.set_item(name, score)?;
    }
    named.set_item("classes", scores.classes)?;
    named.set_item("map_per_class", scores.map_per_class)?;
    named.set_item("mar_100_per_class", scores.mar_100_per_class)?;
    Ok(named)
}

pub fn register(metrics: &Bound<'_, PyModule>) -> PyResult<()> {
    metrics.add_function(wrap_pyfunction!(gain, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(label_ranking, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(retrieval, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(bleu, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(perplexity, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(mean_average_precision, metrics)?)
}
