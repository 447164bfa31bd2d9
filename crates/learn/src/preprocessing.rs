//! Features made fit for estimators.

use barehand_kernels::column_scale::{ColumnScale, scale_columns};
use barehand_kernels::finite::{Missing, all_finite};
use barehand_tensor::{Buffer, CsrMatrix, Error, Float, Result, Tensor};

use crate::validate;

mod label_binarizer;
mod label_encoder;
mod max_abs_scaler;
mod min_max_scaler;
mod normalizer;
mod standard_scaler;

pub use label_binarizer::{FittedLabelBinarizer, LabelBinarizer};
pub use label_encoder::{FittedLabelEncoder, LabelEncoder};
pub use max_abs_scaler::{FittedMaxAbsScaler, MaxAbsScaler};
pub use min_max_scaler::{FittedMinMaxScaler, MinMaxScaler};
pub use normalizer::{FittedNormalizer, Norm, Normalizer};
pub use standard_scaler::{FittedStandardScaler, StandardScaler};

/// The rows of `x`, each column with its pair of numbers; NaN stays NaN.
fn scaled<T: Float>(
    operation: &str,
    op: ColumnScale,
    x: &Tensor<T>,
    a: &[T],
    b: &[T],
    bounds: Option<(T, T)>,
) -> Result<Tensor<T>> {
    let n = validate::matrix_of(operation, x, a.len())?;
    let x = x.contiguous();
    let mut out = Buffer::scratch(x.len());
    if scale_columns(op, x.as_slice().unwrap_or_default(), a, b, bounds, &mut out) {
        return Err(infinite(operation, &x));
    }
    Tensor::from_strided(out, &[n, a.len()], &[a.len(), 1])
}

/// The stored elements of `x`, each made another by what `scale` says of its column.
fn scaled_rows<T: Float>(
    operation: &str,
    x: &CsrMatrix<T>,
    columns: usize,
    scale: impl Fn(T, usize) -> T,
) -> Result<CsrMatrix<T>> {
    sparse_of(operation, x, columns)?;
    let values = x.values().iter().zip(x.indices()).map(|(&value, &j)| scale(value, j as usize)).collect();
    CsrMatrix::new(x.shape(), x.indptr().to_vec(), x.indices().to_vec(), values)
}

/// Refuses other sparse rows than those of `columns` columns, without infinity.
fn sparse_of<T: Float>(operation: &str, x: &CsrMatrix<T>, columns: usize) -> Result<()> {
    if x.columns() != columns {
        let message = format!("x has {} features, the model was fitted on {columns}", x.columns());
        return Err(Error::shape(operation, message));
    }
    validate::not_empty(operation, x.rows(), columns)?;
    if all_finite(x.values(), Missing::Nan) {
        return Ok(());
    }
    Err(Error::value(operation, "x holds infinity: finite numbers, or NaN for what is missing, expected"))
}

/// Refuses infinity; NaN stands for what is missing.
fn finite_or_missing<T: Float>(operation: &str, x: &Tensor<T>) -> Result<()> {
    let x = x.contiguous();
    if all_finite(x.as_slice().unwrap_or_default(), Missing::Nan) {
        Ok(())
    } else {
        Err(infinite(operation, &x))
    }
}

/// The error that says where infinity stands.
fn infinite<T: Float>(operation: &str, x: &Tensor<T>) -> Error {
    let columns = x.shape().get(1).copied().unwrap_or(1).max(1);
    let values = x.as_slice().unwrap_or_default();
    let place = values.iter().position(|value| value.abs() == T::INFINITY).unwrap_or_default();
    Error::value(
        operation,
        format!(
            "row {}, column {} of x is infinite: finite numbers, or NaN for what is missing, expected",
            place / columns,
            place % columns
        ),
    )
}
