//! `barehand.model_selection`: splitters over codes of classes and groups, with NumPy's stream of random numbers.

use std::sync::{Mutex, PoisonError};

use barehand_learn::model_selection::{
    GroupKFold, GroupShuffleSplit, KFold, LeaveOneOut, LeavePGroupsOut, LeavePOut, PredefinedSplit, Samples,
    ShuffleSplit, Splitter, StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit, Stream,
    TimeSeriesSplit,
};
use barehand_tensor::random::legacy::LegacyState;
use barehand_tensor::{AnyTensor, Tensor};
use numpy::{PyArray1, PyArrayMethods, PyUntypedArray};
use pyo3::prelude::*;

use crate::array;
use crate::error::{Failure, Result};
use crate::tensor::released;

/// Classes, groups or folds, one whole number a sample.
struct Codes(Tensor<i64>);

impl Codes {
    fn len(&self) -> usize {
        self.0.shape().iter().product()
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Codes {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match array::from_numpy(&given.cast::<PyUntypedArray>()?.to_owned())? {
            AnyTensor::I64(codes) => Ok(Codes(codes)),
            other => Ok(Codes(other.cast::<i64>())),
        }
    }
}

/// What `get_state` returns: the kind of generator, its words, how many are used, and the normal value that waits.
type State<'py> = (String, Bound<'py, PyArray1<u32>>, usize, i64, f64);

/// A `numpy.random.RandomState`, which goes on where draws in Rust end.
struct NumPyStream {
    numpy: Py<PyAny>,
    stream: Stream,
    /// Whether it is a Mersenne twister; one of another kind gives no more than a seed.
    is_shared: bool,
}

impl NumPyStream {
    fn new(numpy: &Bound<'_, PyAny>) -> Result<Self> {
        let kind: String = numpy.getattr("_bit_generator")?.get_type().name()?.to_string();
        let is_shared = kind == "MT19937";
        let seed = if is_shared { 0 } else { numpy.call_method1("randint", (i32::MAX,))?.extract()? };
        Ok(NumPyStream { numpy: numpy.clone().unbind(), stream: Stream::seeded(seed), is_shared })
    }

    /// Runs work that draws from NumPy's stream.
    fn drawing<R: Send>(
        &self,
        py: Python<'_>,
        elements: usize,
        work: impl FnOnce(&Stream) -> R + Send,
    ) -> Result<R> {
        if !self.is_shared {
            return Ok(released(py, elements, || work(&self.stream)));
        }
        let numpy = self.numpy.bind(py);
        let (kind, key, position, has_gauss, gauss): State<'_> =
            numpy.call_method0("get_state")?.extract()?;
        let key = key.readonly().as_array().to_vec();
        self.stream.set_state(&LegacyState { key, position, gauss: None })?;
        let found = released(py, elements, || work(&self.stream));
        // Orders leave the normal value that waits alone.
        let state = self.stream.state();
        let key = PyArray1::from_vec(py, state.key);
        numpy.call_method1("set_state", ((kind, key, state.position, has_gauss, gauss),))?;
        Ok(found)
    }
}

/// Splits one after the other: pairs of the indices of training and of test samples.
#[pyclass(name = "Splits", module = "barehand._barehand._learn", frozen)]
pub struct Splits {
    rest: Mutex<barehand_learn::model_selection::Splits>,
    samples: usize,
    /// Of splits that are drawn when they are asked for.
    random: Option<NumPyStream>,
}

#[pymethods]
impl Splits {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> Result<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        let next = || self.rest.lock().unwrap_or_else(PoisonError::into_inner).next();
        let split = match &self.random {
            None => released(py, self.samples, next),
            Some(random) => random.drawing(py, self.samples, |_| next())?,
        };
        let Some(split) = split else { return Ok(None) };
        Ok(Some((indices(py, split.train)?, indices(py, split.test)?)))
    }
}

fn indices(py: Python<'_>, rows: Vec<usize>) -> Result<Bound<'_, PyAny>> {
    array::given(py, Tensor::from(rows.into_iter().map(|row| row as i64).collect::<Vec<_>>()).into())
}

/// The splits of a splitter that draws nothing.
fn fixed(splitter: &dyn Splitter, samples: Samples<'_>) -> Result<Splits> {
    let rest = Mutex::new(splitter.split(&samples)?);
    Ok(Splits { rest, samples: samples.len(), random: None })
}

/// The splits of one that draws, at once or `later`, one by one.
fn drawn(
    py: Python<'_>,
    splitter: &dyn Splitter,
    samples: Samples<'_>,
    random: &Bound<'_, PyAny>,
    later: bool,
) -> Result<Splits> {
    let random = NumPyStream::new(random)?;
    let rest = random.drawing(py, samples.len(), |stream| splitter.split_from(&samples, stream))??;
    Ok(Splits { rest: Mutex::new(rest), samples: samples.len(), random: later.then_some(random) })
}

/// The splits of folds, which are drawn at once where there is a stream.
fn folds(
    py: Python<'_>,
    splitter: &dyn Splitter,
    samples: Samples<'_>,
    random: Option<&Bound<'_, PyAny>>,
) -> Result<Splits> {
    match random {
        None => fixed(splitter, samples),
        Some(random) => drawn(py, splitter, samples, random, false),
    }
}

/// `KFold`, shuffled where there is a stream.
#[pyfunction]
fn k_fold(py: Python<'_>, n: usize, n_splits: usize, random: Option<&Bound<'_, PyAny>>) -> Result<Splits> {
    folds(py, &KFold::new(n_splits).shuffle(random.is_some()), Samples::new(n), random)
}

/// `StratifiedKFold` of classes.
#[pyfunction]
fn stratified_k_fold(
    py: Python<'_>,
    classes: Codes,
    n_splits: usize,
    random: Option<&Bound<'_, PyAny>>,
) -> Result<Splits> {
    let splitter = StratifiedKFold::new(n_splits).shuffle(random.is_some());
    folds(py, &splitter, Samples::new(classes.len()).classes(&classes.0), random)
}

/// `GroupKFold` of groups.
#[pyfunction]
fn group_k_fold(
    py: Python<'_>,
    groups: Codes,
    n_splits: usize,
    random: Option<&Bound<'_, PyAny>>,
) -> Result<Splits> {
    let splitter = GroupKFold::new(n_splits).shuffle(random.is_some());
    folds(py, &splitter, Samples::new(groups.len()).groups(&groups.0), random)
}

/// `StratifiedGroupKFold` of classes and groups.
#[pyfunction]
fn stratified_group_k_fold(
    py: Python<'_>,
    classes: Codes,
    groups: Codes,
    n_splits: usize,
    random: Option<&Bound<'_, PyAny>>,
) -> Result<Splits> {
    let splitter = StratifiedGroupKFold::new(n_splits).shuffle(random.is_some());
    let samples = Samples::new(classes.len()).classes(&classes.0).groups(&groups.0);
    folds(py, &splitter, samples, random)
}

/// `LeaveOneOut`.
#[pyfunction]
fn leave_one_out(n: usize) -> Result<Splits> {
    fixed(&LeaveOneOut::new(), Samples::new(n))
}

/// `LeavePOut`.
#[pyfunction]
fn leave_p_out(n: usize, p: usize) -> Result<Splits> {
    fixed(&LeavePOut::new(p), Samples::new(n))
}

/// `LeavePGroupsOut` of groups; of one group `LeaveOneGroupOut`.
#[pyfunction]
fn leave_p_groups_out(groups: Codes, n_groups: usize) -> Result<Splits> {
    fixed(&LeavePGroupsOut::new(n_groups), Samples::new(groups.len()).groups(&groups.0))
}

/// `PredefinedSplit` of the folds of samples.
#[pyfunction]
fn predefined_split(test_fold: Codes) -> Result<Splits> {
    fixed(&PredefinedSplit::new(&test_fold.0.to_vec()), Samples::new(test_fold.len()))
}

/// `TimeSeriesSplit`.
#[pyfunction]
fn time_series_split(
    n: usize,
    n_splits: usize,
    max_train_size: Option<usize>,
    test_size: Option<usize>,
    gap: usize,
) -> Result<Splits> {
    let mut splitter = TimeSeriesSplit::new(n_splits).gap(gap);
    if let Some(size) = max_train_size {
        splitter = splitter.max_train_size(size);
    }
    if let Some(size) = test_size {
        splitter = splitter.test_size(size);
    }
    fixed(&splitter, Samples::new(n))
}

/// `ShuffleSplit` into so many samples to train and to test on.
#[pyfunction]
fn shuffle_split(
    py: Python<'_>,
    n: usize,
    n_splits: usize,
    sizes: (usize, usize),
    random: &Bound<'_, PyAny>,
) -> Result<Splits> {
    let splitter = ShuffleSplit::new(n_splits).train_size(sizes.0).test_size(sizes.1);
    drawn(py, &splitter, Samples::new(n), random, true)
}

/// `GroupShuffleSplit` into so many groups to train and to test on.
#[pyfunction]
fn group_shuffle_split(
    py: Python<'_>,
    groups: Codes,
    n_splits: usize,
    sizes: (usize, usize),
    random: &Bound<'_, PyAny>,
) -> Result<Splits> {
    let splitter = GroupShuffleSplit::new(n_splits).train_size(sizes.0).test_size(sizes.1);
    drawn(py, &splitter, Samples::new(groups.len()).groups(&groups.0), random, true)
}

/// `StratifiedShuffleSplit` into so many samples to train and to test on.
#[pyfunction]
fn stratified_shuffle_split(
    py: Python<'_>,
    classes: Codes,
    n_splits: usize,
    sizes: (usize, usize),
    random: &Bound<'_, PyAny>,
) -> Result<Splits> {
    let splitter = StratifiedShuffleSplit::new(n_splits).train_size(sizes.0).test_size(sizes.1);
    drawn(py, &splitter, Samples::new(classes.len()).classes(&classes.0), random, true)
}

/// So many of the samples in random order, no one twice; of classes, each with its share.
#[pyfunction]
fn subsample<'py>(
    py: Python<'py>,
    n: usize,
    classes: Option<Codes>,
    size: usize,
    random: &Bound<'py, PyAny>,
) -> Result<Bound<'py, PyAny>> {
    let samples = classes.as_ref().map_or(Samples::new(n), |classes| Samples::new(n).classes(&classes.0));
    let random = NumPyStream::new(random)?;
    indices(
        py,
        random
            .drawing(py, n, |stream| barehand_learn::model_selection::subsample(&samples, size, stream))?
            .map_err(Failure::from)?,
    )
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Splits>()?;
    module.add_function(wrap_pyfunction!(group_k_fold, module)?)?;
    module.add_function(wrap_pyfunction!(group_shuffle_split, module)?)?;
    module.add_function(wrap_pyfunction!(k_fold, module)?)?;
    module.add_function(wrap_pyfunction!(leave_one_out, module)?)?;
    module.add_function(wrap_pyfunction!(leave_p_groups_out, module)?)?;
    module.add_function(wrap_pyfunction!(leave_p_out, module)?)?;
    module.add_function(wrap_pyfunction!(predefined_split, module)?)?;
    module.add_function(wrap_pyfunction!(shuffle_split, module)?)?;
    module.add_function(wrap_pyfunction!(stratified_group_k_fold, module)?)?;
    module.add_function(wrap_pyfunction!(stratified_k_fold, module)?)?;
    module.add_function(wrap_pyfunction!(stratified_shuffle_split, module)?)?;
    module.add_function(wrap_pyfunction!(subsample, module)?)?;
    module.add_function(wrap_pyfunction!(time_series_split, module)?)
}
