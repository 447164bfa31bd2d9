//! Scores of predicted numbers.

use barehand_metrics::{Explained, Regression, mean_of_outputs};
use pyo3::prelude::*;

use super::{Array, Score, Weights, borrowed, counted};
use crate::error::Result;

/// How several outputs become one number.
enum Outputs {
    Raw,
    Uniform,
    VarianceWeighted,
    Weighted(Vec<f64>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Outputs {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let Ok(name) = given.extract::<String>() else {
            return Ok(Outputs::Weighted(given.extract()?));
        };
        Ok(match name.as_str() {
            "raw_values" => Outputs::Raw,
            "variance_weighted" => Outputs::VarianceWeighted,
            _ => Outputs::Uniform,
        })
    }
}

fn samples(
    y_true: &Array<f64>,
    y_pred: &Array<f64>,
    weight: &Weights,
) -> barehand_tensor::Result<Regression> {
    let scores = Regression::new(&y_true.0, &y_pred.0)?;
    match borrowed(weight) {
        Some(weights) => scores.sample_weight(weights),
        None => Ok(scores),
    }
}

fn joined(py: Python<'_>, errors: Vec<f64>, outputs: Outputs) -> Result<Score<'_>> {
    Ok(match outputs {
        Outputs::Raw => Score::each(py, errors),
        Outputs::Weighted(weights) => Score::Mean(mean_of_outputs(&errors, Some(&weights))?),
        Outputs::Uniform | Outputs::VarianceWeighted => Score::Mean(mean_of_outputs(&errors, None)?),
    })
}

/// An error of each output, or one for all; `parameter` is the pinball loss's alpha.
#[pyfunction]
fn regression_error<'py>(
    py: Python<'py>,
    name: &str,
    y_true: Array<f64>,
    y_pred: Array<f64>,
    sample_weight: Weights,
    outputs: Outputs,
    parameter: f64,
) -> Result<Score<'py>> {
    let errors = counted(py, y_true.0.len(), || {
        let scores = samples(&y_true, &y_pred, &sample_weight)?;
        Ok(match name {
            "mean_squared_error" => scores.mean_squared_error(),
            "root_mean_squared_error" => scores.root_mean_squared_error(),
            "mean_absolute_error" => scores.mean_absolute_error(),
            "mean_absolute_percentage_error" => scores.mean_absolute_percentage_error(),
            "median_absolute_error" => scores.median_absolute_error(),
            "mean_squared_log_error" => scores.mean_squared_log_error()?,
            "root_mean_squared_log_error" => scores.root_mean_squared_log_error()?,
            "max_error" => scores.max_error(),
            "mean_pinball_loss" => scores.mean_pinball_loss(parameter)?,
            _ => {
                return Err(barehand_tensor::Error::value("regression_error", format!("there is no {name}")));
            }
        })
    })?;
    joined(py, errors, outputs)
}

/// What predictions explain of each output, or one share for all; `parameter` is the pinball loss's alpha.
#[pyfunction]
fn regression_share<'py>(
    py: Python<'py>,
    name: &str,
    y_true: Array<f64>,
    y_pred: Array<f64>,
    sample_weight: Weights,
    outputs: Outputs,
    force_finite: bool,
    parameter: f64,
) -> Result<Score<'py>> {
    let explained: Explained = counted(py, y_true.0.len(), || {
        let scores = samples(&y_true, &y_pred, &sample_weight)?;
        match name {
            "r2_score" => scores.r2(),
            "explained_variance_score" => Ok(scores.explained_variance()),
            "d2_pinball_score" => scores.d2_pinball(parameter),
            _ => Err(barehand_tensor::Error::value("regression_share", format!("there is no {name}"))),
        }
    })?;
    if matches!(outputs, Outputs::VarianceWeighted) {
        return Ok(Score::Mean(explained.variance_weighted(force_finite)?));
    }
    joined(py, explained.scores(force_finite), outputs)
}

/// The mean Tweedie deviance, or with `share` what predictions explain of it.
#[pyfunction]
fn tweedie(
    py: Python<'_>,
    y_true: Array<f64>,
    y_pred: Array<f64>,
    sample_weight: Weights,
    power: f64,
    share: bool,
) -> Result<f64> {
    counted(py, y_true.0.len(), || {
        let scores = samples(&y_true, &y_pred, &sample_weight)?;
        if share { scores.d2_tweedie(power) } else { scores.mean_tweedie_deviance(power) }
    })
}

pub fn register(metrics: &Bound<'_, PyModule>) -> PyResult<()> {
    metrics.add_function(wrap_pyfunction!(regression_error, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(regression_share, metrics)?)?;
    metrics.add_function(wrap_pyfunction!(tweedie, metrics)?)
}
