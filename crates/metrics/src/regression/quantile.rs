//! Scores of predicted quantiles.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::explained::Explained;
use super::{Regression, mean_of_outputs, plain};

impl Regression {
    /// The pinball loss of each output: `mean of a (y - p) where y >= p, (1 - a) (p - y) elsewhere`. Source: scikit-learn's
    /// `mean_pinball_loss`.
    ///
    /// # Errors
    /// `alpha` is outside `[0, 1]`.
    pub fn mean_pinball_loss(&self, alpha: f64) -> Result<Vec<f64>> {
        check_alpha(alpha)?;
        Ok(self.means(|t, p| pinball(t, p, alpha)))
    }

    /// The share of the pinball loss of the best constant, the `alpha` quantile, that predictions explain. Source:
    /// scikit-learn's `d2_pinball_score`.
    ///
    /// # Errors
    /// `alpha` is outside `[0, 1]`, or there are fewer than two samples.
    pub fn d2_pinball(&self, alpha: f64) -> Result<Explained> {
        check_alpha(alpha)?;
        self.two_samples("d2_pinball")?;
        let ones = vec![1.0; self.samples];
        let whole = |output| {
            let targets: Vec<f64> = self.output(output).map(|(t, _)| t).collect();
            let quantile = weighted_quantile(&targets, self.weights.as_ref().unwrap_or(&ones), alpha);
            self.mean_at(output, |t, _| pinball(t, quantile, alpha))
        };
        let left = |output| self.mean_at(output, |t, p| pinball(t, p, alpha));
        Ok(Explained {
            left: (0..self.outputs).map(left).collect(),
            whole: (0..self.outputs).map(whole).collect(),
        })
    }
}

fn pinball(t: f64, p: f64, alpha: f64) -> f64 {
    if t >= p { alpha * (t - p) } else { (1.0 - alpha) * (p - t) }
}

fn check_alpha(alpha: f64) -> Result<()> {
    if (0.0..=1.0).contains(&alpha) {
        return Ok(());
    }
    Err(Error::value("mean_pinball_loss", format!("alpha lies in [0, 1], not {alpha}")))
}

/// The pinball loss of predictions of the `alpha` quantile; half the mean absolute error at 1/2.
///
/// ```
/// use barehand_tensor::Tensor;
/// let (y_true, y_pred) = (Tensor::from([1.0, 2.0, 3.0]), Tensor::from([0.0, 2.0, 3.0f64]));
/// assert!((barehand_metrics::mean_pinball_loss(&y_true, &y_pred, 0.1)? - 0.1 / 3.0).abs() < 1e-16);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`] and [`Regression::mean_pinball_loss`].
pub fn mean_pinball_loss<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>, alpha: f64) -> Result<f64> {
    plain(y_true, y_pred, |scores| scores.mean_pinball_loss(alpha))
}

/// The share of the best constant's pinball loss that predictions explain.
///
/// # Errors
/// As [`Regression::new`] and [`Regression::d2_pinball`].
pub fn d2_pinball<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>, alpha: f64) -> Result<f64> {
    mean_of_outputs(&Regression::new(y_true, y_pred)?.d2_pinball(alpha)?.scores(true), None)
}

/// The share of the median's absolute error that predictions explain: [`d2_pinball`] at 1/2.
///
/// # Errors
/// As [`Regression::new`], or where there are fewer than two samples.
pub fn d2_absolute_error<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    d2_pinball(y_true, y_pred, 0.5)
}

/// The smallest value up to which at least `share` of the weight lies; where exactly that share does, the mean of it and the
/// next value that has weight.
pub(super) fn weighted_quantile(values: &[f64], weights: &[f64], share: f64) -> f64 {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut below = 0.0;
    let sums: Vec<f64> = order
        .iter()
        .map(|&i| {
            below += weights[i];
            below
        })
        .collect();
    // At share 0 the first value with weight.
    let wanted = (share * below).max(5e-324);
    let last = order.len() - 1;
    let at = sums.partition_point(|&sum| sum < wanted).min(last);
    let value = values[order[at]];
    if sums[at] - wanted > f64::EPSILON {
        return value;
    }
    let next = sums.partition_point(|&sum| sum <= sums[at]);
    f64::midpoint(value, values[order[if next > last { at } else { next }]])
}
