//! `barehand.preprocessing`.

use barehand_kernels::finite::{Missing, all_finite};
use barehand_learn::models::AnyModel;
use barehand_learn::preprocessing::{
    FittedMaxAbsScaler, FittedMinMaxScaler, FittedStandardScaler, MaxAbsScaler, MinMaxScaler, Norm,
    Normalizer, StandardScaler,
};
use barehand_learn::{Estimator, Features};
use barehand_tensor::{AnyTensor, Error, Float, Tensor};
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use super::model::{Model, fit};
use super::samples::{AnyFeatures, Weights};
use crate::array;
use crate::error::Result;
use crate::tensor::released;

/// What a model learns from more features, or an estimator from the first.
pub fn fit_more<E, M32, M64>(
    py: Python<'_>,
    estimator: &E,
    x: AnyFeatures,
    previous: Option<&Model>,
    more_32: impl FnOnce(&mut M32, &Features<f32>) -> barehand_tensor::Result<()> + Send,
    more_64: impl FnOnce(&mut M64, &Features<f64>) -> barehand_tensor::Result<()> + Send,
) -> Result<Model>
where
    E: Estimator<f32> + Estimator<f64>,
    M32: barehand_learn::Model<f32> + Clone + 'static,
    M64: barehand_learn::Model<f64> + Clone + 'static,
{
    let Some(previous) = previous else {
        return fit(py, estimator, x, None, None);
    };
    let elements = x.elements();
    let other = || Error::value("partial_fit", "the model to go on with is of another estimator");
    Ok(Model::new(match previous.any() {
        AnyModel::F32(model) => {
            let mut model: M32 = model.as_any().downcast_ref::<M32>().ok_or_else(other)?.clone();
            let x = x.get::<f32>()?;
            released(py, elements, || more_32(&mut model, &x))?;
            AnyModel::F32(Box::new(model))
        }
        AnyModel::F64(model) => {
            let mut model: M64 = model.as_any().downcast_ref::<M64>().ok_or_else(other)?.clone();
            let x = x.get::<f64>()?;
            released(py, elements, || more_64(&mut model, &x))?;
            AnyModel::F64(Box::new(model))
        }
    }))
}

#[pyfunction]
#[pyo3(signature = (x, sample_weight, with_mean, with_std, previous=None))]
fn standard_scaler(
    py: Python<'_>,
    x: AnyFeatures,
    sample_weight: Option<Weights>,
    with_mean: bool,
    with_std: bool,
    previous: Option<PyRef<'_, Model>>,
) -> Result<Model> {
    fn more<T: Float>(
        model: &mut FittedStandardScaler<T>,
        x: &Features<T>,
        weights: Option<&Tensor<f64>>,
    ) -> barehand_tensor::Result<()> {
        match x {
            Features::Dense(x) => model.partial_fit(x, weights),
            Features::Sparse(x) => model.partial_fit_sparse(x, weights),
        }
    }
    let scaler = StandardScaler::new().with_mean(with_mean).with_std(with_std);
    if previous.is_none() {
        return fit(py, &scaler, x, None, sample_weight);
    }
    let weights = sample_weight.map(|Weights(weights)| weights);
    let weights = weights.as_ref();
    fit_more(
        py,
        &scaler,
        x,
        previous.as_deref(),
        |m, x| more::<f32>(m, x, weights),
        |m, x| more::<f64>(m, x, weights),
    )
}

#[pyfunction]
fn min_max_scaler(
    py: Python<'_>,
    x: AnyFeatures,
    feature_range: (f64, f64),
    clip: bool,
    previous: Option<PyRef<'_, Model>>,
) -> Result<Model> {
    fn more<T: Float>(model: &mut FittedMinMaxScaler<T>, x: &Features<T>) -> barehand_tensor::Result<()> {
        model.partial_fit(x.dense("MinMaxScaler::fit")?)
    }
    let scaler = MinMaxScaler::new().feature_range(feature_range.0, feature_range.1).clip(clip);
    fit_more(py, &scaler, x, previous.as_deref(), more::<f32>, more::<f64>)
}

#[pyfunction]
fn max_abs_scaler(
    py: Python<'_>,
    x: AnyFeatures,
    clip: bool,
    previous: Option<PyRef<'_, Model>>,
) -> Result<Model> {
    fn more<T: Float>(model: &mut FittedMaxAbsScaler<T>, x: &Features<T>) -> barehand_tensor::Result<()> {
        match x {
            Features::Dense(x) => model.partial_fit(x),
            Features::Sparse(x) => model.partial_fit_sparse(x),
        }
    }
    fit_more(py, &MaxAbsScaler::new().clip(clip), x, previous.as_deref(), more::<f32>, more::<f64>)
}

#[pyfunction]
fn normalizer(py: Python<'_>, x: AnyFeatures, norm: &str) -> Result<Model> {
    fit(py, &Normalizer::new().norm(Norm::from_name(norm)?), x, None, None)
}

/// The same scaler for features of the other float type; its statistics keep their values.
#[pyfunction]
fn scaler_for(model: PyRef<'_, Model>, dtype: &str) -> Result<Model> {
    let mut record = model.record().with("dtype", if dtype == "float32" { "f32" } else { "f64" });
    if record.name() != "StandardScaler" && record.name() != "Normalizer" {
        for name in ["data_min", "data_max", "max_abs"] {
            if !record.is_set(name) {
                continue;
            }
            let column = match model.any() {
                AnyModel::F32(_) => AnyTensor::from(record.tensor::<f32>(name)?),
                AnyModel::F64(_) => AnyTensor::from(record.tensor::<f64>(name)?),
            };
            record = if dtype == "float32" {
                record.with(name, AnyTensor::from(column.cast::<f32>()))
            } else {
                record.with(name, AnyTensor::from(column.cast::<f64>()))
            };
        }
        for derived in ["scale", "min"] {
            record = record.without(derived);
        }
    }
    Ok(Model::new(barehand_learn::models::any_model(&record)?))
}

/// Whether all of an array's floats are finite, or NaN where that is allowed.
#[pyfunction]
fn is_finite(py: Python<'_>, x: &Bound<'_, PyUntypedArray>, allow_nan: bool) -> Result<bool> {
    let missing = if allow_nan { Missing::Nan } else { Missing::None };
    Ok(match array::from_numpy(x)? {
        AnyTensor::F32(x) => {
            released(py, x.len(), || all_finite(x.contiguous().as_slice().unwrap_or_default(), missing))
        }
        AnyTensor::F64(x) => {
            released(py, x.len(), || all_finite(x.contiguous().as_slice().unwrap_or_default(), missing))
        }
        _ => true,
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(standard_scaler, module)?)?;
    module.add_function(wrap_pyfunction!(min_max_scaler, module)?)?;
    module.add_function(wrap_pyfunction!(max_abs_scaler, module)?)?;
    module.add_function(wrap_pyfunction!(normalizer, module)?)?;
    module.add_function(wrap_pyfunction!(scaler_for, module)?)?;
    module.add_function(wrap_pyfunction!(is_finite, module)?)
}
