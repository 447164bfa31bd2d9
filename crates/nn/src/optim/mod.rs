//! Optimizers: PyTorch's names, defaults and update rules, each step one threaded pass over each parameter.
//!
//! All but [`lbfgs`] are [`ByRule`](rule::ByRule): options that are a [`Rule`](rule::Rule), and what the rule remembers.
//! L-BFGS wants to know the loss at several points, which [`step_with`](Optimizer::step_with) offers to every optimizer.

pub mod accumulation;
pub mod adadelta;
pub mod adagrad;
pub mod adam;
pub mod adamax;
pub mod asgd;
pub mod averaged_model;
pub mod clip;
mod for_each;
pub mod lbfgs;
pub mod nadam;
pub mod radam;
pub mod rmsprop;
pub mod rprop;
pub mod rule;
pub mod sgd;

use std::collections::BTreeMap;

use crate::{Error, Float, Gradients, Module, Parameters, Result, Tensor};

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

/// Computes the loss of a model and its gradients, for an optimizer that wants to know them.
pub type Closure<'a, T = f32> = dyn FnMut(&dyn Module<T>) -> Result<(T, Gradients<T>)> + 'a;

/// A rule that moves parameters along their gradients.
pub trait Optimizer<T: Float = f32>: Send {
    /// Moves every parameter of `model` by one step, in place. Frozen parameters stay.
    ///
    /// # Errors
    /// When a trained parameter has no gradient (unless the optimizer was built with `strict(false)`, which skips it, as
    /// PyTorch does): the text names all such parameters, and nothing has moved. Always for L-BFGS, to which the gradients
    /// at one point say too little: see [`step_with`](Optimizer::step_with).
    fn step(&mut self, model: &mut dyn Parameters<T>, gradients: &Gradients<T>) -> Result<()>;

    /// Moves every parameter of `model` by one step, in place, and returns the loss where it began. The closure is asked
    /// once, or by L-BFGS as often as it needs to find a good place.
    ///
    /// # Errors
    /// Whatever the closure returns; and as [`step`](Optimizer::step).
    fn step_with(&mut self, model: &mut dyn Module<T>, closure: &mut Closure<'_, T>) -> Result<f64> {
        let (loss, gradients) = closure(model)?;
        self.step(model, &gradients)?;
        Ok(loss.as_f64())
    }

    /// Moves one parameter by one step along its gradient, in place, under the name by which it is remembered: for
    /// parameters that no model holds together.
    ///
    /// # Errors
    /// When the gradient, or what is remembered of the parameter, has another shape. Always for L-BFGS, as above.
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

    fn step_with(&mut self, model: &mut dyn Module<T>, closure: &mut Closure<'_, T>) -> Result<f64> {
        (**self).step_with(model, closure)
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

/// Refuses a setting outside its domain, in PyTorch's words.
fn check(valid: bool, optimizer: &str, what: &str, value: f64) -> Result<()> {
    if valid { Ok(()) } else { Err(Error::value(optimizer, format!("Invalid {what}: {value}"))) }
}

/// Two memories of means, as PyTorch checks them.
fn check_betas(optimizer: &str, betas: (f64, f64)) -> Result<()> {
    check((0.0..1.0).contains(&betas.0), optimizer, "beta parameter at index 0", betas.0)?;
    check((0.0..1.0).contains(&betas.1), optimizer, "beta parameter at index 1", betas.1)
}
