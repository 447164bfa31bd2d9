//! Curves over thresholds, and areas under them.

use barehand_metrics::{ColumnAverage, Curves, MultiClass, RocAuc, Undefined};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use super::{Array, Floats, Labels, Score, Weights, borrowed, counted, each_float};
use crate::error::Result;

type Column<'py> = Bound<'py, PyArray1<f64>>;
type ThreeColumns<'py> = (Column<'py>, Column<'py>, Column<'py>);

fn options(pos_label: i64, sample_weight: &Weights, drop_intermediate: bool) -> Curves<'_> {
    let options = Curves::new().pos_label(pos_label).drop_intermediate(drop_intermediate);
    match borrowed(sample_weight) {
        Some(weights) => options.sample_weight(weights),
        None => options,
    }
}

fn column_average(name: &str) -> ColumnAverage {
    match name {
        "micro" => ColumnAverage::Micro,
        "macro" => ColumnAverage::Macro,
        "weighted" => ColumnAverage::Weighted,
        _ => ColumnAverage::Samples,
    }
}

/// Every label that occurs, ascending.
#[pyfunction]
fn distinct(py: Python<'_>, labels: Labels) -> Result<Vec<i64>> {
    counted(py, labels.0.len(), || Ok(barehand_metrics::distinct(&labels.0)))
}

#[pyfunction]
fn auc(x: Array<f64>, y: Array<f64>) -> Result<f64> {
    Ok(barehand_metrics::auc(&x.0.to_vec(), &y.0.to_vec())?)
}

/// What one method of `Curves` says of scores of either type.
macro_rules! of_scores {
    ($py:expr, $options:expr, $method:ident, $y_true:expr, $y_score:expr) => {
        each_float!($y_score, y_score => {
            counted($py, y_score.len(), || $options.$method(&$y_true.0, &y_score))
        })?
    };
}

/// True and false positives at each threshold.
#[pyfunction]
fn threshold_counts<'py>(
    py: Python<'py>,
    y_true: Labels,
    y_score: Floats,
    pos_label: i64,
    sample_weight: Weights,
) -> Result<ThreeColumns<'py>> {
    let options = options(pos_label, &sample_weight, false);
    let counts = of_scores!(py, options, counts, y_true, y_score);
    Ok((
        counts.thresholds.into_pyarray(py),
        counts.true_positives.into_pyarray(py),
        counts.false_positives.into_pyarray(py),
    ))
}

/// A function that gives three columns of a curve.
macro_rules! curve {
    ($name:ident, $method:ident, $first:ident, $second:ident) => {
        #[pyfunction]
        fn $name<'py>(
            py: Python<'py>,
            y_true: Labels,
            y_score: Floats,
            pos_label: i64,
            sample_weight: Weights,
            drop_intermediate: bool,
        ) -> Result<ThreeColumns<'py>> {
            let options = options(pos_label, &sample_weight, drop_intermediate);
            let curve = of_scores!(py, options, $method, y_true, y_score);
            Ok((
                curve.$first.into_pyarray(py),
                curve.$second.into_pyarray(py),
                curve.thresholds.into_pyarray(py),
            ))
        }
    };
}

curve!(det_curve, det, false_positive_rate, false_negative_rate);
curve!(roc_curve, roc, false_positive_rate, true_positive_rate);

/// The curve, and whether there are positives.
#[pyfunction]
fn precision_recall_curve<'py>(
    py: Python<'py>,
    y_true: Labels,
    y_score: Floats,
    pos_label: i64,
    sample_weight: Weights,
    drop_intermediate: bool,
) -> Result<(Column<'py>, Column<'py>, Column<'py>, bool)> {
    let options = options(pos_label, &sample_weight, drop_intermediate);
    let curve = of_scores!(py, options, precision_recall, y_true, y_score);
    Ok((
        curve.precision.into_pyarray(py),
        curve.recall.into_pyarray(py),
        curve.thresholds.into_pyarray(py),
        curve.has_positives,
    ))
}

#[pyfunction]
fn average_precision(
    py: Python<'_>,
    y_true: Labels,
    y_score: Floats,
    pos_label: i64,
    sample_weight: Weights,
) -> Result<(f64, bool)> {
    let options = options(pos_label, &sample_weight, false);
    let positives = y_true.0.to_vec().contains(&pos_label);
    let score = of_scores!(py, options, average_precision, y_true, y_score);
    Ok((score, positives))
}

#[pyfunction]
fn average_precision_columns<'py>(
    py: Python<'py>,
    y_true: Array<bool>,
    y_score: Floats,
    average: Option<&str>,
    sample_weight: Weights,
) -> Result<Score<'py>> {
    let options = options(1, &sample_weight, false);
    each_float!(y_score, y_score => {
        match average.map(column_average) {
            None => {
                let each =
                    counted(py, y_score.len(), || options.average_precision_of_columns(&y_true.0, &y_score))?;
                Ok(Score::each(py, each))
            }
            Some(average) => Ok(Score::Mean(counted(py, y_score.len(), || {
                options.multilabel_average_precision(&y_true.0, &y_score, average)
            })?)),
        }
    })
}

fn roc_options<'a>(sample_weight: &'a Weights, max_fpr: Option<f64>) -> RocAuc<'a> {
    let mut options = RocAuc::new().undefined(Undefined::Nan);
    if let Some(weights) = borrowed(sample_weight) {
        options = options.sample_weight(weights);
    }
    if let Some(max_fpr) = max_fpr {
        options = options.max_fpr(max_fpr);
    }
    options
}

/// The area of two labels; NaN where there is one.
#[pyfunction]
fn roc_auc(
    py: Python<'_>,
    y_true: Labels,
    y_score: Floats,
    sample_weight: Weights,
    max_fpr: Option<f64>,
) -> Result<f64> {
    let options = roc_options(&sample_weight, max_fpr);
    each_float!(y_score, y_score => {
        counted(py, y_score.len(), || options.score(&y_true.0, &y_score))
    })
}

/// The area of each class against the rest, or one for all.
#[pyfunction]
fn roc_auc_classes<'py>(
    py: Python<'py>,
    y_true: Labels,
    y_score: Floats,
    labels: Vec<i64>,
    one_vs_one: bool,
    average: Option<&str>,
    sample_weight: Weights,
) -> Result<Score<'py>> {
    let multi_class = if one_vs_one { MultiClass::OneVsOne } else { MultiClass::OneVsRest };
    let options = roc_options(&sample_weight, None).multi_class(multi_class).labels(&labels);
    each_float!(y_score, y_score => {
        match average.map(column_average) {
            None => {
                let each = counted(py, y_score.len(), || options.per_class(&y_true.0, &y_score))?;
                Ok(Score::each(py, each))
            }
            Some(average) => Ok(Score::Mean(counted(py, y_score.len(), || {
                options.average(average).score(&y_true.0, &y_score)
            })?)),
        }
    })
}

/// The area of each column of labels that are set or not, or one for all.
#[pyfunction]
fn roc_auc_columns<'py>(
    py: Python<'py>,
    y_true: Array<bool>,
    y_score: Floats,
    average: Option<&str>,
    sample_weight: Weights,
    max_fpr: Option<f64>,
) -> Result<Score<'py>> {
    let options = roc_options(&sample_weight, max_fpr);
    each_float!(y_score, y_score => {
        match average.map(column_average) {
            None => {
                let each = counted(py, y_score.len(), || options.per_column(&y_true.0, &y_score))?;
                Ok(Score::each(py, each))
            }
            Some(average) => Ok(Score::Mean(counted(py, y_score.len(), || {
                options.average(average).multilabel(&y_true.0, &y_score)
            })?)),
        }
    })
}

pub fn register(metrics: &Bound<'_, PyModule>) -> PyResult<()> {
    metrics.add_function(wrap_pyfunction!(distinct, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(auc, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(threshold_counts, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(roc_curve, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(precision_recall_curve, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(det_curve, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(average_precision, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(average_precision_columns, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(roc_auc, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(roc_auc_classes, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(roc_auc_columns, metrics)?)
}
