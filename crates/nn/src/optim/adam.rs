//! Adam, and AdamW, which shrinks weights apart from the gradient.

use barehand_kernels::optimizer::{AdamStep, Step};

use super::rule::{ByRule, Moment, Rule, common, options};
use super::{check, check_betas};
use crate::Result;

/// Adam (Kingma and Ba 2015; `torch.optim.Adam`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g²
/// param = param - learning_rate * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)
/// ```
pub type Adam<T = f32> = ByRule<AdamBuilder, T>;

options! {
    /// The options of [`Adam`] and [`AdamW`].
    AdamBuilder {
        /// Decay of the gradient's mean, and of its mean square. Default 0.9 and 0.999.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the denominator. Default 1e-8.
        eps: f64 = 1e-8,
        /// Weight decay. Default 0 for Adam, 0.01 for AdamW.
        weight_decay: f64 = 0.0,
        /// Whether weight decay shrinks the parameter itself instead of joining the gradient. Default false for Adam, true
        /// for AdamW.
        decoupled_weight_decay: bool = false,
        /// Whether to divide by the largest mean square so far (Reddi et al. 2018). Default false.
        amsgrad: bool = false,
    }
}

impl Adam {
    /// Adam with betas (0.9, 0.999), eps 1e-8 and no weight decay: set options, then [`build`](AdamBuilder::build) it.
    /// PyTorch's default rate is 1e-3.
    pub fn builder(learning_rate: f64) -> AdamBuilder {
        AdamBuilder::new(learning_rate)
    }
}

/// [`Adam`] whose weight decay shrinks the parameter itself, param (1 - learning_rate weight_decay), instead of joining
/// the gradient (Loshchilov and Hutter 2019; `torch.optim.AdamW`).
pub struct AdamW;

impl AdamW {
    /// AdamW with a weight decay of 0.01, and [`Adam`]'s other defaults.
    pub fn builder(learning_rate: f64) -> AdamBuilder {
        AdamBuilder::new(learning_rate).weight_decay(0.01).decoupled_weight_decay(true)
    }
}

impl Rule for AdamBuilder {
    const ARRAYS: &'static [&'static str] = &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];

    common!();

    fn name(&self) -> &'static str {
        if self.decoupled_weight_decay { "adamw" } else { "adam" }
    }

    fn validate(&self) -> Result<()> {
        let name = self.name();
        check(self.common.learning_rate >= 0.0, name, "learning rate", self.common.learning_rate)?;
        check(self.eps >= 0.0, name, "epsilon value", self.eps)?;
        check_betas(name, self.betas)?;
        check(self.weight_decay >= 0.0, name, "weight_decay value", self.weight_decay)
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(0.0), Some(0.0), self.amsgrad.then_some(0.0)]
    }

    fn step(&self, moment: &mut Moment) -> Step {
        let Self { common, betas, eps, weight_decay, decoupled_weight_decay, amsgrad } = *self;
        Step::Adam(AdamStep {
            lr: common.learning_rate,
            beta1: betas.0,
            beta2: betas.1,
            eps,
            weight_decay,
            decoupled: decoupled_weight_decay,
            amsgrad,
            maximize: common.maximize,
            step: moment.step,
        })
    }

    fn momentum(&mut self) -> Option<(&'static str, &mut f64)> {
        Some(("beta1", &mut self.betas.0))
    }
}
