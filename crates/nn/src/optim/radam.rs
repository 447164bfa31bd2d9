//! RAdam, Adam that waits with its adaptive rate until the mean square rests on enough gradients.

use barehand_kernels::optimizer::{RadamStep, Step};

use super::rule::{ByRule, Moment, Rule, common, options};
use super::{check, check_betas};
use crate::Result;

/// Rectified Adam (Liu et al. 2020; `torch.optim.RAdam`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g²
/// rho_inf = 2 / (1 - beta2) - 1
/// rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
/// r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
/// u = r sqrt(1 - beta2^t) / (sqrt(v) + eps) where rho > 5, else 1
/// param = param - learning_rate * m / (1 - beta1^t) * u
/// ```
pub type RAdam<T = f32> = ByRule<RAdamBuilder, T>;

options! {
    /// The options of [`RAdam`].
    RAdamBuilder {
        /// Decay of the gradient's mean, and of its mean square. Default 0.9 and 0.999.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the denominator. Default 1e-8.
        eps: f64 = 1e-8,
        /// Weight decay. Default 0.
        weight_decay: f64 = 0.0,
        /// Whether weight decay shrinks the parameter itself instead of joining the gradient. Default false.
        decoupled_weight_decay: bool = false,
    }
}

impl RAdam {
    /// RAdam with betas (0.9, 0.999), eps 1e-8 and no weight decay: set options, then [`build`](RAdamBuilder::build) it.
    /// PyTorch's default rate is 1e-3.
    pub fn builder(learning_rate: f64) -> RAdamBuilder {
        RAdamBuilder::new(learning_rate)
    }
}

impl Rule for RAdamBuilder {
    const ARRAYS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];

    common!();

    fn name(&self) -> &'static str {
        "radam"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "radam", "learning rate", self.common.learning_rate)?;
        check(self.eps >= 0.0, "radam", "epsilon value", self.eps)?;
        check_betas("radam", self.betas)?;
        check(self.weight_decay >= 0.0, "radam", "weight_decay value", self.weight_decay)
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(0.0), Some(0.0), None]
    }

    fn step(&self, moment: &mut Moment) -> Step {
        let Self { common, betas, eps, weight_decay, decoupled_weight_decay } = *self;
        Step::Radam(RadamStep {
            lr: common.learning_rate,
            beta1: betas.0,
            beta2: betas.1,
            eps,
            weight_decay,
            decoupled: decoupled_weight_decay,
            maximize: common.maximize,
            step: moment.step,
        })
    }

    fn momentum(&mut self) -> Option<(&'static str, &mut f64)> {
        Some(("beta1", &mut self.betas.0))
    }
}
