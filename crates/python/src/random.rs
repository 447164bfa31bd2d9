//! Random tensors, from a generator of one's own or from the default one, which `manual_seed` begins anew.

use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use barehand_tensor::{AnyTensor, DType, Tensor};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::creation::sizes;
use crate::dtype::{DTypeArgument, default_float, is_float};
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, locked, released};

use barehand_tensor::Generator;

static DEFAULT: Mutex<Option<Generator>> = Mutex::new(None);

/// A seed that nobody chose.
fn entropy() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    now ^ (u64::from(std::process::id()) << 32)
}

/// Works with the generator given, or with the default one.
pub fn with_generator<R>(given: Option<&PyGenerator>, work: impl FnOnce(&mut Generator) -> R) -> R {
    match given {
        Some(generator) => work(&mut generator.lock()),
        None => work(locked(&DEFAULT).get_or_insert_with(|| Generator::new(entropy()))),
    }
}

/// A source of random numbers: same seed, same numbers, on any number of threads.
#[pyclass(name = "Generator", module = "barehand", frozen)]
pub struct PyGenerator {
    generator: Mutex<Generator>,
}

impl PyGenerator {
    pub fn lock(&self) -> MutexGuard<'_, Generator> {
        locked(&self.generator)
    }
}

#[pymethods]
impl PyGenerator {
    #[new]
    #[pyo3(signature = (device=None))]
    fn new(device: Option<&Bound<'_, PyAny>>) -> Result<Self> {
        device.map(crate::device::check).transpose()?;
        Ok(PyGenerator { generator: Mutex::new(Generator::new(entropy())) })
    }

    /// Begins anew from a seed, and returns the generator.
    fn manual_seed(slf: Bound<'_, Self>, seed: i64) -> Bound<'_, Self> {
        *slf.get().lock() = Generator::new(seed as u64);
        slf
    }

    /// The seed that it began with.
    fn initial_seed(&self) -> u64 {
        self.lock().state().0
    }

    /// Seed and counter: all there is.
    fn get_state(&self) -> (u64, u64) {
        self.lock().state()
    }

    /// Goes on from what `get_state` returned.
    fn set_state(&self, state: (u64, u64)) {
        *self.lock() = Generator::from_state(state.0, state.1);
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> Result<(Py<PyAny>, ((u64, u64),))> {
        let rebuild = slf.py().import("barehand._barehand")?.getattr("_rebuild_generator")?;
        Ok((rebuild.unbind(), (slf.get().get_state(),)))
    }
}

#[pyfunction]
#[pyo3(name = "_rebuild_generator")]
fn rebuild_generator(state: (u64, u64)) -> PyGenerator {
    PyGenerator { generator: Mutex::new(Generator::from_state(state.0, state.1)) }
}

/// Begins the default generator anew: what follows is the same in every run.
#[pyfunction]
fn manual_seed(seed: i64) {
    *locked(&DEFAULT) = Some(Generator::new(seed as u64));
}

/// The default generator's seed and counter.
#[pyfunction]
fn get_rng_state() -> (u64, u64) {
    with_generator(None, |generator| generator.state())
}

/// Sets the default generator to what `get_rng_state` returned.
#[pyfunction]
fn set_rng_state(state: (u64, u64)) {
    *locked(&DEFAULT) = Some(Generator::from_state(state.0, state.1));
}

/// A distribution of real numbers.
#[derive(Clone, Copy)]
pub enum Distribution {
    Uniform { low: f64, high: f64 },
    Normal { mean: f64, std: f64 },
}

impl Distribution {
    /// Independent draws.
    pub fn draw(
        self,
        py: Python<'_>,
        shape: &[usize],
        dtype: DType,
        generator: Option<&Bound<'_, PyGenerator>>,
    ) -> Result<AnyTensor> {
        let generator = generator.map(Bound::get);
        // Locked inside, and unlocked before Python is asked for again: whoever waits for the lock may hold Python.
        released(py, shape.iter().product(), || {
            with_generator(generator, |g| {
                Ok(match (self, dtype) {
                    (Distribution::Uniform { low, high }, DType::F32) => {
                        Tensor::<f32>::uniform(low as f32, high as f32, shape, g)?.into()
                    }
                    (Distribution::Uniform { low, high }, DType::F64) => {
                        Tensor::<f64>::uniform(low, high, shape, g)?.into()
                    }
                    (Distribution::Normal { mean, std }, DType::F32) => {
                        Tensor::<f32>::normal(mean as f32, std as f32, shape, g)?.into()
                    }
                    (Distribution::Normal { mean, std }, DType::F64) => {
                        Tensor::<f64>::normal(mean, std, shape, g)?.into()
                    }
                    _ => return Err(Failure::wrong_type("random real numbers are float32 or float64")),
                })
            })
        })
    }
}

macro_rules! random {
    ($($(#[$doc:meta])* $name:ident $like:ident => $distribution:expr;)*) => { $(
        $(#[$doc])*
        #[pyfunction]
        #[pyo3(signature = (*size, generator=None, dtype=None, device=None, requires_grad=false))]
        fn $name(
            py: Python<'_>,
            size: &Bound<'_, PyTuple>,
            generator: Option<&Bound<'_, PyGenerator>>,
            dtype: Option<DTypeArgument>,
            device: Option<&Bound<'_, PyAny>>,
            requires_grad: bool,
        ) -> Result<PyTensor> {
            device.map(crate::device::check).transpose()?;
            let dtype = dtype.map_or_else(default_float, |dtype| dtype.0);
            let tensor = PyTensor::from($distribution.draw(py, &sizes(stringify!($name), size)?, dtype, generator)?);
            if requires_grad {
                tensor.make_leaf()?;
            }
            Ok(tensor)
        }

        /// The same in the shape and type of `input`.
        #[pyfunction]
        #[pyo3(signature = (input, *, dtype=None, generator=None))]
        fn $like(
            py: Python<'_>,
            input: &Bound<'_, PyTensor>,
            dtype: Option<DTypeArgument>,
            generator: Option<&Bound<'_, PyGenerator>>,
        ) -> Result<PyTensor> {
            let (shape, held) = input.get().look(|x| (x.shape().to_vec(), x.dtype()));
            let dtype = dtype.map_or(held, |dtype| dtype.0);
            Ok(PyTensor::from($distribution.draw(py, &shape, dtype, generator)?))
        }
    )* };
}

random! {
    /// The uniform distribution on [0, 1).
    rand rand_like => Distribution::Uniform { low: 0.0, high: 1.0 };
    /// The standard normal distribution.
    randn randn_like => Distribution::Normal { mean: 0.0, std: 1.0 };
}

/// Integers from `low` (0 where it is left out) up to and excluding `high`: `randint(10, (3,))`, `randint(2, 10, (3,))`.
#[pyfunction]
#[pyo3(signature = (*args, low=None, high=None, size=None, generator=None, dtype=None))]
fn randint(
    args: &Bound<'_, PyTuple>,
    low: Option<i64>,
    high: Option<i64>,
    size: Option<Vec<usize>>,
    generator: Option<&Bound<'_, PyGenerator>>,
    dtype: Option<DTypeArgument>,
) -> Result<PyTensor> {
    let (low, high, size) = match args.len() {
        0 => (low.unwrap_or(0), high, size),
        1 => (low.unwrap_or(0), high.or(Some(args.get_item(0)?.extract()?)), size),
        2 if size.is_none() => {
            (low.unwrap_or(0), Some(args.get_item(0)?.extract()?), Some(args.get_item(1)?.extract()?))
        }
        2 => (args.get_item(0)?.extract()?, Some(args.get_item(1)?.extract()?), size),
        3 => (
            args.get_item(0)?.extract()?,
            Some(args.get_item(1)?.extract()?),
            Some(args.get_item(2)?.extract()?),
        ),
        n => {
            return Err(Failure::wrong_type(format!(
                "randint: (low, high, size) expected, not {n} arguments"
            )));
        }
    };
    let (Some(high), Some(size)) = (high, size) else {
        return Err(Failure::wrong_type("randint: high and size are needed"));
    };
    let drawn =
        with_generator(generator.map(Bound::get), |generator| Tensor::randint(low, high, size, generator))?;
    Ok(PyTensor::from(cast(&drawn.into(), dtype.map_or(DType::I64, |dtype| dtype.0))))
}

/// The numbers 0 to n - 1 in random order.
#[pyfunction]
#[pyo3(signature = (n, *, generator=None))]
fn randperm(n: usize, generator: Option<&Bound<'_, PyGenerator>>) -> PyTensor {
    with_generator(generator.map(Bound::get), |generator| Tensor::randperm(n, generator)).into()
}

/// 1 with the probability that each element of `input` says, else 0.
#[pyfunction]
#[pyo3(signature = (input, *, generator=None))]
fn bernoulli(
    py: Python<'_>,
    input: &Bound<'_, PyTensor>,
    generator: Option<&Bound<'_, PyGenerator>>,
) -> Result<PyTensor> {
    let p = input.get().value();
    if !is_float(p.dtype()) {
        return Err(Failure::wrong_type("bernoulli: probabilities are float32 or float64"));
    }
    let uniform = Distribution::Uniform { low: 0.0, high: 1.0 };
    Ok(match (uniform.draw(py, p.shape(), p.dtype(), generator)?, &p) {
        (AnyTensor::F32(u), AnyTensor::F32(p)) => u.lt(p)?.cast::<f32>().into(),
        (AnyTensor::F64(u), AnyTensor::F64(p)) => u.lt(p)?.cast::<f64>().into(),
        _ => unreachable!("drawn in the type of p"),
    })
}

#[pymethods]
impl PyTensor {
    /// Draws every element from the uniform distribution on [from, to).
    #[pyo3(signature = (r#from=0.0, to=1.0, *, generator=None))]
    fn uniform_<'py>(
        slf: Bound<'py, Self>,
        r#from: f64,
        to: f64,
        generator: Option<&Bound<'py, PyGenerator>>,
    ) -> Result<Bound<'py, Self>> {
        slf.get().check_in_place("uniform_")?;
        let (shape, dtype) = slf.get().look(|x| (x.shape().to_vec(), x.dtype()));
        let drawn =
            Distribution::Uniform { low: r#from, high: to }.draw(slf.py(), &shape, dtype, generator)?;
        slf.get().assign_result("uniform_", drawn)?;
        Ok(slf)
    }

    /// Draws every element from a normal distribution.
    #[pyo3(signature = (mean=0.0, std=1.0, *, generator=None))]
    fn normal_<'py>(
        slf: Bound<'py, Self>,
        mean: f64,
        std: f64,
        generator: Option<&Bound<'py, PyGenerator>>,
    ) -> Result<Bound<'py, Self>> {
        slf.get().check_in_place("normal_")?;
        let (shape, dtype) = slf.get().look(|x| (x.shape().to_vec(), x.dtype()));
        let drawn = Distribution::Normal { mean, std }.draw(slf.py(), &shape, dtype, generator)?;
        slf.get().assign_result("normal_", drawn)?;
        Ok(slf)
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyGenerator>()?;
    module.add_function(wrap_pyfunction!(rebuild_generator, module)?)?;
    module.add_function(wrap_pyfunction!(manual_seed, module)?)?;
    module.add_function(wrap_pyfunction!(get_rng_state, module)?)?;
    module.add_function(wrap_pyfunction!(set_rng_state, module)?)?;
    module.add_function(wrap_pyfunction!(rand, module)?)?;
    module.add_function(wrap_pyfunction!(rand_like, module)?)?;
    module.add_function(wrap_pyfunction!(randn, module)?)?;
    module.add_function(wrap_pyfunction!(randn_like, module)?)?;
    module.add_function(wrap_pyfunction!(randint, module)?)?;
    module.add_function(wrap_pyfunction!(randperm, module)?)?;
    module.add_function(wrap_pyfunction!(bernoulli, module)?)
}
