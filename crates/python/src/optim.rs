//! The update rules of `barehand.optim`: the library's optimizers over whatever parameters Python lists.
//!
//! Python's groups say each time which options hold; what a rule remembers belongs to the parameter, not to the group.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use barehand_nn::optim::adadelta::AdadeltaBuilder;
use barehand_nn::optim::adam::AdamBuilder;
use barehand_nn::optim::sgd::SgdBuilder;
use barehand_nn::{Adadelta, Adam, AdamW, Optimizer, OptimizerState, Sgd};
use barehand_tensor::{AnyTensor, DType, Float, Tensor};
use pyo3::exceptions::PyKeyError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyDict, PyList, PyString};

use crate::creation::from_python;
use crate::dtype;
use crate::error::{Failure, Result};
use crate::tensor::{PyTensor, cast, detached, len, released};

/// The options of one group.
#[derive(Clone, Copy)]
enum Options {
    Sgd(SgdBuilder),
    Adam(AdamBuilder),
    Adadelta(AdadeltaBuilder),
}

impl Options {
    /// Of a rule named as PyTorch names it, from the group's own values.
    fn of(rule: &str, group: &Bound<'_, PyDict>) -> Result<Self> {
        fn get<'a, 'py, V>(group: &'a Bound<'py, PyDict>, name: &Bound<'py, PyString>) -> Result<V>
        where
            V: for<'b> FromPyObject<'b, 'py, Error = PyErr>,
        {
            let value = group.get_item(name)?.ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))?;
            Ok(value.extract()?)
        }
        macro_rules! option {
            ($name:literal) => {
                get(group, intern!(group.py(), $name))?
            };
        }
        match rule {
            "SGD" => Ok(Options::Sgd(
                Sgd::builder(option!("lr"))
                    .momentum(option!("momentum"))
                    .dampening(option!("dampening"))
                    .weight_decay(option!("weight_decay"))
                    .nesterov(option!("nesterov"))
                    .maximize(option!("maximize"))
                    .strict(false),
            )),
            "Adam" => {
                let (beta1, beta2): (f64, f64) = option!("betas");
                let lr = option!("lr");
                let decoupled: bool = option!("decoupled_weight_decay");
                let builder = if decoupled { AdamW::builder(lr) } else { Adam::builder(lr) };
                Ok(Options::Adam(
                    builder
                        .betas(beta1, beta2)
                        .eps(option!("eps"))
                        .weight_decay(option!("weight_decay"))
                        .amsgrad(option!("amsgrad"))
                        .maximize(option!("maximize"))
                        .strict(false),
                ))
            }
            "Adadelta" => Ok(Options::Adadelta(
                Adadelta::builder(option!("lr"))
                    .rho(option!("rho"))
                    .eps(option!("eps"))
                    .weight_decay(option!("weight_decay"))
                    .maximize(option!("maximize"))
                    .strict(false),
            )),
            other => Err(Failure::value("optim", format!("no rule is named {other}"))),
        }
    }
}

/// A rule in one precision.
enum Rule<T: Float> {
    Sgd(Sgd<T>),
    Adam(Adam<T>),
    Adadelta(Adadelta<T>),
}

impl<T: Float> Rule<T> {
    fn new(options: Options) -> Result<Self> {
        Ok(match options {
            Options::Sgd(options) => Rule::Sgd(options.build()?),
            Options::Adam(options) => Rule::Adam(options.build()?),
            Options::Adadelta(options) => Rule::Adadelta(options.build()?),
        })
    }

    fn set_options(&mut self, options: Options) -> barehand_tensor::Result<()> {
        match (self, options) {
            (Rule::Sgd(rule), Options::Sgd(options)) => rule.set_options(options),
            (Rule::Adam(rule), Options::Adam(options)) => rule.set_options(options),
            (Rule::Adadelta(rule), Options::Adadelta(options)) => rule.set_options(options),
            _ => unreachable!("the options are read by the rule's own name"),
        }
    }

    fn optimizer(&mut self) -> &mut dyn Optimizer<T> {
        match self {
            Rule::Sgd(rule) => rule,
            Rule::Adam(rule) => rule,
            Rule::Adadelta(rule) => rule,
        }
    }
}

/// What a rule keeps between steps.
struct Kept {
    single: Rule<f32>,
    double: Rule<f64>,
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
        let options = Options::of(&rule, group)?;
        let kept = Kept {
            single: Rule::new(options)?,
            double: Rule::new(options)?,
            known: HashMap::new(),
            names: Vec::new(),
        };
        Ok(PyRule { rule, kept: Mutex::new(kept) })
    }

    /// Refuses options that the rule cannot have.
    fn check(&self, group: &Bound<'_, PyDict>) -> Result<()> {
        Rule::<f32>::new(Options::of(&self.rule, group)?)?;
        Ok(())
    }

    /// Moves every parameter of every group that has a gradient by one step.
    fn step(&self, py: Python<'_>, groups: &Bound<'_, PyList>) -> Result<()> {
        let kept = &mut *self.kept.lock_py_attached(py).map_err(poisoned)?;
        for group in groups {
            let group = group.cast_into::<PyDict>().map_err(PyErr::from)?;
            let options = Options::of(&self.rule, &group)?;
            kept.single.set_options(options)?;
            kept.double.set_options(options)?;
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
            let Kept { single, double, names, .. } = kept;
            let (single, double) = (single.optimizer(), double.optimizer());
            released(py, elements, || {
                work.iter().try_for_each(|(parameter, number, grad)| {
                    parameter.get().update(|held| {
                        match (held, grad) {
                            (AnyTensor::F32(held), AnyTensor::F32(grad)) => {
                                single.update(&names[*number], held, grad)?;
                            }
                            (AnyTensor::F64(held), AnyTensor::F64(grad)) => {
                                double.update(&names[*number], held, grad)?;
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
        collect(py, kept.single.optimizer().state(), &mut by_number)?;
        collect(py, kept.double.optimizer().state(), &mut by_number)?;
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
        let mut single = OptimizerState { tensors: BTreeMap::new(), ..kept.single.optimizer().state() };
        let mut double = OptimizerState { tensors: BTreeMap::new(), ..kept.double.optimizer().state() };
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
                if kind == "step" {
                    let step: f64 = value.extract()?;
                    if dtype == DType::F32 { &mut single.scalars } else { &mut double.scalars }
                        .insert(name, step);
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
        kept.single.optimizer().load_state(single)?;
        kept.double.optimizer().load_state(double)?;
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
    let scalars =
        state.scalars.into_iter().map(|(name, value)| (name, AnyTensor::F32(Tensor::scalar(value as f32))));
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
    crate::schedule::register(&optim)?;
    // Not among the names that `import *` of the package brings.
    module.setattr("_optim", optim)
}
