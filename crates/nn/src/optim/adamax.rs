//! Adamax, Adam by the largest gradient instead of the mean square.

use barehand_kernels::optimizer::{AdamaxStep, Step};

use super::rule::{ByRule, Moment, Rule, common, options};
use super::{check, check_betas};
use crate::Result;

/// Adamax (Kingma and Ba 2015; `torch.optim.Adamax`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// m = beta1 m + (1 - beta1) g
/// u = max(beta2 u, |g| + eps)
/// param = param - learning_rate / (1 - beta1^t) * m / u
/// ```
pub type Adamax<T = f32> = ByRule<AdamaxBuilder, T>;

options! {
    /// The options of [`Adamax`].
    AdamaxBuilder {
        /// Decay of the gradient's mean, and of its largest size. Default 0.9 and 0.999.
        betas: (f64, f64) = (0.9, 0.999),
        /// Added to the gradient's size. Default 1e-8.
        eps: f64 = 1e-8,
        /// L2 penalty. Default 0.
        weight_decay: f64 = 0.0,
    }
}

impl Adamax {
    /// Adamax with betas (0.9, 0.999), eps 1e-8 and no weight decay: set options, then [`build`](AdamaxBuilder::build) it.
    /// PyTorch's default rate is 2e-3.
    pub fn builder(learning_rate: f64) -> AdamaxBuilder {
        AdamaxBuilder::new(learning_rate)
    }
}

impl Rule for AdamaxBuilder {
    const ARRAYS: &'static [&'static str] = &["exp_avg", "exp_inf"];

    common!();

    fn name(&self) -> &'static str {
        "adamax"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "adamax", "learning rate", self.common.learning_rate)?;
        check(self.eps >= 0.0, "adamax", "epsilon value", self.eps)?;
        check_betas("adamax", self.betas)?;
        check(self.weight_decay >= 0.0, "adamax", "weight_decay value", self.weight_decay)
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(0.0), Some(0.0), None]
    }

    fn step(&self, moment: &mut Moment) -> Step {
        let Self { common, betas, eps, weight_decay } = *self;
        Step::Adamax(AdamaxStep {
            lr: common.learning_rate,
            beta1: betas.0,
            beta2: betas.1,
            eps,
            weight_decay,
            maximize: common.maximize,
            step: moment.step,
        })
    }

    fn momentum(&mut self) -> Option<(&'static str, &mut f64)> {
        Some(("beta1", &mut self.betas.0))
    }
}
