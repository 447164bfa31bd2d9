//! Adadelta, which measures its steps by the steps before.

use std::collections::BTreeMap;

use barehand_kernels::optimizer::AdadeltaStep;

use super::{Optimizer, OptimizerState, check, for_each_trained, memory, scalar, with_elements};
use crate::{Error, Float, Gradients, Parameters, Result, Tensor};

/// Adadelta (Zeiler 2012; `torch.optim.Adadelta`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// s = rho s + (1 - rho) g²
/// d = sqrt(u + eps) / sqrt(s + eps) * g
/// u = rho u + (1 - rho) d²
/// param = param - learning_rate * d
/// ```
pub struct Adadelta<T: Float = f32> {
    options: AdadeltaBuilder,
    steps: BTreeMap<String, u64>,
    square_avg: BTreeMap<String, Tensor<T>>,
    acc_delta: BTreeMap<String, Tensor<T>>,
}

/// The options of [`Adadelta`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct AdadeltaBuilder {
    learning_rate: f64,
    rho: f64,
    eps: f64,
    weight_decay: f64,
    maximize: bool,
    strict: bool,
}

impl Adadelta {
    /// Adadelta with rho 0.9, eps 1e-6 and no weight decay: set options, then [`build`](AdadeltaBuilder::build) it.
    /// PyTorch's default rate is 1.
    pub fn builder(learning_rate: f64) -> AdadeltaBuilder {
        AdadeltaBuilder {
            learning_rate,
            rho: 0.9,
            eps: 1e-6,
            weight_decay: 0.0,
            maximize: false,
            strict: true,
        }
    }
}

impl AdadeltaBuilder {
    /// Decay of the mean squares of gradients and of steps. Default 0.9.
    pub fn rho(mut self, rho: f64) -> Self {
        self.rho = rho;
        self
    }

    /// Added to both mean squares inside their roots. Default 1e-6.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// L2 penalty. Default 0.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
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
    /// As PyTorch: a rate, eps or weight decay below 0, or a rho outside [0, 1].
    pub fn build<T: Float>(self) -> Result<Adadelta<T>> {
        self.validate()?;
        Ok(Adadelta {
            options: self,
            steps: BTreeMap::new(),
            square_avg: BTreeMap::new(),
            acc_delta: BTreeMap::new(),
        })
    }

    fn validate(&self) -> Result<()> {
        check(self.learning_rate >= 0.0, "adadelta", "learning rate", self.learning_rate)?;
        check((0.0..=1.0).contains(&self.rho), "adadelta", "rho value", self.rho)?;
        check(self.eps >= 0.0, "adadelta", "epsilon value", self.eps)?;
        check(self.weight_decay >= 0.0, "adadelta", "weight_decay value", self.weight_decay)
    }
}

impl<T: Float> Adadelta<T> {
    /// Goes on with other options, and the averages of before.
    ///
    /// # Errors
    /// As [`AdadeltaBuilder::build`]; the options of before then stay.
    pub fn set_options(&mut self, options: AdadeltaBuilder) -> Result<()> {
        options.validate()?;
        self.options = options;
        Ok(())
    }

    fn moved(&mut self, name: &str, param: &mut Tensor<T>, grad: &[T]) -> Result<()> {
        let AdadeltaBuilder { learning_rate, rho, eps, weight_decay, maximize, .. } = self.options;
        let square_avg = memory("adadelta", &mut self.square_avg, name, param)?;
        let acc_delta = memory("adadelta", &mut self.acc_delta, name, param)?;
        if !self.steps.contains_key(name) {
            self.steps.insert(name.to_owned(), 0);
        }
        let taken = self.steps.get_mut(name).expect("inserted above");
        *taken = taken.saturating_add(1);
        let step = AdadeltaStep { lr: learning_rate, rho, eps, weight_decay, maximize };
        T::adadelta(&step, param.data_mut(), grad, square_avg, acc_delta, T::from_real(1.0));
        Ok(())
    }
}

impl<T: Float> Optimizer<T> for Adadelta<T> {
    fn step(&mut self, model: &mut dyn Parameters<T>, gradients: &Gradients<T>) -> Result<()> {
        let AdadeltaBuilder { strict, .. } = self.options;
        for_each_trained("adadelta", model, gradients, strict, |name, param, grad| {
            self.moved(name, param, grad)
        })
    }

    fn update(&mut self, name: &str, parameter: &mut Tensor<T>, gradient: &Tensor<T>) -> Result<()> {
        with_elements("adadelta", parameter, gradient, |param, grad| self.moved(name, param, grad))
    }

    fn name(&self) -> &'static str {
        "adadelta"
    }

    fn learning_rate(&self) -> f64 {
        self.options.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.options.learning_rate = learning_rate;
    }

    fn momentum(&self) -> f64 {
        0.0
    }

    fn set_momentum(&mut self, _: f64) {}

    fn state(&self) -> OptimizerState<T> {
        let steps = self.steps.iter().map(|(name, &step)| (format!("{name}.step"), step as f64));
        let named = |kind: &'static str, tensors: &BTreeMap<String, Tensor<T>>| {
            tensors
                .iter()
                .map(|(name, tensor)| (format!("{name}.{kind}"), tensor.clone()))
                .collect::<Vec<_>>()
        };
        OptimizerState {
            scalars: steps.chain([("learning_rate".to_owned(), self.options.learning_rate)]).collect(),
            tensors: named("square_avg", &self.square_avg)
                .into_iter()
                .chain(named("acc_delta", &self.acc_delta))
                .collect(),
        }
    }

    fn load_state(&mut self, state: OptimizerState<T>) -> Result<()> {
        let foreign = |name: &str| {
            Error::value("adadelta", format!("the saved state holds {name}, which is not adadelta's"))
        };
        let mut loaded = self.options.build()?;
        loaded.options.learning_rate = scalar("adadelta", &state.scalars, "learning_rate")?;
        for (name, value) in state.scalars {
            if let Some(parameter) = name.strip_suffix(".step") {
                loaded.steps.insert(parameter.to_owned(), value as u64);
            } else if name != "learning_rate" {
                return Err(foreign(&name));
            }
        }
        for (name, tensor) in state.tensors {
            let (parameter, memories) = match name.rsplit_once('.') {
                Some((parameter, "square_avg")) => (parameter, &mut loaded.square_avg),
                Some((parameter, "acc_delta")) => (parameter, &mut loaded.acc_delta),
                _ => return Err(foreign(&name)),
            };
            memories.insert(parameter.to_owned(), tensor);
        }
        *self = loaded;
        Ok(())
    }
}
