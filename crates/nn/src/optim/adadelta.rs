//! Adadelta, which measures its steps by the steps before.

use barehand_kernels::optimizer::{AdadeltaStep, Step};

use super::check;
use super::rule::{ByRule, Moment, Rule, common, options};
use crate::Result;

/// Adadelta (Zeiler 2012; `torch.optim.Adadelta`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// s = rho s + (1 - rho) g²
/// d = sqrt(u + eps) / sqrt(s + eps) * g
/// u = rho u + (1 - rho) d²
/// param = param - learning_rate * d
/// ```
pub type Adadelta<T = f32> = ByRule<AdadeltaBuilder, T>;

options! {
    /// The options of [`Adadelta`].
    AdadeltaBuilder {
        /// Decay of the mean squares of gradients and of steps. Default 0.9.
        rho: f64 = 0.9,
        /// Added to both mean squares inside their roots. Default 1e-6.
        eps: f64 = 1e-6,
        /// L2 penalty. Default 0.
        weight_decay: f64 = 0.0,
    }
}

impl Adadelta {
    /// Adadelta with rho 0.9, eps 1e-6 and no weight decay: set options, then [`build`](AdadeltaBuilder::build) it.
    /// PyTorch's default rate is 1.
    pub fn builder(learning_rate: f64) -> AdadeltaBuilder {
        AdadeltaBuilder::new(learning_rate)
    }
}

impl Rule for AdadeltaBuilder {
    const ARRAYS: &'static [&'static str] = &["square_avg", "acc_delta"];

    common!();

    fn name(&self) -> &'static str {
        "adadelta"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "adadelta", "learning rate", self.common.learning_rate)?;
        check((0.0..=1.0).contains(&self.rho), "adadelta", "rho value", self.rho)?;
        check(self.eps >= 0.0, "adadelta", "epsilon value", self.eps)?;
        check(self.weight_decay >= 0.0, "adadelta", "weight_decay value", self.weight_decay)
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(0.0), Some(0.0), None]
    }

    fn step(&self, _: &mut Moment) -> Step {
        let Self { common, rho, eps, weight_decay } = *self;
        Step::Adadelta(AdadeltaStep {
            lr: common.learning_rate,
            rho,
            eps,
            weight_decay,
            maximize: common.maximize,
        })
    }
}
