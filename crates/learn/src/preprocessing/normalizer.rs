//! Rows of length 1.

use std::any::Any;

use barehand_tensor::{Buffer, CsrMatrix, Error, Float, Result, Tensor, threads};

use crate::dynamic::{Estimator, Features, Model, Target, no_weights};
use crate::estimator::{Fit, Transform};
use crate::model_file::Persist;
use crate::models::record_of;
use crate::record::Record;
use crate::validate;

/// How long a row is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// `sum |x|`
    L1,
    /// `sqrt(sum x^2)`
    #[default]
    L2,
    /// `max |x|`
    Max,
}

impl Norm {
    /// `l1`, `l2` or `max`.
    pub fn name(self) -> &'static str {
        match self {
            Norm::L1 => "l1",
            Norm::L2 => "l2",
            Norm::Max => "max",
        }
    }

    /// The norm of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn from_name(name: &str) -> Result<Norm> {
        [Norm::L1, Norm::L2, Norm::Max].into_iter().find(|norm| norm.name() == name).ok_or_else(|| {
            Error::value("Norm::from_name", format!("norm {name:?} is none of \"l1\", \"l2\", \"max\""))
        })
    }

    /// What a row is divided by: its norm, 1 where that is (all but) 0.
    fn of<T: Float>(self, row: &[T]) -> T {
        let norm = match self {
            Norm::L1 => row.iter().map(|value| value.abs()).sum(),
            Norm::L2 => row.iter().map(|&value| value * value).sum::<T>().sqrt(),
            Norm::Max => row.iter().fold(T::ZERO, |largest, value| largest.max(value.abs())),
        };
        if norm < T::from_f64(10.0) * T::EPSILON { T::ONE } else { norm }
    }
}

/// Divides every row by its norm; a row of zeros stays. There is nothing to learn.
///
/// Source: scikit-learn's `Normalizer`.
///
/// ```
/// use barehand_learn::{Transform, preprocessing::Normalizer};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[3.0, -4.0], [0.0, 0.0f64]]);
/// assert_eq!(Normalizer::new().fit(&x)?.transform(&x)?, Tensor::from([[0.6, -0.8], [0.0, 0.0]]));
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Normalizer {
    norm: Norm,
}

const FIT: &str = "Normalizer::fit";
const TRANSFORM: &str = "Normalizer::transform";

impl Normalizer {
    /// By the L2 norm.
    pub fn new() -> Self {
        Self::default()
    }

    /// The norm (default: L2).
    pub fn norm(mut self, norm: Norm) -> Self {
        self.norm = norm;
        self
    }

    /// Takes note of the number of columns of `x`, `(N, D)`.
    ///
    /// # Errors
    /// `x` is no matrix, is empty, or holds NaN or infinity.
    pub fn fit<T: Float>(&self, x: &Tensor<T>) -> Result<FittedNormalizer> {
        let (_, columns) = validate::matrix(FIT, x)?;
        validate::finite(FIT, x)?;
        Ok(self.of_columns(columns))
    }

    /// The normalizer of rows of so many columns.
    pub fn of_columns(&self, columns: usize) -> FittedNormalizer {
        FittedNormalizer { norm: self.norm, columns }
    }
}

impl<T: Float> Fit<Tensor<T>> for Normalizer {
    type Fitted = FittedNormalizer;

    fn fit(&self, x: &Tensor<T>, (): &()) -> Result<Self::Fitted> {
        Normalizer::fit(self, x)
    }
}

impl<T: Float> Estimator<T> for Normalizer {
    fn name(&self) -> &'static str {
        "Normalizer"
    }

    fn fit_any(
        &self,
        x: &Features<T>,
        _: &Target<T>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<T>>> {
        no_weights(FIT, sample_weight)?;
        match x {
            Features::Dense(x) => {
                validate::matrix(FIT, x)?;
                validate::finite(FIT, x)?;
            }
            Features::Sparse(x) => super::sparse_of(FIT, x, x.columns())?,
        }
        Ok(Box::new(self.of_columns(x.shape()[1])))
    }

    fn takes_weights(&self) -> bool {
        false
    }
}

/// A [`Normalizer`] of rows of so many columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FittedNormalizer {
    norm: Norm,
    columns: usize,
}

impl<T: Float> Transform<Tensor<T>> for FittedNormalizer {
    type Output = Tensor<T>;

    fn transform(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let n = validate::matrix_of(TRANSFORM, x, self.columns)?;
        validate::finite(TRANSFORM, x)?;
        let x = x.contiguous();
        let rows = x.as_slice().unwrap_or_default();
        let mut out = Buffer::scratch(x.len());
        let chunk = (8192 / self.columns).max(1) * self.columns;
        threads::for_each_chunk(&mut out, chunk, 32 * 1024, |start, out| {
            let rows = rows[start..start + out.len()].chunks_exact(self.columns);
            for (out, row) in out.chunks_exact_mut(self.columns).zip(rows) {
                let norm = self.norm.of(row);
                out.iter_mut().zip(row).for_each(|(out, &value)| *out = value / norm);
            }
        });
        Tensor::from_strided(out, &[n, self.columns], &[self.columns, 1])
    }
}

impl<T: Float> Transform<CsrMatrix<T>> for FittedNormalizer {
    type Output = CsrMatrix<T>;

    fn transform(&self, x: &CsrMatrix<T>) -> Result<CsrMatrix<T>> {
        if x.columns() != self.columns {
            let message = format!("x has {} features, the model was fitted on {}", x.columns(), self.columns);
            return Err(Error::shape(TRANSFORM, message));
        }
        if let Some(value) = x.values().iter().find(|value| !value.is_finite()) {
            return Err(Error::value(TRANSFORM, format!("x holds {value}: finite numbers expected")));
        }
        let mut values = Vec::with_capacity(x.stored());
        for row in 0..x.rows() {
            let norm = self.norm.of(x.row(row).1);
            values.extend(x.row(row).1.iter().map(|&value| value / norm));
        }
        CsrMatrix::new(x.shape(), x.indptr().to_vec(), x.indices().to_vec(), values)
    }
}

fn to_record<T: Float>(normalizer: &FittedNormalizer) -> Record {
    record_of::<T>("Normalizer").with("norm", normalizer.norm.name()).with("columns", normalizer.columns)
}

impl Persist for FittedNormalizer {
    const NAME: &'static str = "Normalizer";

    fn to_record(&self) -> Record {
        to_record::<f64>(self)
    }

    fn from_record(record: &Record) -> Result<Self> {
        let columns = record.count("columns")?;
        if columns == 0 {
            return Err(record.error("has no columns"));
        }
        let norm = Norm::from_name(record.text("norm")?).map_err(|error| record.error(error.to_string()))?;
        Ok(FittedNormalizer { norm, columns })
    }
}

impl<T: Float> Model<T> for FittedNormalizer {
    fn name(&self) -> &'static str {
        "Normalizer"
    }

    fn features(&self) -> usize {
        self.columns
    }

    fn transform_any(&self, x: &Features<T>) -> Result<Features<T>> {
        Ok(match x {
            Features::Dense(x) => self.transform(x)?.into(),
            Features::Sparse(x) => self.transform(x)?.into(),
        })
    }

    fn record(&self) -> Record {
        to_record::<T>(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
