//! `barehand.Tensor`: one Python object around a tensor of any element type, its gradient, and what in-place methods do.
//!
//! A Python tensor is a name for a value. Operations make new values that share memory until somebody writes; in-place
//! methods give this one name another value, so no other tensor changes with it. `.data` is the exception that PyTorch
//! programs count on: it is another name for the same tensor, off the tape.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use barehand_tensor::{
    AnyTensor, DType, Element, Float, Index, Tag, Tensor, each_tensor, is_recording, no_grad,
};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::dtype;
use crate::error::{Failure, Result};

/// Elements from which a call lets other Python threads run meanwhile; below, handing over would cost more.
const WORTH_RELEASING: usize = 16 * 1024;

/// Numbers of one type along any number of axes, and what gradients need to know of them.
///
/// Operations make new tensors that share memory until somebody writes; in-place methods (`x += 1`, `x.zero_()`,
/// `x[0] = 1`) change the tensor that the name stands for, and no other.
///
/// >>> x = barehand.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
/// >>> (x @ x.T).sum().backward()
/// >>> x.grad
/// tensor([[ 8., 12.],
///         [ 8., 12.]])
#[pyclass(name = "Tensor", module = "barehand", frozen, subclass, weakref)]
pub struct PyTensor {
    pub(crate) value: Mutex<AnyTensor>,
    /// Where backward passes leave the gradient; made when one is first asked for.
    pub(crate) gradient: OnceLock<Arc<Gradient>>,
    /// The tensor whose `.data` this is.
    pub(crate) base: Option<Py<PyTensor>>,
    /// Whether the elements are those of another tensor, and of which.
    view: Option<View>,
}

/// How a tensor's elements are another tensor's.
enum View {
    /// Under another shape: the two go apart when one is written to.
    Shape,
    /// `base[indices]`: what is written here is written there.
    Window(Box<Window>),
}

struct Window {
    base: Py<PyTensor>,
    indices: Vec<Index>,
    /// How many windows lead to the tensor that none shows.
    depth: usize,
}

/// Windows of windows that a write goes through; a deeper one is only a view, so that no chain grows without end.
const DEEPEST_WINDOW: usize = 64;

/// The `.grad` of a tensor. The tape holds it as the tag of a leaf.
#[derive(Default)]
pub struct Gradient {
    held: Mutex<Option<Py<PyTensor>>>,
    /// Whether a computed tensor asked for it.
    pub retained: AtomicBool,
}

impl Gradient {
    pub fn get(&self, py: Python<'_>) -> Option<Py<PyTensor>> {
        locked(&self.held).as_ref().map(|grad| grad.clone_ref(py))
    }

    pub fn set(&self, grad: Option<Py<PyTensor>>) {
        // What was there is dropped after the lock: dropping runs Python code.
        let _before = std::mem::replace(&mut *locked(&self.held), grad);
    }

    /// Adds what a backward pass found, in place, as PyTorch does.
    pub fn accumulate(&self, py: Python<'_>, found: AnyTensor) -> Result<()> {
        if let Some(held) = self.get(py) {
            return held.get().update(|sum| {
                match (sum, &found) {
                    (AnyTensor::F32(sum), AnyTensor::F32(found)) => sum.add_assign_scaled(1.0, found)?,
                    (AnyTensor::F64(sum), AnyTensor::F64(found)) => sum.add_assign_scaled(1.0, found)?,
                    _ => {
                        return Err(Failure::wrong_type(
                            "the gradient has another dtype than the one before",
                        ));
                    }
                }
                Ok(())
            });
        }
        self.set(Some(Py::new(py, PyTensor::from(found))?));
        Ok(())
    }
}

pub fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> From<T> for PyTensor
where
    AnyTensor: From<T>,
{
    fn from(tensor: T) -> Self {
        PyTensor { value: Mutex::new(tensor.into()), gradient: OnceLock::new(), base: None, view: None }
    }
}

impl PyTensor {
    /// A tensor that shows elements of another one.
    pub fn view_of(tensor: AnyTensor) -> Self {
        PyTensor { view: Some(View::Shape), ..PyTensor::from(tensor) }
    }

    /// `base[indices]`, for indices that pick no elements one by one.
    pub fn window(base: &Bound<'_, PyTensor>, indices: Vec<Index>) -> Result<Self> {
        let value = base.get().value();
        let shown: AnyTensor = each_tensor!(&value, x => x.index(&indices)?.into());
        let depth = match &base.get().view {
            Some(View::Window(window)) => window.depth + 1,
            _ => 0,
        };
        if depth > DEEPEST_WINDOW {
            return Ok(PyTensor::view_of(shown));
        }
        let window = Window { base: base.clone().unbind(), indices, depth };
        Ok(PyTensor { view: Some(View::Window(Box::new(window))), ..PyTensor::from(shown) })
    }

    /// Another name for the same tensor, off the tape: its `.data`.
    pub fn alias_of(base: Py<PyTensor>) -> Self {
        PyTensor { base: Some(base), ..PyTensor::from(Tensor::<bool>::zeros([0])) }
    }

    /// The value at this moment.
    #[inline]
    pub fn value(&self) -> AnyTensor {
        match &self.base {
            None => locked(&self.value).clone(),
            Some(base) => detached(&locked(&base.get().value)),
        }
    }

    /// Looks at the value without taking a share of its memory.
    #[inline]
    pub fn look<R>(&self, look: impl FnOnce(&AnyTensor) -> R) -> R {
        match &self.base {
            None => look(&locked(&self.value)),
            Some(base) => look(&locked(&base.get().value)),
        }
    }

    pub fn dtype(&self) -> DType {
        self.look(AnyTensor::dtype)
    }

    pub fn dims(&self) -> usize {
        self.look(|x| x.shape().len())
    }

    /// Gives this name another value: what every in-place method ends in. Whether that is recorded is the caller's business.
    pub fn replace(&self, value: AnyTensor) {
        let cell = self.base.as_ref().map_or(&self.value, |base| &base.get().value);
        let _before = std::mem::replace(&mut *locked(cell), value);
    }

    /// Changes the elements where they lie, off the tape.
    pub fn update<R>(&self, change: impl FnOnce(&mut AnyTensor) -> Result<R>) -> Result<R> {
        let cell = self.base.as_ref().map_or(&self.value, |base| &base.get().value);
        let mut held = locked(cell);
        // Memory that is about to be left may belong to a Python object: it is dropped after the lock, since dropping
        // runs Python code. Writing to shared memory makes a copy in any case.
        let before = each_tensor!(&*held, x => x.is_shared()).then(|| held.clone());
        let result = change(&mut held);
        drop(held);
        drop(before);
        result
    }

    /// Whether what is written here is written to another tensor.
    pub fn is_window(&self) -> bool {
        matches!(self.view, Some(View::Window(_)))
    }

    /// Refuses a change in place that would not be what it looks like.
    pub fn check_in_place(&self, operation: &str) -> Result<()> {
        if let Some(base) = &self.base {
            return no_grad(|| base.get().check_in_place(operation));
        }
        let (leaf, shared) = self.look(|x| (is_leaf(x), each_tensor!(x, x => x.is_shared())));
        if leaf && is_recording() {
            return Err(PyRuntimeError::new_err(format!(
                "{operation}: a leaf tensor that requires grad cannot be changed in place while operations are recorded; \
                 use `with barehand.no_grad():`"
            ))
            .into());
        }
        match &self.view {
            Some(View::Shape) if shared => Err(PyRuntimeError::new_err(format!(
                "{operation}: this tensor is a view, and changing it would not change the tensor that it was taken from; \
                 assign through an index of that tensor (x[0] = ...), or take a .clone() first"
            ))
            .into()),
            Some(View::Window(window)) if !self.look(|x| window.base.get().look(|base| share_memory(x, base))) => {
                Err(PyRuntimeError::new_err(format!(
                    "{operation}: the tensor that this view was taken from has changed since; take the view again"
                ))
                .into())
            }
            _ => Ok(()),
        }
    }

    /// The result of an in-place method: a leaf stays the leaf it is, any other name gets the recorded result, and a
    /// window hands it on to what it shows.
    pub fn assign_result(&self, operation: &str, result: AnyTensor) -> Result<()> {
        if let Some(base) = &self.base {
            return no_grad(|| base.get().assign_result(operation, detached(&result)));
        }
        let (shape, dtype) = self.look(|x| (x.shape().to_vec(), x.dtype()));
        if shape != result.shape() {
            return Err(Failure::value(
                operation,
                format!(
                    "the result has shape {:?}, which cannot replace shape {shape:?} in place",
                    result.shape()
                ),
            ));
        }
        let result = if result.dtype() == dtype { result } else { cast(&result, dtype) };
        if let Some(View::Window(window)) = &self.view {
            // Our share of the base's memory goes first, so that the base is written where it lies.
            self.replace(result.clone());
            let base = window.base.get();
            let written = base.check_in_place(operation).and_then(|()| base.write(&window.indices, &result));
            let base = base.value();
            self.replace(each_tensor!(&base, x => x.index(&window.indices)?.into()));
            return written;
        }
        // Off the tape the values change and the place on the tape stays.
        if self.look(is_leaf) || (!is_recording() && self.look(is_recorded)) {
            return self.update(|held| set_data(held, &result));
        }
        self.replace(result);
        Ok(())
    }

    /// `self[indices] = values`, of this element type.
    pub fn write(&self, indices: &[Index], values: &AnyTensor) -> Result<()> {
        if let Some(base) = &self.base {
            return no_grad(|| base.get().write(indices, &detached(values)));
        }
        let recorded = is_recording()
            && dtype::is_float(values.dtype())
            && (self.look(is_recorded) || is_recorded(values));
        if recorded || matches!(self.view, Some(View::Window(_))) {
            let result = match (self.value(), values) {
                (AnyTensor::F32(x), AnyTensor::F32(y)) if recorded => x.with_assigned(indices, y)?.into(),
                (AnyTensor::F64(x), AnyTensor::F64(y)) if recorded => x.with_assigned(indices, y)?.into(),
                (mut value, _) => {
                    each_tensor!(&mut value, x => x.assign(indices, &values.get()?)?);
                    value
                }
            };
            return self.assign_result("x[...] = y", result);
        }
        self.update(|x| {
            each_tensor!(x, x => x.assign(indices, &values.get()?)?);
            Ok(())
        })
    }

    pub fn gradient(&self) -> &Arc<Gradient> {
        self.gradient.get_or_init(Arc::default)
    }

    /// As a leaf of the tape, whose gradient comes back to this object.
    pub fn make_leaf(&self) -> Result<()> {
        if self.base.is_some() {
            return Err(PyRuntimeError::new_err(
                "the .data of a tensor is never on the tape: use .detach().requires_grad_()",
            )
            .into());
        }
        let tag: Tag = self.gradient().clone();
        self.update(|held| {
            *held = match held {
                AnyTensor::F32(x) => x.requires_grad_tagged(tag).into(),
                AnyTensor::F64(x) => x.requires_grad_tagged(tag).into(),
                other => {
                    return Err(PyRuntimeError::new_err(format!(
                        "only tensors of floating point can require gradients, not {}",
                        dtype::name(other.dtype())
                    ))
                    .into());
                }
            };
            Ok(())
        })
    }
}

/// Runs work on `elements` elements, letting other Python threads run where that pays.
#[inline]
pub fn released<R: Send>(py: Python<'_>, elements: usize, work: impl FnOnce() -> R + Send) -> R {
    if elements < WORTH_RELEASING { work() } else { py.detach(work) }
}

pub fn is_leaf(x: &AnyTensor) -> bool {
    each_tensor!(x, x => x.is_leaf())
}

pub fn is_recorded(x: &AnyTensor) -> bool {
    each_tensor!(x, x => x.is_recorded())
}

pub fn detached(x: &AnyTensor) -> AnyTensor {
    each_tensor!(x, x => x.detach().into())
}

pub fn len(x: &AnyTensor) -> usize {
    each_tensor!(x, x => x.len())
}

/// Whether two tensors look into one memory.
fn share_memory(x: &AnyTensor, y: &AnyTensor) -> bool {
    each_tensor!(x, x => y.get().is_ok_and(|y| x.shares_memory(&y)))
}

/// Takes over values of the same element type and shape.
pub fn set_data(held: &mut AnyTensor, values: &AnyTensor) -> Result<()> {
    each_tensor!(held, held => held.set_data(&values.get()?)?);
    Ok(())
}

/// Another element type; gradients flow between the two precisions.
pub fn cast(x: &AnyTensor, dtype: DType) -> AnyTensor {
    fn to<U: Element>(x: &AnyTensor) -> AnyTensor
    where
        AnyTensor: From<Tensor<U>>,
    {
        x.cast::<U>().into()
    }
    fn real<U: Float>(x: &AnyTensor) -> AnyTensor {
        match x {
            AnyTensor::F32(x) => U::into_any(x.to()),
            AnyTensor::F64(x) => U::into_any(x.to()),
            other => U::into_any(other.cast()),
        }
    }
    match dtype {
        DType::F32 => real::<f32>(x),
        DType::F64 => real::<f64>(x),
        DType::I64 => to::<i64>(x),
        DType::I32 => match x {
            // What does not fit wraps, as in NumPy and PyTorch.
            AnyTensor::I64(x) => {
                let wrapped = x.to_vec().into_iter().map(|value| value as i32).collect();
                Tensor::<i32>::from_vec(wrapped, x.shape()).expect("as many values as before").into()
            }
            _ => to::<i32>(x),
        },
        DType::U8 => match x {
            // Through integers: negative numbers wrap as they do in NumPy and PyTorch instead of becoming 0.
            AnyTensor::F32(_) | AnyTensor::F64(_) | AnyTensor::I64(_) | AnyTensor::I32(_) => wrapped_bytes(x),
            _ => to::<u8>(x),
        },
        DType::Bool => to::<bool>(x),
    }
}

fn wrapped_bytes(x: &AnyTensor) -> AnyTensor {
    let shape = x.shape().to_vec();
    let bytes: Vec<u8> = x.cast::<i64>().to_vec().into_iter().map(|value| value as u8).collect();
    Tensor::from_vec(bytes, shape).expect("as many values as before").into()
}

/// The shape as Python writes it.
pub fn shape_tuple<'py>(py: Python<'py>, shape: &[usize]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, shape)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTensor>()
}
