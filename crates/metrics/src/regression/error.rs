//! How far predictions are off.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::{Regression, plain};
use crate::regression::quantile::weighted_quantile;

impl Regression {
    /// `mean (y - p)^2` of each output. Source: scikit-learn's `mean_squared_error`.
    pub fn mean_squared_error(&self) -> Vec<f64> {
        self.means(|t, p| (t - p) * (t - p))
    }

    /// `sqrt(mean (y - p)^2)` of each output. Source: scikit-learn's `root_mean_squared_error`.
    pub fn root_mean_squared_error(&self) -> Vec<f64> {
        self.mean_squared_error().into_iter().map(f64::sqrt).collect()
    }

    /// `mean |y - p|` of each output. Source: scikit-learn's `mean_absolute_error`.
    pub fn mean_absolute_error(&self) -> Vec<f64> {
        self.means(|t, p| (t - p).abs())
    }

    /// `mean |y - p| / max(|y|, e)` of each output, `e` the machine epsilon of `f64`: a share, not a percentage, and huge
    /// where a target is 0. Source: scikit-learn's `mean_absolute_percentage_error`.
    pub fn mean_absolute_percentage_error(&self) -> Vec<f64> {
        self.means(|t, p| (t - p).abs() / t.abs().max(f64::EPSILON))
    }

    /// `mean (ln(1 + y) - ln(1 + p))^2` of each output. Source: scikit-learn's `mean_squared_log_error`.
    ///
    /// # Errors
    /// A target or prediction is -1 or less.
    pub fn mean_squared_log_error(&self) -> Result<Vec<f64>> {
        for output in 0..self.outputs {
            if let Some((t, p)) = self.output(output).find(|&(t, p)| t <= -1.0 || p <= -1.0) {
                let text = format!("targets and predictions are greater than -1, found {t} and {p}");
                return Err(Error::value("mean_squared_log_error", text));
            }
        }
        Ok(self.means(|t, p| (t.ln_1p() - p.ln_1p()).powi(2)))
    }

    /// The root of [`Regression::mean_squared_log_error`].
    ///
    /// # Errors
    /// A target or prediction is -1 or less.
    pub fn root_mean_squared_log_error(&self) -> Result<Vec<f64>> {
        Ok(self.mean_squared_log_error()?.into_iter().map(f64::sqrt).collect())
    }

    /// The median of `|y - p|` of each output, the mean of the middle two where there are two. Source: scikit-learn's
    /// `median_absolute_error`.
    pub fn median_absolute_error(&self) -> Vec<f64> {
        let median = |output| {
            let mut errors: Vec<f64> = self.output(output).map(|(t, p)| (t - p).abs()).collect();
            if let Some(weights) = &self.weights {
                return weighted_quantile(&errors, weights, 0.5);
            }
            let middle = errors.len() / 2;
            let (below, &mut upper, _) = errors.select_nth_unstable_by(middle, f64::total_cmp);
            if self.samples % 2 == 1 {
                return upper;
            }
            f64::midpoint(below.iter().copied().fold(f64::NEG_INFINITY, f64::max), upper)
        };
        (0..self.outputs).map(median).collect()
    }

    /// The largest `|y - p|` of each output. Source: scikit-learn's `max_error`.
    pub fn max_error(&self) -> Vec<f64> {
        (0..self.outputs).map(|k| self.output(k).map(|(t, p)| (t - p).abs()).fold(0.0, f64::max)).collect()
    }
}

/// `mean (y - p)^2`, of targets and predictions `(N)`, or `(N, K)` averaged over outputs. [`Regression`] has weights and
/// single outputs.
///
/// ```
/// use barehand_tensor::Tensor;
/// let (y_true, y_pred) = (Tensor::from([3.0, -0.5, 2.0, 7.0]), Tensor::from([2.5, 0.0, 2.0, 8.0f64]));
/// assert_eq!(barehand_metrics::mean_squared_error(&y_true, &y_pred)?, 0.375);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`].
pub fn mean_squared_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    plain(y_true, y_pred, |scores| Ok(scores.mean_squared_error()))
}

/// `sqrt(mean (y - p)^2)`, the mean of the outputs' roots.
///
/// # Errors
/// As [`Regression::new`].
pub fn root_mean_squared_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    plain(y_true, y_pred, |scores| Ok(scores.root_mean_squared_error()))
}

/// `mean |y - p|`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let (y_true, y_pred) = (Tensor::from([3.0, -0.5, 2.0, 7.0]), Tensor::from([2.5, 0.0, 2.0, 8.0f64]));
/// assert_eq!(barehand_metrics::mean_absolute_error(&y_true, &y_pred)?, 0.5);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`].
pub fn mean_absolute_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    plain(y_true, y_pred, |scores| Ok(scores.mean_absolute_error()))
}

/// `mean |y - p| / max(|y|, e)`: a share, not a percentage.
///
/// # Errors
/// As [`Regression::new`].
pub fn mean_absolute_percentage_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    plain(y_true, y_pred, |scores| Ok(scores.mean_absolute_percentage_error()))
}

/// `mean (ln(1 + y) - ln(1 + p))^2`.
///
/// # Errors
/// As [`Regression::new`], or where a number is -1 or less.
pub fn mean_squared_log_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    plain(y_true, y_pred, Regression::mean_squared_log_error)
}

/// `sqrt(mean (ln(1 + y) - ln(1 + p))^2)`.
///
/// # Errors
/// As [`mean_squared_log_error`].
pub fn root_mean_squared_log_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    plain(y_true, y_pred, Regression::root_mean_squared_log_error)
}

/// The median of `|y - p|`.
///
/// # Errors
/// As [`Regression::new`].
pub fn median_absolute_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    plain(y_true, y_pred, |scores| Ok(scores.median_absolute_error()))
}

/// The largest `|y - p|` of targets and predictions `(N)`.
///
/// # Errors
/// As [`Regression::new`], or where there are several outputs.
pub fn max_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    let scores = Regression::new(y_true, y_pred)?;
    if scores.outputs() > 1 {
        return Err(Error::shape("max_error", format!("one output expected, found {}", scores.outputs())));
    }
    Ok(scores.max_error()[0])
}
