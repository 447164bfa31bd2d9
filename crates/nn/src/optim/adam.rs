//! Adam, and AdamW, which shrinks weights apart from the gradient.

use std::collections::BTreeMap;

use barehand_kernels::optimizer::AdamStep;

use super::{Optimizer, OptimizerState, check, for_each_trained, memory, scalar, with_elements};
use crate::{Error, Float, Gradients, Parameters, Result, Tensor};

/// Adam (Kingma and Ba 2015; `torch.optim.Adam`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g²
/// param = param - learning_rate * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)
/// ```
pub struct Adam<T: Float = f32> {
    options: AdamBuilder,
    steps: BTreeMap<String, u64>,
    exp_avg: BTreeMap<String, Tensor<T>>,
    exp_avg_sq: BTreeMap<String, Tensor<T>>,
    max_exp_avg_sq: BTreeMap<String, Tensor<T>>,
}

impl Adam {
    /// Adam with betas (0.9, 0.999), eps 1e-8 and no weight decay: set options, then [`build`](AdamBuilder::build) it.
    /// PyTorch's default rate is 1e-3.
    pub fn builder(learning_rate: f64) -> AdamBuilder {
        AdamBuilder {
            learning_rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            amsgrad: false,
            maximize: false,
            strict: true,
        }
    }
}

/// [`Adam`] whose weight decay shrinks the parameter itself, param (1 - learning_rate weight_decay), instead of joining
/// the gradient (Loshchilov and Hutter 2019; `torch.optim.AdamW`).
pub struct AdamW;

impl AdamW {
    /// AdamW with a weight decay of 0.01, and [`Adam`]'s other defaults.
    pub fn builder(learning_rate: f64) -> AdamBuilder {
        AdamBuilder { weight_decay: 0.01, decoupled: true, ..Adam::builder(learning_rate) }
    }
}

/// The options of [`Adam`] and [`AdamW`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct AdamBuilder {
    learning_rate: f64,
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    decoupled: bool,
    amsgrad: bool,
    maximize: bool,
    strict: bool,
}

impl AdamBuilder {
    /// Decay of the gradient's mean, and of its mean square. Default 0.9 and 0.999.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        self.betas = (beta1, beta2);
        self
    }

    /// Added to the denominator. Default 1e-8.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Weight decay. Default 0 for Adam, 0.01 for AdamW.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Whether to divide by the largest mean square so far (Reddi et al. 2018). Default false.
    pub fn amsgrad(mut self, amsgrad: bool) -> Self {
        self.amsgrad = amsgrad;
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

    fn rule(&self) -> &'static str {
        if self.decoupled { "adamw" } else { "adam" }
    }

    /// The optimizer.
    ///
    /// # Errors
    /// As PyTorch: a rate, eps or weight decay below 0, or a beta outside [0, 1).
    pub fn build<T: Float>(self) -> Result<Adam<T>> {
        self.validate()?;
        Ok(Adam {
            options: self,
            steps: BTreeMap::new(),
            exp_avg: BTreeMap::new(),
            exp_avg_sq: BTreeMap::new(),
            max_exp_avg_sq: BTreeMap::new(),
        })
    }

    fn validate(&self) -> Result<()> {
        let rule = self.rule();
        check(self.learning_rate >= 0.0, rule, "learning rate", self.learning_rate)?;
        check(self.eps >= 0.0, rule, "epsilon value", self.eps)?;
        check((0.0..1.0).contains(&self.betas.0), rule, "beta parameter at index 0", self.betas.0)?;
        check((0.0..1.0).contains(&self.betas.1), rule, "beta parameter at index 1", self.betas.1)?;
        check(self.weight_decay >= 0.0, rule, "weight_decay value", self.weight_decay)
    }
}

impl<T: Float> Adam<T> {
    /// Goes on with other options, and the moments of before.
    ///
    /// # Errors
    /// As [`AdamBuilder::build`]; the options of before then stay.
    pub fn set_options(&mut self, options: AdamBuilder) -> Result<()> {
        options.validate()?;
        self.options = options;
        Ok(())
    }

    fn moved(&mut self, name: &str, param: &mut Tensor<T>, grad: &[T]) -> Result<()> {
        let rule = self.options.rule();
        let AdamBuilder { learning_rate, betas, eps, weight_decay, decoupled, amsgrad, maximize, .. } =
            self.options;
        let m = memory(rule, &mut self.exp_avg, name, param)?;
        let v = memory(rule, &mut self.exp_avg_sq, name, param)?;
        let v_max = if amsgrad { Some(memory(rule, &mut self.max_exp_avg_sq, name, param)?) } else { None };
        if !self.steps.contains_key(name) {
            self.steps.insert(name.to_owned(), 0);
        }
        let taken = self.steps.get_mut(name).expect("inserted above");
        *taken += 1;
        let step = AdamStep {
            lr: learning_rate,
            beta1: betas.0,
            beta2: betas.1,
            eps,
            weight_decay,
            decoupled,
            amsgrad,
            maximize,
            step: *taken,
        };
        T::adam(&step, param.data_mut(), grad, m, v, v_max, T::from_real(1.0));
        Ok(())
    }
}

impl<T: Float> Optimizer<T> for Adam<T> {
    fn step(&mut self, model: &mut dyn Parameters<T>, gradients: &Gradients<T>) -> Result<()> {
        let AdamBuilder { strict, .. } = self.options;
        let rule = self.options.rule();
        for_each_trained(rule, model, gradients, strict, |name, param, grad| self.moved(name, param, grad))
    }

    fn update(&mut self, name: &str, parameter: &mut Tensor<T>, gradient: &Tensor<T>) -> Result<()> {
        with_elements(self.options.rule(), parameter, gradient, |param, grad| self.moved(name, param, grad))
    }

    fn name(&self) -> &'static str {
        self.options.rule()
    }

    fn learning_rate(&self) -> f64 {
        self.options.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.options.learning_rate = learning_rate;
    }

    fn momentum(&self) -> f64 {
        self.options.betas.0
    }

    fn set_momentum(&mut self, momentum: f64) {
        self.options.betas.0 = momentum;
    }

    fn state(&self) -> OptimizerState<T> {
        let rates = [("learning_rate", self.options.learning_rate), ("beta1", self.options.betas.0)];
        let rates = rates.map(|(name, value)| (name.to_owned(), value));
        let steps = self.steps.iter().map(|(name, &step)| (format!("{name}.step"), step as f64));
        let named = |kind: &'static str, tensors: &BTreeMap<String, Tensor<T>>| {
            tensors
                .iter()
                .map(|(name, tensor)| (format!("{name}.{kind}"), tensor.clone()))
                .collect::<Vec<_>>()
        };
        OptimizerState {
            scalars: rates.into_iter().chain(steps).collect(),
            tensors: named("exp_avg", &self.exp_avg)
                .into_iter()
                .chain(named("exp_avg_sq", &self.exp_avg_sq))
                .chain(named("max_exp_avg_sq", &self.max_exp_avg_sq))
                .collect(),
        }
    }

    fn load_state(&mut self, state: OptimizerState<T>) -> Result<()> {
        let rule = self.options.rule();
        let foreign =
            |name: &str| Error::value(rule, format!("the saved state holds {name}, which is not {rule}'s"));
        let mut loaded = self.options.build()?;
        loaded.options.learning_rate = scalar(rule, &state.scalars, "learning_rate")?;
        loaded.options.betas.0 = scalar(rule, &state.scalars, "beta1")?;
        for (name, value) in state.scalars {
            if let Some(parameter) = name.strip_suffix(".step") {
                loaded.steps.insert(parameter.to_owned(), value as u64);
            } else if name != "learning_rate" && name != "beta1" {
                return Err(foreign(&name));
            }
        }
        for (name, tensor) in state.tensors {
            let (parameter, memories) = match name.rsplit_once('.') {
                Some((parameter, "exp_avg")) => (parameter, &mut loaded.exp_avg),
                Some((parameter, "exp_avg_sq")) => (parameter, &mut loaded.exp_avg_sq),
                Some((parameter, "max_exp_avg_sq")) => (parameter, &mut loaded.max_exp_avg_sq),
                _ => return Err(foreign(&name)),
            };
            memories.insert(parameter.to_owned(), tensor);
        }
        *self = loaded;
        Ok(())
    }
}
