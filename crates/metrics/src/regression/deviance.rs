//! Deviances of the Tweedie family: how unlikely targets are, if predictions are the means they were drawn with.

use barehand_tensor::{Error, Float, Result, Tensor};

use super::Regression;

const OPERATION: &str = "mean_tweedie_deviance";

impl Regression {
    /// The mean deviance of a Tweedie distribution of this power, of one output:
    ///
    /// ```text
    /// power 0 (normal):   (y - p)^2
    /// power 1 (Poisson):  2 (y ln(y / p) - y + p)
    /// power 2 (gamma):    2 (ln(p / y) + y / p - 1)
    /// otherwise:          2 (max(y, 0)^(2-a) / ((1-a)(2-a)) - y p^(1-a) / (1-a) + p^(2-a) / (2-a))
    /// ```
    ///
    /// Source: scikit-learn's `mean_tweedie_deviance`.
    ///
    /// # Errors
    /// `power` lies between 0 and 1, there are several outputs, or numbers are outside the distribution's domain.
    pub fn mean_tweedie_deviance(&self, power: f64) -> Result<f64> {
        self.check_tweedie(power)?;
        Ok(self.mean_at(0, |t, p| deviance(t, p, power)))
    }

    /// The share of the mean's deviance that predictions explain. Source: scikit-learn's `d2_tweedie_score`.
    ///
    /// # Errors
    /// As [`Regression::mean_tweedie_deviance`], or where there are fewer than two samples.
    pub fn d2_tweedie(&self, power: f64) -> Result<f64> {
        self.two_samples("d2_tweedie")?;
        let left = self.mean_tweedie_deviance(power)?;
        let mean = self.mean_at(0, |t, _| t);
        Ok(1.0 - left / self.mean_at(0, |t, _| deviance(t, mean, power)))
    }

    fn check_tweedie(&self, power: f64) -> Result<()> {
        let fail = |text: String| Err(Error::value(OPERATION, text));
        if self.outputs > 1 {
            return Err(Error::shape(OPERATION, format!("one output expected, found {}", self.outputs)));
        }
        if power.is_nan() || (power > 0.0 && power < 1.0) {
            return fail(format!("no distribution has power {power}"));
        }
        for (t, p) in self.output(0) {
            if power != 0.0 && p <= 0.0 {
                return fail(format!("power {power} needs positive predictions, found {p}"));
            }
            if (power >= 2.0 && t <= 0.0) || (power >= 1.0 && t < 0.0) {
                let kind = if power >= 2.0 { "positive" } else { "non-negative" };
                return fail(format!("power {power} needs {kind} targets, found {t}"));
            }
        }
        Ok(())
    }
}

fn deviance(t: f64, p: f64, power: f64) -> f64 {
    let a = power;
    if a == 0.0 {
        (t - p) * (t - p)
    } else if a == 1.0 {
        let surprise = if t == 0.0 { 0.0 } else { t * (t / p).ln() };
        2.0 * (surprise - t + p)
    } else if a == 2.0 {
        2.0 * ((p / t).ln() + t / p - 1.0)
    } else {
        let t_power = if a < 0.0 { t.max(0.0) } else { t }.powf(2.0 - a);
        2.0 * (t_power / ((1.0 - a) * (2.0 - a)) - t * p.powf(1.0 - a) / (1.0 - a)
            + p.powf(2.0 - a) / (2.0 - a))
    }
}

/// The mean deviance of a Tweedie distribution of this power; targets and predictions `(N)`.
///
/// ```
/// use barehand_tensor::Tensor;
/// let (y_true, y_pred) = (Tensor::from([2.0, 0.0, 1.0, 4.0]), Tensor::from([0.5, 0.5, 2.0, 2.0f64]));
/// assert!((barehand_metrics::mean_tweedie_deviance(&y_true, &y_pred, 1.0)? - 1.4260151319598084).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Regression::new`] and [`Regression::mean_tweedie_deviance`].
pub fn mean_tweedie_deviance<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>, power: f64) -> Result<f64> {
    Regression::new(y_true, y_pred)?.mean_tweedie_deviance(power)
}

/// The mean Poisson deviance, `mean 2 (y ln(y / p) - y + p)`.
///
/// # Errors
/// As [`mean_tweedie_deviance`].
pub fn mean_poisson_deviance<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    mean_tweedie_deviance(y_true, y_pred, 1.0)
}

/// The mean gamma deviance, `mean 2 (ln(p / y) + y / p - 1)`.
///
/// # Errors
/// As [`mean_tweedie_deviance`].
pub fn mean_gamma_deviance<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>) -> Result<f64> {
    mean_tweedie_deviance(y_true, y_pred, 2.0)
}

/// The share of the mean's Tweedie deviance that predictions explain.
///
/// # Errors
/// As [`Regression::new`] and [`Regression::d2_tweedie`].
pub fn d2_tweedie<T: Float>(y_true: &Tensor<T>, y_pred: &Tensor<T>, power: f64) -> Result<f64> {
    Regression::new(y_true, y_pred)?.d2_tweedie(power)
}
