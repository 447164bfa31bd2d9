//! How far predicted numbers are off, and how much of the targets' spread they explain.
//!
//! ```text
//! MSE = mean (y - p)^2    RMSE = sqrt MSE    MAE = mean |y - p|    MAPE = mean |y - p| / max(|y|, e)
//! R^2 = 1 - sum (y - p)^2 / sum (y - mean y)^2
//! explained variance = 1 - var(y - p) / var y
//! ```
//!
//! Variances divide by the number of samples. Constant targets explain nothing: R^2 is 1 where they are met and 0 where not.
//! scikit-learn: `mean_squared_error`, `mean_absolute_error`, `r2_score`, ...

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The scores of predictions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegressionScores {
    /// The mean squared error.
    pub mse: f64,
    /// The mean absolute error.
    pub mae: f64,
    /// The mean absolute error as a share of the targets.
    pub mape: f64,
    /// The coefficient of determination.
    pub r2: f64,
    /// R squared, a constant shift forgiven.
    pub explained_variance: f64,
}

/// The scores of targets and predictions `(N)`.
pub fn regression_scores(target: &[f64], predicted: &[f64], trace: &mut Trace) -> Result<RegressionScores> {
    const OPERATION: &str = "regression_scores";
    if target.len() != predicted.len() || target.is_empty() {
        let message = format!("{} targets and {} predictions", target.len(), predicted.len());
        return Err(Error::new(OPERATION, message));
    }
    if let Some(x) = target.iter().chain(predicted).find(|x| !x.is_finite()) {
        return Err(Error::new(OPERATION, format!("{x} is not a finite number")));
    }
    let n = target.len() as f64;
    let mean = |x: &Array| x.sum() / n;
    trace.section("errors");
    let (y, p) = (Array::vector(target), Array::vector(predicted));
    let error = trace.step("error", "y - p", y.zip(&p, |y, p| y - p)?);
    let mse = trace.number("MSE", "mean error^2", mean(&error.map(|e| e * e)));
    trace.number("RMSE", "sqrt MSE", mse.sqrt());
    let mae = trace.number("MAE", "mean |error|", mean(&error.map(f64::abs)));
    let shares = error.zip(&y, |e, y| e.abs() / y.abs().max(f64::EPSILON))?;
    let mape = trace.number("MAPE", "mean |error| / max(|y|, e)", mean(&shares));
    trace.section("what is explained");
    let share = |left: f64, whole: f64| {
        if whole != 0.0 {
            1.0 - left / whole
        } else if left == 0.0 {
            1.0
        } else {
            0.0
        }
    };
    let centre = trace.number("mean", "mean y", mean(&y));
    let whole = trace.number("var y", "mean (y - mean y)^2", mean(&y.map(|y| (y - centre).powi(2))));
    let r2 = trace.number("R2", "1 - MSE / var y", share(mse, whole));
    let shift = trace.number("shift", "mean error", mean(&error));
    let left = mean(&error.map(|e| (e - shift).powi(2)));
    let left = trace.number("var error", "mean (error - shift)^2", left);
    let explained_variance = trace.number("explained variance", "1 - var error / var y", share(left, whole));
    Ok(RegressionScores { mse, mae, mape, r2, explained_variance })
}
