//! A fitted model of any estimator: what every Python estimator keeps as its engine.

use barehand_learn::models::{AnyModel, any_model};
use barehand_learn::{Estimator, Features, Field, Prediction, Record, model_file};
use barehand_tensor::{AnyTensor, Float, Tensor, each_tensor};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::samples::{AnyFeatures, AnyTarget, Weights};
use crate::error::{Failure, Result};
use crate::tensor::released;

/// A fitted model. Equal models give equal bytes; the bytes are those of its file.
#[pyclass(name = "Model", module = "barehand._barehand._learn", frozen)]
pub struct Model(AnyModel);

impl Model {
    /// The model of either type.
    pub fn new(any: AnyModel) -> Model {
        Model(any)
    }

    /// The model inside, for what only some of them can do.
    pub fn any(&self) -> &AnyModel {
        &self.0
    }

    fn record(&self) -> Record {
        match &self.0 {
            AnyModel::F32(model) => model.record(),
            AnyModel::F64(model) => model.record(),
        }
    }
}

/// Runs one expression for a model of either type and features of the same type, without the interpreter's lock where
/// they are many.
macro_rules! on_features {
    ($py:expr, $any:expr, $x:expr, |$model:ident, $features:ident| $body:expr) => {{
        let elements = $x.elements();
        match $any {
            AnyModel::F32($model) => {
                let $features = $x.get::<f32>()?;
                AnyTensorOf::from(released($py, elements, || $body)?)
            }
            AnyModel::F64($model) => {
                let $features = $x.get::<f64>()?;
                AnyTensorOf::from(released($py, elements, || $body)?)
            }
        }
    }};
}

/// What a model answers, as an array's elements.
struct AnyTensorOf(AnyTensor);

impl<T: Float> From<Tensor<T>> for AnyTensorOf {
    fn from(tensor: Tensor<T>) -> Self {
        AnyTensorOf(T::into_any(tensor))
    }
}

impl<T: Float> From<Prediction<T>> for AnyTensorOf {
    fn from(prediction: Prediction<T>) -> Self {
        match prediction {
            Prediction::Classes(labels) => AnyTensorOf(labels.into()),
            Prediction::Values(values) => values.into(),
        }
    }
}

impl<T: Float> From<Features<T>> for AnyTensorOf {
    fn from(features: Features<T>) -> Self {
        match features {
            Features::Dense(x) => x.into(),
            Features::Sparse(x) => x.to_dense().into(),
        }
    }
}

/// An array of its own memory, which its holder may write to.
pub fn owned<'py>(py: Python<'py>, tensor: &AnyTensor) -> Result<Bound<'py, PyAny>> {
    use numpy::{IntoPyArray, PyArrayMethods};
    Ok(each_tensor!(tensor, x => {
        let shape = x.shape().to_vec();
        x.to_vec().into_pyarray(py).reshape(shape).map_err(Failure::from)?.into_any()
    }))
}

#[pymethods]
impl Model {
    /// The estimator's name.
    #[getter]
    fn name(&self) -> &'static str {
        match &self.0 {
            AnyModel::F32(model) => model.name(),
            AnyModel::F64(model) => model.name(),
        }
    }

    /// What it says of each row: int64 codes of classes or clusters, or values.
    fn predict<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        owned(py, &on_features!(py, &self.0, x, |model, x| model.predict_any(&x)).0)
    }

    /// Probabilities `(N, classes)`.
    fn predict_proba<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        owned(py, &on_features!(py, &self.0, x, |model, x| model.predict_proba_any(&x)).0)
    }

    /// Scores `(N)` or `(N, classes)`.
    fn decision_function<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        owned(py, &on_features!(py, &self.0, x, |model, x| model.decision_function_any(&x)).0)
    }

    /// Other features `(N, ...)`.
    fn transform<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        owned(py, &on_features!(py, &self.0, x, |model, x| model.transform_any(&x)).0)
    }

    /// The features that others were made of.
    fn inverse_transform<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        owned(py, &on_features!(py, &self.0, x, |model, x| model.inverse_transform_any(&x)).0)
    }

    /// A field of the model: an array of its own memory, a number, text, a list, or a dict.
    fn field<'py>(&self, py: Python<'py>, name: &str) -> Result<Bound<'py, PyAny>> {
        to_python(py, self.record().field(name)?)
    }

    /// The names of its fields.
    fn fields(&self) -> Vec<String> {
        self.record().fields().keys().cloned().collect()
    }

    /// The bytes of its file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &model_file::write_bytes(&self.record())?))
    }

    /// The model of a file's bytes.
    #[staticmethod]
    fn from_bytes(data: &[u8]) -> Result<Model> {
        Ok(Model(any_model(&model_file::read_bytes("model", data)?)?))
    }

    /// Writes the model to a file, whole or not at all.
    fn save(&self, path: std::path::PathBuf) -> Result<()> {
        Ok(model_file::write(&self.record(), path)?)
    }

    /// Reads a model of any estimator from a file.
    #[staticmethod]
    fn load(path: std::path::PathBuf) -> Result<Model> {
        Ok(Model(barehand_learn::load(path)?))
    }
}

fn to_python<'py>(py: Python<'py>, field: &Field) -> Result<Bound<'py, PyAny>> {
    Ok(match field {
        Field::None => py.None().into_bound(py),
        Field::Bool(value) => value.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any(),
        Field::Integer(value) => value.into_pyobject(py).map_err(PyErr::from)?.into_any(),
        Field::Float(value) => value.into_pyobject(py).map_err(PyErr::from)?.into_any(),
        Field::Text(value) => value.into_pyobject(py).map_err(PyErr::from)?.into_any(),
        Field::Tensor(tensor) => owned(py, tensor)?,
        Field::Record(record) => {
            let dict = PyDict::new(py);
            for (name, field) in record.fields() {
                dict.set_item(name, to_python(py, field)?)?;
            }
            dict.into_any()
        }
        Field::List(list) => {
            let items = list.iter().map(|field| to_python(py, field)).collect::<Result<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
    })
}

/// Fits an estimator, on the element type of the features and without the interpreter's lock.
pub fn fit<E: Estimator<f32> + Estimator<f64>>(
    py: Python<'_>,
    estimator: &E,
    x: AnyFeatures,
    y: Option<AnyTarget>,
    sample_weight: Option<Weights>,
) -> Result<Model> {
    let weights = sample_weight.map(|Weights(weights)| weights);
    let elements = x.elements();
    Ok(Model(match x {
        AnyFeatures::F32(x) => {
            let y = y.map_or(barehand_learn::Target::None, |y| y.get());
            AnyModel::F32(released(py, elements, || estimator.fit_any(&x, &y, weights.as_ref()))?)
        }
        AnyFeatures::F64(x) => {
            let y = y.map_or(barehand_learn::Target::None, |y| y.get());
            AnyModel::F64(released(py, elements, || estimator.fit_any(&x, &y, weights.as_ref()))?)
        }
    }))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Model>()
}
