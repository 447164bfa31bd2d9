//! Optimizers: PyTorch's names, defaults and update rules, each step one threaded pass over each parameter.

pub mod adadelta;
pub mod adam;
pub mod clip;
pub mod sgd;

use std::collections::BTreeMap;

use barehand_tensor::layout::Dims;
use barehand_tensor::profile::{self, Phase};

use crate::{Error, Float, Gradients, Parameters, Result, Tensor};

/// Everything an optimizer remembers between steps, and its rates: what a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState<T: Float = f32> {
    /// Numbers by name: `learning_rate`, or `layers.0.weight.step`.
    pub scalars: BTreeMap<String, f64>,
    /// Tensors by the name of their parameter and their own, as in `layers.0.weight.exp_avg`.
    pub tensors: BTreeMap<String, Tensor<T>>,
}

impl<T: Float> Default for OptimizerState<T> {
    fn default() -> Self {
        OptimizerState { scalars: BTreeMap::new(), tensors: BTreeMap::new() }
    }
}

/// A rule that moves parameters along their gradients.
pub trait Optimizer<T: Float = f32>: Send {
    /// Moves every parameter of `model` by one step, in place. Frozen parameters stay.
    ///
    /// # Errors
    /// When a trained parameter has no gradient (unless the optimizer was built with `strict(false)`, which skips it, as
    /// PyTorch does): the text names all such parameters, and nothing has moved.
    fn step(&mut self, model: &mut dyn Parameters<T>, gradients: &Gradients<T>) -> Result<()>;

    /// Moves one parameter by one step along its gradient, in place, under the name by which it is remembered: for
    /// parameters that no model holds together.
    ///
    /// # Errors
    /// When the gradient, or what is remembered of the parameter, has another shape.
    fn update(&mut self, name: &str, parameter: &mut Tensor<T>, gradient: &Tensor<T>) -> Result<()>;

    /// The rule's name, as in `adam`.
    fn name(&self) -> &'static str;

    /// The learning rate of the next step.
    fn learning_rate(&self) -> f64;

    /// Sets the learning rate of the next step.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// The momentum of the next step (for Adam, beta1; 0 for a rule without any).
    fn momentum(&self) -> f64;

    /// Sets the momentum of the next step (for Adam, beta1). A rule without momentum stays as it is: build a one-cycle
    /// schedule for it with `cycle_momentum: false`.
    fn set_momentum(&mut self, momentum: f64);

    /// What is remembered between steps.
    fn state(&self) -> OptimizerState<T>;

    /// Continues from what [`state`](Optimizer::state) returned.
    ///
    /// # Errors
    /// When a value is missing or makes no sense for this rule.
    fn load_state(&mut self, state: OptimizerState<T>) -> Result<()>;
}

impl<T: Float, O: Optimizer<T> + ?Sized> Optimizer<T> for Box<O> {
    fn step(&mut self, model: &mut dyn Parameters<T>, gradients: &Gradients<T>) -> Result<()> {
        (**self).step(model, gradients)
    }

    fn update(&mut self, name: &str, parameter: &mut Tensor<T>, gradient: &Tensor<T>) -> Result<()> {
        (**self).update(name, parameter, gradient)
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn learning_rate(&self) -> f64 {
        (**self).learning_rate()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        (**self).set_learning_rate(learning_rate);
    }

    fn momentum(&self) -> f64 {
        (**self).momentum()
    }

    fn set_momentum(&mut self, momentum: f64) {
        (**self).set_momentum(momentum);
    }

    fn state(&self) -> OptimizerState<T> {
        (**self).state()
    }

    fn load_state(&mut self, state: OptimizerState<T>) -> Result<()> {
        (**self).load_state(state)
    }
}

/// Runs `update` on every trained parameter, its name and its gradient.
fn for_each_trained<T: Float>(
    optimizer: &'static str,
    model: &mut dyn Parameters<T>,
    gradients: &Gradients<T>,
    strict: bool,
    mut update: impl FnMut(&str, &mut Tensor<T>, &[T]) -> Result<()>,
) -> Result<()> {
    if strict {
        let without: Vec<String> = model
            .named_parameters()
            .into_iter()
            .filter(|(_, parameter)| parameter.is_leaf() && gradients.get(parameter).is_none())
            .map(|(name, _)| name)
            .collect();
        if !without.is_empty() {
            return Err(Error::gradient(
                optimizer,
                format!(
                    "no gradient for {}: they took no part in the loss; freeze them, or build the optimizer with strict(false)",
                    without.join(", ")
                ),
            ));
        }
    }
    let mut outcome = Ok(());
    model.visit_parameters_mut(&mut |name, parameter| {
        if let (Ok(()), Some(gradient)) = (&outcome, gradients.get(parameter)) {
            outcome = with_elements(optimizer, parameter, gradient, |parameter, gradient| {
                update(name, parameter, gradient)
            });
        }
    });
    outcome
}

/// Runs `update` on a parameter and the elements of its gradient.
fn with_elements<T: Float>(
    optimizer: &'static str,
    parameter: &mut Tensor<T>,
    gradient: &Tensor<T>,
    update: impl FnOnce(&mut Tensor<T>, &[T]) -> Result<()>,
) -> Result<()> {
    if gradient.shape() != parameter.shape() {
        return Err(Error::shape(
            optimizer,
            format!(
                "a gradient of shape {:?} for a parameter of shape {:?}",
                gradient.shape(),
                parameter.shape()
            ),
        ));
    }
    let gradient = gradient.contiguous();
    let gradient = gradient.as_slice().expect("made contiguous above");
    let shape = Dims::from_slice(parameter.shape());
    profile::span(optimizer, Phase::Update, |_| shape, || update(parameter, gradient))
}

/// The memory of a parameter: zeros when it is first asked for.
fn memory<'a, T: Float>(
    optimizer: &str,
    memories: &'a mut BTreeMap<String, Tensor<T>>,
    name: &str,
    parameter: &Tensor<T>,
) -> Result<&'a mut [T]> {
    if !memories.contains_key(name) {
        memories.insert(name.to_owned(), parameter.zeros_like());
    }
    let held = memories.get_mut(name).expect("inserted above");
    if held.shape() != parameter.shape() {
        return Err(Error::shape(
            optimizer,
            format!(
                "the state of {name} has shape {:?}, the parameter {:?}",
                held.shape(),
                parameter.shape()
            ),
        ));
    }
    Ok(held.data_mut())
}

/// Refuses a setting outside its domain, in PyTorch's words.
fn check(valid: bool, optimizer: &str, what: &str, value: f64) -> Result<()> {
    if valid { Ok(()) } else { Err(Error::value(optimizer, format!("Invalid {what}: {value}"))) }
}

/// A scalar of a saved state.
fn scalar(optimizer: &str, scalars: &BTreeMap<String, f64>, name: &str) -> Result<f64> {
    scalars
        .get(name)
        .copied()
        .ok_or_else(|| Error::value(optimizer, format!("the saved state holds no {name}")))
}
