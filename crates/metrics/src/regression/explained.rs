//! How much of the targets' spread predictions explain.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::{Regression, mean_of_outputs};

/// What is left unexplained and what there was to explain, of each output: `1 - left / whole` is the score.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explained {
    /// What predictions leave.
    pub left: Vec<f64>,
    /// What the best constant leaves.
    pub whole: Vec<f64>,
}

impl Explained {
    /// `1 - left / whole` of each output. Constant targets would divide by 0: with `force_finite` they score 1 where nothing
    /// is left, else 0; without it NaN and negative infinity.
    pub fn scores(&self, force_finite: bool) -> Vec<f64> {
        let score = |(&left, &whole): (&f64, &f64)| {
            if !force_finite || (left != 0.0 && whole != 0.0) {
                1.0 - left / whole
            } else if left == 0.0 {
                1.0
            } else {
                0.0
            }
        };
        self.left.iter().zip(&self.whole).map(score).collect()
    }

    /// The mean score of the outputs, weighted by what there was to explain of each; the plain mean where there was nothing.
    pub fn variance_weighted(&self, force_finite: bool) -> Result<f64> {
        let weights = self.whole.iter().any(|&whole| whole != 0.0).then_some(self.whole.as_slice());
        mean_of_outputs(&self.scores(force_finite), weights)
    }
}

impl Regression {
    /// R squared, the coefficient of determination: `left = sum w (y - p)^2`, `whole = sum w (y - mean y)^2`. Source:
    /// scikit-learn's `r2_score`.
    ///
    /// # Errors
    /// Fewer than two samples.
    pub fn r2(&self) -> Result<Explained> {
        self.two_samples("r2")?;
        let whole = |output| {
            let mean = self.mean_at(output, |t, _| t);
            self.sum_at(output, |t, _| (t - mean) * (t - mean))
        };
        let left = |output| self.sum_at(output, |t, p| (t - p) * (t - p));
        Ok(Explained {
            left: (0..self.outputs).map(left).collect(),
            whole: (0..self.outputs).map(whole).collect(),
        })
    }

    /// Explained variance: `left = var (y - p)`, `whole = var y`. A constant shift of all predictions costs nothing, unlike
    /// in R squared. Source: scikit-learn's `explained_variance_score`.
    pub fn explained_variance(&self) -> Explained {
        let variance = |output: usize, value: &dyn Fn(f64, f64) -> f64| {
            let mean = self.mean_at(output, value);
            self.mean_at(output, |t, p| (value(t, p) - mean).powi(2))
        };
        Explained {
            left: (0..self.outputs).map(|k| variance(k, &|t, p| t - p)).collect(),
            whole: (0..self.outputs).map(|k| variance(k, &|t, _| t)).collect(),
        }
    }

    pub(super) fn two_samples(&self, operation: &str) -> Result<()> {
        if self.samples < 2 {
            return Err(Error::value(operation, "not defined for fewer than two samples"));
        }
        Ok(())
    }
}

/// R squared of targets and predictions `(N)`, or `(N, K)` averaged over outputs:
///
/// ```text
/// R^2 = 1 - sum (y - p)^2 / sum (y - mean y)^2
/// ```
///
/// 1 is perfect, 0 as good as the mean, and it may be negative. Constant targets score 1 if they are met and 0 if not.
/// [`Regression::r2`] has weights and single outputs.
///
/// ```
/// use barehand_tensor::Tensor;
/// let (y_true, y_pred) = (Tensor::from([1.0, 2.0, 3.0]), Tensor::from([1.0, 2.0, 4.0f64]));
/// assert_eq!(barehand_metrics::r2(&y_true, &y_pred)?, 0.5);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`], or where there are fewer than two samples.
pub fn r2<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    mean_of_outputs(&Regression::new(y_true, y_pred)?.r2()?.scores(true), None)
}

/// Explained variance: `1 - var(y - p) / var(y)`.
///
/// # Errors
/// As [`Regression::new`].
pub fn explained_variance<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    mean_of_outputs(&Regression::new(y_true, y_pred)?.explained_variance().scores(true), None)
}
