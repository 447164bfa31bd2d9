//! RMSprop, which divides by the root of the gradient's mean square.

use barehand_kernels::optimizer::{RmspropStep, Step};

use super::check;
use super::rule::{ByRule, Moment, Rule, common, options};
use crate::Result;

/// RMSprop (Hinton 2012; centered: Graves 2013; `torch.optim.RMSprop`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// s = alpha s + (1 - alpha) g²
/// a = alpha a + (1 - alpha) g                    (centered)
/// d = sqrt(s) + eps, or centered  sqrt(s - a²) + eps
/// v = momentum v + g / d                         (with a momentum)
/// param = param - learning_rate * (v, or without a momentum g / d)
/// ```
///
/// Where rounding makes s - a² negative it counts as 0; PyTorch's parameter then is NaN.
pub type RMSprop<T = f32> = ByRule<RMSpropBuilder, T>;

options! {
    /// The options of [`RMSprop`].
    RMSpropBuilder {
        /// Decay of the means. Default 0.99.
        alpha: f64 = 0.99,
        /// Added to the denominator. Default 1e-8.
        eps: f64 = 1e-8,
        /// L2 penalty. Default 0.
        weight_decay: f64 = 0.0,
        /// Share of the last velocity that is kept. Default 0.
        momentum: f64 = 0.0,
        /// Whether to divide by the deviation from the mean instead of from 0. Default false.
        centered: bool = false,
    }
}

impl RMSprop {
    /// RMSprop with alpha 0.99, eps 1e-8, neither momentum nor weight decay: set options, then
    /// [`build`](RMSpropBuilder::build) it. PyTorch's default rate is 0.01.
    pub fn builder(learning_rate: f64) -> RMSpropBuilder {
        RMSpropBuilder::new(learning_rate)
    }
}

impl Rule for RMSpropBuilder {
    const ARRAYS: &'static [&'static str] = &["square_avg", "momentum_buffer", "grad_avg"];

    common!();

    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "rmsprop", "learning rate", self.common.learning_rate)?;
        check(self.eps >= 0.0, "rmsprop", "epsilon value", self.eps)?;
        check(self.momentum >= 0.0, "rmsprop", "momentum value", self.momentum)?;
        check(self.weight_decay >= 0.0, "rmsprop", "weight_decay value", self.weight_decay)?;
        check(self.alpha >= 0.0, "rmsprop", "alpha value", self.alpha)
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(0.0), (self.momentum > 0.0).then_some(0.0), self.centered.then_some(0.0)]
    }

    fn step(&self, _: &mut Moment) -> Step {
        let Self { common, alpha, eps, weight_decay, momentum, centered } = *self;
        Step::Rmsprop(RmspropStep {
            lr: common.learning_rate,
            alpha,
            eps,
            weight_decay,
            momentum,
            centered,
            maximize: common.maximize,
        })
    }

    fn momentum(&mut self) -> Option<(&'static str, &mut f64)> {
        Some(("momentum", &mut self.momentum))
    }
}
