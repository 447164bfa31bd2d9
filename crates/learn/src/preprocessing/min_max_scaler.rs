//! Columns within a range.

use std::any::Any;

use barehand_kernels::column_moments::column_extremes;
use barehand_kernels::column_scale::ColumnScale;
use barehand_tensor::{Error, Float, Result, Tensor};

use super::{finite_or_missing, scaled};
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::{Fit, InverseTransform, Transform};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::Record;
use crate::validate;

/// Shifts and scales every column so that its smallest and largest values become the ends of a range.
///
/// ```text
/// z = x scale + min,  scale = (high - low) / (max(x) - min(x)),  min = low - min(x) scale
/// ```
///
/// NaN stands for a value that is not there. A column of one value is divided by 1. Source: scikit-learn's `MinMaxScaler`.
///
/// ```
/// use barehand_learn::{Transform, preprocessing::MinMaxScaler};
/// use barehand_tensor::Tensor;
///
/// let scaler = MinMaxScaler::new().fit(&Tensor::from([[1.0, 5.0], [3.0, 5.0f64]]))?;
/// assert_eq!(scaler.transform(&Tensor::from([[2.0, 5.0], [4.0, 6.0]]))?, Tensor::from([[0.5, 0.0], [1.5, 1.0]]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinMaxScaler {
    low: f64,
    high: f64,
    clip: bool,
}

impl Default for MinMaxScaler {
    fn default() -> Self {
        MinMaxScaler { low: 0.0, high: 1.0, clip: false }
    }
}

const FIT: &str = "MinMaxScaler::fit";
const TRANSFORM: &str = "MinMaxScaler::transform";
const INVERSE: &str = "MinMaxScaler::inverse_transform";

impl MinMaxScaler {
    /// From 0 to 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// The range (default: 0 to 1).
    pub fn feature_range(mut self, low: f64, high: f64) -> Self {
        (self.low, self.high) = (low, high);
        self
    }

    /// Whether values beyond those of `fit` are kept within the range (default: no).
    pub fn clip(mut self, clip: bool) -> Self {
        self.clip = clip;
        self
    }

    /// The scaler of features `(N, D)`.
    ///
    /// # Errors
    /// The range is empty; `x` is no matrix, is empty, or holds infinity.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedMinMaxScaler<T>> {
        let (_, d) = validate::matrix(FIT, x)?;
        let mut fitted = FittedMinMaxScaler::new(*self, vec![T::NAN; d], vec![T::NAN; d], 0)?;
        fitted.partial_fit(x)?;
        Ok(fitted)
    }
}

impl<T: Float> Fit<Tensor<T>> for MinMaxScaler {
    type Fitted = FittedMinMaxScaler<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        MinMaxScaler::fit(self, x)
    }
}

impl<T: Float> Estimator<T> for MinMaxScaler {
    fn name(&self) -> &'static str {
        "MinMaxScaler"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        no_weights(FIT, sample_weight)?;
        Ok(Box::new(MinMaxScaler::fit(self, x.dense(FIT)?)?))
    }

    fn takes_weights(&self) -> bool {
        false
    }
}

/// What [`MinMaxScaler`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedMinMaxScaler<T: Float> {
    scaler: MinMaxScaler,
    seen: usize,
    data_min: Vec<T>,
    data_max: Vec<T>,
    scale: Vec<T>,
    min: Vec<T>,
}

impl<T: Float> FittedMinMaxScaler<T> {
    fn new(scaler: MinMaxScaler, data_min: Vec<T>, data_max: Vec<T>, seen: usize) -> Result<Self> {
        let MinMaxScaler { low, high, .. } = scaler;
        let (from, to) = (T::from_f64(low), T::from_f64(high));
        if !(from < to && from.is_finite() && to.is_finite()) {
            let message =
                format!("the range from {low} to {high} is none: a smaller and a larger number expected");
            return Err(Error::value(FIT, message));
        }
        let scale: Vec<T> = data_min
            .iter()
            .zip(&data_max)
            .map(|(&min, &max)| {
                let range = max - min;
                let ten = T::from_f64(10.0) * T::EPSILON;
                if range < ten { to - from } else { (to - from) / range }
            })
            .collect();
        let min = data_min.iter().zip(&scale).map(|(&min, &scale)| from - min * scale).collect();
        Ok(FittedMinMaxScaler { scaler, seen, data_min, data_max, scale, min })
    }

    /// Learns from more samples, as if they had been among the first.
    ///
    /// # Errors
    /// `x` has another number of columns or holds infinity.
    pub fn partial_fit(&mut self, x: &Tensor<T>) -> Result<()> {
        let n = validate::matrix_of(FIT, x, self.min.len())?;
        let x = x.contiguous();
        let (mut low, mut high) = column_extremes(x.as_slice().unwrap_or_default(), self.min.len());
        if low.iter().chain(&high).any(|value| !value.is_finite()) {
            finite_or_missing(FIT, &x)?;
        }
        for j in 0..low.len() {
            // No value at all, or none before.
            if low[j] > high[j] {
                (low[j], high[j]) = (self.data_min[j], self.data_max[j]);
            } else if !self.data_min[j].is_nan() {
                low[j] = low[j].min(self.data_min[j]);
                high[j] = high[j].max(self.data_max[j]);
            }
        }
        *self = Self::new(self.scaler, low, high, self.seen + n)?;
        Ok(())
    }

    /// The smallest value of each column, `(D)`.
    pub fn data_min(&self) -> &[T] {
        &self.data_min
    }

    /// The largest value of each column, `(D)`.
    pub fn data_max(&self) -> &[T] {
        &self.data_max
    }

    /// What each column is multiplied by, `(D)`.
    pub fn scale(&self) -> &[T] {
        &self.scale
    }

    /// What is added to each column then, `(D)`.
    pub fn min(&self) -> &[T] {
        &self.min
    }

    /// How many samples were seen.
    pub fn samples_seen(&self) -> usize {
        self.seen
    }
}

impl<T: Float> Transform<Tensor<T>> for FittedMinMaxScaler<T> {
    type Output = Tensor<T>;

    fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let MinMaxScaler { low, high, clip } = self.scaler;
        let bounds = clip.then(|| (T::from_f64(low), T::from_f64(high)));
        scaled(TRANSFORM, ColumnScale::MultiplyAdd, x, &self.scale, &self.min, bounds)
    }
}

impl<T: Float> InverseTransform<Tensor<T>> for FittedMinMaxScaler<T> {
    type Output = Tensor<T>;

    fn inverse_transform(&self, z: &Tensor<T>) -> Result<Tensor<T>> {
        scaled(INVERSE, ColumnScale::CenterDivide, z, &self.min, &self.scale, None)
    }
}

impl<T: Float> Persist for FittedMinMaxScaler<T> {
    const NAME: &'static str = "MinMaxScaler";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("low", self.scaler.low)
            .with("high", self.scaler.high)
            .with("clip", self.scaler.clip)
            .with("seen", self.seen)
            .with("data_min", field(&Tensor::from(self.data_min.clone())))
            .with("data_max", field(&Tensor::from(self.data_max.clone())))
            .with("scale", field(&Tensor::from(self.scale.clone())))
            .with("min", field(&Tensor::from(self.min.clone())))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let columns = record.tensor::<T>("data_min")?.len();
        if columns == 0 {
            return Err(record.error("has no columns"));
        }
        let column = |name: &str| Ok(record.tensor_of::<T>(name, &[columns])?.to_vec());
        let scaler = MinMaxScaler {
            low: record.float("low")?,
            high: record.float("high")?,
            clip: record.bool("clip")?,
        };
        Self::new(scaler, column("data_min")?, column("data_max")?, record.count("seen")?)
    }
}

impl<T: Float> Model<T> for FittedMinMaxScaler<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.min.len()
    }

    fn transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
        Ok(self.transform(x.dense(TRANSFORM)?)?.into())
    }

    fn inverse_transform_any(&self, z: &Features<T>) -> Result<Features<T>> {
        Ok(self.inverse_transform(z.dense(INVERSE)?)?.into())
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
