//! Columns of mean 0 and standard deviation 1.

use std::any::Any;

use barehand_kernels::column_moments::{Moments, column_moments};
use barehand_kernels::column_scale::ColumnScale;
use barehand_tensor::{CsrMatrix, Error, Float, Result, Tensor};

use super::{finite_or_missing, scaled, scaled_rows, sparse_of};
use crate::dynamic::{Estimator, Features, Model, Target};
use crate::estimator::{Fit, FitWeighted, InverseTransform, Transform};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::{Field, Record};
use crate::validate;

/// Takes the mean out of every column and divides by its standard deviation.
///
/// ```text
/// z = (x - mean) / sqrt(var),  var = sum_i w_i (x_i - mean)^2 / sum_i w_i
/// ```
///
/// NaN stands for a value that is not there: it is passed over in `fit` and stays NaN. A column that does not vary beyond
/// the rounding of its own mean (`var <= n eps var + (n mean eps)^2`) is divided by 1. Sums are f64 for f32 too.
/// Source: scikit-learn's `StandardScaler`.
///
/// ```
/// use barehand_learn::{InverseTransform, Transform, preprocessing::StandardScaler};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0, 5.0], [2.0, 5.0f64]]);
/// let mut scaler = StandardScaler::new().fit(&x)?;
/// let z = scaler.transform(&x)?;
/// assert_eq!(z, Tensor::from([[-1.0, 0.0], [1.0, 0.0]]));
/// assert_eq!(scaler.inverse_transform(&z)?, x);
/// scaler.partial_fit(&Tensor::from([[f64::NAN, 5.0], [4.0, 5.0]]), None)?;
/// assert_eq!((scaler.mean(), scaler.samples_seen()), (&[2.0, 5.0][..], &[3.0, 4.0][..]));
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

const FIT: &str = "StandardScaler::fit";
const TRANSFORM: &str = "StandardScaler::transform";
const INVERSE: &str = "StandardScaler::inverse_transform";

impl StandardScaler {
    /// Both the mean and the deviation.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to take the mean out (default: yes). Sparse rows want no.
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
    /// `x` is no matrix, is empty, or holds infinity.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedStandardScaler<T>> {
        self.fitted(x, None)
    }

    fn fitted<T: Float>(
        &self,
        x: &Tensor<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedStandardScaler<T>> {
        let (_, d) = validate::matrix(FIT, x)?;
        let mut fitted = FittedStandardScaler::of(self, Moments::none(d));
        fitted.partial_fit(x, sample_weight)?;
        Ok(fitted)
    }

    fn fitted_sparse<T: Float>(
        &self,
        x: &CsrMatrix<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<FittedStandardScaler<T>> {
        let mut fitted = FittedStandardScaler::of(self, Moments::none(x.columns()));
        fitted.partial_fit_sparse(x, sample_weight)?;
        Ok(fitted)
    }
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

impl<T: Float> Fit<CsrMatrix<T>> for StandardScaler {
    type Fitted = FittedStandardScaler<T>;

    fn fit(&self, x: &CsrMatrix<T>, (): &()) -> Result<Self::Fitted> {
        self.fitted_sparse(x, None)
    }
}

impl<T: Float> FitWeighted<CsrMatrix<T>> for StandardScaler {
    fn fit_weighted(&self, x: &CsrMatrix<T>, (): &(), sample_weight: &Tensor<f64>) -> Result<Self::Fitted> {
        self.fitted_sparse(x, Some(sample_weight))
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
        Ok(match x {
            Features::Dense(x) => Box::new(self.fitted(x, sample_weight)?),
            Features::Sparse(x) => Box::new(self.fitted_sparse(x, sample_weight)?),
        })
    }
}

/// What [`StandardScaler`] learned.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedStandardScaler<T: Float> {
    with_mean: bool,
    with_std: bool,
    seen: Vec<f64>,
    mean: Vec<f64>,
    var: Vec<f64>,
    scale: Vec<f64>,
    /// What is subtracted and what is divided by, in the features' own type.
    center: Vec<T>,
    divisor: Vec<T>,
}

impl<T: Float> FittedStandardScaler<T> {
    fn of(scaler: &StandardScaler, moments: Moments) -> Self {
        let var = moments.squares.iter().zip(&moments.count).map(|(squares, n)| squares / n).collect();
        Self::new(scaler, moments.count, moments.mean, var)
    }

    fn new(scaler: &StandardScaler, seen: Vec<f64>, mut mean: Vec<f64>, var: Vec<f64>) -> Self {
        // Of a column without values nothing is known.
        mean.iter_mut().zip(&seen).filter(|(_, n)| **n == 0.0).for_each(|(mean, _)| *mean = f64::NAN);
        let scale: Vec<f64> = (0..var.len())
            .map(|j| if is_constant(seen[j], mean[j], var[j]) { 1.0 } else { var[j].sqrt() })
            .collect();
        let StandardScaler { with_mean, with_std } = *scaler;
        let center = mean.iter().map(|&mean| if with_mean { T::from_f64(mean) } else { T::ZERO }).collect();
        let divisor = scale.iter().map(|&scale| if with_std { T::from_f64(scale) } else { T::ONE }).collect();
        FittedStandardScaler { with_mean, with_std, seen, mean, var, scale, center, divisor }
    }

    /// Learns from more samples, as if they had been among the first.
    ///
    /// # Errors
    /// `x` has another number of columns or holds infinity; a weight is negative, or all are 0.
    pub fn partial_fit(&mut self, x: &Tensor<T>, sample_weight: Option<&Tensor<f64>>) -> Result<()> {
        let n = validate::matrix_of(FIT, x, self.mean.len())?;
        let x = x.contiguous();
        let weights = sample_weight.map(|_| validate::weights(FIT, sample_weight, n)).transpose()?;
        let more = column_moments(x.as_slice().unwrap_or_default(), self.mean.len(), weights.as_deref());
        // Infinity leaves no finite sum; sums of finite numbers may be infinite as well, so it is looked for.
        if more
            .mean
            .iter()
            .zip(&more.squares)
            .any(|(mean, squares)| !mean.is_finite() || !squares.is_finite())
        {
            finite_or_missing(FIT, &x)?;
        }
        self.learn(&more);
        Ok(())
    }

    /// As [`partial_fit`](Self::partial_fit), of sparse rows.
    ///
    /// # Errors
    /// As there; also where the mean is to be taken out, which would leave no zeros.
    pub fn partial_fit_sparse(
        &mut self,
        x: &CsrMatrix<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<()> {
        self.refuse_centering(FIT)?;
        sparse_of(FIT, x, self.mean.len())?;
        let weights = validate::weights(FIT, sample_weight, x.rows())?;
        self.learn(&sparse_moments(x, &weights));
        Ok(())
    }

    fn learn(&mut self, more: &Moments) {
        let squares =
            self.var.iter().zip(&self.seen).map(|(var, n)| if *n > 0.0 { var * n } else { 0.0 }).collect();
        let mut moments =
            Moments { count: std::mem::take(&mut self.seen), mean: std::mem::take(&mut self.mean), squares };
        moments.merge(more);
        let scaler = StandardScaler { with_mean: self.with_mean, with_std: self.with_std };
        *self = Self::of(&scaler, moments);
    }

    fn refuse_centering(&self, operation: &str) -> Result<()> {
        if !self.with_mean {
            return Ok(());
        }
        Err(Error::value(
            operation,
            "cannot center sparse rows, which would leave no zeros: with_mean(false)",
        ))
    }

    /// Mean of each column, `(D)`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Variance of each column, `(D)`.
    pub fn var(&self) -> &[f64] {
        &self.var
    }

    /// What each column is divided by, `(D)`.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// How many values (or what weight of them) each column was seen to have, `(D)`.
    pub fn samples_seen(&self) -> &[f64] {
        &self.seen
    }
}

/// Whether a variance is no more than the rounding of values around this mean.
fn is_constant(n: f64, mean: f64, var: f64) -> bool {
    var <= n * f64::EPSILON * var + (n * mean * f64::EPSILON).powi(2)
}

/// Moments of the columns of sparse rows, the elements that are not stored counting as zeros.
fn sparse_moments<T: Float>(x: &CsrMatrix<T>, weights: &[f64]) -> Moments {
    let total: f64 = weights.iter().sum();
    let mut moments = Moments::none(x.columns());
    moments.count.fill(total);
    // Sums are taken of what values are more than the first one of their column, as in dense columns.
    let (mut first, mut stored) = (vec![f64::NAN; x.columns()], vec![0.0; x.columns()]);
    let entries =
        || (0..x.rows()).flat_map(|i| x.row(i).0.iter().zip(x.row(i).1).map(move |entry| (i, entry)));
    for (i, (&j, value)) in entries() {
        let (j, value) = (j as usize, value.to_f64());
        if value.is_nan() {
            moments.count[j] -= weights[i];
            continue;
        }
        if first[j].is_nan() {
            first[j] = value;
        }
        stored[j] += weights[i];
        moments.mean[j] += weights[i] * (value - first[j]);
    }
    for (j, mean) in moments.mean.iter_mut().enumerate() {
        let (n, zeros) = (moments.count[j], moments.count[j] - stored[j]);
        let known = !first[j].is_nan() && n > 0.0;
        *mean = if known { first[j] + (*mean - zeros * first[j]) / n } else { 0.0 };
    }
    for (i, (&j, value)) in entries().filter(|(_, (_, value))| !value.is_nan()) {
        moments.squares[j as usize] += weights[i] * (value.to_f64() - moments.mean[j as usize]).powi(2);
    }
    for (j, squares) in moments.squares.iter_mut().enumerate() {
        *squares += (moments.count[j] - stored[j]) * moments.mean[j].powi(2);
    }
    moments
}

impl<T: Float> Transform<Tensor<T>> for FittedStandardScaler<T> {
    type Output = Tensor<T>;

    fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        scaled(TRANSFORM, ColumnScale::CenterDivide, x, &self.center, &self.divisor, None)
    }
}

impl<T: Float> InverseTransform<Tensor<T>> for FittedStandardScaler<T> {
    type Output = Tensor<T>;

    fn inverse_transform(&self, z: &Tensor<T>) -> Result<Tensor<T>> {
        scaled(INVERSE, ColumnScale::MultiplyAdd, z, &self.divisor, &self.center, None)
    }
}

impl<T: Float> Transform<CsrMatrix<T>> for FittedStandardScaler<T> {
    type Output = CsrMatrix<T>;

    fn transform(&self, x: &CsrMatrix<T>) -> Result<CsrMatrix<T>> {
        self.refuse_centering(TRANSFORM)?;
        scaled_rows(TRANSFORM, x, self.mean.len(), |value, j| value / self.divisor[j])
    }
}

impl<T: Float> InverseTransform<CsrMatrix<T>> for FittedStandardScaler<T> {
    type Output = CsrMatrix<T>;

    fn inverse_transform(&self, z: &CsrMatrix<T>) -> Result<CsrMatrix<T>> {
        self.refuse_centering(INVERSE)?;
        scaled_rows(INVERSE, z, self.mean.len(), |value, j| value * self.divisor[j])
    }
}

impl<T: Float> Persist for FittedStandardScaler<T> {
    const NAME: &'static str = "StandardScaler";

    fn to_record(&self) -> Record {
        record_of::<T>(Self::NAME)
            .with("with_mean", self.with_mean)
            .with("with_std", self.with_std)
            .with("seen", Field::from(&self.seen[..]))
            .with("mean", Field::from(&self.mean[..]))
            .with("var", Field::from(&self.var[..]))
            .with("scale", Field::from(&self.scale[..]))
    }

    fn from_record(record: &Record) -> Result<Self> {
        let columns = record.tensor::<f64>("mean")?.len();
        if columns == 0 {
            return Err(record.error("has no columns"));
        }
        let column = |name: &str| Ok(record.tensor_of::<f64>(name, &[columns])?.to_vec());
        let scaler =
            StandardScaler { with_mean: record.bool("with_mean")?, with_std: record.bool("with_std")? };
        Ok(Self::new(&scaler, column("seen")?, column("mean")?, column("var")?))
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
