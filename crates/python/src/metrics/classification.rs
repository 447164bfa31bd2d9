//! Further scores of predicted classes, and of their probabilities.

use barehand_metrics::{
    Average, Bins, BrierScore, ConfusionMatrix, KappaWeights, LogLoss, PrecisionRecall, ZeroDivision,
};
use barehand_tensor::Tensor;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use super::{Array, Floats, Labels, Score, Weights, borrowed, counted, each_float, zero_division};
use crate::error::Result;

type Column<'py> = Bound<'py, PyArray1<f64>>;

fn per_class<'a>(labels: Option<&'a Vec<i64>>, sample_weight: &'a Weights) -> PrecisionRecall<'a> {
    let mut scores = PrecisionRecall::new();
    if let Some(labels) = labels {
        scores = scores.labels(labels);
    }
    match borrowed(sample_weight) {
        Some(weights) => scores.sample_weight(weights),
        None => scores,
    }
}

/// The weight of each class's true positives, of what was predicted to be in it, and of what is.
#[pyfunction]
fn class_counts<'py>(
    py: Python<'py>,
    y_true: Labels,
    y_pred: Labels,
    labels: Option<Vec<i64>>,
    sample_weight: Weights,
) -> Result<(Column<'py>, Column<'py>, Column<'py>)> {
    let scores = per_class(labels.as_ref(), &sample_weight);
    let classes = counted(py, y_true.0.len(), || scores.per_class(&y_true.0, &y_pred.0))?;
    let column = |value: fn(&barehand_metrics::ClassScores) -> f64| {
        classes.iter().map(value).collect::<Vec<f64>>().into_pyarray(py)
    };
    Ok((column(|c| c.hits), column(|c| c.predicted), column(|c| c.support)))
}

/// The Jaccard index, and whether it is undefined somewhere.
#[pyfunction]
fn jaccard<'py>(
    py: Python<'py>,
    y_true: Labels,
    y_pred: Labels,
    labels: Option<Vec<i64>>,
    average: Option<&str>,
    sample_weight: Weights,
    class_weight: Option<Vec<f64>>,
    otherwise: f64,
) -> Result<(Score<'py>, bool)> {
    let scores = per_class(labels.as_ref(), &sample_weight);
    let (t, p) = (&y_true.0, &y_pred.0);
    let average = match average {
        None => None,
        Some("micro") => Some(Average::Micro),
        Some("weighted") => Some(Average::Weighted),
        Some(_) => Some(Average::Macro),
    };
    let (score, undefined) = counted(py, t.len(), || {
        let nan = scores.zero_division(ZeroDivision::Nan);
        let scores = scores.zero_division(zero_division(otherwise));
        let undefined = if average == Some(Average::Micro) {
            nan.average(t, p, Average::Micro)?.jaccard.is_nan()
        } else {
            nan.per_class(t, p)?.iter().any(|class| class.jaccard.is_nan())
        };
        let score = match (average, &class_weight) {
            (None, _) => Err(scores.per_class(t, p)?.iter().map(|class| class.jaccard).collect::<Vec<f64>>()),
            (_, Some(weights)) => Ok(scores.weighted_by(t, p, weights)?.jaccard),
            (Some(average), None) => Ok(scores.average(t, p, average)?.jaccard),
        };
        Ok((score, undefined))
    })?;
    Ok((score.map_or_else(|each| Score::each(py, each), Score::Mean), undefined))
}

#[pyfunction]
fn zero_one_loss(py: Python<'_>, y_true: Labels, y_pred: Labels, sample_weight: Weights) -> Result<f64> {
    counted(py, y_true.0.len(), || {
        barehand_metrics::zero_one_loss(&y_true.0, &y_pred.0, borrowed(&sample_weight))
    })
}

#[pyfunction]
fn hamming_loss(
    py: Python<'_>,
    y_true: Array<bool>,
    y_pred: Array<bool>,
    sample_weight: Weights,
) -> Result<f64> {
    counted(py, y_true.0.len(), || {
        barehand_metrics::hamming_loss(&y_true.0, &y_pred.0, borrowed(&sample_weight))
    })
}

/// A confusion matrix of weights, 1 each where none are given.
fn confusion(
    y_true: &Labels,
    y_pred: &Labels,
    labels: Option<&[i64]>,
    sample_weight: &Weights,
) -> barehand_tensor::Result<ConfusionMatrix<f64>> {
    match borrowed(sample_weight) {
        Some(weights) => ConfusionMatrix::weighted(&y_true.0, &y_pred.0, weights, labels),
        None => ConfusionMatrix::weighted(&y_true.0, &y_pred.0, &Tensor::ones([y_true.0.len()]), labels),
    }
}

#[pyfunction]
fn matthews(py: Python<'_>, y_true: Labels, y_pred: Labels, sample_weight: Weights) -> Result<f64> {
    counted(py, y_true.0.len(), || Ok(confusion(&y_true, &y_pred, None, &sample_weight)?.matthews()))
}

/// Cohen's kappa, None where it is undefined; and the weight of all samples that were counted.
#[pyfunction]
fn cohen_kappa(
    py: Python<'_>,
    y1: Labels,
    y2: Labels,
    labels: Option<Vec<i64>>,
    weights: Option<&str>,
    sample_weight: Weights,
) -> Result<(Option<f64>, f64)> {
    let weights = match weights {
        None => KappaWeights::None,
        Some("linear") => KappaWeights::Linear,
        Some(_) => KappaWeights::Quadratic,
    };
    counted(py, y1.0.len(), || {
        let matrix = confusion(&y1, &y2, labels.as_deref(), &sample_weight)?;
        Ok((matrix.cohen_kappa(weights), matrix.cells.to_vec().iter().sum()))
    })
}

/// True negatives, false positives, false negatives, true positives; LR+ and LR- where they are defined.
#[pyfunction]
fn likelihood_ratios(
    py: Python<'_>,
    y_true: Labels,
    y_pred: Labels,
    labels: Vec<i64>,
    sample_weight: Weights,
) -> Result<(Vec<f64>, Option<f64>, Option<f64>)> {
    counted(py, y_true.0.len(), || {
        let matrix = confusion(&y_true, &y_pred, Some(&labels), &sample_weight)?;
        let (positive, negative) = matrix.likelihood_ratios();
        Ok((matrix.cells.to_vec(), positive, negative))
    })
}

/// The Brier score, or with `share` how much of the frequencies' score is explained.
#[pyfunction]
fn brier_score(
    py: Python<'_>,
    y_true: Labels,
    y_proba: Floats,
    labels: Vec<i64>,
    sample_weight: Weights,
    half: Option<bool>,
    share: bool,
) -> Result<f64> {
    let mut options = BrierScore::new().labels(&labels);
    if let Some(weights) = borrowed(&sample_weight) {
        options = options.sample_weight(weights);
    }
    if let Some(half) = half {
        options = options.scale_by_half(half);
    }
    each_float!(y_proba, y_proba => {
        counted(py, y_proba.len(), || {
            if share { options.d2(&y_true.0, &y_proba) } else { options.score(&y_true.0, &y_proba) }
        })
    })
}

#[pyfunction]
fn d2_log_loss(
    py: Python<'_>,
    y_true: Labels,
    y_proba: Floats,
    labels: Vec<i64>,
    sample_weight: Weights,
) -> Result<f64> {
    let mut options = LogLoss::new().labels(&labels);
    if let Some(weights) = borrowed(&sample_weight) {
        options = options.sample_weight(weights);
    }
    each_float!(y_proba, y_proba => {
        counted(py, y_proba.len(), || options.d2(&y_true.0, &y_proba))
    })
}

#[pyfunction]
fn hinge_loss(
    py: Python<'_>,
    y_true: Labels,
    decisions: Array<f64>,
    labels: Vec<i64>,
    sample_weight: Weights,
) -> Result<f64> {
    counted(py, decisions.0.len(), || {
        barehand_metrics::hinge_loss(&y_true.0, &decisions.0, Some(&labels), borrowed(&sample_weight))
    })
}

/// The share of positives and the mean probability of each bin that is not empty.
#[pyfunction]
fn calibration_curve<'py>(
    py: Python<'py>,
    y_true: Labels,
    y_prob: Array<f64>,
    pos_label: i64,
    bins: usize,
    quantile: bool,
) -> Result<(Column<'py>, Column<'py>)> {
    let strategy = if quantile { Bins::Quantile } else { Bins::Uniform };
    let curve = counted(py, y_prob.0.len(), || {
        barehand_metrics::calibration_curve(&y_true.0, &y_prob.0, bins, strategy, Some(pos_label))
    })?;
    Ok((curve.prob_true.into_pyarray(py), curve.prob_pred.into_pyarray(py)))
}

pub fn register(metrics: &Bound<'_, PyModule>) -> PyResult<()> {
    metrics.add_function(wrap_pyfunction!(class_counts, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(jaccard, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(zero_one_loss, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(hamming_loss, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(matthews, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(cohen_kappa, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(likelihood_ratios, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(brier_score, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(d2_log_loss, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(hinge_loss, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(calibration_curve, metrics)?)
}
