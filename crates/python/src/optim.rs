//! The update rules of `barehand.optim`: the library's optimizers over whatever parameters Python lists.
//!
//! Python's groups say each time which options hold; what a rule remembers belongs to the parameter, not to the group.

mod average;
mod lbfgs;
mod options;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use barehand_nn::optim::rule::{ByRule, Rule};
use barehand_nn::{Optimizer, OptimizerState};
use barehand_tensor::{AnyTensor, DType, Float, Tensor};
use pyo3::exceptions::PyKeyError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList};

use crate::creation::from_python;
use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, detached, len, released};

/// A rule in both precisions, whichever rule it is.
trait Both: Send {
    /// Refuses options that the rule cannot have.
    fn check(&self, group: &Bound<'_, PyDict>) -> Result<()>;
    /// Goes on with the options of a group.
    fn set_options(&mut self, group: &Bound<'_, PyDict>) -> Result<()>;
    /// The names of the numbers that are remembered of a parameter, beside its steps.
    fn numbers(&self) -> &'static [&'static str];
    fn single(&mut self) -> &mut dyn Optimizer<f32>;
    fn double(&mut self) -> &mut dyn Optimizer<f64>;
}

struct InBoth<R: Rule> {
    read: fn(&Bound<'_, PyDict>) -> Result<R>,
    single: ByRule<R, f32>,
    double: ByRule<R, f64>,
}

/// The rule whose options `read` finds in a group.
fn both<R: Rule>(
    group: &Bound<'_, PyDict>,
    read: fn(&Bound<'_, PyDict>) -> Result<R>,
) -> Result<Box<dyn Both>> {
    let options = read(group)?;
    Ok(Box::new(InBoth { read, single: ByRule::new(options)?, double: ByRule::new(options)? }))
}

impl<R: Rule> Both for InBoth<R> {
    fn check(&self, group: &Bound<'_, PyDict>) -> Result<()> {
        Ok((self.read)(group)?.validate()?)
    }

    fn set_options(&mut self, group: &Bound<'_, PyDict>) -> Result<()> {
        let options = (self.read)(group)?;
        self.single.set_options(options)?;
        Ok(self.double.set_options(options)?)
    }

    fn numbers(&self) -> &'static [&'static str] {
        R::NUMBERS
    }

    fn single(&mut self) -> &mut dyn Optimizer<f32> {
        &mut self.single
    }

    fn double(&mut self) -> &mut dyn Optimizer<f64> {
        &mut self.double
    }
}

/// What a rule keeps between steps.
struct Kept {
    rule: Box<dyn Both>,
    /// The parameters met so far, held so that no other object takes their place in memory.
    known: HashMap<usize, (Py<PyTensor>, usize)>,
    /// Their names, by order of meeting.
    names: Vec<String>,
}

impl Kept {
    /// The number of a parameter's name.
    fn number(&mut self, parameter: &Bound<'_, PyTensor>) -> usize {
        let next = self.names.len();
        let (_, number) = *self.known.entry(parameter.as_ptr() as usize).or_insert_with(|| {
            self.names.push(next.to_string());
            (parameter.clone().unbind(), next)
        });
        number
    }
}

/// An update rule and what it remembers of every parameter.
#[pyclass(name = "Rule", module = "barehand.optim", frozen)]
struct PyRule {
    rule: String,
    kept: Mutex<Kept>,
}

#[pymethods]
impl PyRule {
    /// The rule named `rule`; `group` holds its options, which are checked.
    #[new]
    fn new(rule: String, group: &Bound<'_, PyDict>) -> Result<Self> {
        let kept = Kept { rule: options::rule(&rule, group)?, known: HashMap::new(), names: Vec::new() };
        Ok(PyRule { rule, kept: Mutex::new(kept) })
    }

    /// Refuses options that the rule cannot have.
    fn check(&self, py: Python<'_>, group: &Bound<'_, PyDict>) -> Result<()> {
        self.kept.lock_py_attached(py).map_err(poisoned)?.rule.check(group)
    }

    /// Moves every parameter of every group that has a gradient by one step.
    fn step(&self, py: Python<'_>, groups: &Bound<'_, PyList>) -> Result<()> {
        let kept = &mut *self.kept.lock_py_attached(py).map_err(poisoned)?;
        for group in groups {
            let group = group.cast_into::<PyDict>().map_err(PyErr::from)?;
            kept.rule.set_options(&group)?;
            let parameters = parameters(&group)?;
            let mut work: Vec<(Py<PyTensor>, usize, AnyTensor)> = Vec::with_capacity(parameters.len());
            let mut elements = 0;
            for parameter in parameters {
                let parameter = parameter.cast_into::<PyTensor>().map_err(PyErr::from)?;
                let Some(grad) = parameter.get().gradient().get(py) else { continue };
                let grad = grad.get().look(detached);
                let held = parameter.get().dtype();
                if held != grad.dtype() {
                    return Err(Failure::wrong_type(format!(
                        "{}: the gradient is {} and its parameter {}",
                        self.rule,
                        dtype::name(grad.dtype()),
                        dtype::name(held)
                    )));
                }
                elements += len(&grad);
                let number = kept.number(&parameter);
                work.push((parameter.unbind(), number, grad));
            }
            let Kept { rule, names, .. } = kept;
            released(py, elements, || {
                work.iter().try_for_each(|(parameter, number, grad)| {
                    parameter.get().update(|held| {
                        match (held, grad) {
                            (AnyTensor::F32(held), AnyTensor::F32(grad)) => {
                                rule.single().update(&names[*number], held, grad)?;
                            }
                            (AnyTensor::F64(held), AnyTensor::F64(grad)) => {
                                rule.double().update(&names[*number], held, grad)?;
                            }
                            (held, _) => {
                                return Err(Failure::wrong_type(format!(
                                    "parameters are float32 or float64, not {}",
                                    dtype::name(held.dtype())
                                )));
                            }
                        }
                        Ok(())
                    })
                })
            })?;
        }
        Ok(())
    }

    /// What is remembered of each parameter: PyTorch's names, the number of steps as a tensor.
    fn state<'py>(
        &self,
        py: Python<'py>,
        parameters: Vec<Bound<'py, PyTensor>>,
    ) -> Result<Vec<Bound<'py, PyDict>>> {
        let kept = &mut *self.kept.lock_py_attached(py).map_err(poisoned)?;
        let mut by_number: BTreeMap<usize, Bound<'py, PyDict>> = BTreeMap::new();
        collect(py, kept.rule.single().state(), &mut by_number)?;
        collect(py, kept.rule.double().state(), &mut by_number)?;
        let found = parameters.iter().map(|parameter| {
            let known = kept.known.get(&(parameter.as_ptr() as usize));
            known.and_then(|(_, number)| by_number.get(number).cloned()).unwrap_or_else(|| PyDict::new(py))
        });
        Ok(found.collect())
    }

    /// Forgets everything and remembers this of each parameter instead: tensors of any library, in any precision.
    fn load_state(
        &self,
        py: Python<'_>,
        states: Vec<(Bound<'_, PyTensor>, Bound<'_, PyDict>)>,
    ) -> Result<()> {
        let kept = &mut *self.kept.lock_py_attached(py).map_err(poisoned)?;
        let mut single = OptimizerState { tensors: BTreeMap::new(), ..kept.rule.single().state() };
        let mut double = OptimizerState { tensors: BTreeMap::new(), ..kept.rule.double().state() };
        single.scalars.retain(|name, _| !name.contains('.'));
        double.scalars.retain(|name, _| !name.contains('.'));
        for (parameter, state) in states {
            let name = kept.number(&parameter).to_string();
            let dtype = parameter.get().dtype();
            let shape = parameter.get().look(|x| x.shape().to_vec());
            for (kind, value) in &state {
                let kind: String = kind.extract()?;
                if value.is_none() {
                    continue;
                }
                let name = format!("{name}.{kind}");
                if kind == "step" || kept.rule.numbers().contains(&kind.as_str()) {
                    let number: f64 = value.extract()?;
                    if dtype == DType::F32 { &mut single.scalars } else { &mut double.scalars }
                        .insert(name, number);
                    continue;
                }
                let value = from_python(&value, None)?;
                if value.shape() != shape {
                    return Err(Failure::value(
                        "load_state_dict",
                        format!("{kind} has shape {:?} for a parameter of shape {shape:?}", value.shape()),
                    ));
                }
                match dtype {
                    DType::F32 => single.tensors.insert(name, owned(&cast(&value, dtype))?).map(|_| ()),
                    _ => double.tensors.insert(name, owned(&cast(&value, dtype))?).map(|_| ()),
                };
            }
        }
        kept.rule.single().load_state(single)?;
        kept.rule.double().load_state(double)?;
        Ok(())
    }
}

fn poisoned<E>(_: E) -> Failure {
    Failure::value("optim", "an earlier step was cut off by an error inside the library")
}

/// The list of a group's parameters.
fn parameters<'py>(group: &Bound<'py, PyDict>) -> Result<Bound<'py, PyList>> {
    let listed =
        group.get_item(intern!(group.py(), "params"))?.ok_or_else(|| PyKeyError::new_err("params"))?;
    Ok(listed.cast_into::<PyList>().map_err(PyErr::from)?)
}

/// In memory of its own, whoever holds the original.
fn owned<T: Float>(value: &AnyTensor) -> Result<Tensor<T>> {
    let mut value = value.get::<T>()?;
    value.data_mut();
    Ok(value)
}

/// Sorts what one precision remembers by parameters.
fn collect<'py, T: Float>(
    py: Python<'py>,
    state: OptimizerState<T>,
    by_number: &mut BTreeMap<usize, Bound<'py, PyDict>>,
) -> Result<()> {
    let scalars = state.scalars.into_iter().map(|(name, value)| {
        // The number of steps is PyTorch's in single precision always.
        let step = name.rsplit_once('.').is_some_and(|(_, kind)| kind == "step");
        let single = || AnyTensor::F32(Tensor::scalar(value as f32));
        let value = if step { single() } else { T::into_any(Tensor::scalar(T::from_real(value))) };
        (name, value)
    });
    let tensors = state.tensors.into_iter().map(|(name, tensor)| (name, T::into_any(tensor)));
    for (name, value) in scalars.chain(tensors) {
        // The rates have no dot in their names; the groups hold them.
        let Some((number, kind)) = name.split_once('.') else { continue };
        let number: usize =
            number.parse().map_err(|_| Failure::value("optim", format!("the state holds {name}")))?;
        let entry = by_number.entry(number).or_insert_with(|| PyDict::new(py));
        entry.set_item(kind, Bound::new(py, PyTensor::from(value))?)?;
    }
    Ok(())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let optim = PyModule::new(module.py(), "barehand.optim")?;
    optim.add_class::<PyRule>()?;
    lbfgs::register(&optim)?;
    average::register(&optim)?;
    crate::schedule::register(&optim)?;
    // Not among the names that `import *` of the package brings.
    module.setattr("_optim", optim)
}
