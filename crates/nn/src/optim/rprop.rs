//! Rprop, which looks at the signs of gradients only.

use barehand_kernels::optimizer::{RpropStep, Step};

use super::check;
use super::rule::{ByRule, Moment, Rule, common, options};
use crate::{Error, Result};

/// Resilient backpropagation (Riedmiller and Braun 1993; `torch.optim.Rprop`), for gradients of the whole data set:
///
/// ```text
/// g = gradient                                   (negated to maximize)
/// size = size * etas.1 where g has the sign of the gradient before, * etas.0 where it has the other, within step_sizes
/// g = 0 where it has the other
/// param = param - sign(g) * size                 (the sizes begin with learning_rate)
/// ```
pub type Rprop<T = f32> = ByRule<RpropBuilder, T>;

options! {
    /// The options of [`Rprop`].
    RpropBuilder {
        /// What shrinks a step size, and what lets it grow. Default 0.5 and 1.2.
        etas: (f64, f64) = (0.5, 1.2),
        /// The smallest and the largest step size. Default 1e-6 and 50.
        step_sizes: (f64, f64) = (1e-6, 50.0),
    }
}

impl Rprop {
    /// Rprop with etas (0.5, 1.2) and step sizes from 1e-6 to 50: set options, then [`build`](RpropBuilder::build) it.
    /// PyTorch's default rate, which is the first step size, is 0.01.
    pub fn builder(learning_rate: f64) -> RpropBuilder {
        RpropBuilder::new(learning_rate)
    }
}

impl Rule for RpropBuilder {
    const ARRAYS: &'static [&'static str] = &["prev", "step_size"];

    common!();

    fn name(&self) -> &'static str {
        "rprop"
    }

    fn validate(&self) -> Result<()> {
        check(self.common.learning_rate >= 0.0, "rprop", "learning rate", self.common.learning_rate)?;
        let (minus, plus) = self.etas;
        if !(0.0 < minus && minus < 1.0 && 1.0 < plus) {
            return Err(Error::value("rprop", format!("Invalid eta values: {minus}, {plus}")));
        }
        Ok(())
    }

    fn beginnings(&self) -> [Option<f64>; 3] {
        [Some(0.0), Some(self.common.learning_rate), None]
    }

    fn step(&self, _: &mut Moment) -> Step {
        let Self { common, etas, step_sizes } = *self;
        Step::Rprop(RpropStep {
            eta_minus: etas.0,
            eta_plus: etas.1,
            smallest: step_sizes.0,
            largest: step_sizes.1,
            maximize: common.maximize,
        })
    }
}
