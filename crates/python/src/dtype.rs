//! Element types: `barehand.float32` and its like, and which of them two operands meet in.

use barehand_tensor::DType;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyType};

use crate::error::{Failure, Result};

/// The type of a tensor's elements.
#[pyclass(name = "dtype", module = "barehand", frozen, eq, hash)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PyDType(pub DType);

/// Name in Python, and in NumPy.
pub const DTYPES: [(DType, &str); 6] = [
    (DType::F32, "float32"),
    (DType::F64, "float64"),
    (DType::I64, "int64"),
    (DType::I32, "int32"),
    (DType::U8, "uint8"),
    (DType::Bool, "bool"),
];

/// The name of an element type in Python.
pub fn name(dtype: DType) -> &'static str {
    DTYPES.iter().find(|(held, _)| *held == dtype).map_or("?", |(_, name)| name)
}

#[pymethods]
impl PyDType {
    /// Whether the elements are real numbers in floating point.
    #[getter]
    fn is_floating_point(&self) -> bool {
        is_float(self.0)
    }

    /// Bytes of one element.
    #[getter]
    fn itemsize(&self) -> usize {
        self.0.size()
    }

    fn __repr__(&self) -> String {
        format!("barehand.{}", name(self.0))
    }

    /// As in `numpy.dtype(barehand.float32)`.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("numpy")?.getattr("dtype")?.call1((name(self.0),))
    }

    fn __reduce__(&self) -> &'static str {
        name(self.0)
    }
}

/// The one object of an element type, so that `x.dtype is barehand.float32`.
pub fn object(py: Python<'_>, dtype: DType) -> Py<PyDType> {
    static OBJECTS: PyOnceLock<Vec<Py<PyDType>>> = PyOnceLock::new();
    let objects = OBJECTS.get_or_init(py, || {
        DTYPES
            .iter()
            .map(|(dtype, _)| Py::new(py, PyDType(*dtype)).expect("a class of this module"))
            .collect()
    });
    let at = DTYPES.iter().position(|(held, _)| *held == dtype).expect("every type is listed");
    objects[at].clone_ref(py)
}

/// A `dtype=` argument: one of ours, a NumPy type, its name, or Python's `float`, `int`, `bool`.
pub struct DTypeArgument(pub DType);

impl<'a, 'py> FromPyObject<'a, 'py> for DTypeArgument {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(dtype) = given.cast::<PyDType>() {
            return Ok(DTypeArgument(dtype.get().0));
        }
        let py = given.py();
        if let Ok(class) = given.cast::<PyType>() {
            for (python, dtype) in [
                (py.get_type::<PyFloat>(), DType::F32),
                (py.get_type::<PyInt>(), DType::I64),
                (py.get_type::<PyBool>(), DType::Bool),
            ] {
                if class.is(&python) {
                    return Ok(DTypeArgument(dtype));
                }
            }
        }
        let name = match given.cast::<PyString>() {
            Ok(name) => name.to_string(),
            Err(_) => {
                py.import("numpy")?.getattr("dtype")?.call1((given,))?.getattr("name")?.extract::<String>()?
            }
        };
        let name = name.trim_start_matches("torch.");
        DTYPES.iter().find(|(_, held)| *held == name).map(|(dtype, _)| DTypeArgument(*dtype)).ok_or_else(
            || {
                let known: Vec<&str> = DTYPES.iter().map(|(_, name)| *name).collect();
                Failure::wrong_type(format!("dtype {name} is not one of {}", known.join(", "))).into()
            },
        )
    }
}

/// Whether real numbers.
pub fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F64)
}

/// bool, then integers, then floats: within one category two types meet in the larger.
fn category(dtype: DType) -> u8 {
    match dtype {
        DType::Bool => 0,
        DType::U8 | DType::I32 | DType::I64 => 1,
        DType::F32 | DType::F64 => 2,
    }
}

fn larger(a: DType, b: DType) -> DType {
    let size = |dtype: DType| (category(dtype), dtype.size());
    if size(a) >= size(b) { a } else { b }
}

/// The type in which two operands meet (`torch.result_type`): one without axes does not widen one with axes of the same
/// category.
pub fn promoted(a: (DType, usize), b: (DType, usize)) -> DType {
    match (a, b) {
        ((a, _), (b, _)) if a == b => a,
        ((a, rank), (b, 0)) if rank > 0 && category(a) >= category(b) => a,
        ((a, 0), (b, rank)) if rank > 0 && category(b) >= category(a) => b,
        ((a, _), (b, _)) => larger(a, b),
    }
}

/// The type in which a tensor meets a Python number.
pub fn with_number(dtype: DType, number: DType) -> DType {
    if category(dtype) >= category(number) { dtype } else { number }
}

/// Real numbers as they are, everything else as single precision.
pub fn real(dtype: DType) -> DType {
    if is_float(dtype) { dtype } else { default_float() }
}

static DEFAULT_IS_DOUBLE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// The type of new tensors made of Python floats.
pub fn default_float() -> DType {
    if DEFAULT_IS_DOUBLE.load(std::sync::atomic::Ordering::Relaxed) { DType::F64 } else { DType::F32 }
}

/// Sets the element type of new tensors that are made of Python floats: float32 at the beginning.
#[pyfunction]
fn set_default_dtype(dtype: DTypeArgument) -> Result<()> {
    if !is_float(dtype.0) {
        return Err(Failure::wrong_type(format!(
            "only float32 and float64 can be the default, not {}",
            name(dtype.0)
        )));
    }
    DEFAULT_IS_DOUBLE.store(dtype.0 == DType::F64, std::sync::atomic::Ordering::Relaxed);
    Ok(())
}

/// The element type of new tensors that are made of Python floats.
#[pyfunction]
fn get_default_dtype(py: Python<'_>) -> Py<PyDType> {
    object(py, default_float())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyDType>()?;
    for (dtype, name) in DTYPES {
        module.add(name, object(module.py(), dtype))?;
    }
    module.add_function(wrap_pyfunction!(set_default_dtype, module)?)?;
    module.add_function(wrap_pyfunction!(get_default_dtype, module)?)
}
