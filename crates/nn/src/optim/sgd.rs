//! Stochastic gradient descent.

use std::collections::BTreeMap;

use barehand_kernels::optimizer::SgdStep;

use super::{Optimizer, OptimizerState, check, for_each_trained, memory, scalar, with_elements};
use crate::{Error, Float, Gradients, Parameters, Result, Tensor};

/// Stochastic gradient descent (`torch.optim.SGD`), with momentum in its three forms:
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// v = g on the first step, else momentum * v + (1 - dampening) * g
/// param = param - learning_rate * (g + momentum * v if nesterov, else v)
/// ```
pub struct Sgd<T: Float = f32> {
    options: SgdBuilder,
    velocities: BTreeMap<String, Tensor<T>>,
}

/// The options of [`Sgd`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct SgdBuilder {
    learning_rate: f64,
    momentum: f64,
    dampening: f64,
    weight_decay: f64,
    nesterov: bool,
    maximize: bool,
    strict: bool,
}

impl Sgd {
    /// Plain gradient descent: set options, then [`build`](SgdBuilder::build) it. PyTorch's default rate is 1e-3.
    pub fn builder(learning_rate: f64) -> SgdBuilder {
        SgdBuilder {
            learning_rate,
            momentum: 0.0,
            dampening: 0.0,
            weight_decay: 0.0,
            nesterov: false,
            maximize: false,
            strict: true,
        }
    }
}

impl SgdBuilder {
    /// Share of the last velocity that is kept. Default 0.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Share of the gradient that is kept from the velocity. Default 0.
    pub fn dampening(mut self, dampening: f64) -> Self {
        self.dampening = dampening;
        self
    }

    /// L2 penalty. Default 0.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Whether to look ahead along the velocity. Default false.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    /// Whether to climb instead. Default false.
    pub fn maximize(mut self, maximize: bool) -> Self {
        self.maximize = maximize;
        self
    }

    /// Whether a trained parameter without a gradient is an error. Default true; PyTorch skips it.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The optimizer.
    ///
    /// # Errors
    /// As PyTorch: a rate, momentum or weight decay below 0; Nesterov without momentum, or with dampening.
    pub fn build<T: Float>(self) -> Result<Sgd<T>> {
        self.validate()?;
        Ok(Sgd { options: self, velocities: BTreeMap::new() })
    }

    fn validate(&self) -> Result<()> {
        check(self.learning_rate >= 0.0, "sgd", "learning rate", self.learning_rate)?;
        check(self.momentum >= 0.0, "sgd", "momentum value", self.momentum)?;
        check(self.weight_decay >= 0.0, "sgd", "weight_decay value", self.weight_decay)?;
        if self.nesterov && (self.momentum <= 0.0 || self.dampening != 0.0) {
            return Err(Error::value("sgd", "Nesterov momentum requires a momentum and zero dampening"));
        }
        Ok(())
    }
}

impl<T: Float> Sgd<T> {
    /// Goes on with other options, and the velocities of before.
    ///
    /// # Errors
    /// As [`SgdBuilder::build`]; the options of before then stay.
    pub fn set_options(&mut self, options: SgdBuilder) -> Result<()> {
        options.validate()?;
        self.options = options;
        Ok(())
    }

    fn moved(&mut self, name: &str, param: &mut Tensor<T>, grad: &[T]) -> Result<()> {
        let SgdBuilder { learning_rate, momentum, dampening, weight_decay, nesterov, maximize, .. } =
            self.options;
        let mut step = SgdStep {
            lr: learning_rate,
            momentum,
            dampening,
            weight_decay,
            nesterov,
            maximize,
            first: false,
        };
        let velocity = if momentum == 0.0 {
            None
        } else {
            step.first = !self.velocities.contains_key(name);
            Some(memory("sgd", &mut self.velocities, name, param)?)
        };
        T::sgd(&step, param.data_mut(), grad, velocity, T::from_real(1.0));
        Ok(())
    }
}

impl<T: Float> Optimizer<T> for Sgd<T> {
    fn step(&mut self, model: &mut dyn Parameters<T>, gradients: &Gradients<T>) -> Result<()> {
        let strict = self.options.strict;
        for_each_trained("sgd", model, gradients, strict, |name, param, grad| self.moved(name, param, grad))
    }

    fn update(&mut self, name: &str, parameter: &mut Tensor<T>, gradient: &Tensor<T>) -> Result<()> {
        with_elements("sgd", parameter, gradient, |param, grad| self.moved(name, param, grad))
    }

    fn name(&self) -> &'static str {
        "sgd"
    }

    fn learning_rate(&self) -> f64 {
        self.options.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.options.learning_rate = learning_rate;
    }

    fn momentum(&self) -> f64 {
        self.options.momentum
    }

    fn set_momentum(&mut self, momentum: f64) {
        self.options.momentum = momentum;
    }

    fn state(&self) -> OptimizerState<T> {
        let scalars = [("learning_rate", self.options.learning_rate), ("momentum", self.options.momentum)];
        OptimizerState {
            scalars: scalars.map(|(name, value)| (name.to_owned(), value)).into(),
            tensors: self
                .velocities
                .iter()
                .map(|(name, v)| (format!("{name}.momentum_buffer"), v.clone()))
                .collect(),
        }
    }

    fn load_state(&mut self, state: OptimizerState<T>) -> Result<()> {
        let learning_rate = scalar("sgd", &state.scalars, "learning_rate")?;
        let momentum = scalar("sgd", &state.scalars, "momentum")?;
        let velocities = state
            .tensors
            .into_iter()
            .map(|(name, tensor)| match name.strip_suffix(".momentum_buffer") {
                Some(parameter) => Ok((parameter.to_owned(), tensor)),
                None => Err(Error::value("sgd", format!("the saved state holds {name}, which is not sgd's"))),
            })
            .collect::<Result<_>>()?;
        self.options.learning_rate = learning_rate;
        self.options.momentum = momentum;
        self.velocities = velocities;
        Ok(())
    }
}
