//! `barehand.optim.LBFGS`: the library's L-BFGS, with a closure of Python's for its objective.

use std::collections::BTreeMap;
use std::sync::Mutex;

use barehand_nn::{Lbfgs, OptimizerState};
use barehand_tensor::{AnyTensor, DType, Float, Tensor, concat};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList};

use super::{options, owned, poisoned};
use crate::creation::from_python;
use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, detached};

/// The optimizer in the precision of its parameters, which the first step shows.
enum Kept {
    Nothing,
    Single(Lbfgs<f32>),
    Double(Lbfgs<f64>),
    /// Lent to a step, whose closure may come back and ask.
    Away,
}

/// L-BFGS and what it remembers.
#[pyclass(name = "Lbfgs", module = "barehand.optim", frozen)]
struct PyLbfgs {
    kept: Mutex<Kept>,
}

#[pymethods]
impl PyLbfgs {
    /// With the options of a group, which are checked.
    #[new]
    fn new(group: &Bound<'_, PyDict>) -> Result<Self> {
        options::lbfgs(group)?.build::<f32>()?;
        Ok(PyLbfgs { kept: Mutex::new(Kept::Nothing) })
    }

    /// Refuses options that L-BFGS cannot have.
    #[staticmethod]
    fn check(group: &Bound<'_, PyDict>) -> Result<()> {
        options::lbfgs(group)?.build::<f32>()?;
        Ok(())
    }

    /// Moves the parameters by one step; `closure` computes the loss and leaves the gradients. Returns what it returned first.
    fn step<'py>(
        &self,
        py: Python<'py>,
        group: &Bound<'py, PyDict>,
        parameters: Vec<Bound<'py, PyTensor>>,
        closure: &Bound<'py, PyAny>,
    ) -> Result<Option<Bound<'py, PyAny>>> {
        let options = options::lbfgs(group)?;
        let Some(first) = parameters.first() else { return Ok(Some(closure.call0()?)) };
        let held = std::mem::replace(&mut *self.kept.lock_py_attached(py).map_err(poisoned)?, Kept::Away);
        let (kept, outcome) = match (held, first.get().dtype()) {
            (Kept::Away, _) => {
                return Err(PyRuntimeError::new_err("LBFGS: a step is already under way").into());
            }
            (Kept::Double(mut rule), DType::F64) => {
                let outcome = rule.set_options(options).map_err(Failure::from);
                let outcome = outcome.and_then(|()| step(&mut rule, &parameters, closure));
                (Kept::Double(rule), outcome)
            }
            (_, DType::F64) => {
                let mut rule = options.build::<f64>()?;
                let outcome = step(&mut rule, &parameters, closure);
                (Kept::Double(rule), outcome)
            }
            (Kept::Single(mut rule), _) => {
                let outcome = rule.set_options(options).map_err(Failure::from);
                let outcome = outcome.and_then(|()| step(&mut rule, &parameters, closure));
                (Kept::Single(rule), outcome)
            }
            _ => {
                let mut rule = options.build::<f32>()?;
                let outcome = step(&mut rule, &parameters, closure);
                (Kept::Single(rule), outcome)
            }
        };
        *self.kept.lock_py_attached(py).map_err(poisoned)? = kept;
        outcome
    }

    /// What is remembered, under PyTorch's names and as PyTorch does: with the first parameter.
    fn state<'py>(
        &self,
        py: Python<'py>,
        parameters: Vec<Bound<'py, PyTensor>>,
    ) -> Result<Vec<Bound<'py, PyDict>>> {
        let mut states: Vec<Bound<'py, PyDict>> = parameters.iter().map(|_| PyDict::new(py)).collect();
        let Some(first) = states.first_mut() else { return Ok(states) };
        match &*self.kept.lock_py_attached(py).map_err(poisoned)? {
            Kept::Nothing => {}
            Kept::Single(rule) => write(py, rule.state(), first)?,
            Kept::Double(rule) => write(py, rule.state(), first)?,
            Kept::Away => return Err(PyRuntimeError::new_err("LBFGS: a step is under way").into()),
        }
        Ok(states)
    }

    /// Forgets everything and remembers this instead.
    fn load_state(
        &self,
        py: Python<'_>,
        states: Vec<(Bound<'_, PyTensor>, Bound<'_, PyDict>)>,
    ) -> Result<()> {
        let kept = match states.first() {
            None => Kept::Nothing,
            Some((_, state)) if state.is_empty() => Kept::Nothing,
            Some((first, state)) if first.get().dtype() == DType::F64 => Kept::Double(read(state)?),
            Some((_, state)) => Kept::Single(read(state)?),
        };
        *self.kept.lock_py_attached(py).map_err(poisoned)? = kept;
        Ok(())
    }
}

fn step<'py, T: Float>(
    rule: &mut Lbfgs<T>,
    parameters: &[Bound<'py, PyTensor>],
    closure: &Bound<'py, PyAny>,
) -> Result<Option<Bound<'py, PyAny>>> {
    let py = closure.py();
    let mut x = flat(parameters.iter().map(|parameter| values::<T>(&parameter.get().look(detached))))?;
    let mut first = None;
    rule.step_flat(&mut x, |x| {
        scatter(parameters, x)?;
        let loss = closure.call0()?;
        let value: f64 = loss.extract()?;
        first.get_or_insert(loss);
        let gradients = parameters.iter().map(|parameter| match parameter.get().gradient().get(py) {
            Some(gradient) => values::<T>(&gradient.get().look(detached)),
            None => Ok(Tensor::zeros(parameter.get().look(|x| x.shape().to_vec()))),
        });
        Ok::<_, Failure>((value, flat(gradients)?))
    })?;
    scatter(parameters, &x)?;
    Ok(first)
}

/// Of the precision that all must have.
fn values<T: Float>(x: &AnyTensor) -> Result<Tensor<T>> {
    if x.dtype() != T::DTYPE {
        return Err(Failure::wrong_type(format!(
            "LBFGS: a tensor of {} among tensors of {}",
            dtype::name(x.dtype()),
            dtype::name(T::DTYPE)
        )));
    }
    Ok(x.get::<T>()?)
}

/// All elements in one vector.
fn flat<T: Float>(parts: impl Iterator<Item = Result<Tensor<T>>>) -> Result<Tensor<T>> {
    let parts: Vec<Tensor<T>> = parts.map(|part| Ok(part?.reshape([-1])?)).collect::<Result<_>>()?;
    Ok(concat(&parts.iter().collect::<Vec<_>>(), 0)?)
}

/// Writes a vector into the parameters, the other way of [`flat`].
fn scatter<T: Float>(parameters: &[Bound<'_, PyTensor>], x: &Tensor<T>) -> Result<()> {
    let x = x.contiguous();
    let mut rest = x.as_slice().expect("made contiguous above");
    for parameter in parameters {
        parameter.get().update(|held| {
            let mut own = values::<T>(held)?;
            let (elements, others) = rest.split_at(own.len());
            rest = others;
            own.data_mut().copy_from_slice(elements);
            crate::tensor::set_data(held, &T::into_any(own))
        })?;
    }
    Ok(())
}

/// The name of a history's entry, and its number.
fn numbered(name: &str) -> Option<(&str, usize)> {
    let (name, number) = name.split_once('.')?;
    Some((name, number.parse().ok()?))
}

fn write<T: Float>(py: Python<'_>, state: OptimizerState<T>, to: &Bound<'_, PyDict>) -> Result<()> {
    let mut lists: BTreeMap<String, BTreeMap<usize, Py<PyAny>>> = BTreeMap::new();
    for (name, value) in state.scalars {
        match (name.as_str(), numbered(&name)) {
            ("learning_rate", _) => {}
            ("func_evals" | "n_iter", _) => to.set_item(name, value as u64)?,
            (_, Some((list, i))) => {
                let value = value.into_pyobject(py).map_err(PyErr::from)?.into_any().unbind();
                lists.entry(list.to_owned()).or_default().insert(i, value);
            }
            _ => to.set_item(name, value)?,
        }
    }
    for (name, value) in state.tensors {
        let value = Bound::new(py, PyTensor::from(T::into_any(value)))?.into_any();
        match numbered(&name) {
            Some((list, i)) => {
                lists.entry(list.to_owned()).or_default().insert(i, value.unbind());
            }
            None => to.set_item(name, value)?,
        }
    }
    for name in ["old_dirs", "old_stps", "ro"] {
        to.set_item(name, PyList::new(py, lists.remove(name).unwrap_or_default().into_values())?)?;
    }
    Ok(())
}

fn read<T: Float>(from: &Bound<'_, PyDict>) -> Result<Lbfgs<T>> {
    let mut state = OptimizerState::<T>::default();
    let tensor = |value: &Bound<'_, PyAny>| owned::<T>(&cast(&from_python(value, None)?, T::DTYPE));
    // The rate is the group's.
    state.scalars.insert("learning_rate".to_owned(), 1.0);
    for (name, value) in from {
        let name: String = name.extract()?;
        match name.as_str() {
            // What PyTorch keeps for itself between two iterations.
            "al" => {}
            "d" | "prev_flat_grad" => {
                state.tensors.insert(name, tensor(&value)?);
            }
            "old_dirs" | "old_stps" => {
                for (i, value) in value.try_iter()?.enumerate() {
                    state.tensors.insert(format!("{name}.{i}"), tensor(&value?)?);
                }
            }
            "ro" => {
                for (i, value) in value.try_iter()?.enumerate() {
                    state.scalars.insert(format!("{name}.{i}"), value?.extract()?);
                }
            }
            _ if value.is_none() => {}
            _ => {
                state.scalars.insert(name, value.extract()?);
            }
        }
    }
    let mut rule = Lbfgs::builder(1.0).build::<T>()?;
    rule.load_state(state)?;
    Ok(rule)
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyLbfgs>()
}
