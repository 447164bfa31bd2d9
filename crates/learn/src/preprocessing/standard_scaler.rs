//! Columns of mean 0 and standard deviation 1.

use std::any::Any;

use barehand_tensor::{Float, Result, Tensor};

use crate::dynamic::{Estimator, Features, Model, Target};
use crate::estimator::{Fit, FitWeighted, InverseTransform, Transform};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::Record;
use crate::validate;

/// Takes the mean out of every column and divides by its standard deviation.
///
/// ```text
/// z = (x - mean) / sqrt(var),  var = sum_i w_i (x_i - mean)^2 / sum_i w_i
/// ```
///
/// A column that does not vary is divided by 1. Source: scikit-learn's `StandardScaler`.
///
/// ```
/// use barehand_learn::{InverseTransform, Transform, preprocessing::StandardScaler};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0, 5.0], [2.0, 5.0f64]]);
/// let scaler = StandardScaler::new().fit(&x)?;
/// let z = scaler.transform(&x)?;
/// assert_eq!(z, Tensor::from([[-1.0, 0.0], [1.0, 0.0]]));
/// assert_eq!(scaler.inverse_transform(&z)?, x);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StandardScaler {
    with_mean: bool,
    with_std: bool,
}

impl Default for StandardScaler {
    fn default() -> Self {
        StandardScaler { with_mean: true, with_std: true }
    }
}

impl StandardScaler {
    /// Both the mean and the deviation.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to take the mean out (default: yes).
    pub fn with_mean(mut self, with_mean: bool) -> Self {
        self.with_mean = with_mean;
        self
    }

    /// Whether to divide by the deviation (default: yes).
    pub fn with_std(mut self, with_std: bool) -> Self {
        self.with_std = with_std;
        self
    }

    /// The scaler of features `(N, D)`.
    ///
    /// # Errors
    /// `x` is no matrix, is empty, or holds NaN or infinity.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedStandardScaler<T>> {
        self.fitted(x, None)
    }

    fn fitted<T: Float>(
        &self,
        x: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedStandardScaler<T>> {
        const OPERATION: &str = "StandardScaler::fit";
        let (n, d) = validate::matrix(OPERATION, x)?;
        validate::finite(OPERATION, x)?;
        let weights = validate::weights(OPERATION, sample_weight, n)?;
        let total: f64 = weights.iter().sum();
        let rows = x.to_vec();
        let mut mean = vec![0.0; d];
        for (row, &weight) in rows.chunks_exact(d).zip(&weights) {
            for (sum, &value) in mean.iter_mut().zip(row) {
                *sum += weight * value.to_f64();
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= total);
        let mut var = vec![0.0; d];
        for (row, &weight) in rows.chunks_exact(d).zip(&weights) {
            for ((sum, &value), mean) in var.iter_mut().zip(row).zip(&mean) {
                *sum += weight * (value.to_f64() - mean).powi(2);
            }
        }
        var.iter_mut().for_each(|sum| *sum /= total);
        Ok(FittedStandardScaler {
            with_mean: self.with_mean,
            with_std: self.with_std,
            mean: to_tensor(&mean),
            var: to_tensor(&var),
        })
    }
}

fn to_tensor<T: Float>(values: &[f64]) -> Tensor<T> {
    values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>().into()
}

impl<T: Float> Fit<Tensor<T>> for StandardScaler {
    type Fitted = FittedStandardScaler<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted(x, None)
    }
}

impl<T: Float> FitWeighted<Tensor<T>> for StandardScaler {
    fn fit_weighted(&self, x: &Tensor<T>, (): &(), sample_weight: &Tensor<f64>) -> Result<Self::Fitted> {
        self.fitted(x, Some(sample_weight))
    }
}

impl<T: Float> Estimator<T> for StandardScaler {
    fn name(&self) -> &'static str {
        "StandardScaler"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        Ok(Box::new(self.fitted(x.dense("StandardScaler")?, sample_weight)?))
    }
}

/// What [`StandardScaler`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedStandardScaler<T: Float> {
    with_mean: bool,
    with_std: bool,
    mean: Tensor<T>,
    var: Tensor<T>,
}

impl<T: Float> FittedStandardScaler<T> {
    /// Mean of each column, `(D)`.
    pub fn mean(&self) -> &Tensor<T> {
        &self.mean
    }

    /// Variance of each column, `(D)`.
    pub fn var(&self) -> &Tensor<T> {
        &self.var
    }

    /// What each column is divided by, `(D)`.
    ///
    /// # Errors
    /// None.
    pub fn scale(&self) -> Result<Tensor<T>> {
        let constant = self.var.le(&Tensor::scalar(T::ZERO))?;
        self.var.sqrt()?.masked_fill(&constant, T::ONE)
    }
}

impl<T: Float> Transform<Tensor<T>> for FittedStandardScaler<T> {
    type Output = Tensor<T>;

    fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        validate::matrix_of("StandardScaler::transform", x, self.mean.len())?;
        let centered = if self.with_mean { x.sub(&self.mean)? } else { x.clone() };
        if self.with_std { centered.div(&self.scale()?) } else { Ok(centered) }
    }
}

impl<T: Float> InverseTransform<Tensor<T>> for FittedStandardScaler<T> {
    type Output = Tensor<T>;

    fn inverse_transform(&self, z: &Tensor<T>) -> Result<Tensor<T>> {
        validate::matrix_of("StandardScaler::inverse_transform", z, self.mean.len())?;
        let scaled = if self.with_std { z.mul(&self.scale()?)? } else { z.clone() };
        if self.with_mean { scaled.add(&self.mean) } else { Ok(scaled) }
    }
}

impl<T: Float> Persist for FittedStandardScaler<T> {
    const NAME: &'static str = "StandardScaler";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("with_mean", self.with_mean)
            .with("with_std", self.with_std)
            .with("mean", field(&self.mean))
            .with("var", field(&self.var))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let mean = record.tensor::<T>("mean")?;
        let columns = mean.len();
        if columns == 0 {
            return Err(record.error("has no columns"));
        }
        Ok(FittedStandardScaler {
            with_mean: record.bool("with_mean")?,
            with_std: record.bool("with_std")?,
            mean: record.tensor_of("mean", &[columns])?,
            var: record.tensor_of("var", &[columns])?,
        })
    }
}

impl<T: Float> Model<T> for FittedStandardScaler<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.mean.len()
    }

    fn transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
        Ok(self.transform(x.dense(Self::NAME)?)?.into())
    }

    fn inverse_transform_any(&self, z: &Features<T>) -> Result<Features<T>> {
        Ok(self.inverse_transform(z.dense(Self::NAME)?)?.into())
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
