//! Columns whose largest absolute value is 1.

use std::any::Any;

use barehand_kernels::column_moments::column_extremes;
use barehand_kernels::column_scale::ColumnScale;
use barehand_tensor::{CsrMatrix, Float, Result, Tensor};

use super::{finite_or_missing, scaled, scaled_rows, sparse_of};
use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::{Fit, InverseTransform, Transform};
use crate::model_file::Persist;
use crate::models::{field, record_of};
use crate::record::Record;
use crate::validate;

/// Divides every column by its largest absolute value; zeros stay zeros, so sparse rows stay sparse.
///
/// ```text
/// z = x / max|x|
/// ```
///
/// NaN stands for a value that is not there. A column of zeros is divided by 1. Source: scikit-learn's `MaxAbsScaler`.
///
/// ```
/// use barehand_learn::{Transform, preprocessing::MaxAbsScaler};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, 0.0], [-4.0, 0.0f64]]);
/// assert_eq!(MaxAbsScaler::new().fit(&x)?.transform(&x)?, Tensor::from([[0.25, 0.0], [-1.0, 0.0]]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MaxAbsScaler {
    clip: bool,
}

const FIT: &str = "MaxAbsScaler::fit";
const TRANSFORM: &str = "MaxAbsScaler::transform";
const INVERSE: &str = "MaxAbsScaler::inverse_transform";

impl MaxAbsScaler {
    /// Without clipping.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether values beyond those of `fit` are kept between -1 and 1 (default: no).
    pub fn clip(mut self, clip: bool) -> Self {
        self.clip = clip;
        self
    }

    /// The scaler of features `(N, D)`.
    ///
    /// # Errors
    /// `x` is no matrix, is empty, or holds infinity.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedMaxAbsScaler<T>> {
        let (_, d) = validate::matrix(FIT, x)?;
        let mut fitted = FittedMaxAbsScaler::new(self.clip, vec![T::NAN; d], 0);
        fitted.partial_fit(x)?;
        Ok(fitted)
    }

    fn fit_sparse<T: Float>(&self, x: &CsrMatrix<T>) -> Result<FittedMaxAbsScaler<T>> {
        let mut fitted = FittedMaxAbsScaler::new(self.clip, vec![T::NAN; x.columns()], 0);
        fitted.partial_fit_sparse(x)?;
        Ok(fitted)
    }
}

impl<T: Float> Fit<Tensor<T>> for MaxAbsScaler {
    type Fitted = FittedMaxAbsScaler<T>;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        MaxAbsScaler::fit(self, x)
    }
}

impl<T: Float> Fit<CsrMatrix<T>> for MaxAbsScaler {
    type Fitted = FittedMaxAbsScaler<T>;

    fn fit(&self, x: &CsrMatrix<T>, (): &()) -> Result<Self::Fitted> {
        self.fit_sparse(x)
    }
}

impl<T: Float> Estimator<T> for MaxAbsScaler {
    fn name(&self) -> &'static str {
        "MaxAbsScaler"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        no_weights(FIT, sample_weight)?;
        Ok(match x {
            Features::Dense(x) => Box::new(MaxAbsScaler::fit(self, x)?),
            Features::Sparse(x) => Box::new(self.fit_sparse(x)?),
        })
    }

    fn takes_weights(&self) -> bool {
        false
    }
}

/// What [`MaxAbsScaler`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedMaxAbsScaler<T: Float> {
    clip: bool,
    seen: usize,
    max_abs: Vec<T>,
    scale: Vec<T>,
    /// What is subtracted before the division.
    zeros: Vec<T>,
}

impl<T: Float> FittedMaxAbsScaler<T> {
    fn new(clip: bool, max_abs: Vec<T>, seen: usize) -> Self {
        let tiny = T::from_f64(10.0) * T::EPSILON;
        let scale = max_abs.iter().map(|&max| if max < tiny { T::ONE } else { max }).collect();
        FittedMaxAbsScaler { clip, seen, zeros: vec![T::ZERO; max_abs.len()], max_abs, scale }
    }

    /// Learns from more samples, as if they had been among the first.
    ///
    /// # Errors
    /// `x` has another number of columns or holds infinity.
    pub fn partial_fit(&mut self, x: &Tensor<T>) -> Result<()> {
        let n = validate::matrix_of(FIT, x, self.scale.len())?;
        let x = x.contiguous();
        let (low, high) = column_extremes(x.as_slice().unwrap_or_default(), self.scale.len());
        if low.iter().chain(&high).any(|value| !value.is_finite()) {
            finite_or_missing(FIT, &x)?;
        }
        let larger = low
            .iter()
            .zip(&high)
            .map(|(&low, &high)| if low > high { T::NAN } else { low.abs().max(high.abs()) });
        let more = larger.collect::<Vec<T>>();
        self.learn(&more, n);
        Ok(())
    }

    /// As [`partial_fit`](Self::partial_fit), of sparse rows.
    ///
    /// # Errors
    /// As there.
    pub fn partial_fit_sparse(&mut self, x: &CsrMatrix<T>) -> Result<()> {
        sparse_of(FIT, x, self.scale.len())?;
        let (mut more, mut missing) = (vec![T::ZERO; self.scale.len()], vec![0; self.scale.len()]);
        for (&j, value) in x.indices().iter().zip(x.values()) {
            missing[j as usize] += usize::from(value.is_nan());
            if value.abs() > more[j as usize] {
                more[j as usize] = value.abs();
            }
        }
        more.iter_mut().zip(missing).filter(|(_, n)| *n == x.rows()).for_each(|(max, _)| *max = T::NAN);
        self.learn(&more, x.rows());
        Ok(())
    }

    fn learn(&mut self, more: &[T], n: usize) {
        let larger = |(&a, &b): (&T, &T)| if a.is_nan() || b > a { b } else { a };
        let max_abs = self.max_abs.iter().zip(more).map(larger).collect();
        *self = Self::new(self.clip, max_abs, self.seen + n);
    }

    /// The largest absolute value of each column, `(D)`.
    pub fn max_abs(&self) -> &[T] {
        &self.max_abs
    }

    /// What each column is divided by, `(D)`.
    pub fn scale(&self) -> &[T] {
        &self.scale
    }

    /// How many samples were seen.
    pub fn samples_seen(&self) -> usize {
        self.seen
    }
}

impl<T: Float> Transform<Tensor<T>> for FittedMaxAbsScaler<T> {
    type Output = Tensor<T>;

    fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let bounds = self.clip.then_some((-T::ONE, T::ONE));
        scaled(TRANSFORM, ColumnScale::CenterDivide, x, &self.zeros, &self.scale, bounds)
    }
}

impl<T: Float> InverseTransform<Tensor<T>> for FittedMaxAbsScaler<T> {
    type Output = Tensor<T>;

    fn inverse_transform(&self, z: &Tensor<T>) -> Result<Tensor<T>> {
        scaled(INVERSE, ColumnScale::MultiplyAdd, z, &self.scale, &self.zeros, None)
    }
}

impl<T: Float> Transform<CsrMatrix<T>> for FittedMaxAbsScaler<T> {
    type Output = CsrMatrix<T>;

    fn transform(&self, x: &CsrMatrix<T>) -> Result<CsrMatrix<T>> {
        scaled_rows(TRANSFORM, x, self.scale.len(), |value, j| {
            let z = value / self.scale[j];
            // NaN is within no bounds and stays.
            if !self.clip || z.is_nan() { z } else { z.max(-T::ONE).min(T::ONE) }
        })
    }
}

impl<T: Float> InverseTransform<CsrMatrix<T>> for FittedMaxAbsScaler<T> {
    type Output = CsrMatrix<T>;

    fn inverse_transform(&self, z: &CsrMatrix<T>) -> Result<CsrMatrix<T>> {
        scaled_rows(INVERSE, z, self.scale.len(), |value, j| value * self.scale[j])
    }
}

impl<T: Float> Persist for FittedMaxAbsScaler<T> {
    const NAME: &'static str = "MaxAbsScaler";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("clip", self.clip)
            .with("seen", self.seen)
            .with("max_abs", field(&Tensor::from(self.max_abs.clone())))
            .with("scale", field(&Tensor::from(self.scale.clone())))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let max_abs = record.tensor::<T>("max_abs")?;
        if max_abs.is_empty() || max_abs.rank() != 1 {
            return Err(record.error("has no columns"));
        }
        Ok(Self::new(record.bool("clip")?, max_abs.to_vec(), record.count("seen")?))
    }
}

impl<T: Float> Model<T> for FittedMaxAbsScaler<T> {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn features(&self) -> usize {
        self.scale.len()
    }

    fn transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
        Ok(match x {
            Features::Dense(x) => self.transform(x)?.into(),
            Features::Sparse(x) => self.transform(x)?.into(),
        })
    }

    fn inverse_transform_any(&self, z: &Features<T>) -> Result<Features<T>> {
        Ok(match z {
            Features::Dense(z) => self.inverse_transform(z)?.into(),
            Features::Sparse(z) => self.inverse_transform(z)?.into(),
        })
    }

    fn record(&self) -> Record {
        self.to_record()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
