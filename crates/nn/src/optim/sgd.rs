//! Stochastic gradient descent.

use barehand_kernels::optimizer::{SgdStep, Step};

use super::check;
use super::rule::{ByRule, Moment, Rule, common, options};
use crate::{Error, Result};

/// Stochastic gradient descent (`torch.optim.SGD`), with momentum in its three forms:
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// v = g on the first step, else momentum * v + (1 - dampening) * g
/// param = param - learning_rate * (g + momentum * v if nesterov, else v)
/// ```
pub type Sgd<T = f32> = ByRule<SgdBuilder, T>;

options! {
    /// The options of [`Sgd`].
    SgdBuilder {
        /// Share of the last velocity that is kept. Default 0.
        momentum: f64 = 0.0,
        /// Share of the gradient that is kept from the velocity. Default 0.
        dampening: f64 = 0.0,
        /// L2 penalty. Default 0.
        weight_decay: f64 = 0.0,
        /// Whether to look ahead along the velocity. Default false. Needs a momentum, and no dampening.
        nesterov: bool = false,
    }
}

impl Sgd {
    /// Plain gradient descent: set options, then [`build`](SgdBuilder::build) it. PyTorch's default rate is 1e-3.
    pub fn builder(learning_rate: f64) -> SgdBuilder {
        SgdBuilder::new(learning_rate)
    }
}

impl Rule for SgdBuilder {
    const ARRAYS: &'static [&'static str] = &["momentum_buffer"];
    const COUNTED: bool = false;

    common!();

    fn name(&self) -> &'static str {
        "sgd"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "sgd", "learning rate", self.common.learning_rate)?;
        check(self.momentum >= 0.0, "sgd", "momentum value", self.momentum)?;
        check(self.weight_decay >= 0.0, "sgd", "weight_decay value", self.weight_decay)?;
        if self.nesterov && (self.momentum <= 0.0 || self.dampening != 0.0) {
            return Err(Error::value("sgd", "Nesterov momentum requires a momentum and zero dampening"));
        }
        Ok(())
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [(self.momentum != 0.0).then_some(0.0), None, None]
    }

    fn step(&self, moment: &mut Moment) -> Step {
        let Self { common, momentum, dampening, weight_decay, nesterov } = *self;
        Step::Sgd(SgdStep {
            lr: common.learning_rate,
            momentum,
            dampening,
            weight_decay,
            nesterov,
            maximize: common.maximize,
            first: moment.fresh,
        })
    }

    fn momentum(&mut self) -> Option<(&'static str, &mut f64)> {
        Some(("momentum", &mut self.momentum))
    }
}
