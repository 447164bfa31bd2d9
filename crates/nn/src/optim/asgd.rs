//! Averaged stochastic gradient descent.

use barehand_kernels::optimizer::{AsgdStep, Step};

use super::check;
use super::rule::{ByRule, Moment, Rule, common, options};
use crate::Result;

/// Averaged stochastic gradient descent (Polyak and Juditsky 1992; `torch.optim.ASGD`):
///
/// ```text
/// g = gradient + weight_decay * param            (gradient negated to maximize)
/// param = param (1 - lambd eta) - eta g
/// ax = param where mu = 1, else ax + mu (param - ax)
/// eta = learning_rate / (1 + lambd learning_rate t)^alpha       for the next step; of the first it is the learning rate
/// mu = 1 / max(1, t - t0)                                       and of the first it is 1
/// ```
///
/// The averages are in the state, under `ax`; the model holds the parameters themselves, as PyTorch's does.
pub type Asgd<T = f32> = ByRule<AsgdBuilder, T>;

options! {
    /// The options of [`Asgd`].
    AsgdBuilder {
        /// Pull towards zero, apart from the gradient. Default 1e-4.
        lambd: f64 = 1e-4,
        /// Power of the rate's decay. Default 0.75.
        alpha: f64 = 0.75,
        /// The step from which on parameters are averaged. Default 1e6.
        t0: f64 = 1e6,
        /// L2 penalty. Default 0.
        weight_decay: f64 = 0.0,
    }
}

impl Asgd {
    /// Averaged descent with lambd 1e-4, alpha 0.75 and t0 1e6: set options, then [`build`](AsgdBuilder::build) it.
    /// PyTorch's default rate is 0.01.
    pub fn builder(learning_rate: f64) -> AsgdBuilder {
        AsgdBuilder::new(learning_rate)
    }
}

impl Rule for AsgdBuilder {
    const ARRAYS: &'static [&'static str] = &["ax"];
    const NUMBERS: &'static [&'static str] = &["eta", "mu"];

    common!();

    fn name(&self) -> &'static str {
        "asgd"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "asgd", "learning rate", self.common.learning_rate)?;
        check(self.lambd >= 0.0, "asgd", "lambd value", self.lambd)?;
        check(self.alpha >= 0.0, "asgd", "alpha value", self.alpha)?;
        check(self.weight_decay >= 0.0, "asgd", "weight_decay value", self.weight_decay)
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(0.0), None, None]
    }

    fn step(&self, moment: &mut Moment) -> Step {
        let Self { common, lambd, alpha, t0, weight_decay } = *self;
        let (lr, t) = (common.learning_rate, moment.step as f64);
        let [eta, mu] = if moment.step == 1 { [lr, 1.0] } else { moment.numbers };
        moment.numbers = [lr / (1.0 + lambd * lr * t).powf(alpha), 1.0 / (t - t0).max(1.0)];
        Step::Asgd(AsgdStep { eta, lambd, mu, weight_decay, maximize: common.maximize })
    }
}
