//! Adagrad, whose steps shrink where gradients have been large.

use barehand_kernels::optimizer::{AdagradStep, Step};

use super::check;
use super::rule::{ByRule, Moment, Rule, common, options};
use crate::Result;

/// Adagrad (Duchi, Hazan and Singer 2011; `torch.optim.Adagrad`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// s = s + g²                                     (s begins with initial_accumulator_value)
/// param = param - learning_rate / (1 + (t - 1) lr_decay) * g / (sqrt(s) + eps)
/// ```
pub type Adagrad<T = f32> = ByRule<AdagradBuilder, T>;

options! {
    /// The options of [`Adagrad`].
    AdagradBuilder {
        /// How fast the rate falls. Default 0.
        lr_decay: f64 = 0.0,
        /// L2 penalty. Default 0.
        weight_decay: f64 = 0.0,
        /// What the sums of squares begin with. Default 0.
        initial_accumulator_value: f64 = 0.0,
        /// Added to the denominator. Default 1e-10.
        eps: f64 = 1e-10,
    }
}

impl Adagrad {
    /// Adagrad with eps 1e-10, a constant rate and no weight decay: set options, then [`build`](AdagradBuilder::build) it.
    /// PyTorch's default rate is 0.01.
    pub fn builder(learning_rate: f64) -> AdagradBuilder {
        AdagradBuilder::new(learning_rate)
    }
}

impl Rule for AdagradBuilder {
    const ARRAYS: &'static [&'static str] = &["sum"];

    common!();

    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "adagrad", "learning rate", self.common.learning_rate)?;
        check(self.lr_decay >= 0.0, "adagrad", "lr_decay value", self.lr_decay)?;
        check(self.weight_decay >= 0.0, "adagrad", "weight_decay value", self.weight_decay)?;
        let start = self.initial_accumulator_value;
        check(start >= 0.0, "adagrad", "initial_accumulator_value value", start)?;
        check(self.eps >= 0.0, "adagrad", "epsilon value", self.eps)
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(self.initial_accumulator_value), None, None]
    }

    fn step(&self, moment: &mut Moment) -> Step {
        let Self { common, lr_decay, weight_decay, eps, .. } = *self;
        Step::Adagrad(AdagradStep {
            lr: common.learning_rate,
            lr_decay,
            eps,
            weight_decay,
            maximize: common.maximize,
            step: moment.step,
        })
    }
}
