//! NAdam, Adam with Nesterov momentum.

use barehand_kernels::optimizer::{NadamStep, Step};

use super::rule::{ByRule, Moment, Rule, common, options};
use super::{check, check_betas};
use crate::Result;

/// NAdam (Dozat 2016; `torch.optim.NAdam`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g²
/// mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2),  M(t) = mu(1) ... mu(t)
/// d = sqrt(v / (1 - beta2^t)) + eps
/// param = param - learning_rate ((1 - mu(t)) / (1 - M(t)) * g + mu(t + 1) / (1 - M(t + 1)) * m) / d
/// ```
pub type NAdam<T = f32> = ByRule<NAdamBuilder, T>;

options! {
    /// The options of [`NAdam`].
    NAdamBuilder {
        /// Decay of the gradient's mean, and of its mean square. Default 0.9 and 0.999.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the denominator. Default 1e-8.
        eps: f64 = 1e-8,
        /// Weight decay. Default 0.
        weight_decay: f64 = 0.0,
        /// How fast the momentum grows to beta1. Default 4e-3.
        momentum_decay: f64 = 4e-3,
        /// Whether weight decay shrinks the parameter itself instead of joining the gradient. Default false.
        decoupled_weight_decay: bool = false,
    }
}

impl NAdam {
    /// NAdam with betas (0.9, 0.999), eps 1e-8, momentum decay 4e-3 and no weight decay: set options, then
    /// [`build`](NAdamBuilder::build) it. PyTorch's default rate is 2e-3.
    pub fn builder(learning_rate: f64) -> NAdamBuilder {
        NAdamBuilder::new(learning_rate)
    }
}

impl Rule for NAdamBuilder {
    const ARRAYS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];
    const NUMBERS: &'static [&'static str] = &["mu_product"];

    common!();

    fn name(&self) -> &'static str {
        "nadam"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "nadam", "learning rate", self.common.learning_rate)?;
        check(self.eps >= 0.0, "nadam", "epsilon value", self.eps)?;
        check_betas("nadam", self.betas)?;
        check(self.weight_decay >= 0.0, "nadam", "weight_decay value", self.weight_decay)?;
        check(self.momentum_decay >= 0.0, "nadam", "momentum_decay value", self.momentum_decay)
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(0.0), Some(0.0), None]
    }

    fn step(&self, moment: &mut Moment) -> Step {
        let Self { common, betas, eps, weight_decay, momentum_decay, decoupled_weight_decay } = *self;
        let [before, _] = if moment.step == 1 { [1.0, 0.0] } else { moment.numbers };
        let mu_product = before * NadamStep::mu(betas.0, momentum_decay, moment.step);
        moment.numbers[0] = mu_product;
        Step::Nadam(NadamStep {
            lr: common.learning_rate,
            beta1: betas.0,
            beta2: betas.1,
            eps,
            weight_decay,
            momentum_decay,
            decoupled: decoupled_weight_decay,
            maximize: common.maximize,
            step: moment.step,
            mu_product,
        })
    }

    fn momentum(&mut self) -> Option<(&'static str, &mut f64)> {
        Some(("beta1", &mut self.betas.0))
    }
}
