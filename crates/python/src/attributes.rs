//! What a tensor is asked for and told: shape, type, numbers, its gradient, copies, and how it prints.

use barehand_tensor::layout::Dims;
use barehand_tensor::{AnyTensor, DType, Element, each_tensor};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::dtype::{self, DTypeArgument, PyDType};
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, detached, is_leaf, is_recorded, len, released, set_data, shape_tuple};

#[pymethods]
impl PyTensor {
    /// A tensor of `data`: numbers, nested sequences of them, an array, or another tensor.
    #[new]
    #[pyo3(signature = (data, *, dtype=None))]
    fn new(data: &Bound<'_, PyAny>, dtype: Option<DTypeArgument>) -> Result<Self> {
        if let Ok(tensor) = data.cast::<PyTensor>() {
            let value = detached(&tensor.get().value());
            return Ok(PyTensor::from(match dtype {
                Some(DTypeArgument(dtype)) => cast(&value, dtype),
                None => value,
            }));
        }
        Ok(PyTensor::from(crate::creation::from_python(data, dtype.map(|d| d.0))?))
    }

    /// Length of each axis.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        // Outside of the lock: making a tuple may collect garbage, which runs Python code.
        let shape = self.look(|x| Dims::from_slice(x.shape()));
        shape_tuple(py, &shape)
    }

    /// Length of each axis, or of one axis.
    #[pyo3(signature = (dim=None))]
    fn size<'py>(&self, py: Python<'py>, dim: Option<isize>) -> Result<Bound<'py, PyAny>> {
        match dim {
            None => Ok(self.shape(py)?.into_any()),
            Some(dim) => self.look(|x| {
                let axis = barehand_tensor::layout::resolve_axis("size", dim, x.shape().len())?;
                Ok(x.shape()[axis].into_pyobject(py).map_err(PyErr::from)?.into_any())
            }),
        }
    }

    /// Number of axes.
    #[getter]
    fn ndim(&self) -> usize {
        self.dims()
    }

    /// Number of axes.
    fn dim(&self) -> usize {
        self.dims()
    }

    /// Number of elements.
    fn numel(&self) -> usize {
        self.look(len)
    }

    /// Number of elements.
    fn nelement(&self) -> usize {
        self.look(len)
    }

    /// Element type.
    #[getter(dtype)]
    fn dtype_object(&self, py: Python<'_>) -> Py<PyDType> {
        dtype::object(py, self.dtype())
    }

    /// Where the elements are: always `cpu`.
    #[getter]
    fn device(&self) -> crate::device::Device {
        crate::device::Device
    }

    /// Bytes of one element.
    #[getter]
    fn itemsize(&self) -> usize {
        self.dtype().size()
    }

    /// Bytes of one element.
    fn element_size(&self) -> usize {
        self.dtype().size()
    }

    /// Bytes of all elements.
    #[getter]
    fn nbytes(&self) -> usize {
        self.look(|x| len(x) * x.dtype().size())
    }

    /// Elements to step over along each axis.
    fn stride<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let strides = self.look(|x| each_tensor!(x, x => Dims::from_slice(x.strides())));
        shape_tuple(py, &strides)
    }

    /// Whether the elements lie one after another in row-major order.
    fn is_contiguous(&self) -> bool {
        self.look(|x| each_tensor!(x, x => x.is_contiguous()))
    }

    /// Whether the elements are real numbers in floating point.
    fn is_floating_point(&self) -> bool {
        dtype::is_float(self.dtype())
    }

    /// The only element as a Python number.
    fn item<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        self.look(|x| {
            Ok(match x {
                AnyTensor::F32(x) => f64::from(x.item()?).into_pyobject(py).map_err(PyErr::from)?.into_any(),
                AnyTensor::F64(x) => x.item()?.into_pyobject(py).map_err(PyErr::from)?.into_any(),
                AnyTensor::I64(x) => x.item()?.into_pyobject(py).map_err(PyErr::from)?.into_any(),
                AnyTensor::I32(x) => x.item()?.into_pyobject(py).map_err(PyErr::from)?.into_any(),
                AnyTensor::U8(x) => x.item()?.into_pyobject(py).map_err(PyErr::from)?.into_any(),
                AnyTensor::Bool(x) => x.item()?.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any(),
            })
        })
    }

    /// The elements as nested lists of Python numbers.
    fn tolist<'py>(slf: &Bound<'py, Self>) -> Result<Bound<'py, PyAny>> {
        let value = detached(&slf.get().value());
        if value.shape().is_empty() {
            return slf.get().item(slf.py());
        }
        Ok(crate::array::to_numpy(slf.py(), &value)?.call_method0("tolist")?)
    }

    fn __len__(&self) -> Result<usize> {
        self.look(|x| {
            x.shape().first().copied().ok_or_else(|| Failure::wrong_type("len() of a tensor without axes"))
        })
    }

    fn __bool__(&self) -> Result<bool> {
        self.look(|x| {
            if len(x) == 1 {
                return Ok(each_tensor!(x, x => x.item()?.as_f64() != 0.0));
            }
            Err(Failure::value(
                "bool",
                format!("a tensor of shape {:?} is neither true nor false: use .any() or .all()", x.shape()),
            ))
        })
    }

    fn __float__(&self) -> Result<f64> {
        self.look(|x| Ok(each_tensor!(x, x => x.item()?.as_f64())))
    }

    fn __int__<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        Ok(py.get_type::<pyo3::types::PyInt>().call1((self.item(py)?,))?)
    }

    fn __index__(&self) -> Result<i64> {
        self.look(|x| {
            if dtype::is_float(x.dtype()) || x.dtype() == DType::Bool || len(x) != 1 {
                return Err(Failure::wrong_type("only a tensor of one integer can be used as an index"));
            }
            Ok(each_tensor!(x, x => x.item()?.as_i64()))
        })
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> Result<Bound<'py, PyAny>> {
        if slf.get().dims() == 0 {
            return Err(Failure::wrong_type("a tensor without axes cannot be iterated over"));
        }
        let rows = slf.call_method0("unbind")?;
        Ok(rows.try_iter()?.into_any())
    }

    fn __hash__(slf: &Bound<'_, Self>) -> usize {
        // By identity, since == compares the elements; objects lie at least 16 bytes apart.
        slf.as_ptr() as usize >> 4
    }

    fn __repr__(&self) -> String {
        let value = self.value();
        let mut text = each_tensor!(&value, x => x.detach().to_string());
        let suffix = if self.base.is_none() && is_leaf(&value) {
            ", requires_grad=True)"
        } else if is_recorded(&value) {
            ", grad_fn=<Recorded>)"
        } else {
            ")"
        };
        text.pop();
        // The library writes its own names of types.
        let text = text.replace("dtype=f", "dtype=barehand.float").replace("dtype=i", "dtype=barehand.int");
        let text =
            text.replace("dtype=u8", "dtype=barehand.uint8").replace("dtype=bool", "dtype=barehand.bool");
        text + suffix
    }

    fn __format__<'py>(slf: &Bound<'py, Self>, spec: &Bound<'py, PyString>) -> Result<Bound<'py, PyAny>> {
        let tensor = slf.get();
        if tensor.dims() == 0 {
            return Ok(tensor.item(slf.py())?.call_method1("__format__", (spec,))?);
        }
        if spec.is_empty()? {
            return Ok(slf.repr()?.into_any());
        }
        Err(PyTypeError::new_err("only a tensor without axes takes a format").into())
    }

    // Gradients.

    /// Whether gradients flow to this tensor.
    #[getter]
    fn requires_grad(&self) -> bool {
        self.base.is_none() && self.look(is_recorded)
    }

    #[setter]
    fn set_requires_grad(&self, requires: bool) -> Result<()> {
        let (leaf, recorded) =
            if self.base.is_some() { (false, false) } else { self.look(|x| (is_leaf(x), is_recorded(x))) };
        match (requires, recorded) {
            (true, false) => self.make_leaf(),
            (false, true) if leaf => {
                self.replace(detached(&self.value()));
                Ok(())
            }
            (false, true) => Err(PyRuntimeError::new_err(
                "requires_grad can only be switched off for leaves; use .detach() for a computed tensor",
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// Records operations on this tensor from now on (or no longer), and returns it.
    #[pyo3(signature = (requires_grad=true))]
    fn requires_grad_(slf: Bound<'_, Self>, requires_grad: bool) -> Result<Bound<'_, Self>> {
        slf.get().set_requires_grad(requires_grad)?;
        Ok(slf)
    }

    /// Whether this tensor was not computed from others that require gradients.
    #[getter]
    fn is_leaf(&self) -> bool {
        self.base.is_some() || self.look(|x| !is_recorded(x) || is_leaf(x))
    }

    /// The name of a computed tensor's place on the tape, `None` for leaves.
    #[getter]
    fn grad_fn(&self) -> Option<&'static str> {
        (!self.is_leaf()).then_some("Recorded")
    }

    /// What backward passes have added up here.
    #[getter]
    fn grad(&self, py: Python<'_>) -> Option<Py<PyTensor>> {
        self.gradient.get().and_then(|gradient| gradient.get(py))
    }

    #[setter]
    fn set_grad(&self, grad: Option<Bound<'_, PyTensor>>) -> Result<()> {
        let Some(grad) = grad else {
            if let Some(gradient) = self.gradient.get() {
                gradient.set(None);
            }
            return Ok(());
        };
        let (shape, dtype) = self.look(|x| (x.shape().to_vec(), x.dtype()));
        grad.get().look(|given| {
            if given.shape() == shape && given.dtype() == dtype {
                return Ok(());
            }
            Err(Failure::value(
                "grad",
                format!(
                    "a gradient of shape {:?} and dtype {} for a tensor of shape {shape:?} and dtype {}",
                    given.shape(),
                    dtype::name(given.dtype()),
                    dtype::name(dtype)
                ),
            ))
        })?;
        self.gradient().set(Some(grad.unbind()));
        Ok(())
    }

    #[deleter]
    fn delete_grad(&self) {
        if let Some(gradient) = self.gradient.get() {
            gradient.set(None);
        }
    }

    /// The same tensor off the tape: writing to it writes here.
    #[getter]
    fn data(slf: &Bound<'_, Self>) -> PyTensor {
        let base =
            slf.get().base.as_ref().map_or_else(|| slf.clone().unbind(), |base| base.clone_ref(slf.py()));
        PyTensor::alias_of(base)
    }

    #[setter]
    fn set_data(&self, values: &Bound<'_, PyTensor>) -> Result<()> {
        let values = detached(&values.get().value());
        if !self.look(is_recorded) {
            self.replace(values);
            return Ok(());
        }
        self.update(|held| set_data(held, &values))
    }

    /// The same values off the tape.
    fn detach(&self) -> PyTensor {
        PyTensor::view_of(detached(&self.value()))
    }

    /// Takes this tensor off the tape.
    fn detach_(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        if slf.get().base.is_none() {
            slf.get().replace(detached(&slf.get().value()));
        }
        slf
    }

    /// The same values in memory of their own; gradients flow through.
    #[pyo3(signature = (*, memory_format=None))]
    fn clone(&self, py: Python<'_>, memory_format: Option<&Bound<'_, PyAny>>) -> Result<PyTensor> {
        if memory_format.is_some() {
            return Err(Failure::value("clone", "memory_format: tensors are always row-major here"));
        }
        let value = self.value();
        let elements = len(&value);
        Ok(match value {
            AnyTensor::F32(x) if x.is_recorded() => released(py, elements, || x.mul_scalar(1.0))?.into(),
            AnyTensor::F64(x) if x.is_recorded() => released(py, elements, || x.mul_scalar(1.0))?.into(),
            value => released(py, elements, || -> Result<PyTensor> {
                each_tensor!(value, x => {
                    let mut copy = x;
                    copy.data_mut();
                    Ok(PyTensor::from(copy))
                })
            })?,
        })
    }

    /// The same values in row-major order.
    fn contiguous(slf: Bound<'_, Self>, py: Python<'_>) -> Result<Py<PyTensor>> {
        let value = slf.get().value();
        if each_tensor!(&value, x => x.is_contiguous()) {
            return Ok(slf.unbind());
        }
        let elements = len(&value);
        let packed: AnyTensor = released(py, elements, || each_tensor!(&value, x => x.contiguous().into()));
        Ok(Py::new(py, PyTensor::from(packed))?)
    }

    /// Another element type (`to(dtype)`), or this tensor: everything lives on the CPU.
    #[pyo3(signature = (*args, dtype=None, device=None, non_blocking=false, copy=false))]
    fn to<'py>(
        slf: Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        dtype: Option<DTypeArgument>,
        device: Option<Bound<'py, PyAny>>,
        non_blocking: bool,
        copy: bool,
    ) -> Result<Py<PyTensor>> {
        // A copy on the CPU is done when the call returns, which a caller who does not wait for it cannot mind.
        let _ = non_blocking;
        let py = slf.py();
        let mut wanted = dtype.map(|dtype| dtype.0);
        if let Some(device) = device {
            crate::device::check(&device)?;
        }
        for given in args {
            if let Ok(other) = given.cast::<PyTensor>() {
                wanted = Some(other.get().dtype());
            } else if given.cast::<PyDType>().is_err() && crate::device::check(&given).is_ok() {
                // The CPU, where everything is.
            } else if let Ok(dtype) = given.extract::<DTypeArgument>() {
                wanted = Some(dtype.0);
            } else {
                crate::device::check(&given)?;
            }
        }
        match wanted {
            Some(dtype) if dtype != slf.get().dtype() => {
                let value = slf.get().value();
                let elements = len(&value);
                Ok(Py::new(py, PyTensor::from(released(py, elements, || cast(&value, dtype))))?)
            }
            _ if copy => Ok(Py::new(py, slf.get().clone(py, None)?)?),
            _ => Ok(slf.unbind()),
        }
    }

    fn __copy__(slf: &Bound<'_, Self>) -> PyTensor {
        let tensor = PyTensor::from(slf.get().value());
        if let Some(gradient) = slf.get().gradient.get() {
            let _ = tensor.gradient.set(gradient.clone());
        }
        tensor
    }

    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, memo: &Bound<'py, PyDict>) -> Result<Bound<'py, PyAny>> {
        let py = slf.py();
        let tensor = slf.get();
        if !tensor.is_leaf() {
            return Err(PyRuntimeError::new_err(
                "only leaves can be copied deeply; use .detach() or .clone()",
            )
            .into());
        }
        // Memory of its own, since that of the original may be an array's that somebody writes to.
        let mut value = detached(&tensor.value());
        each_tensor!(&mut value, x => { x.data_mut(); });
        let copy = slf.get_type().call1((PyTensor::from(value),))?;
        let held = copy.cast::<PyTensor>()?;
        held.get().set_requires_grad(tensor.requires_grad())?;
        if let Some(grad) = tensor.grad(py) {
            held.get().gradient().set(Some(Py::new(py, PyTensor::from(grad.get().value()))?));
        }
        memo.set_item(slf.as_ptr() as usize, &copy)?;
        Ok(copy)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Result<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let tensor = slf.get();
        if !tensor.is_leaf() {
            return Err(PyRuntimeError::new_err("only leaves can be pickled; use .detach()").into());
        }
        let value = detached(&tensor.value());
        let array = crate::array::to_numpy(py, &value)?;
        let rebuild = py.import("barehand._barehand")?.getattr("_rebuild_tensor")?;
        let arguments = (slf.get_type(), array, tensor.requires_grad());
        Ok((rebuild, arguments.into_pyobject(py)?))
    }
}

/// What unpickling calls.
#[pyfunction]
#[pyo3(name = "_rebuild_tensor")]
fn rebuild_tensor<'py>(
    class: &Bound<'py, PyAny>,
    array: &Bound<'py, PyAny>,
    requires_grad: bool,
) -> Result<Bound<'py, PyAny>> {
    let tensor = class.call1((PyTensor::from(crate::creation::from_python(array, None)?),))?;
    tensor.cast::<PyTensor>()?.get().set_requires_grad(requires_grad)?;
    Ok(tensor)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(rebuild_tensor, module)?)
}
