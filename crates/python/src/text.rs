//! `barehand.data`: text as numbers.

use std::path::PathBuf;
use std::sync::Arc;

use barehand_data::{CharVocabulary, Dataset, Philox, TokenWindows};
use barehand_nn::models::Sampling;
use barehand_tensor::{AnyTensor, DType, Error};
use pyo3::prelude::*;

use crate::data::{Columns, Source};
use crate::dtype;
use crate::error::{Failure, Result};
use crate::random::{PyGenerator, with_generator};
use crate::tensor::PyTensor;

/// A UTF-8 text, plain or gzipped.
#[pyfunction]
#[pyo3(name = "_read_text")]
fn read_text(py: Python<'_>, path: PathBuf) -> Result<String> {
    Ok(py.detach(|| barehand_data::read_text(path))?)
}

/// The characters of a text, each with a number: their order is that of Unicode.
///
/// >>> characters = bh.data.CharVocabulary("hello")
/// >>> len(characters), characters.encode("hole")
/// (4, tensor([1, 3, 2, 0]))
/// >>> characters.decode([1, 3, 2, 0])
/// 'hole'
#[pyclass(name = "CharVocabulary", module = "barehand.data", frozen, eq)]
#[derive(PartialEq)]
struct PyCharVocabulary(CharVocabulary);

#[pymethods]
impl PyCharVocabulary {
    /// Every character that occurs in `text`.
    #[new]
    fn new(text: &str) -> Self {
        PyCharVocabulary(CharVocabulary::of(text))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// All characters in order: the number of each is its place.
    #[getter]
    fn characters(&self) -> String {
        self.0.characters().iter().collect()
    }

    /// The number of each character, (length), int64.
    fn encode(&self, py: Python<'_>, text: &str) -> Result<PyTensor> {
        Ok(py.detach(|| self.0.encode(text))?.into())
    }

    /// The text of some numbers, a tensor or a sequence, in row-major order.
    fn decode(&self, ids: &Bound<'_, PyAny>) -> Result<String> {
        Ok(self.0.decode(&whole_numbers("decode", ids)?)?)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> (Py<PyAny>, (String,)) {
        (slf.get_type().into_any().unbind(), (slf.get().characters(),))
    }

    fn __repr__(&self) -> String {
        format!("CharVocabulary({:?})", self.characters())
    }
}

/// A tensor of whole numbers, or a sequence of them.
fn whole_numbers(operation: &str, given: &Bound<'_, PyAny>) -> Result<barehand_tensor::Tensor<i64>> {
    let value = if let Ok(tensor) = given.cast::<PyTensor>() {
        tensor.get().value()
    } else {
        let numbers: Vec<i64> = given.extract().map_err(|_| {
            Failure::wrong_type(format!("{operation}: a tensor or a sequence of whole numbers expected"))
        })?;
        barehand_tensor::Tensor::from(numbers).into()
    };
    match value.dtype() {
        DType::I64 | DType::I32 | DType::U8 => Ok(value.cast::<i64>()),
        other => Err(Failure::wrong_type(format!(
            "{operation}: whole numbers expected, not {}",
            dtype::name(other)
        ))),
    }
}

/// Windows of tokens as a data set of columns.
struct Windows(TokenWindows);

impl Dataset for Windows {
    type Batch = Columns;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, indices: &[usize], random: &mut Philox) -> barehand_tensor::Result<Columns> {
        let batch = self.0.batch(indices, random)?;
        Ok(vec![batch.inputs.into(), batch.targets.into()])
    }
}

/// Windows of `length` tokens with the same windows one token later; with `samples`, as many an epoch that begin anywhere.
#[pyfunction]
#[pyo3(name = "_token_windows")]
fn windows(tokens: &Bound<'_, PyAny>, length: usize, samples: Option<usize>) -> Result<Source> {
    let windows = TokenWindows::new(&whole_numbers("TokenWindows", tokens)?, length)?;
    let windows = match samples {
        Some(samples) => windows.random(samples),
        None => windows,
    };
    Ok(Source(Arc::new(Windows(windows))))
}

/// A token for each row of logits, (N, vocabulary) to (N, 1): the most probable one, or with a temperature one by chance.
#[pyfunction]
#[pyo3(name = "_choose_token", signature = (logits, temperature=None, generator=None))]
fn choose_token(
    logits: &Bound<'_, PyTensor>,
    temperature: Option<f64>,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<PyTensor> {
    let sampling = temperature.map_or(Sampling::Greedy, Sampling::Temperature);
    let tokens = with_generator(generator.map(Bound::get), |generator| match logits.get().value() {
        AnyTensor::F32(logits) => sampling.choose(&logits, generator),
        AnyTensor::F64(logits) => sampling.choose(&logits, generator),
        other => Err(Error::value(
            "generate",
            format!("logits are real numbers, not {}", dtype::name(other.dtype())),
        )),
    })?;
    Ok(tokens.into())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.setattr("_CharVocabulary", module.py().get_type::<PyCharVocabulary>())?;
    module.add_function(wrap_pyfunction!(choose_token, module)?)?;
    module.add_function(wrap_pyfunction!(read_text, module)?)?;
    module.add_function(wrap_pyfunction!(windows, module)?)
}
