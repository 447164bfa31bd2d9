//! What estimators are given: arrays of NumPy, sparse rows of SciPy.

use barehand_learn::model_selection::Split;
use barehand_learn::{Features, Target};
use barehand_tensor::{AnyTensor, CsrMatrix, Float, Tensor};
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use crate::array;
use crate::error::{Failure, Result};

/// Features of either float type, dense or sparse; the dense ones look at the array's memory.
pub enum AnyFeatures {
    F32(Features<f32>),
    F64(Features<f64>),
}

impl AnyFeatures {
    /// As features of `T`, converted where they are of the other type.
    pub fn get<T: Float>(self) -> Result<Features<T>> {
        Ok(match self {
            AnyFeatures::F32(x) => converted(x)?,
            AnyFeatures::F64(x) => converted(x)?,
        })
    }

    /// Rows times columns: what the work is worth.
    pub fn elements(&self) -> usize {
        let [rows, columns] = match self {
            AnyFeatures::F32(x) => x.shape(),
            AnyFeatures::F64(x) => x.shape(),
        };
        rows.saturating_mul(columns)
    }
}

fn converted<A: Float, B: Float>(x: Features<A>) -> Result<Features<B>> {
    let same: &dyn std::any::Any = &x;
    if let Some(same) = same.downcast_ref::<Features<B>>() {
        return Ok(same.clone());
    }
    Ok(match x {
        Features::Dense(x) => Features::Dense(x.cast()),
        Features::Sparse(x) => {
            let values = x.values().iter().map(|&value| B::from_f64(value.to_f64())).collect();
            Features::Sparse(CsrMatrix::new(x.shape(), x.indptr().to_vec(), x.indices().to_vec(), values)?)
        }
    })
}

impl<'a, 'py> FromPyObject<'a, 'py> for AnyFeatures {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(dense) = given.cast::<PyUntypedArray>() {
            return Ok(match array::from_numpy(&dense)? {
                AnyTensor::F32(x) => AnyFeatures::F32(x.into()),
                AnyTensor::F64(x) => AnyFeatures::F64(x.into()),
                _ => return Err(Failure::wrong_type("features are float32 or float64").into()),
            });
        }
        // A csr_array or csr_matrix, its indices sorted and its duplicates summed by Python.
        let list = |name: &str| -> PyResult<AnyTensor> {
            let given = given.getattr(name)?;
            Ok(array::from_numpy(&given.cast::<PyUntypedArray>()?.to_owned())?)
        };
        let shape: [usize; 2] = given.getattr("shape")?.extract()?;
        let indptr = whole(list("indptr")?, "indptr", |value| value as usize)?;
        let indices = whole(list("indices")?, "indices", |value| value as u32)?;
        Ok(match list("data")? {
            AnyTensor::F32(data) => AnyFeatures::F32(csr(shape, indptr, indices, data.to_vec())?.into()),
            AnyTensor::F64(data) => AnyFeatures::F64(csr(shape, indptr, indices, data.to_vec())?.into()),
            _ => return Err(Failure::wrong_type("features are float32 or float64").into()),
        })
    }
}

fn csr<T: Float>(
    shape: [usize; 2],
    indptr: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<T>,
) -> Result<CsrMatrix<T>> {
    Ok(CsrMatrix::new(shape, indptr, indices, values)?)
}

fn whole<I>(list: AnyTensor, name: &str, convert: impl Fn(i64) -> I) -> Result<Vec<I>> {
    let list = match list {
        AnyTensor::I32(list) => list.cast::<i64>(),
        AnyTensor::I64(list) => list,
        _ => return Err(Failure::wrong_type(format!("{name} of sparse rows are int32 or int64"))),
    };
    let list = list.to_vec();
    match list.iter().find(|value| !(0..=i64::from(u32::MAX)).contains(*value)) {
        Some(value) if name == "indices" => Err(Failure::value("csr", format!("column {value}"))),
        _ => Ok(list.into_iter().map(convert).collect()),
    }
}

/// Targets: int64 are codes of classes, floats are values.
pub struct AnyTarget(AnyTensor);

impl AnyTarget {
    /// Targets beside features of `T`.
    pub fn get<T: Float>(&self) -> Target<T> {
        match &self.0 {
            AnyTensor::I64(codes) => Target::Classes(codes.clone()),
            values => Target::Values(values.cast()),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for AnyTarget {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(AnyTarget(array::from_numpy(&given.cast::<PyUntypedArray>()?.to_owned())?))
    }
}

/// Weights of samples, float64.
pub struct Weights(pub Tensor<f64>);

impl<'a, 'py> FromPyObject<'a, 'py> for Weights {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let any = array::from_numpy(&given.cast::<PyUntypedArray>()?.to_owned())?;
        Ok(Weights(any.cast()))
    }
}

/// The samples of one side of a split.
pub struct Rows(pub Vec<usize>);

impl<'a, 'py> FromPyObject<'a, 'py> for Rows {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let any = array::from_numpy(&given.cast::<PyUntypedArray>()?.to_owned())?;
        let row = |row: i64| {
            usize::try_from(row).map_err(|_| Failure::value("split", format!("sample {row}")).into())
        };
        Ok(Rows(any.cast::<i64>().to_vec().into_iter().map(row).collect::<PyResult<_>>()?))
    }
}

/// Pairs of samples to learn from and samples to be tested on.
pub fn splits(given: Vec<(Rows, Rows)>) -> Vec<Split> {
    given.into_iter().map(|(Rows(train), Rows(test))| Split { train, test }).collect()
}
