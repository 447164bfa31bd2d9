//! A fitted model of any estimator: what every Python estimator keeps as its engine.

use barehand_learn::model_file::{self, Companion};
use barehand_learn::models::{AnyModel, any_model};
use barehand_learn::{Estimator, Features, Field, Prediction, Record};
use barehand_tensor::{AnyTensor, Float, NamedTensors, Tensor, each_tensor};
use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::samples::{AnyFeatures, AnyTarget, Weights};
use crate::array;
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

    /// Everything that there is to know about it.
    pub fn record(&self) -> Record {
        match &self.0 {
            AnyModel::F32(model) => model.record(),
            AnyModel::F64(model) => model.record(),
        }
    }
}

/// Whose text and arrays lie beside a model.
const BESIDE: &str = "python";

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

/// As [`on_features`], for what gives features.
macro_rules! transformed {
    ($py:expr, $any:expr, $x:expr, |$model:ident, $features:ident| $body:expr) => {{
        let elements = $x.elements();
        match $any {
            AnyModel::F32($model) => {
                let $features = $x.get::<f32>()?;
                AnyFeatures::F32(released($py, elements, || $body)?)
            }
            AnyModel::F64($model) => {
                let $features = $x.get::<f64>()?;
                AnyFeatures::F64(released($py, elements, || $body)?)
            }
        }
    }};
}

/// Features as an array, or the three lists of sparse rows.
pub fn to_features(py: Python<'_>, features: AnyFeatures) -> Result<Bound<'_, PyAny>> {
    fn of<T: Float>(py: Python<'_>, features: Features<T>) -> Result<Bound<'_, PyAny>> {
        let x = match features {
            Features::Dense(x) => return array::given(py, T::into_any(x)),
            Features::Sparse(x) => x,
        };
        let data = array::given(py, T::into_any(x.values().to_vec().into()))?;
        let whole = |list: Vec<i64>| array::given(py, AnyTensor::from(Tensor::from(list)));
        let indices = whole(x.indices().iter().map(|&j| i64::from(j)).collect())?;
        let indptr = whole(x.indptr().iter().map(|&place| place as i64).collect())?;
        Ok((data, indices, indptr).into_pyobject(py)?.into_any())
    }
    match features {
        AnyFeatures::F32(x) => of(py, x),
        AnyFeatures::F64(x) => of(py, x),
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
        array::given(py, on_features!(py, &self.0, x, |model, x| model.predict_any(&x)).0)
    }

    /// Probabilities `(N, classes)`.
    fn predict_proba<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        array::given(py, on_features!(py, &self.0, x, |model, x| model.predict_proba_any(&x)).0)
    }

    /// Scores `(N)` or `(N, classes)`.
    fn decision_function<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        array::given(py, on_features!(py, &self.0, x, |model, x| model.decision_function_any(&x)).0)
    }

    /// Other features `(N, ...)`; of sparse rows that stay sparse their `(data, indices, indptr)`.
    fn transform<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        to_features(py, transformed!(py, &self.0, x, |model, x| model.transform_any(&x)))
    }

    /// The features that others were made of.
    fn inverse_transform<'py>(&self, py: Python<'py>, x: AnyFeatures) -> Result<Bound<'py, PyAny>> {
        to_features(py, transformed!(py, &self.0, x, |model, x| model.inverse_transform_any(&x)))
    }

    /// `"float32"` or `"float64"`: of what the model was fitted on, and answers with.
    #[getter]
    fn dtype(&self) -> &'static str {
        match &self.0 {
            AnyModel::F32(_) => "float32",
            AnyModel::F64(_) => "float64",
        }
    }

    /// The models of a pipeline, in order; none of any other model.
    fn steps(&self) -> Result<Vec<Model>> {
        let record = self.record();
        if record.name() != "Pipeline" {
            return Ok(Vec::new());
        }
        record.records("steps")?.into_iter().map(|step| Ok(Model(any_model(step)?))).collect()
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

    /// Writes a model, or the name of an estimator without one, and beside it Python's own text and arrays.
    #[staticmethod]
    fn save_beside(
        path: std::path::PathBuf,
        name: &str,
        model: Option<PyRef<'_, Model>>,
        text: String,
        arrays: Vec<(String, Bound<'_, PyUntypedArray>)>,
    ) -> Result<()> {
        let record = model.map_or_else(|| Record::new(name), |model| model.record());
        let tensors = arrays
            .into_iter()
            .map(|(name, array)| Ok((name, array::from_numpy(&array)?)))
            .collect::<Result<NamedTensors>>()?;
        Ok(model_file::write_beside(&record, BESIDE, &Companion { text, tensors }, path)?)
    }

    /// The model in a file, where there is one, and Python's text and arrays, where it wrote any.
    #[staticmethod]
    #[allow(clippy::type_complexity)]
    fn load_beside<'py>(
        py: Python<'py>,
        path: std::path::PathBuf,
    ) -> Result<(Option<Model>, Option<String>, Bound<'py, PyDict>)> {
        let (record, companion) = model_file::read_beside(path, BESIDE)?;
        let arrays = PyDict::new(py);
        let text = match companion {
            None => None,
            Some(Companion { text, tensors }) => {
                for (name, tensor) in tensors {
                    arrays.set_item(name, array::given(py, tensor)?)?;
                }
                Some(text)
            }
        };
        let model = match record.fields().is_empty() && text.is_some() {
            true => None,
            false => Some(Model(any_model(&record)?)),
        };
        Ok((model, text, arrays))
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
