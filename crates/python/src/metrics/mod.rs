//! Scores for `barehand.metrics`: labels arrive here as int64 codes, what they stood for stays in Python.

mod classification;
mod cluster;
mod curves;
mod ranking;
mod regression;

use barehand_metrics::{
    Accuracy, Average, BalancedAccuracy, ClassificationReport, ConfusionMatrix, LogLoss, NormalizeOver,
    PrecisionRecall, TopKAccuracy, ZeroDivision,
};
use barehand_tensor::{AnyTensor, Element, Tensor};
use numpy::{IntoPyArray, PyArray1, PyUntypedArray};
use pyo3::prelude::*;

use crate::array;
use crate::error::{Failure, Result};
use crate::tensor::released;

/// A NumPy array of `T` as a tensor that looks at its memory.
struct Array<T: Element>(Tensor<T>);

impl<'a, 'py, T: Element> FromPyObject<'a, 'py> for Array<T> {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let given = given.cast::<PyUntypedArray>()?;
        let any = array::from_numpy(&given)?;
        Ok(Array(any.get::<T>().map_err(Failure::from)?))
    }
}

/// Probabilities or scores of classes, of either float type.
struct Floats(AnyTensor);

impl<'a, 'py> FromPyObject<'a, 'py> for Floats {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let given = given.cast::<PyUntypedArray>()?;
        Ok(Floats(array::from_numpy(&given)?))
    }
}

/// Runs a block for scores of either float type.
macro_rules! each_float {
    ($floats:expr, $x:ident => $body:expr) => {
        match $floats.0 {
            barehand_tensor::AnyTensor::F32($x) => $body,
            barehand_tensor::AnyTensor::F64($x) => $body,
            _ => Err(crate::error::Failure::wrong_type("scores of classes are float32 or float64")),
        }
    };
}

use each_float;

type Labels = Array<i64>;
type Weights = Option<Array<f64>>;

/// Counts `n` samples without the interpreter's lock.
fn counted<R: Send>(
    py: Python<'_>,
    n: usize,
    work: impl FnOnce() -> barehand_tensor::Result<R> + Send,
) -> Result<R> {
    Ok(released(py, n, work)?)
}

fn borrowed(weights: &Weights) -> Option<&Tensor<f64>> {
    weights.as_ref().map(|Array(tensor)| tensor)
}

fn zero_division(score: f64) -> ZeroDivision {
    match score {
        0.0 => ZeroDivision::Zero,
        1.0 => ZeroDivision::One,
        _ => ZeroDivision::Nan,
    }
}

#[pyfunction]
fn accuracy(
    py: Python<'_>,
    y_true: Labels,
    y_pred: Labels,
    normalize: bool,
    sample_weight: Weights,
) -> Result<f64> {
    let score = |y_true: &Labels, y_pred: &Labels| {
        let options = Accuracy::new().normalize(normalize);
        match borrowed(&sample_weight) {
            Some(weights) => options.sample_weight(weights).score(&y_true.0, &y_pred.0),
            None => options.score(&y_true.0, &y_pred.0),
        }
    };
    counted(py, y_true.0.len(), || score(&y_true, &y_pred))
}

/// The score, and whether classes were left out of it because they were predicted only.
#[pyfunction]
fn balanced_accuracy(
    py: Python<'_>,
    y_true: Labels,
    y_pred: Labels,
    adjusted: bool,
    sample_weight: Weights,
) -> Result<(f64, bool)> {
    counted(py, y_true.0.len(), || {
        let options = BalancedAccuracy::new().adjusted(adjusted);
        let scores = PrecisionRecall::new();
        let (options, scores) = match borrowed(&sample_weight) {
            Some(weights) => (options.sample_weight(weights), scores.sample_weight(weights)),
            None => (options, scores),
        };
        let classes = scores.per_class(&y_true.0, &y_pred.0)?;
        let score = options.score(&y_true.0, &y_pred.0)?;
        Ok((score, classes.iter().any(|class| class.support == 0.0)))
    })
}

#[pyfunction]
fn confusion_matrix<'py>(
    py: Python<'py>,
    y_true: Labels,
    y_pred: Labels,
    labels: Option<Vec<i64>>,
    sample_weight: Weights,
    normalize: Option<&str>,
) -> Result<Bound<'py, PyAny>> {
    let over = match normalize {
        None => None,
        Some("true") => Some(NormalizeOver::True),
        Some("pred") => Some(NormalizeOver::Predicted),
        Some(_) => Some(NormalizeOver::All),
    };
    let labels = labels.as_deref();
    let cells = counted(py, y_true.0.len(), || {
        let (y_true, y_pred) = (&y_true.0, &y_pred.0);
        let any: AnyTensor = if let Some(weights) = borrowed(&sample_weight) {
            let matrix = ConfusionMatrix::weighted(y_true, y_pred, weights, labels)?;
            over.map_or_else(|| Ok(matrix.cells.clone()), |over| matrix.normalized(over))?.into()
        } else {
            let matrix = match labels {
                Some(labels) => ConfusionMatrix::with_labels(y_true, y_pred, labels)?,
                None => ConfusionMatrix::new(y_true, y_pred)?,
            };
            match over {
                Some(over) => matrix.normalized(over)?.into(),
                None => matrix.cells.into(),
            }
        };
        Ok(any)
    })?;
    // A copy, which its receiver may write to.
    Ok(array::to_numpy(py, &cells)?.call_method0("copy")?)
}

/// Every label that occurs, ascending.
#[pyfunction]
fn labels(py: Python<'_>, y_true: Labels, y_pred: Labels) -> Result<Vec<i64>> {
    let classes = counted(py, y_true.0.len(), || PrecisionRecall::new().per_class(&y_true.0, &y_pred.0))?;
    Ok(classes.iter().map(|class| class.label).collect())
}

/// Whether precision, recall and F are undefined somewhere: what `zero_division` decides, and a user is warned of.
type Undefined = (bool, bool, bool);

fn undefined(
    scores: PrecisionRecall,
    y_true: &Labels,
    y_pred: &Labels,
    micro: bool,
) -> barehand_tensor::Result<Undefined> {
    let scores = scores.zero_division(ZeroDivision::Nan);
    if micro {
        let mean = scores.average(&y_true.0, &y_pred.0, Average::Micro)?;
        return Ok((mean.precision.is_nan(), mean.recall.is_nan(), mean.f_beta.is_nan()));
    }
    let classes = scores.per_class(&y_true.0, &y_pred.0)?;
    Ok((
        classes.iter().any(|class| class.precision.is_nan()),
        classes.iter().any(|class| class.recall.is_nan()),
        classes.iter().any(|class| class.f_beta.is_nan()),
    ))
}

/// A score of each class (or column, or output), or one for all.
#[derive(IntoPyObject)]
enum Score<'py> {
    Each(Bound<'py, PyArray1<f64>>),
    Mean(f64),
}

impl<'py> Score<'py> {
    fn each(py: Python<'py>, scores: Vec<f64>) -> Self {
        Score::Each(scores.into_pyarray(py))
    }
}

#[pyfunction]
fn precision_recall<'py>(
    py: Python<'py>,
    y_true: Labels,
    y_pred: Labels,
    beta: f64,
    labels: Option<Vec<i64>>,
    average: Option<&str>,
    sample_weight: Weights,
    class_weight: Option<Vec<f64>>,
    otherwise: f64,
) -> Result<(Score<'py>, Score<'py>, Score<'py>, Option<Bound<'py, PyArray1<f64>>>, Undefined)> {
    let average = match average {
        None => None,
        Some("micro") => Some(Average::Micro),
        Some("macro") => Some(Average::Macro),
        Some(_) => Some(Average::Weighted),
    };
    let mut scores = PrecisionRecall::new().beta(beta).zero_division(zero_division(otherwise));
    if let Some(labels) = &labels {
        scores = scores.labels(labels);
    }
    if let Some(weights) = borrowed(&sample_weight) {
        scores = scores.sample_weight(weights);
    }
    let (classes, mean, undefined) = counted(py, y_true.0.len(), || {
        let (p, r, f) = undefined(scores, &y_true, &y_pred, average == Some(Average::Micro))?;
        // At the ends F is precision or recall, and says nothing of its own.
        let undefined = (p, r, f && beta > 0.0 && beta.is_finite());
        Ok(match average {
            None => (scores.per_class(&y_true.0, &y_pred.0)?, None, undefined),
            Some(average) => {
                let mean = match &class_weight {
                    Some(weights) => scores.weighted_by(&y_true.0, &y_pred.0, weights)?,
                    None => scores.average(&y_true.0, &y_pred.0, average)?,
                };
                (Vec::new(), Some(mean), undefined)
            }
        })
    })?;
    if let Some(mean) = mean {
        let [precision, recall, f_beta] = [mean.precision, mean.recall, mean.f_beta].map(Score::Mean);
        return Ok((precision, recall, f_beta, None, undefined));
    }
    let each = |score: fn(&barehand_metrics::ClassScores) -> f64| {
        classes.iter().map(score).collect::<Vec<f64>>().into_pyarray(py)
    };
    Ok((
        Score::Each(each(|class| class.precision)),
        Score::Each(each(|class| class.recall)),
        Score::Each(each(|class| class.f_beta)),
        Some(each(|class| class.support)),
        undefined,
    ))
}

type Row = (String, f64, f64, f64, f64);

/// The text; name, precision, recall, F1 and support of each class and of the micro, macro and weighted averages; the
/// accuracy, where the micro average is one.
#[pyfunction]
fn classification_report(
    py: Python<'_>,
    y_true: Labels,
    y_pred: Labels,
    labels: Option<Vec<i64>>,
    names: Vec<String>,
    sample_weight: Weights,
    digits: usize,
    otherwise: f64,
    samples_avg: Option<(f64, f64, f64)>,
) -> Result<(String, Vec<Row>, Option<f64>, Undefined)> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut options =
        ClassificationReport::options().names(&names).digits(digits).zero_division(zero_division(otherwise));
    if let Some((precision, recall, f1)) = samples_avg {
        options = options.samples_avg(precision, recall, f1);
    }
    let mut scores = PrecisionRecall::new();
    if let Some(labels) = &labels {
        (options, scores) = (options.labels(labels), scores.labels(labels));
    }
    if let Some(weights) = borrowed(&sample_weight) {
        (options, scores) = (options.sample_weight(weights), scores.sample_weight(weights));
    }
    let (report, undefined) = counted(py, y_true.0.len(), || {
        let report = options.build(&y_true.0, &y_pred.0)?;
        Ok((report, undefined(scores, &y_true, &y_pred, false)?))
    })?;
    let rows = (report.classes.iter())
        .chain([&report.micro_avg, &report.macro_avg, &report.weighted_avg])
        .chain(&report.samples_avg)
        .map(|row| (row.name.clone(), row.precision, row.recall, row.f1, row.support));
    Ok((report.to_string(), rows.collect(), report.accuracy, undefined))
}

#[pyfunction]
fn log_loss(
    py: Python<'_>,
    y_true: Labels,
    y_proba: Floats,
    normalize: bool,
    labels: Vec<i64>,
    sample_weight: Weights,
) -> Result<f64> {
    let mut options = LogLoss::new().normalize(normalize).labels(&labels);
    if let Some(weights) = borrowed(&sample_weight) {
        options = options.sample_weight(weights);
    }
    each_float!(y_proba, y_proba => {
        counted(py, y_proba.len(), || options.score(&y_true.0, &y_proba))
    })
}

#[pyfunction]
fn top_k_accuracy(
    py: Python<'_>,
    y_true: Labels,
    y_score: Floats,
    k: usize,
    normalize: bool,
    labels: Vec<i64>,
    sample_weight: Weights,
) -> Result<f64> {
    let mut options = TopKAccuracy::new(k).normalize(normalize).labels(&labels);
    if let Some(weights) = borrowed(&sample_weight) {
        options = options.sample_weight(weights);
    }
    each_float!(y_score, y_score => {
        counted(py, y_score.len(), || options.score(&y_true.0, &y_score))
    })
}

/// The functions in a module of their own: what lies in `_barehand` itself lies in `barehand` too.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let metrics = PyModule::new(module.py(), "_metrics")?;
    metrics.add_function(wrap_pyfunction!(accuracy, &metrics)?)?;
    metrics.add_function(wrap_pyfunction!(balanced_accuracy, &metrics)?)?;
    metrics.add_function(wrap_pyfunction!(confusion_matrix, &metrics)?)?;
    metrics.add_function(wrap_pyfunction!(labels, &metrics)?)?;
    metrics.add_function(wrap_pyfunction!(precision_recall, &metrics)?)?;
    metrics.add_function(wrap_pyfunction!(classification_report, &metrics)?)?;
    metrics.add_function(wrap_pyfunction!(log_loss, &metrics)?)?;
    metrics.add_function(wrap_pyfunction!(top_k_accuracy, &metrics)?)?;
    classification::register(&metrics)?;
    cluster::register(&metrics)?;
    curves::register(&metrics)?;
    ranking::register(&metrics)?;
    regression::register(&metrics)?;
    module.add_submodule(&metrics)
}
